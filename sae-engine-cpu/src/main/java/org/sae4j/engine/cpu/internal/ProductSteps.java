package org.sae4j.engine.cpu.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/** Steps of dense products and of the selections that can be fused with them. */
final class ProductSteps {
    /** Rows whose pre-activations a fused selection holds at a time. */
    static final int FUSED_ROWS = 48;
    /** Right panels that a fused product works through before the next block of the reduction. */
    static final int FUSED_PANELS = 8;

    private final Context context;
    private final Storage storage;

    ProductSteps(Context context, Storage storage) {
        this.context = context;
        this.storage = storage;
    }

    Step matMul(Op.MatMul o) {
        LeftPanels.Source source = left(o);
        Supplier<RightPanels> right = right(o);
        float[] out = storage.floats(o.out());
        float @Nullable [] bias = o.bias() == null ? null : storage.floats(o.bias());
        int depth = depth(o);
        return () -> {
            LeftPanels a = context.panels().left(o.out().rows(), depth);
            a.pack(context.workers(), source);
            context.products().multiply(a, right.get(), out, false, bias, o.function());
        };
    }

    private static int depth(Op.MatMul o) {
        return o.transposeA() ? o.a().rows() : o.a().cols();
    }

    private LeftPanels.Source left(Op.MatMul o) {
        float[] a = storage.floats(o.a());
        return o.transposeA() ? LeftPanels.transposed(a, o.a().cols()) : LeftPanels.dense(a, 0, o.a().cols());
    }

    private Supplier<RightPanels> right(Op.MatMul o) {
        if (o.b().role() == Buffer.Role.WEIGHT) {
            RightPanels packed = storage.packed(o.b(), o.transposeB());
            return () -> packed;
        }
        float[] b = storage.floats(o.b());
        return () -> {
            RightPanels panels = context.panels().right(depth(o), o.out().cols());
            panels.pack(context.workers(), b, o.transposeB());
            return panels;
        };
    }

    /** Selections from a matrix that exists. */
    Step select(Op op, Buffer pre) {
        float[] x = storage.floats(pre);
        Selection selection = selection(op, pre);
        int width = pre.cols();
        return () -> {
            selection.begin();
            int chunk = FUSED_ROWS;
            context.workers().forEach((pre.rows() + chunk - 1) / chunk, (task, slot) -> {
                for (int row = task * chunk; row < Math.min(task * chunk + chunk, pre.rows()); row++) {
                    selection.row(row, x, row * width, slot);
                }
            });
            selection.end();
        };
    }

    private Selection selection(Op op, Buffer pre) {
        return switch (op) {
            case Op.Select o -> Selection.of(context, storage, o);
            case Op.GatedSelect o -> Selection.of(context, storage, o);
            default -> throw new IllegalArgumentException("no selection: " + op);
        };
    }

    /** A product that only selections read: never written as a whole. */
    Step fused(Op.MatMul o, List<Op> selects) {
        LeftPanels.Source source = left(o);
        Supplier<RightPanels> right = right(o);
        float @Nullable [] bias = o.bias() == null ? null : storage.floats(o.bias());
        int depth = depth(o);
        int rows = o.out().rows();
        int columns = o.out().cols();
        List<Selection> selections = new ArrayList<>();
        for (Op select : selects) {
            selections.add(selection(select, o.out()));
        }
        float[][] scratch = new float[context.workers().threads()][];
        return () -> {
            RightPanels b = right.get();
            LeftPanels a = context.panels().left(rows, depth);
            a.pack(context.workers(), source);
            Groups groups = a.groups();
            int stride = b.perBlock() * b.width();
            int perTask = FUSED_ROWS / context.kernels().groupRows();
            selections.forEach(Selection::begin);
            context.workers().forEach((groups.count() + perTask - 1) / perTask, (task, slot) -> {
                if (scratch[slot] == null) {
                    scratch[slot] = new float[Math.min(FUSED_ROWS, rows) * stride];
                }
                float[] pre = scratch[slot];
                int from = task * perTask;
                int to = Math.min(from + perTask, groups.count());
                for (int first = 0; first < b.perBlock(); first += FUSED_PANELS) {
                    context.products().multiply(a, from, to, b, first, Math.min(first + FUSED_PANELS, b.perBlock()), pre, 0, stride, stride,
                            false);
                }
                int base = groups.start(from);
                for (int row = base; row < groups.start(to); row++) {
                    int at = (row - base) * stride;
                    context.kernels().finish(o.function(), pre, at, bias, 0, columns);
                    for (Selection selection : selections) {
                        selection.row(row, pre, at, slot);
                    }
                }
            });
            selections.forEach(Selection::end);
        };
    }
}
