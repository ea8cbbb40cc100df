package org.sae4j.api.model;

import java.util.Objects;

/**
 * What everybody wants to know of a transformer: its family, dimensions and the variants that matter to a reader. What else a family can
 * say of itself is in its hook points and parameters.
 *
 * <pre>{@code
 * TransformerConfig config = TransformerConfig.builder("small").layers(2).dModel(12).heads(2).dHead(6).dMlp(24).nCtx(32).dVocab(50)
 *         .activation(TransformerConfig.Activation.GELU).build();
 * }</pre>
 *
 * @see Builder what the values mean
 */
public final class TransformerConfig {
    /** The MLP's activation function. */
    public enum Activation {
        /** {@code x * Phi(x)} with the exact normal distribution function (Hendrycks and Gimpel 2016). */
        GELU,
        /** GPT-2's approximation by the hyperbolic tangent, "gelu_new". */
        GELU_TANH,
        /** {@code max(0, x)}. */
        RELU,
        /** {@code x * sigmoid(x)} (Elfwing et al. 2018), also called swish. */
        SILU,
        /** {@code x * softmax(x)} over the hidden layer (Elhage et al. 2022). */
        SOLU
    }

    private final String name;
    private final String family;
    private final int nLayers;
    private final int dModel;
    private final int nHeads;
    private final int nKeyValueHeads;
    private final int dHead;
    private final int dMlp;
    private final int nCtx;
    private final int dVocab;
    private final Activation activation;
    private final float normEps;
    private final boolean tiedUnembedding;

    private TransformerConfig(Builder b) {
        name = b.name;
        family = b.family;
        nLayers = b.nLayers;
        dModel = b.dModel;
        nHeads = b.nHeads;
        nKeyValueHeads = b.nKeyValueHeads == 0 ? b.nHeads : b.nKeyValueHeads;
        dHead = b.dHead;
        dMlp = b.dMlp;
        nCtx = b.nCtx;
        dVocab = b.dVocab;
        activation = b.activation;
        normEps = b.normEps;
        tiedUnembedding = b.tiedUnembedding;
    }

    /**
     * Starts a configuration.
     *
     * @param name the model's name, for messages and provenance
     * @return a builder with GPT-2's variants and no dimensions
     */
    public static Builder builder(String name) {
        return new Builder(name);
    }

    /** {@return a builder that holds these values, to change some} */
    public Builder toBuilder() {
        return toBuilder(name);
    }

    /**
     * A builder that holds these values under another name.
     *
     * @param otherName the name
     * @return the builder
     */
    public Builder toBuilder(String otherName) {
        Objects.requireNonNull(otherName, "otherName");
        return new Builder(otherName).family(family).layers(nLayers).dModel(dModel).heads(nHeads).keyValueHeads(nKeyValueHeads).dHead(dHead)
                .dMlp(dMlp).nCtx(nCtx).dVocab(dVocab).activation(activation).normEps(normEps).tiedUnembedding(tiedUnembedding);
    }

    /** {@return the model's name, for messages and provenance} */
    public String name() {
        return name;
    }

    /** {@return the family whose description the model follows, such as {@code gpt2} or {@code llama}} */
    public String family() {
        return family;
    }

    /** {@return number of blocks, at least 0} */
    public int nLayers() {
        return nLayers;
    }

    /** {@return width of the residual stream} */
    public int dModel() {
        return dModel;
    }

    /** {@return attention heads in a block} */
    public int nHeads() {
        return nHeads;
    }

    /** {@return heads of keys and values in a block: {@link #nHeads()}, or fewer, which groups of query heads share} */
    public int nKeyValueHeads() {
        return nKeyValueHeads;
    }

    /** {@return width of a head} */
    public int dHead() {
        return dHead;
    }

    /** {@return width of the MLP's hidden layer, 0 for a model without MLPs} */
    public int dMlp() {
        return dMlp;
    }

    /** {@return longest context in tokens} */
    public int nCtx() {
        return nCtx;
    }

    /** {@return vocabulary size} */
    public int dVocab() {
        return dVocab;
    }

    /** {@return the MLP's activation function} */
    public Activation activation() {
        return activation;
    }

    /** {@return what every norm adds to the variance or mean square} */
    public float normEps() {
        return normEps;
    }

    /** {@return whether the unembedding is the transposed embedding} */
    public boolean tiedUnembedding() {
        return tiedUnembedding;
    }

