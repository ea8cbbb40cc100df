package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/** Steps of norms. */
public final class NormSteps {
    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public NormSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    public Step layerNorm(Op.LayerNorm o) {
        float[] x = storage.floats(o.x());
        int width = o.x().cols();
        float[] weight = orElse(o.weight(), width, 1);
        float[] bias = orElse(o.bias(), width, 0);
        float[] out = storage.floats(o.out());
        float @Nullable [] scale = o.scale() == null ? null : storage.floats(o.scale());
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

    public Step rmsNorm(Op.RmsNorm o) {
        float[] x = storage.floats(o.x());
        int width = o.x().cols() / o.groups();
        float[] weight = orElse(o.weight(), width, 1);
        float[] bias = new float[width];
        float[] out = storage.floats(o.out());
        float @Nullable [] scale = o.scale() == null ? null : storage.floats(o.scale());
        Context.Split split = context.split((from, to, slot) -> {
            for (int group = from * o.groups(); group < to * o.groups(); group++) {
                int at = group * width;
                double root = Math.sqrt(kernels.dot(x, at, x, at, width) / width + o.eps());
                kernels.normalize(x, at, 0, root, weight, bias, out, at, width);
                if (scale != null) {
                    scale[group] = (float) root;
                }
            }
        });
        return () -> split.run(o.x().rows(), o.x().cols());
    }

    public Step layerNormGradient(Op.LayerNormGradient o) {
        return new Gradient(o.x(), o.weight(), 1, true, o.eps(), o.g(), o.constantScale(), o.out(), o.weightGradient()).step();
    }

    public Step rmsNormGradient(Op.RmsNormGradient o) {
        return new Gradient(o.x(), o.weight(), o.groups(), false, o.eps(), o.g(), o.constantScale(), o.out(), o.weightGradient()).step();
    }

    /** The gradient of a norm of either kind: without centring, all means of x are 0. */
    private final class Gradient {
        private final float[] x;
        private final float[] weight;
        private final boolean centred;
        private final float eps;
        private final float[] g;
        private final boolean constant;
        private final float[] out;
        private final float @Nullable [] weightGradient;
        private final int rows;
        private final int groups;
        private final int width;
        private final float[] ones;
        private final float[] zeros;
        /** Means and denominators of all groups, which the gradient by the weight needs once more. */
        private final double[] means;
        private final double[] roots;
        /** For each thread the rows h and y. */
        private final float[][] scratch;
        private final double[][] sums;

        Gradient(Buffer x, @Nullable Buffer weight, int groups, boolean centred, float eps, Buffer g, boolean constant, Buffer out,
                @Nullable Buffer weightGradient) {
            this.x = storage.floats(x);
            rows = x.rows();
            this.groups = groups;
            width = x.cols() / groups;
            this.weight = orElse(weight, width, 1);
            this.centred = centred;
            this.eps = eps;
            this.g = storage.floats(g);
            this.constant = constant;
            this.out = storage.floats(out);
            this.weightGradient = weightGradient == null ? null : storage.floats(weightGradient);
            ones = orElse(null, width, 1);
            zeros = new float[width];
            means = new double[rows * groups];
            roots = new double[rows * groups];
            scratch = new float[context.workers().threads()][2 * width];
            sums = new double[weightGradient == null ? 0 : context.workers().threads()][Math.min(width, Context.CHUNK)];
        }

        Step step() {
            Context.Split byRow = context.split((from, to, slot) -> {
                for (int group = from * groups; group < to * groups; group++) {
                    group(group, scratch[slot]);
                }
            });
            float[] total = weightGradient;
            if (total == null) {
                return () -> byRow.run(rows, 4 * width * groups);
            }
            Context.Split byColumn = context.split((from, to, slot) -> weightGradient(from, to, sums[slot], total));
            return () -> {
                byRow.run(rows, 4 * width * groups);
                byColumn.run(width, 2 * rows * groups);
            };
        }

        private void group(int group, float[] hy) {
            int at = group * width;
            double mean = centred ? kernels.sum(x, at, width) / width : 0;
            double squares = centred ? kernels.deviation(x, at, mean, width) : kernels.dot(x, at, x, at, width);
            double root = Math.sqrt(squares / width + eps);
            means[group] = mean;
            roots[group] = root;
            kernels.multiply(g, at, weight, 0, hy, 0, width);
            double middle = centred ? kernels.sum(hy, 0, width) / width : 0;
            if (!constant) {
                kernels.normalize(x, at, mean, root, ones, zeros, hy, width, width);
                double along = kernels.dot(hy, 0, hy, width, width) / width;
                kernels.add(hy, 0, hy, width, (float) -along, hy, 0, width);
            }
            kernels.normalize(hy, 0, middle, root, ones, zeros, out, at, width);
        }

        private void weightGradient(int from, int to, double[] sum, float[] total) {
            Arrays.fill(sum, 0, to - from, 0);
            for (int group = 0; group < rows * groups; group++) {
                int at = group * width + from;
                double mean = means[group];
                double inverse = 1 / roots[group];
                for (int c = 0; c < to - from; c++) {
                    sum[c] += g[at + c] * ((x[at + c] - mean) * inverse);
                }
            }
            for (int c = 0; c < to - from; c++) {
                total[from + c] = (float) sum[c];
            }
        }
    }

    private float[] orElse(@Nullable Buffer row, int width, float value) {
        if (row != null) {
            return storage.floats(row);
        }
        float[] same = new float[width];
        Arrays.fill(same, value);
        return same;
    }
}
