package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A place in a transformer's computation whose values can be captured or replaced, named as in TransformerLens.
 *
 * @param site the kind of place
 * @param layer the block, from 0, or -1 for sites outside the blocks
 */
public record HookPoint(Site site, int layer) {
    /** The logits: the output of the unembedding. */
    public static final HookPoint LOGITS = new HookPoint(Site.LOGITS, -1);
    /** The token embeddings. */
    public static final HookPoint EMBED = new HookPoint(Site.EMBED, -1);

    /** The kinds of place, with the shape of their values for tokens of shape [batch, pos]. */
    public enum Site {
        /** Token embeddings [batch, pos, d_model]. */
        EMBED("hook_embed", false),
        /** Position embeddings [batch, pos, d_model]. */
        POS_EMBED("hook_pos_embed", false),
        /** The residual stream before a block [batch, pos, d_model]. */
        RESID_PRE("hook_resid_pre", true),
        /** The denominator of the first LayerNorm [batch, pos, 1]. */
        LN1_SCALE("ln1.hook_scale", true),
        /** The output of the first LayerNorm [batch, pos, d_model]. */
        LN1_NORMALIZED("ln1.hook_normalized", true),
        /** Queries [batch, pos, n_heads, d_head]. */
        Q("attn.hook_q", true),
        /** Keys [batch, pos, n_heads, d_head]. */
        K("attn.hook_k", true),
        /** Values [batch, pos, n_heads, d_head]. */
        V("attn.hook_v", true),
        /** Scaled attention scores, -infinity where a token would look ahead [batch, n_heads, query pos, key pos]. */
        ATTN_SCORES("attn.hook_attn_scores", true),
        /** Attention probabilities [batch, n_heads, query pos, key pos]. */
        PATTERN("attn.hook_pattern", true),
        /** Mixed values, before the output projection [batch, pos, n_heads, d_head]. */
        Z("attn.hook_z", true),
        /** The attention layer's addition to the residual stream [batch, pos, d_model]. */
        ATTN_OUT("hook_attn_out", true),
        /** The residual stream between attention and MLP [batch, pos, d_model]. */
        RESID_MID("hook_resid_mid", true),
        /** The denominator of the second LayerNorm [batch, pos, 1]. */
        LN2_SCALE("ln2.hook_scale", true),
        /** The output of the second LayerNorm [batch, pos, d_model]. */
        LN2_NORMALIZED("ln2.hook_normalized", true),
        /** The MLP's hidden layer before its activation function [batch, pos, d_mlp]. */
        MLP_PRE("mlp.hook_pre", true),
        /** The MLP's hidden layer after its activation function [batch, pos, d_mlp]. */
        MLP_POST("mlp.hook_post", true),
        /** The MLP's addition to the residual stream [batch, pos, d_model]. */
        MLP_OUT("hook_mlp_out", true),
        /** The residual stream after a block [batch, pos, d_model]. */
        RESID_POST("hook_resid_post", true),
        /** The denominator of the final LayerNorm [batch, pos, 1]. */
        LN_FINAL_SCALE("ln_final.hook_scale", false),
        /** The output of the final LayerNorm [batch, pos, d_model]. */
        LN_FINAL_NORMALIZED("ln_final.hook_normalized", false),
        /** The logits [batch, pos, d_vocab]. */
        LOGITS("logits", false);

        private final String suffix;
        private final boolean inBlock;

        Site(String suffix, boolean inBlock) {
            this.suffix = suffix;
            this.inBlock = inBlock;
        }

        /** {@return whether every block has this site} */
        public boolean inBlock() {
            return inBlock;
        }

        /** {@return the name, for a block's site without the prefix {@code blocks.N.}} */
        public String suffix() {
            return suffix;
        }
    }

    /**
     * Checks that block sites have a block and others have none.
     *
     * @throws IllegalArgumentException otherwise
     */
    public HookPoint {
        if (site.inBlock ? layer < 0 : layer != -1) {
            throw new IllegalArgumentException(site.inBlock ? site.suffix + " needs a layer of at least 0, found " + layer
                    : site.suffix + " has no layer, found " + layer);
        }
    }

    /**
     * The residual stream before a block.
     *
     * @param layer the block, from 0
     * @return {@code blocks.N.hook_resid_pre}
     */
    public static HookPoint residPre(int layer) {
        return new HookPoint(Site.RESID_PRE, layer);
    }

    /**
     * The residual stream after a block.
     *
     * @param layer the block, from 0
     * @return {@code blocks.N.hook_resid_post}
     */
    public static HookPoint residPost(int layer) {
        return new HookPoint(Site.RESID_POST, layer);
    }

    /**
     * The MLP's hidden layer after its activation function.
     *
     * @param layer the block, from 0
     * @return {@code blocks.N.mlp.hook_post}
     */
    public static HookPoint mlpPost(int layer) {
        return new HookPoint(Site.MLP_POST, layer);
    }

    /**
     * Reads a name such as {@code blocks.0.mlp.hook_post} or {@code logits}.
     *
     * @param name the name as in TransformerLens
     * @return the hook point, or empty if the name is not one
     */
    public static Optional<HookPoint> parse(String name) {
        int layer = -1;
        String suffix = name;
        if (name.startsWith("blocks.")) {
            int dot = name.indexOf('.', 7);
            String digits = dot < 0 ? "" : name.substring(7, dot);
            if (!digits.matches("0|[1-9][0-9]{0,5}")) {
                return Optional.empty();
            }
            layer = Integer.parseInt(digits);
            suffix = name.substring(dot + 1);
        }
        for (Site site : Site.values()) {
            if (site.suffix.equals(suffix) && site.inBlock == layer >= 0) {
                return Optional.of(new HookPoint(site, layer));
            }
        }
        return Optional.empty();
    }

    /**
     * All hook points of a transformer, in the order of its computation.
     *
     * @param config the transformer
     * @return an unmodifiable list
     */
    public static List<HookPoint> of(TransformerConfig config) {
        List<HookPoint> points = new ArrayList<>(List.of(EMBED, new HookPoint(Site.POS_EMBED, -1)));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (Site site : Site.values()) {
                if (site.inBlock) {
                    points.add(new HookPoint(site, layer));
                }
            }
        }
        points.add(new HookPoint(Site.LN_FINAL_SCALE, -1));
        points.add(new HookPoint(Site.LN_FINAL_NORMALIZED, -1));
        points.add(LOGITS);
        return List.copyOf(points);
    }

    /**
     * The shape of this hook point's values.
     *
     * @param config the transformer
     * @param batch number of rows of tokens
     * @param pos number of tokens in a row
     * @return the lengths of the axes
     */
    public int[] shape(TransformerConfig config, int batch, int pos) {
        return switch (site) {
            case Q, K, V, Z -> new int[] {batch, pos, config.nHeads(), config.dHead()};
            case ATTN_SCORES, PATTERN -> new int[] {batch, config.nHeads(), pos, pos};
            case LN1_SCALE, LN2_SCALE, LN_FINAL_SCALE -> new int[] {batch, pos, 1};
            case MLP_PRE, MLP_POST -> new int[] {batch, pos, config.dMlp()};
            case LOGITS -> new int[] {batch, pos, config.dVocab()};
            default -> new int[] {batch, pos, config.dModel()};
        };
    }

    /** {@return the name as in TransformerLens} */
    @Override
    public String toString() {
        return site.inBlock ? "blocks." + layer + "." + site.suffix : site.suffix;
    }
}
