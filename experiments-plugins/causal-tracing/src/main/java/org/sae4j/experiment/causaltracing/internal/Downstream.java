package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;

/**
 * The part of a model after one MLP, as a function of a vector added to that MLP's output at one position, with exact reverse-mode
 * gradients in double precision. Earlier positions do not depend on the vector and are constants.
 */
final class Downstream {
    private final TransformerConfig config;
    private final int layer;
    private final List<Block> blocks = new ArrayList<>();
    private final LayerNorm lnFinal;
    private final Matrix unembedding;
    private final double[] unembeddingBias;

    Downstream(TransformerConfig config, Map<String, Tensor> parameters, int layer) {
        this.config = config;
        this.layer = layer;
        for (int above = layer + 1; above < config.nLayers(); above++) {
            blocks.add(new Block(config, parameters, above));
        }
        lnFinal = new LayerNorm(parameters, "ln_final", config.normEps());
        unembedding = new Matrix(Objects.requireNonNull(parameters.get("unembed.W_U")), config.dVocab());
        unembeddingBias = LayerNorm.wide(Objects.requireNonNull(parameters.get("unembed.b_U")));
    }

    /** The hook points that {@link #text} reads. */
    Set<HookPoint> hooks() {
        Set<HookPoint> hooks = new LinkedHashSet<>(List.of(HookPoint.residPost(layer)));
        for (int above = layer + 1; above < config.nLayers(); above++) {
            hooks.add(new HookPoint(HookPoint.Site.K, above));
            hooks.add(new HookPoint(HookPoint.Site.V, above));
        }
        return hooks;
    }

    /**
     * A text's constants.
     *
     * @param residual residual stream after the layer, from the position on that the vector is added to
     * @param past keys and values before that position, by block above the layer
     */
    record Text(double[][] residual, List<Block.Past> past) {}

    /** Takes a text's constants out of a clean run's values [pos, width]. */
    Text text(Map<HookPoint, Tensor> values, int position) {
        Tensor after = Objects.requireNonNull(values.get(HookPoint.residPost(layer)));
        double[][] residual = new double[after.dim(0) - position][];
        for (int i = 0; i < residual.length; i++) {
            residual[i] = LayerNorm.wide(after.slice(position + i));
        }
        List<Block.Past> past = new ArrayList<>();
        for (int above = layer + 1; above < config.nLayers(); above++) {
            past.add(new Block.Past(heads(Objects.requireNonNull(values.get(new HookPoint(HookPoint.Site.K, above))), position),
                    heads(Objects.requireNonNull(values.get(new HookPoint(HookPoint.Site.V, above))), position)));
        }
        return new Text(residual, past);
    }

    private double[][][] heads(Tensor flattened, int before) {
        double[][][] heads = new double[config.nHeads()][before][config.dHead()];
        for (int position = 0; position < before; position++) {
            float[] row = flattened.row(position);
            for (int h = 0; h < heads.length; h++) {
                for (int i = 0; i < config.dHead(); i++) {
                    heads[h][position][i] = row[h * config.dHead() + i];
                }
            }
        }
        return heads;
    }

    /** Says how good log probabilities are, and the gradient of that. */
    @FunctionalInterface
    interface Loss {
        /**
         * Evaluates.
         *
         * @param logProbabilities of the next token after the text
         * @param gradient receives the gradient by the logits
         * @return the loss
         */
        double at(double[] logProbabilities, double[] gradient);
    }

    /** Log probabilities of the next token after the text. */
    double[] logProbabilities(Text text, double[] vector) {
        double[][] x = start(text, vector);
        for (int b = 0; b < blocks.size(); b++) {
            x = blocks.get(b).forward(x, text.past().get(b)).result;
        }
        return logSoftmax(unembedding.forward(lnFinal.forward(x[x.length - 1]).output(), unembeddingBias));
    }

    /**
     * A loss and its gradient by the vector.
     *
     * @param text the text
     * @param vector added to the MLP's output at the text's position
     * @param loss the loss
     * @param gradient the gradient is added to it
     * @return the loss
     */
    double evaluate(Text text, double[] vector, Loss loss, double[] gradient) {
        double[][] x = start(text, vector);
        List<Block.Tape> tapes = new ArrayList<>();
        for (int b = 0; b < blocks.size(); b++) {
            tapes.add(blocks.get(b).forward(x, text.past().get(b)));
            x = tapes.getLast().result;
        }
        LayerNorm.Normalized last = lnFinal.forward(x[x.length - 1]);
        double[] dLogits = new double[config.dVocab()];
        double value = loss.at(logSoftmax(unembedding.forward(last.output(), unembeddingBias)), dLogits);
        double[][] dx = new double[x.length][config.dModel()];
        dx[x.length - 1] = lnFinal.backward(last, unembedding.backward(dLogits));
        for (Block.Tape tape : tapes.reversed()) {
            dx = tape.backward(dx);
        }
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] += dx[0][i];
        }
        return value;
    }

    private static double[][] start(Text text, double[] vector) {
        double[][] x = text.residual().clone();
        x[0] = x[0].clone();
        for (int i = 0; i < vector.length; i++) {
            x[0][i] += vector[i];
        }
        return x;
    }

    private static double[] logSoftmax(double[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit - max);
        }
        double norm = max + Math.log(sum);
        for (int i = 0; i < logits.length; i++) {
            logits[i] -= norm;
        }
        return logits;
    }
}
