package org.sae4j.experiment.causaltracing.internal;

import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.stats.Statistics;

/**
 * One block of a transformer in double precision, forward and backward, over the last positions of a text. Keys and values of the positions
 * before are constants.
 */
final class Block {
    private final TransformerConfig config;
    private final LayerNorm ln1;
    private final LayerNorm ln2;
    private final Matrix[] query;
    private final Matrix[] key;
    private final Matrix[] value;
    private final Matrix[] output;
    private final double[][] queryBias;
    private final double[][] keyBias;
    private final double[][] valueBias;
    private final double[] outputBias;
    private final Matrix in;
    private final Matrix out;
    private final double[] inBias;
    private final double[] outBias;

    Block(TransformerConfig config, Map<String, Tensor> parameters, int layer) {
        this.config = config;
        String name = "blocks." + layer + ".";
        int d = config.dModel();
        int heads = config.nHeads();
        ln1 = new LayerNorm(parameters, name + "ln1", config.normEps());
        ln2 = new LayerNorm(parameters, name + "ln2", config.normEps());
        query = new Matrix[heads];
        key = new Matrix[heads];
        value = new Matrix[heads];
        output = new Matrix[heads];
        queryBias = new double[heads][];
        keyBias = new double[heads][];
        valueBias = new double[heads][];
        for (int h = 0; h < heads; h++) {
            query[h] = new Matrix(Objects.requireNonNull(parameters.get(name + "attn.W_Q")).slice(h), config.dHead());
            key[h] = new Matrix(Objects.requireNonNull(parameters.get(name + "attn.W_K")).slice(h), config.dHead());
            value[h] = new Matrix(Objects.requireNonNull(parameters.get(name + "attn.W_V")).slice(h), config.dHead());
            output[h] = new Matrix(Objects.requireNonNull(parameters.get(name + "attn.W_O")).slice(h), d);
            queryBias[h] = LayerNorm.wide(Objects.requireNonNull(parameters.get(name + "attn.b_Q")).slice(h));
            keyBias[h] = LayerNorm.wide(Objects.requireNonNull(parameters.get(name + "attn.b_K")).slice(h));
            valueBias[h] = LayerNorm.wide(Objects.requireNonNull(parameters.get(name + "attn.b_V")).slice(h));
        }
        outputBias = LayerNorm.wide(Objects.requireNonNull(parameters.get(name + "attn.b_O")));
        in = new Matrix(Objects.requireNonNull(parameters.get(name + "mlp.W_in")), config.dMlp());
        out = new Matrix(Objects.requireNonNull(parameters.get(name + "mlp.W_out")), d);
        inBias = LayerNorm.wide(Objects.requireNonNull(parameters.get(name + "mlp.b_in")));
        outBias = LayerNorm.wide(Objects.requireNonNull(parameters.get(name + "mlp.b_out")));
    }

    /**
     * Keys and values before the positions that are computed.
     *
     * @param keys by head, position and dimension
     * @param values likewise
     */
    record Past(double[][][] keys, double[][][] values) {}

    /** What the backward pass needs. */
    final class Tape {
        final Past past;
        final LayerNorm.Normalized[] first;
        final LayerNorm.Normalized[] second;
        final double[][][] q;
        final double[][][] k;
        final double[][][] v;
        final double[][][] pattern;
        final double[][] pre;
        final double[][] result;

        private Tape(double[][] x, Past past) {
            this.past = past;
            int m = x.length;
            int heads = config.nHeads();
            first = new LayerNorm.Normalized[m];
            second = new LayerNorm.Normalized[m];
            q = new double[heads][m][];
            k = new double[heads][m][];
            v = new double[heads][m][];
            pattern = new double[heads][m][];
            pre = new double[m][];
            result = new double[m][];
            for (int i = 0; i < m; i++) {
                first[i] = ln1.forward(x[i]);
                for (int h = 0; h < heads; h++) {
                    q[h][i] = query[h].forward(first[i].output(), queryBias[h]);
                    k[h][i] = key[h].forward(first[i].output(), keyBias[h]);
                    v[h][i] = value[h].forward(first[i].output(), valueBias[h]);
                }
            }
            for (int i = 0; i < m; i++) {
                double[] mid = add(x[i], outputBias);
                for (int h = 0; h < heads; h++) {
                    pattern[h][i] = attend(h, i);
                    double[] z = new double[config.dHead()];
                    for (int j = 0; j < pattern[h][i].length; j++) {
                        addScaled(z, valueAt(h, j), pattern[h][i][j]);
                    }
                    mid = output[h].forward(z, mid);
                }
                second[i] = ln2.forward(mid);
                pre[i] = in.forward(second[i].output(), inBias);
                double[] post = new double[pre[i].length];
                for (int j = 0; j < post.length; j++) {
                    post[j] = activate(pre[i][j]);
                }
                result[i] = out.forward(post, add(mid, outBias));
            }
        }

