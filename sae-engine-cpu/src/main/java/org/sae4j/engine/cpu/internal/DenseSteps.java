package org.sae4j.engine.cpu.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;

/** Steps of dense operations but products and attention. */
final class DenseSteps {
    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    DenseSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    Step gather(Op.Gather o) {
        int[] indices = storage.ints(o.indices());
        Storage.Rows table = storage.rows(o.table());
        float[] out = storage.floats(o.out());
        int width = o.out().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                table.copy(indices[r], out, r * width);
            }
        });
        return () -> split.run(o.out().rows(), width);
    }

    Step add(Op.Add o) {
        float[] a = storage.floats(o.a());
        float[] b = storage.floats(o.b());
        float[] out = storage.floats(o.out());
        int width = o.out().cols();
        boolean broadcast = o.b().rows() == 1;
        Context.Split split = context.split((from, to, slot) -> {
            if (broadcast) {
                for (int r = from; r < to; r++) {
                    kernels.add(a, r * width, b, 0, o.scale(), out, r * width, width);
                }
            } else {
                kernels.add(a, from * width, b, from * width, o.scale(), out, from * width, (to - from) * width);
            }
        });
        return () -> split.run(o.out().rows(), width);
    }

    Step map(Op.Map o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split(
                (from, to, slot) -> kernels.apply(o.function(), x, from * width, out, from * width, (to - from) * width));
        return () -> split.run(o.x().rows(), width);
    }

    Step exceeds(Op.Exceeds o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int n = (int) o.x().size();
        Context.Split split = context.split((from, to, slot) -> kernels.exceeds(x, from, o.limit(), out, from, to - from));
        return () -> split.run(n, 1);
    }

    Step layerNorm(Op.LayerNorm o) {
        float[] x = storage.floats(o.x());
        float[] weight = storage.floats(o.weight());
        float[] bias = storage.floats(o.bias());
        float[] out = storage.floats(o.out());
        float @Nullable [] scale = o.scale() == null ? null : storage.floats(o.scale());
        int width = o.x().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                double mean = kernels.sum(x, r * width, width) / width;
                double deviation = Math.sqrt(kernels.deviation(x, r * width, mean, width) / width + o.eps());
                kernels.normalize(x, r * width, mean, deviation, weight, bias, out, r * width, width);
                if (scale != null) {
                    scale[r] = (float) deviation;
                }
            }
        });
        return () -> split.run(o.x().rows(), width);
    }

    Step softmax(Op.Softmax o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                kernels.softmax(x, r * width, out, r * width, width);
            }
        });
        return () -> split.run(o.x().rows(), 4 * width);
    }

    Step patch(Op.Patch o) {
        float[] target = storage.floats(o.target());
        int[] rows = storage.ints(o.rows());
        float[] values = storage.floats(o.values());
        int width = o.target().cols();
        return () -> {
            for (int i = 0; i < rows.length; i++) {
                if (rows[i] < 0) {
                    continue;
                }
                if (o.add()) {
                    kernels.add(target, rows[i] * width, values, i * width, 1, target, rows[i] * width, width);
                } else {
                    System.arraycopy(values, i * width, target, rows[i] * width, width);
                }
            }
        };
    }

    Step columnSum(Op.ColumnSum o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int rows = o.x().rows();
        int width = o.x().cols();
        double[][] slots = new double[context.workers().threads()][Math.min(width, Context.CHUNK)];
        Context.Split split = context.split((from, to, slot) -> {
            double[] sums = slots[slot];
            Arrays.fill(sums, 0, to - from, 0);
            for (int r = 0; r < rows; r++) {
                int at = r * width + from;
                for (int c = 0; c < to - from; c++) {
                    sums[c] += x[at + c];
                }
            }
            for (int c = 0; c < to - from; c++) {
                out[from + c] = (float) sums[c];
            }
        });
        return () -> split.run(width, rows);
    }
}
