package org.sae4j.engine.cpu.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/** Steps of dense products and of the selections that can be fused with them. */
final class ProductSteps {
    /** Rows whose pre-activations a fused selection holds at a time. */
    static final int FUSED_ROWS = 96;
    /** Right panels that a fused product works through before the next block of the reduction. */
    static final int FUSED_PANELS = 8;

    /** Rows of a product up to which an unpacked right operand is faster. */
    private static final int FEW_ROWS = 4;
    /** Columns of a task of such a product. */
    private static final int FEW_COLUMNS = 128;

    /** Rows of a task that selects from a matrix. */
    private static final int SELECT_ROWS = 16;

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
        if (o.out().rows() <= FEW_ROWS && !o.transposeB() && o.b().role() != Buffer.Role.WEIGHT) {
            return fewRows(o, out, bias);
        }
        return () -> {
            LeftPanels a = context.panels().left(o.out().rows(), depth);
            a.pack(context.workers(), source);
            context.products().multiply(a, right.get(), out, false, bias, o.function());
        };
    }

    /** Packing the right operand would cost more than these products: its rows are added up where they are, with the same bits. */
    private Step fewRows(Op.MatMul o, float[] out, float @Nullable [] bias) {
        float[] a = storage.floats(o.a());
        float[] b = storage.floats(o.b());
        int depth = depth(o);
        int rows = o.out().rows();
        int columns = o.out().cols();
        int[] all = IntStream.range(0, depth).toArray();
        float[][] factors = new float[rows][depth];
        return () -> {
            for (int k = 0; k < depth; k++) {
                for (int row = 0; row < rows; row++) {
                    factors[row][k] = o.transposeA() ? a[k * rows + row] : a[row * depth + k];
                }
            }
            context.parallel((columns + FEW_COLUMNS - 1) / FEW_COLUMNS, FEW_COLUMNS * depth, (from, to) -> {
                int first = from * FEW_COLUMNS;
                int width = Math.min(to * FEW_COLUMNS, columns) - first;
                for (int row = 0; row < rows; row++) {
                    int at = row * columns + first;
                    context.kernels().weightedSum(factors[row], all, 0, depth, b, columns, first, out, at, width, false);
                    context.kernels().finish(o.function(), out, at, bias, first, width);
                }
            });
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
        Selection selection = selection(op);
        int width = pre.cols();
        return () -> {
            selection.begin();
            int chunk = SELECT_ROWS;
            context.workers().forEach((pre.rows() + chunk - 1) / chunk, (task, slot) -> {
                for (int row = task * chunk; row < Math.min(task * chunk + chunk, pre.rows()); row++) {
                    selection.row(row, x, row * width, slot);
                }
            });
            selection.end();
        };
    }

    private Selection selection(Op op) {
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
            selections.add(selection(select));
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
