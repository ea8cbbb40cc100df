package org.sae4j.core.format;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.internal.Heap;

/**
 * TransformerLens' transformations of weights, which leave the model's probabilities as they are and make its parts easier to interpret.
 *
 * <p>Weights are never processed unless asked for. TransformerLens itself applies all four, in the order of {@link #all}, when it loads a
 * model, so activations at most hook points differ from those of raw weights: the residual stream loses its mean over d_model, queries and
 * keys stay. Each method returns new weights with a note of what was done and the step in the model's name, which is where provenance
 * finds it; they share memory with the old ones, and closing either closes both.
 *
 * @see <a href="https://github.com/TransformerLensOrg/TransformerLens">TransformerLens, ProcessWeights</a>
 */
public final class WeightProcessing {
    private static final String FOLD_LN = "fold_ln";
    private static final String CENTER_WRITING_WEIGHTS = "center_writing_weights";
    private static final String CENTER_UNEMBED = "center_unembed";
    private static final String FOLD_VALUE_BIASES = "fold_value_biases";
    private static final List<String> STEPS = List.of(FOLD_LN, CENTER_WRITING_WEIGHTS, CENTER_UNEMBED, FOLD_VALUE_BIASES);

    private WeightProcessing() {}

    /** {@return the names of the steps, as TransformerLens has them and in its order} */
    public static List<String> steps() {
        return STEPS;
    }

    /**
     * Some of the transformations by their names, in the given order.
     *
     * @param weights the weights
     * @param steps names of {@link #steps}
     * @return processed weights; {@code weights} itself if there is no step
     * @throws IllegalArgumentException if a name is not that of a step
     */
    public static TransformerWeights apply(TransformerWeights weights, List<String> steps) {
        TransformerWeights processed = weights;
        for (String step : steps) {
            processed = switch (step) {
                case FOLD_LN -> foldLayerNorm(processed);
                case CENTER_WRITING_WEIGHTS -> centerWritingWeights(processed);
                case CENTER_UNEMBED -> centerUnembed(processed);
                case FOLD_VALUE_BIASES -> foldValueBiases(processed);
                default -> throw new IllegalArgumentException("no processing of weights is named \"" + step + "\", use one of " + STEPS);
            };
        }
        return processed;
    }

    /**
     * {@link #foldLayerNorm}, {@link #centerWritingWeights}, {@link #centerUnembed} and {@link #foldValueBiases}, as TransformerLens does
     * by default.
     *
     * @param weights raw weights
     * @return processed weights
     */
    public static TransformerWeights all(TransformerWeights weights) {
        return apply(weights, STEPS);
    }

    /**
     * Moves the weights and biases of every norm into the layers that read it, where nothing but such layers does. LayerNorm also makes
     * readers blind to the mean over d_model, which is removed from them; RMSNorm does not. The norms keep ones and zeros.
     *
     * @param weights the weights
     * @return the same function
     * @throws Sae4jException if a layer that would need a bias has none
     */
    public static TransformerWeights foldLayerNorm(TransformerWeights weights) {
        Editor edit = new Editor(weights);
        List<NormReaders.Norm> norms = NormReaders.of(weights.description());
        edit.require(FOLD_LN, norms.stream().flatMap(norm -> norm.products().stream()).map(NormReaders.Product::weight));
        norms.forEach(norm -> {
            norm.products().forEach(product -> edit.foldInto(norm, product));
            edit.reset(norm);
        });
        return edit.done(FOLD_LN, "weights and biases of norms are folded into the layers that read them");
    }

    /**
     * Removes the mean over d_model from everything that writes to the residual stream, as every reader is a LayerNorm, which is blind to
     * it. A model with RMSNorm stays as it is, as in TransformerLens.
     *
     * @param weights the weights
     * @return the same function
     */
    public static TransformerWeights centerWritingWeights(TransformerWeights weights) {
        Editor edit = new Editor(weights);
        if (NormReaders.hasRmsNorm(weights.description())) {
            return edit.done(CENTER_WRITING_WEIGHTS, "skipped, since RMSNorm reads the mean over d_model");
        }
        List<String> writing = new ArrayList<>(List.of("embed.W_E", "pos_embed.W_pos"));
        for (int layer = 0; layer < weights.config().nLayers(); layer++) {
            for (String name : List.of("attn.W_O", "attn.b_O", "mlp.W_out", "mlp.b_out")) {
                writing.add("blocks." + layer + "." + name);
            }
        }
        writing.retainAll(weights.parameters().keySet());
        edit.require(CENTER_WRITING_WEIGHTS, writing.stream());
        writing.forEach(edit::centerRows);
        return edit.done(CENTER_WRITING_WEIGHTS, "weights that write to the residual stream have mean 0 over d_model");
    }

    /**
     * Removes the mean over the vocabulary from the unembedding, to which the softmax is blind.
     *
     * @param weights the weights
     * @return the same probabilities; the logits lose their mean at each position
     * @throws Sae4jException if the model has a soft cap on its logits
     */
    public static TransformerWeights centerUnembed(TransformerWeights weights) {
        if (NormReaders.capsLogits(weights.description())) {
            throw new Sae4jException(CENTER_UNEMBED + " would change the probabilities of a model with a soft cap on its logits",
                    weights.config().name(), "leave " + CENTER_UNEMBED + " out");
        }
        Editor edit = new Editor(weights);
        edit.require(CENTER_UNEMBED, Stream.of("unembed.W_U"));
        edit.centerRows("unembed.W_U");
        if (weights.parameters().containsKey("unembed.b_U")) {
            edit.centerRows("unembed.b_U");
        }
        return edit.done(CENTER_UNEMBED, "the unembedding has mean 0 over the vocabulary");
    }