        private int before() {
            return past.keys()[0].length;
        }

        private double[] keyAt(int head, int position) {
            return position < before() ? past.keys()[head][position] : k[head][position - before()];
        }

        private double[] valueAt(int head, int position) {
            return position < before() ? past.values()[head][position] : v[head][position - before()];
        }

        private double[] attend(int head, int i) {
            double[] scores = new double[before() + i + 1];
            double max = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < scores.length; j++) {
                scores[j] = dot(q[head][i], keyAt(head, j)) / Math.sqrt(config.dHead());
                max = Math.max(max, scores[j]);
            }
            double sum = 0;
            for (int j = 0; j < scores.length; j++) {
                scores[j] = Math.exp(scores[j] - max);
                sum += scores[j];
            }
            for (int j = 0; j < scores.length; j++) {
                scores[j] /= sum;
            }
            return scores;
        }

        /** Gradients of the block's input for gradients of its output. */
        double[][] backward(double[][] dResult) {
            int m = dResult.length;
            int heads = config.nHeads();
            double[][] dx = new double[m][];
            double[][] dNormalized = new double[m][config.dModel()];
            double[][][] dq = new double[heads][m][config.dHead()];
            double[][][] dk = new double[heads][m][config.dHead()];
            double[][][] dv = new double[heads][m][config.dHead()];
            for (int i = 0; i < m; i++) {
                double[] dPre = out.backward(dResult[i]);
                for (int j = 0; j < dPre.length; j++) {
                    dPre[j] *= slope(pre[i][j]);
                }
                double[] dMid = add(dResult[i], ln2.backward(second[i], in.backward(dPre)));
                for (int h = 0; h < heads; h++) {
                    backwardAttention(h, i, output[h].backward(dMid), dq, dk, dv);
                }
                dx[i] = dMid;
            }
            for (int i = 0; i < m; i++) {
                for (int h = 0; h < heads; h++) {
                    addScaled(dNormalized[i], query[h].backward(dq[h][i]), 1);
                    addScaled(dNormalized[i], key[h].backward(dk[h][i]), 1);
                    addScaled(dNormalized[i], value[h].backward(dv[h][i]), 1);
                }
                dx[i] = add(dx[i], ln1.backward(first[i], dNormalized[i]));
            }
            return dx;
        }

        private void backwardAttention(int h, int i, double[] dz, double[][][] dq, double[][][] dk, double[][][] dv) {
            double[] p = pattern[h][i];
            double[] dp = new double[p.length];
            double mean = 0;
            for (int j = 0; j < p.length; j++) {
                dp[j] = dot(dz, valueAt(h, j));
                mean += p[j] * dp[j];
            }
            for (int j = 0; j < p.length; j++) {
                double dScore = p[j] * (dp[j] - mean) / Math.sqrt(config.dHead());
                addScaled(dq[h][i], keyAt(h, j), dScore);
                if (j >= before()) {
                    addScaled(dk[h][j - before()], q[h][i], dScore);
                    addScaled(dv[h][j - before()], dz, p[j]);
                }
            }
        }
    }

    Tape forward(double[][] x, Past past) {
        return new Tape(x, past);
    }

    private double activate(double x) {
        return switch (config.activation()) {
            case GELU -> x * Statistics.normalUpperTail(-x);
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(inner(x)));
            case RELU -> Math.max(0, x);
            case SILU -> x / (1 + Math.exp(-x));
            case SOLU -> throw new IllegalArgumentException("SoLU is not an elementwise function");
        };
    }

    private double slope(double x) {
        return switch (config.activation()) {
            case GELU -> Statistics.normalUpperTail(-x) + x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
            case GELU_TANH -> {
                double t = Math.tanh(inner(x));
                yield 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
            }
            case RELU -> x > 0 ? 1 : 0;
            case SILU -> {
                double sigmoid = 1 / (1 + Math.exp(-x));
                yield sigmoid * (1 + x * (1 - sigmoid));
            }
            case SOLU -> throw new IllegalArgumentException("SoLU is not an elementwise function");
        };
    }

    private static double inner(double x) {
        return Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] add(double[] a, double[] b) {
        double[] sum = a.clone();
        addScaled(sum, b, 1);
        return sum;
    }

    private static void addScaled(double[] target, double[] vector, double factor) {
        for (int i = 0; i < target.length; i++) {
            target[i] += factor * vector[i];
        }
    }
}
