package org.sae4j.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.TransformerConfig;

/** GPT-2 by its formulas, in double precision, with TransformerLens's parameter layouts: what the programs are compared with. */
final class PlainTransformer {
    private final TransformerConfig config;
    private final Map<String, Tensor> parameters;
    private final List<ForwardPlan.Edit> edits;
    private final Map<HookPoint, double[][]> values = new LinkedHashMap<>();
    private final int batch;
    private final int length;

    private PlainTransformer(TransformerConfig config, Map<String, Tensor> parameters, List<ForwardPlan.Edit> edits, int batch,
            int length) {
        this.config = config;
        this.parameters = parameters;
        this.edits = edits;
        this.batch = batch;
        this.length = length;
    }

    /** The values of all hook points after the edits, one array for each row of the hook point's matrix. */
    static Map<HookPoint, double[][]> forward(TransformerConfig config, Map<String, Tensor> parameters, int[][] tokens,
            List<ForwardPlan.Edit> edits) {
        PlainTransformer plain = new PlainTransformer(config, parameters, edits, tokens.length, tokens[0].length);
        plain.run(tokens);
        return plain.values;
    }

    private void run(int[][] tokens) {
        double[][] embed = new double[batch * length][];
        double[][] position = new double[batch * length][];
        for (int row = 0; row < embed.length; row++) {
            embed[row] = doubles(parameters.get("embed.W_E").row(tokens[row / length][row % length]));
            position[row] = doubles(parameters.get("pos_embed.W_pos").row(row % length));
        }
        embed = hook(Site.EMBED, -1, embed);
        position = hook(Site.POS_EMBED, -1, position);
        double[][] residual = sum(embed, position);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            residual = block(layer, residual);
        }
        double[][] normalized = layerNorm("ln_final", Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, -1, residual);
        double[][] read = hook(Site.UNEMBED_IN, -1, normalized);
        hook(Site.LOGITS, -1, hook(Site.UNEMBED_OUT, -1, affine(read, "unembed.W_U", "unembed.b_U")));
    }

    private double[][] block(int layer, double[][] before) {
        String name = "blocks." + layer + ".";
        double[][] residual = hook(Site.RESID_PRE, layer, before);
        double[][] normalized = layerNorm(name + "ln1", Site.LN1_SCALE, Site.LN1_NORMALIZED, layer, residual);
        double[][] q = hook(Site.Q, layer, heads(normalized, name + "attn.W_Q", name + "attn.b_Q"));
        double[][] k = hook(Site.K, layer, heads(normalized, name + "attn.W_K", name + "attn.b_K"));
        double[][] v = hook(Site.V, layer, heads(normalized, name + "attn.W_V", name + "attn.b_V"));
        double[][] z = hook(Site.Z, layer, attention(layer, q, k, v));
        Tensor wO = parameters.get(name + "attn.W_O");
        Tensor bO = parameters.get(name + "attn.b_O");
        double[][] attnOut = new double[residual.length][config.dModel()];
        for (int row = 0; row < residual.length; row++) {
            for (int d = 0; d < config.dModel(); d++) {
                double total = bO.get(d);
                for (int head = 0; head < config.nHeads(); head++) {
                    for (int e = 0; e < config.dHead(); e++) {
                        total += z[row][head * config.dHead() + e] * wO.at(head, e, d);
                    }
                }
                attnOut[row][d] = total;
            }
        }
        double[][] mid = hook(Site.RESID_MID, layer, sum(residual, hook(Site.ATTN_OUT, layer, attnOut)));
        normalized = layerNorm(name + "ln2", Site.LN2_SCALE, Site.LN2_NORMALIZED, layer, mid);
        double[][] hidden = hook(Site.MLP_PRE, layer, affine(normalized, name + "mlp.W_in", name + "mlp.b_in"));
        double[][] active = new double[hidden.length][config.dMlp()];
        for (int row = 0; row < hidden.length; row++) {
            double[] pre = hidden[row];
            double sum = Arrays.stream(pre).map(Math::exp).sum();
            Arrays.setAll(active[row], config.activation() == TransformerConfig.Activation.SOLU
                    ? j -> pre[j] * Math.exp(pre[j]) / sum : j -> activation(pre[j]));
        }
        active = hook(Site.MLP_POST, layer, active);
        double[][] mlpOut = hook(Site.MLP_OUT, layer, affine(active, name + "mlp.W_out", name + "mlp.b_out"));
        return hook(Site.RESID_POST, layer, sum(mid, mlpOut));
    }

    private double[][] attention(int layer, double[][] q, double[][] k, double[][] v) {
        double[][] scores = new double[batch * config.nHeads() * length][length];
        double[][] pattern = new double[scores.length][length];
        double[][] z = new double[q.length][config.nHeads() * config.dHead()];
        for (int b = 0; b < batch; b++) {
            for (int head = 0; head < config.nHeads(); head++) {
                int at = head * config.dHead();
                for (int query = 0; query < length; query++) {
                    int row = (b * config.nHeads() + head) * length + query;
                    double total = 0;
                    double largest = Double.NEGATIVE_INFINITY;
                    for (int key = 0; key < length; key++) {
                        double score = 0;
                        for (int e = at; e < at + config.dHead(); e++) {
                            score += q[b * length + query][e] * k[b * length + key][e];
                        }
                        scores[row][key] = key > query ? Double.NEGATIVE_INFINITY : score / Math.sqrt(config.dHead());
                        largest = Math.max(largest, scores[row][key]);
                    }
                    for (int key = 0; key <= query; key++) {
                        pattern[row][key] = Math.exp(scores[row][key] - largest);
                        total += pattern[row][key];
                    }
                    for (int key = 0; key <= query; key++) {
                        pattern[row][key] /= total;
                        for (int e = at; e < at + config.dHead(); e++) {
                            z[b * length + query][e] += pattern[row][key] * v[b * length + key][e];
                        }
                    }
                }
            }
        }
        values.put(new HookPoint(Site.ATTN_SCORES, layer), scores);
        values.put(new HookPoint(Site.PATTERN, layer), pattern);
        return z;
    }

    private double[][] layerNorm(String name, Site scaleSite, Site normalizedSite, int layer, double[][] x) {
        Tensor w = parameters.get(name + ".w");
        Tensor b = parameters.get(name + ".b");
        double[][] scales = new double[x.length][1];
        double[][] out = new double[x.length][config.dModel()];
        for (int row = 0; row < x.length; row++) {
            double mean = 0;
            for (double value : x[row]) {
                mean += value / config.dModel();
            }
            double variance = 0;
            for (double value : x[row]) {
                variance += (value - mean) * (value - mean) / config.dModel();
            }
            scales[row][0] = Math.sqrt(variance + config.normEps());
            for (int d = 0; d < config.dModel(); d++) {
                out[row][d] = (x[row][d] - mean) / scales[row][0] * w.get(d) + b.get(d);
            }
        }
        hook(scaleSite, layer, scales);
        return hook(normalizedSite, layer, out);
    }

    private double[][] heads(double[][] x, String weight, String bias) {
        Tensor w = parameters.get(weight);
        Tensor b = parameters.get(bias);
        double[][] out = new double[x.length][config.nHeads() * config.dHead()];
        for (int row = 0; row < x.length; row++) {
            for (int head = 0; head < config.nHeads(); head++) {
                for (int e = 0; e < config.dHead(); e++) {
                    double total = b.at(head, e);
                    for (int d = 0; d < config.dModel(); d++) {
                        total += x[row][d] * w.at(head, d, e);
                    }
                    out[row][head * config.dHead() + e] = total;
                }
            }
        }
        return out;
    }

    private double[][] affine(double[][] x, String weight, String bias) {
        Tensor w = parameters.get(weight);
        Tensor b = parameters.get(bias);
        double[][] out = new double[x.length][w.dim(1)];
        for (int row = 0; row < x.length; row++) {
            for (int j = 0; j < w.dim(1); j++) {
                double total = b.get(j);
                for (int i = 0; i < w.dim(0); i++) {
                    total += x[row][i] * w.at(i, j);
                }
                out[row][j] = total;
            }
        }
        return out;
    }

    private double activation(double x) {
        return switch (config.activation()) {
            case RELU -> Math.max(0, x);
            case GELU_TANH -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case GELU -> x / 2 * (1 + erf(x / Math.sqrt(2)));
            case SILU -> x / (1 + Math.exp(-x));
            case SOLU -> throw new IllegalArgumentException("SoLU is a function of a row");
        };
    }

    /** The series of positive terms 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!! (DLMF 7.6.2). */
    private static double erf(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    private double[][] hook(Site site, int layer, double[][] rows) {
        HookPoint hook = new HookPoint(site, layer);
        List<double[]> edited = new ArrayList<>(List.of(rows));
        for (ForwardPlan.Edit edit : edits) {
            if (edit.hook().equals(hook)) {
                for (int i = 0; i < edit.rows().length; i++) {
                    double[] row = doubles(edit.values().row(i));
                    for (int c = 0; edit.mode() == ForwardPlan.Mode.ADD && c < row.length; c++) {
                        row[c] += edited.get(edit.rows()[i])[c];
                    }
                    edited.set(edit.rows()[i], row);
                }
            }
        }
        double[][] result = edited.toArray(double[][]::new);
        values.put(hook, result);
        return result;
    }

    private static double[][] sum(double[][] a, double[][] b) {
        double[][] out = new double[a.length][a[0].length];
        for (int row = 0; row < a.length; row++) {
            for (int c = 0; c < a[row].length; c++) {
                out[row][c] = a[row][c] + b[row][c];
            }
        }
        return out;
    }

    private static double[] doubles(float[] values) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i];
        }
        return out;
    }
}
