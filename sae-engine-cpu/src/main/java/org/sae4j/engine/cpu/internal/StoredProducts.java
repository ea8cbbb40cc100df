package org.sae4j.engine.cpu.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;

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
        float[][] rooms = new float[threads][];
        Workers.Task task = (index, slot) -> {
            rooms[slot] = rooms[slot] == null ? new float[RowKernels.room(w.depth())] : rooms[slot];
            int from = index * chunk;
            int to = Math.min(from + chunk, columns);
            for (int row = 0; row < rows; row++) {
                kernels.chains(w, from, to, x, row * padded, rooms[slot]);
                kernels.fold(rooms[slot], to - from, out, row * columns + from);
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

    /** What a thread works with. */
    private final class Room {
        private final ChainPanels panels;
        private final float[] row = new float[RowKernels.padded(w.depth())];
        private final float[] sums;
        private final float[] products;

        Room(int columns) {
            panels = new ChainPanels(columns, RowKernels.TILE_COLUMNS, w.depth(), kernels);
            products = new float[Math.ceilDiv(columns, RowKernels.TILE_COLUMNS) * TILE];
            sums = new float[products.length * RowKernels.CHAINS];
        }
    }

    private Step many() {
        int rows = op.out().rows();
        int columns = w.rows();
        int threads = context.workers().threads();
        int chunk = Math.clamp(Math.ceilDiv(columns, threads * TASKS), RowKernels.TILE_COLUMNS, PACKED_ROWS);
        Room[] rooms = new Room[threads];
        return Step.lazily(() -> {
            ChainPanels left = new ChainPanels(rows, RowKernels.TILE_ROWS, w.depth(), kernels);
            Context.Split pack = context.split((from, to, slot) -> {
                float[] padded = new float[RowKernels.padded(w.depth())];
                for (int row = from; row < to; row++) {
                    row(row, padded, 0);
                    left.put(row, padded, 0);
                }
            });
            Workers.Task task = (index, slot) -> {
                rooms[slot] = rooms[slot] == null ? new Room(chunk) : rooms[slot];
                int from = index * chunk;
                multiply(left, from, Math.min(from + chunk, columns), rooms[slot]);
            };
            return () -> {
                pack.run(rows, w.depth());
                context.workers().forEach(Math.ceilDiv(columns, chunk), task);
            };
        });
    }

    private void multiply(ChainPanels left, int from, int to, Room room) {
        int rows = op.out().rows();
        int tiles = Math.ceilDiv(to - from, RowKernels.TILE_COLUMNS);
        for (int row = from; row < to; row++) {
            kernels.unpack(w, row, room.row, 0);
            room.panels.put(row - from, room.row, 0);
        }
        for (int row = 0; row < rows; row += RowKernels.TILE_ROWS) {
            Arrays.fill(room.sums, 0, tiles * TILE * RowKernels.CHAINS, 0);
            for (int part = 0; part < left.cuts(); part++) {
                for (int unit = 0; unit < left.units(); unit++) {
                    float[] panel = left.panel(part, unit, row / RowKernels.TILE_ROWS);
                    for (int tile = 0; tile < tiles; tile++) {
                        kernels.tile(left.steps(part), panel, room.panels.panel(part, unit, tile), room.sums,
                                tile * TILE * RowKernels.CHAINS + unit * kernels.width());
                    }
                }
            }
            kernels.fold(room.sums, tiles * TILE, room.products, 0);
            int end = Math.min(row + RowKernels.TILE_ROWS, rows);
            for (int tile = 0; tile < tiles; tile++) {
                int column = from + tile * RowKernels.TILE_COLUMNS;
                for (int r = row; r < end; r++) {
                    System.arraycopy(room.products, tile * TILE + (r - row) * RowKernels.TILE_COLUMNS, out, r * w.rows() + column,
                            Math.min(RowKernels.TILE_COLUMNS, to - column));
                }
            }
        }
        for (int row = 0; row < rows; row++) {
            finish(row, from, to);
        }
    }
}