    /**
     * Moves the biases of the values into the bias of the attention's output: attention probabilities sum to 1. A model without such biases
     * stays as it is.
     *
     * @param weights the weights
     * @return the same function
     * @throws Sae4jException if attention's output has no bias to take them
     */
    public static TransformerWeights foldValueBiases(TransformerWeights weights) {
        Editor edit = new Editor(weights);
        TransformerConfig config = weights.config();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String attn = "blocks." + layer + ".attn.";
            if (!weights.parameters().containsKey(attn + "b_V")) {
                continue;
            }
            if (!weights.parameters().containsKey(attn + "b_O")) {
                throw new Sae4jException(FOLD_VALUE_BIASES + " needs biases of attention's outputs, but there is no " + attn + "b_O",
                        config.name(), "leave " + FOLD_VALUE_BIASES + " out");
            }
            float[] biases = edit.values(attn + "b_V");
            float[] out = edit.values(attn + "b_O");
            Tensor project = edit.tensor(attn + "W_O");
            int group = config.nHeads() / config.nKeyValueHeads();
            double[] sum = new double[out.length];
            for (int row = 0; row < config.nHeads() * config.dHead(); row++) {
                // Heads of queries that share a head of values have its bias each.
                double bias = biases[row / config.dHead() / group * config.dHead() + row % config.dHead()];
                float[] weight = project.row(row);
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += bias * weight[i];
                }
            }
            for (int i = 0; i < out.length; i++) {
                out[i] = (float) (out[i] + sum[i]);
            }
            edit.put(attn + "b_O", out);
            edit.put(attn + "b_V", new float[biases.length]);
        }
        return edit.done(FOLD_VALUE_BIASES, "biases of the values are folded into b_O");
    }

    /** Changes copies of parameters. */
    private static final class Editor {
        private final TransformerWeights weights;
        private final Map<String, Tensor> parameters;

        Editor(TransformerWeights weights) {
            this.weights = weights;
            this.parameters = new LinkedHashMap<>(weights.parameters());
        }

        /** Demands heap for new values of parameters, before the first is made. */
        void require(String step, Stream<String> names) {
            Heap.require(names.distinct().mapToLong(name -> tensor(name).size() * Float.BYTES).sum(), "for weights that " + step + " changes",
                    weights.config().name(), "leave " + step + " out");
        }

        Tensor tensor(String name) {
            return Objects.requireNonNull(parameters.get(name));
        }

        float[] values(String name) {
            return tensor(name).toArray();
        }

        void put(String name, float[] values) {
            parameters.put(name, Tensor.of(values, tensor(name).shape()));
        }

        /** Weight [groups, d_model, out], bias [groups, out]: W' = w W - its mean over d_model, b' = b + sum of b_ln W. */
        void foldInto(NormReaders.Norm norm, NormReaders.Product product) {
            float[] scale = values(norm.weight());
            float[] shift = norm.bias() == null ? new float[scale.length] : values(norm.bias());
            float[] weight = values(product.weight());
            int groups = Math.max(1, product.groups());
            int d = scale.length;
            int out = weight.length / d / groups;
            float[] bias = product.bias() == null ? new float[groups * out] : values(product.bias());
            for (int group = 0; group < groups; group++) {
                double[] biasSum = new double[out];
                double[] mean = new double[out];
                for (int row = 0; row < d; row++) {
                    int at = (group * d + row) * out;
                    for (int column = 0; column < out; column++) {
                        biasSum[column] += (double) shift[row] * weight[at + column];
                        mean[column] += norm.centers() ? (double) scale[row] * weight[at + column] / d : 0;
                    }
                }
                for (int row = 0; row < d; row++) {
                    int at = (group * d + row) * out;
                    for (int column = 0; column < out; column++) {
                        weight[at + column] = (float) ((double) scale[row] * weight[at + column] - mean[column]);
                    }
                }
                for (int column = 0; column < out; column++) {
                    bias[group * out + column] = (float) (bias[group * out + column] + biasSum[column]);
                }
            }
            put(product.weight(), weight);
            if (product.bias() != null) {
                put(product.bias(), bias);
            } else if (norm.bias() != null) {
                throw new Sae4jException(FOLD_LN + " needs a bias beside " + product.weight() + ", but the model has none",
                        weights.config().name(), "leave " + FOLD_LN + " out");
            }
        }

        void reset(NormReaders.Norm norm) {
            float[] ones = new float[Math.toIntExact(tensor(norm.weight()).size())];
            Arrays.fill(ones, 1);
            put(norm.weight(), ones);
            if (norm.bias() != null) {
                put(norm.bias(), new float[ones.length]);
            }
        }

        void centerRows(String name) {
            float[] values = values(name);
            int width = tensor(name).dim(-1);
            for (int row = 0; row < values.length; row += width) {
                double mean = 0;
                for (int i = row; i < row + width; i++) {
                    mean += values[i];
                }
                mean /= width;
                for (int i = row; i < row + width; i++) {
                    values[i] = (float) (values[i] - mean);
                }
            }
            put(name, values);
        }

        TransformerWeights done(String step, String note) {
            TransformerConfig c = weights.config();
            TransformerConfig processed = c.toBuilder(c.name() + " + " + step).tiedUnembedding(c.tiedUnembedding() && stillTied()).build();
            List<String> notes = new ArrayList<>(weights.notes());
            notes.add(note + " (" + step + ")");
            return new TransformerWeights(weights.description().with(processed), parameters, weights.tokenizer(), notes,
                    weights.resource());
        }

        private boolean stillTied() {
            return parameters.get("embed.W_E") == weights.parameters().get("embed.W_E")
                    && parameters.get("unembed.W_U") == weights.parameters().get("unembed.W_U");
        }
    }
}
