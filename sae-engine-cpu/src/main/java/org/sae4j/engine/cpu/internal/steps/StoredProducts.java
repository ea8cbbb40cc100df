package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.RowKernels;
import org.sae4j.engine.cpu.internal.kernels.StoredRows;
import org.sae4j.engine.cpu.internal.memory.ChainPanels;
import org.sae4j.engine.cpu.internal.memory.PanelPool;
import org.sae4j.engine.cpu.internal.threads.Step;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** Products with a weight [N, K] that is used transposed, read where it lies in the type that it has. */
final class StoredProducts {
    /** Rows of activations up to which a weight's rows are read anew for each rather than packed once. */
    private static final int FEW_ROWS = 2;
    /** Rows of a weight that a task packs. */
    private static final int PACKED_ROWS = 32;
    /** Tasks for each thread, so that none waits long for another. */
    private static final int TASKS = 8;
    private static final int TILE = RowKernels.TILE_ROWS * RowKernels.TILE_COLUMNS;

    private final Context context;
    private final RowKernels kernels;
    private final Op.MatMul op;
    private final float[] a;
    private final StoredRows w;
    private final float @Nullable [] bias;
    private final float[] out;

    /**
     * A product {@code out = f(a w' + bias)}.
     *
     * @param context threads and kernels
     * @param op the product
     * @param a its left operand
     * @param w its right operand
     * @param bias its bias
     * @param out its result
     */
    StoredProducts(Context context, Op.MatMul op, float[] a, StoredRows w, float @Nullable [] bias, float[] out) {
        this.context = context;
        this.kernels = context.kernels().rows();
        this.op = op;
        this.a = a;
        this.w = w;
        this.bias = bias;
        this.out = out;
    }

    Step step() {
        return op.out().rows() <= FEW_ROWS ? few() : many();
    }

    /** Writes a row of the left operand, padded. */
    private void row(int row, float[] to, int at) {
        int depth = w.depth();
        if (op.transposeA()) {
            for (int k = 0; k < depth; k++) {
                to[at + k] = a[k * op.out().rows() + row];
            }
        } else {
            System.arraycopy(a, row * depth, to, at, depth);
        }
    }

    private Step few() {
        int rows = op.out().rows();
        int columns = w.rows();
        int padded = RowKernels.padded(w.depth());
        boolean direct = padded == w.depth() && !op.transposeA();
        float[] x = direct ? a : new float[rows * padded];
        int threads = context.workers().threads();
        int chunk = Math.clamp(Math.ceilDiv(columns, threads * TASKS), 1, RowKernels.MOST_ROWS);
        Workers.Task task = (index, slot) -> {
            float[] room = context.slots()[slot].room(RowKernels.room(w.depth()));
            int from = index * chunk;
            int to = Math.min(from + chunk, columns);
            for (int row = 0; row < rows; row++) {
                kernels.chains(w, from, to, x, row * padded, room);
                kernels.fold(room, to - from, out, row * columns + from);
                finish(row, from, to);
            }
        };
        return () -> {
            for (int row = 0; !direct && row < rows; row++) {
                row(row, x, row * padded);
            }
            context.workers().forEach(Math.ceilDiv(columns, chunk), task);
        };
    }

    private void finish(int row, int from, int to) {
        context.kernels().finish(op.function(), out, row * w.rows() + from, bias, from, to - from);
    }

    private Step many() {
        int rows = op.out().rows();
        int columns = w.rows();
        int threads = context.workers().threads();
        int chunk = Math.clamp(Math.ceilDiv(columns, threads * TASKS), RowKernels.TILE_COLUMNS, PACKED_ROWS);
        return Step.lazily(() -> {
            ChainPanels left = context.panels().chains(rows, RowKernels.TILE_ROWS, w.depth());
            Context.Split pack = context.split((from, to, slot) -> {
                int padded = RowKernels.padded(w.depth());
                float[] room = context.slots()[slot].room(padded);
                Arrays.fill(room, w.depth(), padded, 0);
                for (int row = from; row < to; row++) {
                    row(row, room, 0);
                    left.put(row, room, 0);
                }
            });
            Workers.Task task = (index, slot) -> {
                int from = index * chunk;
                multiply(left, from, Math.min(from + chunk, columns), chunk, context.slots()[slot]);
            };
            return () -> {
                pack.run(rows, w.depth());
                context.workers().forEach(Math.ceilDiv(columns, chunk), task);
            };
        });
    }

    private void multiply(ChainPanels left, int from, int to, int chunk, PanelPool pool) {
        int rows = op.out().rows();
        int tiles = Math.ceilDiv(to - from, RowKernels.TILE_COLUMNS);
        int products = tiles * TILE;
        ChainPanels right = pool.chains(chunk, RowKernels.TILE_COLUMNS, w.depth());
        float[] room = pool.room(Math.max(products * (RowKernels.CHAINS + 1), RowKernels.padded(w.depth())));
        for (int row = from; row < to; row++) {
            kernels.unpack(w, row, room, 0);
            right.put(row - from, room, 0);
        }
        for (int row = 0; row < rows; row += RowKernels.TILE_ROWS) {
            Arrays.fill(room, 0, products * RowKernels.CHAINS, 0);
            for (int part = 0; part < left.cuts(); part++) {
                for (int unit = 0; unit < left.units(); unit++) {
                    float[] panel = left.panel(part, unit, row / RowKernels.TILE_ROWS);
                    for (int tile = 0; tile < tiles; tile++) {
                        kernels.tile(left.steps(part), panel, right.panel(part, unit, tile), room,
                                tile * TILE * RowKernels.CHAINS + unit * kernels.width());
                    }
                }
            }
            kernels.fold(room, products, room, products * RowKernels.CHAINS);
            int end = Math.min(row + RowKernels.TILE_ROWS, rows);
            for (int tile = 0; tile < tiles; tile++) {
                int column = from + tile * RowKernels.TILE_COLUMNS;
                for (int r = row; r < end; r++) {
                    System.arraycopy(room, products * RowKernels.CHAINS + tile * TILE + (r - row) * RowKernels.TILE_COLUMNS,
                            out, r * w.rows() + column,
                            Math.min(RowKernels.TILE_COLUMNS, to - column));
                }
            }
            // At once: rows are so far apart that few of them stay in the cache.
            for (int r = row; r < end; r++) {
                finish(r, from, to);
            }
        }
    }
}
