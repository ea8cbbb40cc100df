package org.sae4j.api.model;

/**
 * The dimensions and variants of a GPT-2-style transformer.
 *
 * @param name the model's name, for messages and provenance
 * @param nLayers number of blocks, at least 0
 * @param dModel width of the residual stream
 * @param nHeads attention heads in a block
 * @param dHead width of a head
 * @param dMlp width of the MLP's hidden layer
 * @param nCtx longest context in tokens
 * @param dVocab vocabulary size
 * @param activation the MLP's activation function
 * @param layerNormEps added to the variance in every LayerNorm
 * @param tiedUnembedding whether the unembedding is the transposed embedding
 */
public record TransformerConfig(String name, int nLayers, int dModel, int nHeads, int dHead, int dMlp, int nCtx, int dVocab,
        Activation activation, float layerNormEps, boolean tiedUnembedding) {
    /** The MLP's activation function. */
    public enum Activation {
        /** {@code x * Phi(x)} with the exact normal distribution function (Hendrycks and Gimpel 2016). */
        GELU,
        /** GPT-2's approximation by the hyperbolic tangent, "gelu_new". */
        GELU_TANH,
        /** {@code max(0, x)}. */
        RELU
    }

    /**
     * Checks the dimensions.
     *
     * @throws IllegalArgumentException if a dimension is not positive, or {@code nLayers} or {@code layerNormEps} is negative
     */
    public TransformerConfig {
        if (nLayers < 0 || dModel <= 0 || nHeads <= 0 || dHead <= 0 || dMlp <= 0 || nCtx <= 0 || dVocab <= 0 || !(layerNormEps >= 0)) {
            throw new IllegalArgumentException("dimensions of a transformer must be positive: n_layers " + nLayers + ", d_model " + dModel
                    + ", n_heads " + nHeads + ", d_head " + dHead + ", d_mlp " + dMlp + ", n_ctx " + nCtx + ", d_vocab " + dVocab
                    + ", eps " + layerNormEps);
        }
    }
}
