package org.sae4j.engine.cpu.internal.steps;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.StoredRows;
import org.sae4j.engine.cpu.internal.memory.LeftPanels;
import org.sae4j.engine.cpu.internal.memory.RightPanels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.memory.Weights;
import org.sae4j.engine.cpu.internal.threads.Step;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** Steps of dense products and of the selections that can be fused with them. */
public final class ProductSteps {
    /** Rows of a product up to which an unpacked right operand is faster. */
    private static final int FEW_ROWS = 4;
    /** Columns of a task of such a product. */
    private static final int FEW_COLUMNS = 128;

    /** Rows of a task that selects from a matrix. */
    private static final int SELECT_ROWS = 16;

    private final Context context;
    private final Storage storage;

    public ProductSteps(Context context, Storage storage) {
        this.context = context;
        this.storage = storage;
    }

    public Step matMul(Op.MatMul o) {
        float[] out = storage.floats(o.out());
        float @Nullable [] bias = o.bias() == null ? null : storage.floats(o.bias());
        StoredRows stored = o.transposeB() && o.b().role() == Buffer.Role.WEIGHT ? storage.stored(o.b()) : null;
        if (stored != null) {
            return new StoredProducts(context, o, storage.floats(o.a()), stored, bias, out).step();
        }
        LeftPanels.Source source = left(o);
        packWeight(o);
        int depth = depth(o);
        if (o.out().rows() <= FEW_ROWS && !o.transposeB() && o.b().role() != Buffer.Role.WEIGHT) {
            return fewRows(o, out, bias);
        }
        return Step.lazily(() -> {
            LeftPanels a = context.panels().left(o.out().rows(), depth);
            Step packLeft = a.packing(context.workers(), source);
            Right right = right(o);
            Step product = context.products().product(a, right.panels(), out, false, bias, o.function());
            return Step.inOrder(packLeft, right.pack(), product);
        });
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
        int chunks = (columns + FEW_COLUMNS - 1) / FEW_COLUMNS;
        Context.Split split = context.split((from, to, slot) -> {
            int first = from * FEW_COLUMNS;
            int width = Math.min(to * FEW_COLUMNS, columns) - first;
            for (int row = 0; row < rows; row++) {
                int at = row * columns + first;
                context.kernels().weightedSum(factors[row], all, 0, depth, b, columns, first, out, at, width, false);
                context.kernels().finish(o.function(), out, at, bias, first, width);
            }
        });
        return () -> {
            for (int k = 0; k < depth; k++) {
                for (int row = 0; row < rows; row++) {
                    factors[row][k] = o.transposeA() ? a[k * rows + row] : a[row * depth + k];
                }
            }
            split.run(chunks, FEW_COLUMNS * depth);
        };
    }

    private static int depth(Op.MatMul o) {
        return o.transposeA() ? o.a().rows() : o.a().cols();
    }

    private LeftPanels.Source left(Op.MatMul o) {
        float[] a = storage.floats(o.a());
        return o.transposeA() ? LeftPanels.transposed(a, 0, o.a().cols()) : LeftPanels.dense(a, 0, o.a().cols());
    }

    /** A right operand and the step that packs it, which for weights is done. */
    private record Right(RightPanels panels, Step pack) {}

    /** Weights are packed when a program is compiled, and shared. */
    private void packWeight(Op.MatMul o) {
        if (o.b().role() == Buffer.Role.WEIGHT) {
            storage.packed(o.b(), o.transposeB());
        }
    }

    private Right right(Op.MatMul o) {
        if (o.b().role() == Buffer.Role.WEIGHT) {
            return new Right(storage.packed(o.b(), o.transposeB()), () -> { });
        }
        RightPanels panels = context.panels().right(depth(o), o.out().cols());
        return new Right(panels, panels.packing(context.workers(), storage.floats(o.b()), o.transposeB()));
    }

    /** Selections from a matrix that exists. */
    public Step select(Op op, Buffer pre) {
        float[] x = storage.floats(pre);
        Selection selection = selection(op);
        int width = pre.cols();
        Workers.Task rows = (task, slot) -> {
            for (int row = task * SELECT_ROWS; row < Math.min(task * SELECT_ROWS + SELECT_ROWS, pre.rows()); row++) {
                selection.row(row, x, row * width, slot);
            }
        };
        return () -> {
            selection.begin();
            context.workers().forEach((pre.rows() + SELECT_ROWS - 1) / SELECT_ROWS, rows);
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
    public Step fused(Op.MatMul o, List<Op> selects) {
        LeftPanels.Source source = left(o);
        packWeight(o);
        float @Nullable [] bias = o.bias() == null ? null : storage.floats(o.bias());
        int depth = depth(o);
        int rows = o.out().rows();
        int columns = o.out().cols();
        List<Selection> selections = new ArrayList<>();
        for (Op select : selects) {
            selections.add(selection(select));
        }
        return Step.lazily(() -> {
            LeftPanels a = context.panels().left(rows, depth);
            Step packLeft = a.packing(context.workers(), source);
            Right right = right(o);
            Step products = context.products().blocks(a, right.panels(), (row, pre, at, slot) -> {
                context.kernels().finish(o.function(), pre, at, bias, 0, columns);
                for (int i = 0; i < selections.size(); i++) {
                    selections.get(i).row(row, pre, at, slot);
                }
            });
            return () -> {
                packLeft.run();
                right.pack().run();
                selections.forEach(Selection::begin);
                products.run();
                selections.forEach(Selection::end);
            };
        });
    }
}
