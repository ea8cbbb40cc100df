package org.sae4j.experiment.randomwalk.internal;

import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * The point that all walks start at.
 *
 * @param position in the prompt's tokens
 * @param activation the model's activation there
 * @param features its feature activations
 * @param reconstruction the autoencoder's reconstruction of the activation
 * @param scale what a displacement of decoded features is multiplied by to undo the autoencoder's normalization of its input
 */
record Origin(int position, float[] activation, double[] features, float[] reconstruction, double scale) {
    /** At a position, or before it at the nearest one with an active feature. */
    static Origin of(Transformer model, SparseAutoencoder sae, HookPoint hook, Prompt prompt, int wanted) {
        int d = sae.config().dIn();
        int[] tokens = prompt.tokens();
        Tensor x = model.forward(new int[][] {tokens}, ForwardPlan.capture(hook)).get(hook).reshape(tokens.length, d);
        SparseRows encoded = sae.encode(x);
        int position = wanted;
        while (position >= prompt.prefix() && encoded.count(position) == 0) {
            position--;
        }
        if (position < prompt.prefix()) {
            throw new Sae4jException("no feature is active on any token of the prompt up to the wanted one", "autoencoder at " + hook,
                    "set another text or position, or use another autoencoder");
        }
        float[] activation = x.row(position);
        double[] features = new double[encoded.columns()];
        for (int e = encoded.start(position); e < encoded.start(position + 1); e++) {
            features[encoded.index(e)] = encoded.value(e);
        }
        return new Origin(position, activation, features, sae.reconstruct(Tensor.of(activation.clone(), 1, d)).row(0),
                scale(sae.config().normalization(), activation));
    }

    private static double scale(SaeConfig.Normalization normalization, float[] x) {
        return switch (normalization) {
            case NONE -> 1;
            case CONSTANT_NORM_RESCALE -> Vectors.norm(x) / Math.sqrt(x.length);
            case LAYER_NORM -> {
                double mean = 0;
                for (float value : x) {
                    mean += value / (double) x.length;
                }
                double squares = 0;
                for (float value : x) {
                    squares += (value - mean) * (value - mean);
                }
                yield Math.sqrt(squares / (x.length - 1)) + 1e-5;
            }
        };
    }
}
