package org.sae4j.core.internal.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.Parameter.Layout;
import org.sae4j.core.program.Value;

/** What transformers are made of. A part takes and returns values; hook points and parameters are named as in TransformerLens. */
final class Parts {
    private static final String COS = " cos";
    private static final String SIN = " sin";

    /** How rows are normalized. */
    enum Norm {
        /** LayerNorm, whose hook point is what it gives: TransformerLens before version 3. */
        LAYER_NORM_AFTER,
        /** LayerNorm, whose hook point lies before weight and bias. */
        LAYER_NORM,
        /** LayerNorm without weight and bias. */
        LAYER_NORM_PLAIN,
        /** RMSNorm, whose hook point lies before the weight. */
        RMS_NORM,
        /** RMSNorm without weight. */
        RMS_NORM_PLAIN,
        /** None. */
        NONE
    }

    /**
     * An attention.
     *
     * @param dHead width of a head
     * @param heads heads and scores
     * @param queryBias whether queries, keys and values have biases
     * @param outBias whether the output has a bias
     * @param headNorm whether every head of queries and keys is normalized by RMSNorm before rotation
     * @param rowNorm whether all heads of queries, and of keys, are normalized together by RMSNorm before rotation
     * @param rotary the angles that queries and keys are rotated by, or null for none
     */
    record Attention(int dHead, Op.Heads heads, boolean queryBias, boolean outBias, boolean headNorm, boolean rowNorm,
            @Nullable Angles rotary) {
        /** Attention without biases, norms and rotation. */
        static Attention of(int dHead, Op.Heads heads) {
            return new Attention(dHead, heads, false, false, false, false, null);
        }

        Attention biased(boolean query, boolean out) {
            return new Attention(dHead, heads, query, out, headNorm, rowNorm, rotary);
        }

        Attention normed(boolean byHead, boolean byRow) {
            return new Attention(dHead, heads, queryBias, outBias, byHead, byRow, rotary);
        }

        Attention rotated(@Nullable Angles angles) {
            return new Attention(dHead, heads, queryBias, outBias, headNorm, rowNorm, angles);
        }
    }

    private final FormBuilder b = new FormBuilder("v");
    private final TransformerConfig config;
    private final List<String> entries = new ArrayList<>();
    private final List<HookPoint> cacheHooks = new ArrayList<>();
    private final Map<String, Description.PositionRow> positional = new HashMap<>();

    Parts(TransformerConfig config) {
        this.config = config;
    }

    /** The description of a model whose last value is given. */
    Description describe(Value logits) {
        return new Description(config, b.build(logits), b.parameters(), entries, cacheHooks, positional);
    }

    FormBuilder builder() {
        return b;
    }

    /** {@code hook_embed}: rows of the embedding, times a factor. */
    Value embedding(double scale) {
        Value rows = b.gather(b.indices(Description.TOKENS, Dim.ROWS), b.matrix("embed.W_E", config.dVocab(), config.dModel()));
        return b.hook("hook_embed", b.scale(rows, scale));
    }

    /** {@code hook_pos_embed}: rows of a table of positions. */
    Value learnedPositions() {
        Value table = b.matrix("pos_embed.W_pos", config.nCtx(), config.dModel());
        return b.hook("hook_pos_embed", b.gather(b.indices(Description.POSITIONS, Dim.ROWS), table));
    }

    /** {@code hook_resid_pre} of a block, where a pass can begin. */
    Value enter(String block, Value x) {
        Value entered = b.hook(block + "hook_resid_pre", x);
        entries.add(entered.name());
        return entered;
    }

    /** The residual stream after all blocks, where a pass can begin too. */
    Value leave(Value x) {
        Value last = b.copy("residual stream after all blocks", x);
        entries.add(last.name());
        return last;
    }

    /** A norm with its hook points. */
    Value norm(Norm kind, String name, Value x) {
        return norm(kind, name, name, x);
    }

