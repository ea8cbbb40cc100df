package org.sae4j.testkit;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/** The operations between dense matrices. */
final class ReferenceDense {
    private final ReferenceProgram memory;
    private final ReferenceAttention attention;

    ReferenceDense(ReferenceProgram memory) {
        this.memory = memory;
        attention = new ReferenceAttention(memory);
    }

    /** Runs an operation; returns false if it is not one of this class. */
    boolean run(Op op) {
        switch (op) {
            case Op.Gather o -> gather(o);
            case Op.Add o -> add(o);
            case Op.Multiply o -> multiply(o);
            case Op.Scale o -> memory.store(o.out(), Arrays.stream(memory.doubles(o.x())).map(x -> o.factor() * x).toArray());
            case Op.LayerNorm o -> layerNorm(o);
            case Op.RmsNorm o -> rmsNorm(o);
            case Op.Rotary o -> rotary(o);
            case Op.MatMul o -> matMul(o);
            case Op.Map o -> memory.store(o.out(), Arrays.stream(memory.doubles(o.x())).map(x -> apply(o.function(), x)).toArray());
            case Op.Attention o -> attention.attention(o);
            case Op.AttentionScores o -> attention.scores(o);
            case Op.Softmax o -> memory.store(o.out(), softmax(memory.doubles(o.x()), o.x().cols()));
            case Op.LogSoftmax o -> logSoftmax(o);
            case Op.AttentionMix o -> attention.mix(o);
            case Op.Patch o -> patch(o);
            case Op.SquaredError o -> squaredError(o);
            case Op.GhostError o -> ghostError(o);
            case Op.ColumnSum o -> columnSum(o);
            case Op.Exp o -> memory.store(o.out(), Arrays.stream(memory.doubles(o.x())).map(Math::exp).toArray());
            case Op.Exceeds o -> memory.store(o.out(),
                    Arrays.stream(memory.doubles(o.x())).map(x -> x > o.limit() ? 1 : 0).toArray());
            case Op.ProjectRows o -> projectRows(o);
            case Op.NormalizeRows o -> normalizeRows(o);
            case Op.ClipNorm o -> clipNorm(o);
            case Op.Adam o -> adam(o);
            default -> {
                return false;
            }
        }
        return true;
    }

    static double apply(Op.Function function, double x) {
        return switch (function) {
            case IDENTITY -> x;
            case RELU -> x <= 0 ? 0 : x;
            case GELU -> x / 2 * (1 + Erf.of(x / Math.sqrt(2)));
            case GELU_TANH -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case SILU -> x / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
        };
    }

    private void logSoftmax(Op.LogSoftmax op) {
        int cols = op.x().cols();
        double[] x = memory.doubles(op.x());
        for (int at = 0; at < x.length; at += cols) {
            double[] row = Arrays.copyOfRange(x, at, at + cols);
            double top = Arrays.stream(row).max().orElse(0);
            double total = top + Math.log(Arrays.stream(row).map(value -> Math.exp(value - top)).sum());
            for (int c = 0; c < cols; c++) {
                x[at + c] -= total;
            }
        }
        memory.store(op.out(), x);
    }

    private void gather(Op.Gather op) {
        double[] table = memory.doubles(op.table());
        double[] out = new double[(int) op.out().size()];
        int cols = op.out().cols();
        for (int r = 0; r < op.out().rows(); r++) {
            System.arraycopy(table, memory.ints(op.indices())[r] * cols, out, r * cols, cols);
        }
        memory.store(op.out(), out);
    }

    private void add(Op.Add op) {
        double[] a = memory.doubles(op.a());
        double[] b = memory.doubles(op.b());
        for (int i = 0; i < a.length; i++) {
            a[i] += op.scale() * b[i % b.length];
        }
        memory.store(op.out(), a);
    }

    private void multiply(Op.Multiply op) {
        double[] a = memory.doubles(op.a());
        double[] b = memory.doubles(op.b());
        for (int i = 0; i < a.length; i++) {
            a[i] *= b[i % b.length];
        }
        memory.store(op.out(), a);
    }

    private void rmsNorm(Op.RmsNorm op) {
        int cols = op.x().cols() / op.groups();
        double[] x = memory.doubles(op.x());
        double[] out = new double[x.length];
        double[] scale = new double[x.length / cols];
        for (int g = 0; g < scale.length; g++) {
            double squares = 0;
            for (int c = 0; c < cols; c++) {
                squares += x[g * cols + c] * x[g * cols + c] / cols;
            }
            scale[g] = Math.sqrt(squares + op.eps());
            for (int c = 0; c < cols; c++) {
                out[g * cols + c] = x[g * cols + c] / scale[g] * valueOf(op.weight(), c, 1);
            }
        }
        memory.store(op.out(), out);
        if (op.scale() != null) {
            memory.store(op.scale(), scale);
        }
    }