    @Override
    public boolean equals(Object other) {
        return this == other || other instanceof TransformerConfig c && name.equals(c.name) && family.equals(c.family)
                && nLayers == c.nLayers && dModel == c.dModel && nHeads == c.nHeads && nKeyValueHeads == c.nKeyValueHeads
                && dHead == c.dHead && dMlp == c.dMlp && nCtx == c.nCtx && dVocab == c.dVocab && activation == c.activation
                && Float.compare(normEps, c.normEps) == 0 && tiedUnembedding == c.tiedUnembedding;
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, family, nLayers, dModel, nHeads, nKeyValueHeads, dHead, dMlp, nCtx, dVocab, activation, normEps,
                tiedUnembedding);
    }

    /** {@return all values by the field's names} */
    @Override
    public String toString() {
        return family + " " + name + ": n_layers " + nLayers + ", d_model " + dModel + ", n_heads " + nHeads + ", n_key_value_heads "
                + nKeyValueHeads + ", d_head " + dHead + ", d_mlp " + dMlp + ", n_ctx " + nCtx + ", d_vocab " + dVocab + ", act_fn "
                + activation + ", eps " + normEps + (tiedUnembedding ? ", tied" : "");
    }

    /** Collects a configuration. Not for use by several threads. */
    public static final class Builder {
        private final String name;
        private String family = "gpt2";
        private int nLayers;
        private int dModel;
        private int nHeads;
        private int nKeyValueHeads;
        private int dHead;
        private int dMlp;
        private int nCtx;
        private int dVocab;
        private Activation activation = Activation.GELU_TANH;
        private float normEps = 1e-5f;
        private boolean tiedUnembedding;

        private Builder(String name) {
            this.name = Objects.requireNonNull(name, "name");
        }

        /**
         * Sets the family.
         *
         * @param id the family whose description the model follows, {@code gpt2} at first
         * @return this
         */
        public Builder family(String id) {
            family = Objects.requireNonNull(id, "id");
            return this;
        }

        /**
         * Sets the number of blocks.
         *
         * @param n at least 0, 0 at first
         * @return this
         */
        public Builder layers(int n) {
            nLayers = n;
            return this;
        }

        /**
         * Sets the width of the residual stream.
         *
         * @param n at least 1
         * @return this
         */
        public Builder dModel(int n) {
            dModel = n;
            return this;
        }

        /**
         * Sets the number of attention heads in a block.
         *
         * @param n at least 1
         * @return this
         */
        public Builder heads(int n) {
            nHeads = n;
            return this;
        }

        /**
         * Sets the number of heads of keys and values in a block, each of which an equal group of query heads shares.
         *
         * @param n a divisor of the number of heads, or 0, as at first, for as many
         * @return this
         */
        public Builder keyValueHeads(int n) {
            nKeyValueHeads = n;
            return this;
        }

        /**
         * Sets the width of a head.
         *
         * @param n at least 1
         * @return this
         */
        public Builder dHead(int n) {
            dHead = n;
            return this;
        }

        /**
         * Sets the width of the MLP's hidden layer.
         *
         * @param n at least 1, or 0 for a model without MLPs
         * @return this
         */
        public Builder dMlp(int n) {
            dMlp = n;
            return this;
        }

        /**
         * Sets the longest context.
         *
         * @param n in tokens, at least 1
         * @return this
         */
        public Builder nCtx(int n) {
            nCtx = n;
            return this;
        }

        /**
         * Sets the size of the vocabulary.
         *
         * @param n at least 1
         * @return this
         */
        public Builder dVocab(int n) {
            dVocab = n;
            return this;
        }

        /**
         * Sets the MLP's activation function.
         *
         * @param function {@link Activation#GELU_TANH} at first
         * @return this
         */
        public Builder activation(Activation function) {
            activation = Objects.requireNonNull(function, "function");
            return this;
        }

        /**
         * Sets what every norm adds to the variance or mean square.
         *
         * @param eps at least 0, 1e-5 at first
         * @return this
         */
        public Builder normEps(float eps) {
            normEps = eps;
            return this;
        }

        /**
         * Says whether the unembedding is the transposed embedding.
         *
         * @param tied false at first
         * @return this
         */
        public Builder tiedUnembedding(boolean tied) {
            tiedUnembedding = tied;
            return this;
        }

        /**
         * Ends the collection.
         *
         * @return the configuration
         * @throws IllegalArgumentException if a dimension is missing or negative, or the heads cannot share keys and values equally
         */
        public TransformerConfig build() {
            if (nLayers < 0 || dModel <= 0 || nHeads <= 0 || dHead <= 0 || dMlp < 0 || nCtx <= 0 || dVocab <= 0 || !(normEps >= 0)) {
                throw new IllegalArgumentException("dimensions of a transformer must be positive: n_layers " + nLayers + ", d_model "
                        + dModel + ", n_heads " + nHeads + ", d_head " + dHead + ", d_mlp " + dMlp + ", n_ctx " + nCtx + ", d_vocab "
                        + dVocab + ", eps " + normEps);
            }
            if (nKeyValueHeads < 0 || nKeyValueHeads > 0 && nHeads % nKeyValueHeads != 0) {
                throw new IllegalArgumentException("n_key_value_heads " + nKeyValueHeads + " must divide n_heads " + nHeads);
            }
            return new TransformerConfig(this);
        }
    }
}