    /** A norm whose parameters have another name than its hook points, as they are those of another norm. */
    Value norm(Norm kind, String name, String parameters, Value x) {
        int width = x.cols().times();
        String scale = name + ".hook_scale";
        String normalized = name + ".hook_normalized";
        return switch (kind) {
            case LAYER_NORM_AFTER -> b.hook(normalized, b.layerNorm(x, b.row(parameters + ".w", width), b.row(parameters + ".b", width),
                    config.normEps(), scale, null));
            case LAYER_NORM -> b.layerNorm(x, b.row(parameters + ".w", width), b.row(parameters + ".b", width), config.normEps(), scale, normalized);
            case LAYER_NORM_PLAIN -> b.hook(normalized, b.layerNorm(x, null, null, config.normEps(), scale, null));
            case RMS_NORM -> b.rmsNorm(x, b.row(parameters + ".w", width), 0, config.normEps(), scale, normalized);
            case RMS_NORM_PLAIN -> b.hook(normalized, b.rmsNorm(x, null, 0, config.normEps(), scale, null));
            case NONE -> x;
        };
    }

    /** An attention layer of normalized rows, without the hook point of its output. */
    Value attention(String block, Value x, Attention a) {
        return attention(block, x, x, a);
    }

    /** An attention layer whose values come from other rows than queries and keys. */
    Value attention(String block, Value x, Value valuesFrom, Attention a) {
        String name = block + "attn.";
        int heads = a.heads().count();
        int keyHeads = a.heads().keyValues();
        Value q = b.hook(name + "hook_q", heads, project(name, "Q", x, heads, a));
        Value k = b.hook(name + "hook_k", keyHeads, project(name, "K", x, keyHeads, a));
        Value v = b.hook(name + "hook_v", keyHeads, project(name, "V", valuesFrom, keyHeads, a));
        q = headNorm(name + "q_norm", q, heads, a);
        k = headNorm(name + "k_norm", k, keyHeads, a);
        q = position(name, "q", q, heads, a);
        k = position(name, "k", k, keyHeads, a);
        cacheHooks.add(HookPoint.parse(k.name()).orElseThrow());
        cacheHooks.add(HookPoint.parse(v.name()).orElseThrow());
        Value z = b.hook(name + "hook_z", heads, b.attention(q, k, v, a.heads(), name + "hook_attn_scores", name + "hook_pattern"));
        Parameter out = new Parameter(name + "W_O", Layout.HEADS_IN_ROWS, heads * a.dHead(), config.dModel(), heads);
        return b.product(z, b.weight(out), a.outBias() ? b.row(name + "b_O", config.dModel()) : null);
    }

    private Value project(String name, String letter, Value x, int heads, Attention a) {
        int width = heads * a.dHead();
        Value w = b.weight(new Parameter(name + "W_" + letter, Layout.HEADS_IN_COLUMNS, config.dModel(), width, heads));
        return b.product(x, w, a.queryBias() ? b.weight(new Parameter(name + "b_" + letter, Layout.HEAD_ROW, 1, width, heads)) : null);
    }

    private Value headNorm(String name, Value x, int heads, Attention a) {
        if (!a.headNorm() && !a.rowNorm()) {
            return x;
        }
        int groups = a.headNorm() ? heads : 0;
        return b.rmsNorm(x, b.row(name + ".w", x.cols().times() / Math.max(1, groups)), groups, config.normEps(), name + ".hook_scale",
                name + ".hook_normalized");
    }

    private Value position(String name, String letter, Value x, int heads, Attention a) {
        Angles angles = a.rotary();
        if (angles == null) {
            return x.role() == Value.Role.HOOK ? x : b.hook(name + "hook_normed_" + letter, heads, x);
        }
        Dim columns = Dim.of(angles.count());
        Value cos = b.input(angles.name() + COS, Dim.ROWS, columns);
        Value sin = b.input(angles.name() + SIN, Dim.ROWS, columns);
        positional.put(cos.name(), angles::cos);
        positional.put(sin.name(), angles::sin);
        return b.hook(name + "hook_rot_" + letter, heads, b.rotary(x, cos, sin, heads));
    }