    private void layerNorm(Op.LayerNorm op) {
        int cols = op.x().cols();
        double[] x = memory.doubles(op.x());
        double[] out = new double[x.length];
        double[] scale = new double[op.x().rows()];
        for (int r = 0; r < op.x().rows(); r++) {
            double mean = 0;
            for (int c = 0; c < cols; c++) {
                mean += x[r * cols + c] / cols;
            }
            double variance = 0;
            for (int c = 0; c < cols; c++) {
                double centred = x[r * cols + c] - mean;
                variance += centred * centred / cols;
            }
            scale[r] = Math.sqrt(variance + op.eps());
            for (int c = 0; c < cols; c++) {
                out[r * cols + c] = (x[r * cols + c] - mean) / scale[r] * valueOf(op.weight(), c, 1) + valueOf(op.bias(), c, 0);
            }
        }
        memory.store(op.out(), out);
        if (op.scale() != null) {
            memory.store(op.scale(), scale);
        }
    }

    private void matMul(Op.MatMul op) {
        int m = op.out().rows();
        int n = op.out().cols();
        int k = op.transposeA() ? op.a().rows() : op.a().cols();
        double[] a = memory.doubles(op.a());
        double[] b = memory.doubles(op.b());
        double[] out = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += (op.transposeA() ? a[l * m + i] : a[i * k + l]) * (op.transposeB() ? b[j * k + l] : b[l * n + j]);
                }
                out[i * n + j] = apply(op.function(), sum + valueOf(op.bias(), j, 0));
            }
        }
        memory.store(op.out(), out);
    }

    private double valueOf(@Nullable Buffer row, int column, double absent) {
        return row == null ? absent : memory.floats(row)[column];
    }

    private void rotary(Op.Rotary op) {
        double[] x = memory.doubles(op.x());
        double[] cos = memory.doubles(op.cos());
        double[] sin = memory.doubles(op.sin());
        int n = op.cos().cols();
        int cols = op.x().cols();
        int dHead = cols / op.heads();
        double[] out = x.clone();
        for (int r = 0; r < op.x().rows(); r++) {
            for (int head = 0; head < op.heads(); head++) {
                for (int i = 0; i < n; i++) {
                    int at = r * cols + head * dHead + i;
                    double c = cos[r * n + i];
                    double s = sin[r * n + i];
                    out[at] = x[at] * c - x[at + n] * s;
                    out[at + n] = x[at + n] * c + x[at] * s;
                }
            }
        }
        memory.store(op.out(), out);
    }

    static double[] softmax(double[] x, int cols) {
        double[] out = new double[x.length];
        for (int start = 0; start < x.length; start += cols) {
            double max = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < cols; c++) {
                max = Math.max(max, x[start + c]);
            }
            double sum = 0;
            for (int c = 0; c < cols; c++) {
                out[start + c] = Math.exp(x[start + c] - max);
                sum += out[start + c];
            }
            for (int c = 0; c < cols; c++) {
                out[start + c] /= sum;
            }
        }
        return out;
    }

    private void patch(Op.Patch op) {
        double[] target = memory.doubles(op.target());
        double[] values = memory.doubles(op.values());
        int[] rows = memory.ints(op.rows());
        int cols = op.target().cols();
        for (int i = 0; i < rows.length; i++) {
            for (int c = 0; rows[i] >= 0 && c < cols; c++) {
                int at = rows[i] * cols + c;
                target[at] = op.add() ? target[at] + values[i * cols + c] : values[i * cols + c];
            }
        }
        memory.store(op.target(), target);
    }

    private void squaredError(Op.SquaredError op) {
        int rows = op.x().rows();
        int cols = op.x().cols();
        double[] xHat = memory.doubles(op.xHat());
        double[] x = memory.doubles(op.x());
        double[] norms = memory.rowNorms(op.x());
        double overall = switch (op.reduction()) {
            case SUM -> 1.0 / rows;
            case MEAN, MEAN_OVER_NORM -> 1.0 / rows / cols;
            case NORMALIZED -> 1 / spread(x, rows, cols);
        };
        double[] gradient = new double[x.length];
        double loss = 0;
        for (int i = 0; i < x.length; i++) {
            double weight = op.reduction() == Op.Reduction.MEAN_OVER_NORM ? overall / norms[i / cols] : overall;
            double error = xHat[i] - x[i];
            loss += op.coefficient() * weight * error * error;
            gradient[i] = 2 * op.coefficient() * weight * error;
        }
        if (op.reduction() == Op.Reduction.NORMALIZED && !Double.isFinite(loss)) {
            loss = 0;
            Arrays.fill(gradient, 0);
        }
        memory.store(op.gradient(), gradient);
        memory.store(op.loss(), new double[] {loss});
    }

    /** The summed squared error of predicting the mean of the batch. */
    private static double spread(double[] x, int rows, int cols) {
        double sum = 0;
        for (int c = 0; c < cols; c++) {
            double mean = 0;
            for (int r = 0; r < rows; r++) {
                mean += x[r * cols + c] / rows;
            }
            for (int r = 0; r < rows; r++) {
                double centred = x[r * cols + c] - mean;
                sum += centred * centred;
            }
        }
        return sum;
    }

    private void ghostError(Op.GhostError op) {
        int cols = op.x().cols();
        double[] ghost = memory.doubles(op.ghost());
        double[] residual = memory.doubles(op.residual());
        double[] ghostNorms = memory.rowNorms(op.ghost());
        double[] residualNorms = memory.rowNorms(op.residual());
        double[] inputNorms = memory.rowNorms(op.x());
        double[] gradient = new double[ghost.length];
        double loss = 0;
        for (int i = 0; i < ghost.length; i++) {
            int row = i / cols;
            double normalizer = op.reduction() == Op.Reduction.MEAN_OVER_NORM ? inputNorms[row] : 1;
            double scale = residualNorms[row] / (2 * ghostNorms[row] + 1e-6);
            double error = ghost[i] * scale - residual[i];
            double factor = residual[i] * residual[i] / normalizer / (error * error + 1e-6);
            loss += factor * error * error / ghost.length;
            gradient[i] = 2 * factor * error * scale / ghost.length;
        }
        memory.store(op.gradient(), gradient);
        memory.store(op.loss(), new double[] {loss});
    }

    private void columnSum(Op.ColumnSum op) {
        double[] x = memory.doubles(op.x());
        double[] sums = new double[op.x().cols()];
        for (int i = 0; i < x.length; i++) {
            sums[i % sums.length] += x[i];
        }
        memory.store(op.out(), sums);
    }

    private void projectRows(Op.ProjectRows op) {
        int cols = op.w().cols();
        double[] gradient = memory.doubles(op.gradient());
        double[] w = memory.doubles(op.w());
        double[] norms = memory.rowNorms(op.w());
        for (int r = 0; r < op.w().rows(); r++) {
            double dot = 0;
            for (int i = r * cols; i < (r + 1) * cols; i++) {
                dot += gradient[i] * w[i];
            }
            for (int i = r * cols; norms[r] > 0 && i < (r + 1) * cols; i++) {
                gradient[i] -= dot / (norms[r] * norms[r]) * w[i];
            }
        }
        memory.store(op.gradient(), gradient);
    }

    private void normalizeRows(Op.NormalizeRows op) {
        double[] w = memory.doubles(op.w());
        double[] norms = memory.rowNorms(op.w());
        for (int i = 0; i < w.length; i++) {
            double norm = norms[i / op.w().cols()];
            w[i] = norm > 0 ? w[i] / norm : w[i];
        }
        memory.store(op.w(), w);
    }

    private void clipNorm(Op.ClipNorm op) {
        double sum = op.gradients().stream().flatMapToDouble(g -> Arrays.stream(memory.doubles(g))).map(g -> g * g).sum();
        double factor = Math.min(1, op.limit() / (Math.sqrt(sum) + 1e-6));
        op.gradients().forEach(g -> memory.store(g, Arrays.stream(memory.doubles(g)).map(value -> value * factor).toArray()));
    }

    private void adam(Op.Adam op) {
        float[] hyper = memory.floats(op.hyper());
        double beta1 = hyper[1];
        double beta2 = hyper[2];
        double step = hyper[4];
        double[] w = memory.doubles(op.w());
        double[] g = memory.doubles(op.gradient());
        double[] m = memory.doubles(op.m());
        double[] v = memory.doubles(op.v());
        for (int i = 0; i < w.length; i++) {
            m[i] = beta1 * m[i] + (1 - beta1) * g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            double denominator = Math.sqrt(v[i] / (1 - Math.pow(beta2, step))) + hyper[3];
            w[i] -= hyper[0] * m[i] / (1 - Math.pow(beta1, step)) / denominator;
        }
        memory.store(op.m(), m);
        memory.store(op.v(), v);
        memory.store(op.w(), w);
    }
}
