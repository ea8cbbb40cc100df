package org.sae4j.testkit;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/** The gradients of dense operations. */
final class ReferenceGradients {
    private final ReferenceProgram memory;
    private final ReferenceAttention attention;

    ReferenceGradients(ReferenceProgram memory) {
        this.memory = memory;
        attention = new ReferenceAttention(memory);
    }

    /** Runs an operation; returns false if it is not one of this class. */
    boolean run(Op op) {
        switch (op) {
            case Op.GatherGradient o -> gather(o);
            case Op.PatchGradient o -> patch(o);
            case Op.MapGradient o -> map(o);
            case Op.LayerNormGradient o -> norm(o.x(), o.weight(), 1, true, o.eps(), o.g(), o.constantScale(), o.out(), o.weightGradient());
            case Op.RmsNormGradient o ->
                norm(o.x(), o.weight(), o.groups(), false, o.eps(), o.g(), o.constantScale(), o.out(), o.weightGradient());
            case Op.SoftmaxGradient o -> softmax(o);
            case Op.LogSoftmaxGradient o -> logSoftmax(o);
            case Op.AttentionGradient o -> attention.gradient(o);
            case Op.AttentionScoresGradient o -> attention.scoresGradient(o);
            case Op.AttentionMixGradient o -> attention.mixGradient(o);
            case Op.AttentionMixTransposed o -> attention.mixTransposed(o);
            default -> {
                return false;
            }
        }
        return true;
    }

    private void gather(Op.GatherGradient op) {
        double[] g = memory.doubles(op.g());
        double[] out = new double[(int) op.out().size()];
        int cols = op.g().cols();
        for (int i = 0; i < g.length; i++) {
            out[memory.ints(op.indices())[i / cols] * cols + i % cols] += g[i];
        }
        memory.store(op.out(), out);
    }

    private void patch(Op.PatchGradient op) {
        double[] g = memory.doubles(op.g());
        double[] out = new double[(int) op.out().size()];
        int cols = op.g().cols();
        for (int i = 0; i < out.length; i++) {
            int row = memory.ints(op.rows())[i / cols];
            out[i] = row < 0 ? 0 : g[row * cols + i % cols];
        }
        memory.store(op.out(), out);
    }

    private void map(Op.MapGradient op) {
        double[] x = memory.doubles(op.x());
        double[] g = memory.doubles(op.g());
        for (int i = 0; i < x.length; i++) {
            g[i] *= slope(op.function(), x[i]);
        }
        memory.store(op.out(), g);
    }

    private static double slope(Op.Function function, double x) {
        return switch (function) {
            case IDENTITY -> 1;
            case RELU -> x <= 0 ? 0 : 1;
            case GELU -> (1 + Erf.of(x / Math.sqrt(2))) / 2 + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
            case GELU_TANH -> {
                double t = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));
                yield (1 + t) / 2 + x / 2 * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
            }
            case SILU -> {
                double s = 1 / (1 + Math.exp(-x));
                yield s + x * s * (1 - s);
            }
            case TANH -> 1 - Math.tanh(x) * Math.tanh(x);
        };
    }

    private void norm(Buffer input, @Nullable Buffer weight, int groups, boolean centred, float eps, Buffer gradient, boolean constant,
            Buffer to, @Nullable Buffer weightGradient) {
        int cols = input.cols() / groups;
        double[] w = weight == null ? null : memory.doubles(weight);
        double[] out = new double[(int) to.size()];
        double[] byWeight = new double[cols];
        for (int at = 0; at < out.length; at += cols) {
            double[] y = Arrays.copyOfRange(memory.doubles(input), at, at + cols);
            double[] g = Arrays.copyOfRange(memory.doubles(gradient), at, at + cols);
            if (centred) {
                centre(y);
            }
            double scale = Math.sqrt(product(y, y) / cols + eps);
            for (int c = 0; c < cols; c++) {
                y[c] /= scale;
                byWeight[c] += g[c] * y[c];
                g[c] *= w == null ? 1 : w[c];
            }
            double along = constant ? 0 : product(g, y) / cols;
            if (centred) {
                centre(g);
            }
            for (int c = 0; c < cols; c++) {
                out[at + c] = (g[c] - y[c] * along) / scale;
            }
        }
        memory.store(to, out);
        if (weightGradient != null) {
            memory.store(weightGradient, byWeight);
        }
    }

    private static void centre(double[] x) {
        double mean = Arrays.stream(x).sum() / x.length;
        Arrays.setAll(x, i -> x[i] - mean);
    }

    private static double product(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private void softmax(Op.SoftmaxGradient op) {
        double[] y = memory.doubles(op.y());
        double[] g = memory.doubles(op.g());
        int cols = op.y().cols();
        for (int at = 0; at < y.length; at += cols) {
            double mean = product(Arrays.copyOfRange(y, at, at + cols), Arrays.copyOfRange(g, at, at + cols));
            for (int i = at; i < at + cols; i++) {
                g[i] = y[i] * (g[i] - mean);
            }
        }
        memory.store(op.out(), g);
    }

    private void logSoftmax(Op.LogSoftmaxGradient op) {
        double[] y = memory.doubles(op.y());
        double[] g = memory.doubles(op.g());
        int cols = op.y().cols();
        for (int at = 0; at < y.length; at += cols) {
            double sum = Arrays.stream(g, at, at + cols).sum();
            for (int i = at; i < at + cols; i++) {
                g[i] -= Math.exp(y[i]) * sum;
            }
        }
        memory.store(op.out(), g);
    }
}