    /** An MLP of normalized rows, without the hook point of its output. */
    Value mlp(String block, Value x, boolean biased) {
        String name = block + "mlp.";
        Value w = b.matrix(name + "W_in", config.dModel(), config.dMlp());
        Value bias = biased ? b.row(name + "b_in", config.dMlp()) : null;
        Value hidden = activated(name, x, w, bias);
        return out(name, b.hook(name + "hook_post", hidden), biased);
    }

    /** An MLP whose activated half gates a linear one, without the hook point of its output. */
    Value gatedMlp(String block, Value x, boolean biased) {
        String name = block + "mlp.";
        Value gate = activated(name, x, b.matrix(name + "W_gate", config.dModel(), config.dMlp()),
                biased ? b.row(name + "b_gate", config.dMlp()) : null);
        Value linear = b.hook(name + "hook_pre_linear", b.product(x, b.matrix(name + "W_in", config.dModel(), config.dMlp()),
                biased ? b.row(name + "b_in", config.dMlp()) : null));
        return out(name, b.hook(name + "hook_post", b.multiply(gate, linear)), biased);
    }

    /** TransformerLens' gated MLP: the gate has no bias, and that of the linear half comes after the product. */
    Value lensGatedMlp(String block, Value x) {
        String name = block + "mlp.";
        Value gate = activated(name, x, b.matrix(name + "W_gate", config.dModel(), config.dMlp()), null);
        Value linear = b.hook(name + "hook_pre_linear", b.product(x, b.matrix(name + "W_in", config.dModel(), config.dMlp()), null));
        return out(name, b.hook(name + "hook_post", b.add(b.multiply(gate, linear), b.row(name + "b_in", config.dMlp()))), true);
    }

    /** An MLP that normalizes its activated hidden layer (SoLU with LayerNorm, Elhage et al. 2022). */
    Value normedMlp(String block, Value x, Norm norm) {
        String name = block + "mlp.";
        Value hidden = activated(name, x, b.matrix(name + "W_in", config.dModel(), config.dMlp()), b.row(name + "b_in", config.dMlp()));
        Value normalized = norm(norm == Norm.LAYER_NORM_AFTER ? norm : Norm.LAYER_NORM_PLAIN, name + "ln", b.hook(name + "hook_mid", hidden));
        return out(name, b.hook(name + "hook_post", normalized), true);
    }

    /** {@code hook_pre}, and what the activation function makes of it. */
    Value activated(String name, Value x, Value w, @Nullable Value bias) {
        String pre = name + "hook_pre";
        if (config.activation() == TransformerConfig.Activation.SOLU) {
            Value before = b.hook(pre, b.product(x, w, bias));
            return b.multiply(before, b.softmax(before));
        }
        return b.product(x, w, bias, function(config.activation()), pre);
    }

    Value out(String name, Value hidden, boolean biased) {
        return b.product(hidden, b.matrix(name + "W_out", config.dMlp(), config.dModel()),
                biased ? b.row(name + "b_out", config.dModel()) : null);
    }

    private static Op.Function function(TransformerConfig.Activation activation) {
        return switch (activation) {
            case GELU -> Op.Function.GELU;
            case GELU_TANH -> Op.Function.GELU_TANH;
            case RELU -> Op.Function.RELU;
            case SILU -> Op.Function.SILU;
            case SOLU -> throw new IllegalArgumentException("SoLU is not elementwise");
        };
    }

    /** {@code logits} of normalized rows, those that are wanted, with a soft cap or 0 for none. */
    Value logits(Value normalized, boolean biased, double cap) {
        Value all = b.hook(Site.UNEMBED_IN.toString(), normalized);
        Value rows = b.inner(Description.PICKED_ROWS, b.gather(b.indices(Description.LOGIT_ROWS, Dim.PICKED), all));
        Value product = b.hook(Site.UNEMBED_OUT.toString(), b.product(rows, b.matrix("unembed.W_U", config.dModel(), config.dVocab()),
                biased ? b.row("unembed.b_U", config.dVocab()) : null));
        return b.hook(HookPoint.LOGITS.toString(),
                cap == 0 ? product : b.scale(b.map(b.scale(product, 1 / cap), Op.Function.TANH), cap));
    }
}
