package org.sae4j.api.model;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A place in a transformer's computation whose values can be captured or changed, named as in TransformerLens. A hook point is a name:
 * {@link Transformer#hookPoints()} says which ones a model has, in the order of its computation.
 *
 * @param site the kind of place
 * @param layer the block, from 0, or -1 for sites outside the blocks
 */
public record HookPoint(Site site, int layer) {
    /** The logits: the output of the unembedding. */
    public static final HookPoint LOGITS = new HookPoint(Site.LOGITS, -1);
    /** The token embeddings. */
    public static final HookPoint EMBED = new HookPoint(Site.EMBED, -1);

    private static final int MAX_LAYER = 999_999;
    private static final Pattern LAYER = Pattern.compile("0|[1-9][0-9]{0,5}");

    /**
     * A kind of place. The constants are those of most transformers, with the shape of their values for tokens of shape [batch, pos]; a
     * model may have others.
     *
     * @param suffix the name, for a block's site without the prefix {@code blocks.N.}
     */
    public record Site(String suffix) {
        // Before the constants, which are checked with it.
        private static final Pattern NAME = Pattern.compile("(?:[A-Za-z_][A-Za-z0-9_]{0,63}\\.){0,4}hook_[A-Za-z0-9_]{1,64}|logits");

        /** Token embeddings [batch, pos, d_model]. */
        public static final Site EMBED = new Site("hook_embed");
        /** Position embeddings [batch, pos, d_model]. */
        public static final Site POS_EMBED = new Site("hook_pos_embed");
        /** The residual stream before a block [batch, pos, d_model]. */
        public static final Site RESID_PRE = new Site("hook_resid_pre");
        /** The denominator of the first norm [batch, pos, 1]. */
        public static final Site LN1_SCALE = new Site("ln1.hook_scale");
        /** The output of the first LayerNorm, or of the first RMSNorm before its gain [batch, pos, d_model]. */
        public static final Site LN1_NORMALIZED = new Site("ln1.hook_normalized");
        /** Queries [batch, pos, n_heads, d_head]. */
        public static final Site Q = new Site("attn.hook_q");
        /** Keys [batch, pos, n_key_value_heads, d_head]. */
        public static final Site K = new Site("attn.hook_k");
        /** Values [batch, pos, n_key_value_heads, d_head]. */
        public static final Site V = new Site("attn.hook_v");
        /** Rotated queries [batch, pos, n_heads, d_head]. */
        public static final Site ROT_Q = new Site("attn.hook_rot_q");
        /** Rotated keys [batch, pos, n_key_value_heads, d_head]. */
        public static final Site ROT_K = new Site("attn.hook_rot_k");
        /** Scaled attention scores, -infinity where a token may not look [batch, n_heads, query pos, key pos]. */
        public static final Site ATTN_SCORES = new Site("attn.hook_attn_scores");
        /** Attention probabilities [batch, n_heads, query pos, key pos]. */
        public static final Site PATTERN = new Site("attn.hook_pattern");
        /** Mixed values, before the output projection [batch, pos, n_heads, d_head]. */
        public static final Site Z = new Site("attn.hook_z");
        /** The attention layer's addition to the residual stream [batch, pos, d_model]. */
        public static final Site ATTN_OUT = new Site("hook_attn_out");
        /** The residual stream between attention and MLP [batch, pos, d_model]. */
        public static final Site RESID_MID = new Site("hook_resid_mid");
        /** The denominator of the second norm [batch, pos, 1]. */
        public static final Site LN2_SCALE = new Site("ln2.hook_scale");
        /** The output of the second LayerNorm, or of the second RMSNorm before its gain [batch, pos, d_model]. */
        public static final Site LN2_NORMALIZED = new Site("ln2.hook_normalized");
        /** The MLP's hidden layer before its activation function [batch, pos, d_mlp]. */
        public static final Site MLP_PRE = new Site("mlp.hook_pre");
        /** The linear half of a gated MLP's hidden layer [batch, pos, d_mlp]. */
        public static final Site MLP_PRE_LINEAR = new Site("mlp.hook_pre_linear");
        /** The MLP's hidden layer after its activation function and gate [batch, pos, d_mlp]. */
        public static final Site MLP_POST = new Site("mlp.hook_post");
        /** The MLP's addition to the residual stream [batch, pos, d_model]. */
        public static final Site MLP_OUT = new Site("hook_mlp_out");
        /** The residual stream after a block [batch, pos, d_model]. */
        public static final Site RESID_POST = new Site("hook_resid_post");
        /** The denominator of the final norm [batch, pos, 1]. */
        public static final Site LN_FINAL_SCALE = new Site("ln_final.hook_scale");
        /** The output of the final LayerNorm, or of the final RMSNorm before its gain [batch, pos, d_model]. */
        public static final Site LN_FINAL_NORMALIZED = new Site("ln_final.hook_normalized");
        /** What the unembedding reads [batch, pos, d_model]. */
        public static final Site UNEMBED_IN = new Site("unembed.hook_in");
        /** What the unembedding gives, before a soft cap [batch, pos, d_vocab]. */
        public static final Site UNEMBED_OUT = new Site("unembed.hook_out");
        /** The logits [batch, pos, d_vocab]. */
        public static final Site LOGITS = new Site("logits");

        /**
         * Checks the name.
         *
         * @throws IllegalArgumentException if it is not {@code logits} and does not end in a part that begins with {@code hook_}
         */
        public Site {
            Objects.requireNonNull(suffix, "suffix");
            if (!NAME.matcher(suffix).matches()) {
                throw new IllegalArgumentException("a hook point's name is \"logits\" or ends in a part that begins with \"hook_\", found"
                        + " \"" + suffix + "\"");
            }
        }

        /**
         * This site in a block.
         *
         * @param layer the block, from 0
         * @return the hook point
         * @throws IllegalArgumentException if the layer is negative
         */
        public HookPoint at(int layer) {
            if (layer < 0) {
                throw new IllegalArgumentException(suffix + " needs a layer of at least 0, found " + layer);
            }
            return new HookPoint(this, layer);
        }

        /** {@return whether the values are attention scores or patterns, with an axis of query and one of key positions} */
        public boolean isPattern() {
            return equals(ATTN_SCORES) || equals(PATTERN);
        }

        /** {@return whether values can be edited: all but the denominators of norms} */
        public boolean isEditable() {
            return !suffix.endsWith("hook_scale");
        }

        /** {@return the name} */
        @Override
        public String toString() {
            return suffix;
        }
    }

    /**
     * Checks the layer.
     *
     * @throws IllegalArgumentException if the layer is not from -1 to 999999
     */
    public HookPoint {
        Objects.requireNonNull(site, "site");
        if (layer < -1 || layer > MAX_LAYER) {
            throw new IllegalArgumentException("a layer is from 0 to " + MAX_LAYER + ", or -1 outside the blocks, found " + layer);
        }
    }

    /**
     * The residual stream before a block.
     *
     * @param layer the block, from 0
     * @return {@code blocks.N.hook_resid_pre}
     */
    public static HookPoint residPre(int layer) {
        return Site.RESID_PRE.at(layer);
    }

    /**
     * The residual stream after a block.
     *
     * @param layer the block, from 0
     * @return {@code blocks.N.hook_resid_post}
     */
    public static HookPoint residPost(int layer) {
        return Site.RESID_POST.at(layer);
    }

    /**
     * The MLP's hidden layer after its activation function.
     *
     * @param layer the block, from 0
     * @return {@code blocks.N.mlp.hook_post}
     */
    public static HookPoint mlpPost(int layer) {
        return Site.MLP_POST.at(layer);
    }

    /**
     * Reads a name such as {@code blocks.0.mlp.hook_post} or {@code logits}. Whether a model has the hook point is for
     * {@link Transformer#hookPoints()} to say.
     *
     * @param name the name as in TransformerLens
     * @return the hook point, or empty if the name is none
     */
    public static Optional<HookPoint> parse(String name) {
        int layer = -1;
        String suffix = name;
        if (name.startsWith("blocks.")) {
            int dot = name.indexOf('.', 7);
            String digits = dot < 0 ? "" : name.substring(7, dot);
            if (!LAYER.matcher(digits).matches()) {
                return Optional.empty();
            }
            layer = Integer.parseInt(digits);
            suffix = name.substring(dot + 1);
        }
        return Site.NAME.matcher(suffix).matches() ? Optional.of(new HookPoint(new Site(suffix), layer)) : Optional.empty();
    }

    /** {@return the name as in TransformerLens} */
    @Override
    public String toString() {
        return layer < 0 ? site.suffix : "blocks." + layer + "." + site.suffix;
    }
}
