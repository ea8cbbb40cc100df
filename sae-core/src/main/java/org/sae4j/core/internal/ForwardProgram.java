package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.TransformerConfig;

/**
 * The program of a forward pass, and where its inputs and captures are.
 *
 * @param program the program
 * @param tokens token ids, or null if the pass resumes
 * @param positions the position of each row, or null if the pass resumes or does not read them
 * @param residual the residual stream to start from, or null
 * @param prefix keys and values of earlier positions, by hook point
 * @param logitRows the rows whose logits are computed, or null for all
 * @param edits the inputs of the edits
 * @param captures the output of each captured hook point
 */
record ForwardProgram(Program program, @Nullable Buffer tokens, @Nullable Buffer positions, @Nullable Buffer residual,
        Map<HookPoint, Buffer> prefix, @Nullable Buffer logitRows, List<EditInputs> edits, Map<HookPoint, Buffer> captures) {
    /**
     * The inputs of one edit.
     *
     * @param edit its number in the shape's list
     * @param rows row numbers
     * @param values one row for each
     */
    record EditInputs(int edit, Buffer rows, Buffer values) {}

    /**
     * Writes the program of a shape.
     *
     * @param config the transformer
     * @param weights its weights as matrices, see {@link TransformerWeightMatrices}
     * @param shape the shape
     * @return the program
     */
    static ForwardProgram of(TransformerConfig config, Map<String, Tensor> weights, ForwardShape shape) {
        return new Writer(config, weights, shape).write();
    }

    /**
     * Writes the operations in the order of the computation, up to the last capture. What is captured has an output of its own, everything
     * else lives in scratch buffers that all blocks share; the residual stream is updated in place where nobody reads its earlier value.
     */
    private static final class Writer {
        private final TransformerConfig config;
        private final Map<String, Tensor> weights;
        private final ForwardShape shape;
        private final int last;
        private final Program.Builder builder;
        private final Map<String, Buffer> weightBuffers = new HashMap<>();
        private final Map<String, Buffer> scratch = new HashMap<>();
        private final Map<HookPoint, Buffer> captures = new LinkedHashMap<>();
        private final List<EditInputs> edits = new ArrayList<>();
        private final Map<HookPoint, Buffer> prefix = new LinkedHashMap<>();
        private @Nullable Buffer tokens;
        private @Nullable Buffer positions;
        private @Nullable Buffer residualInput;
        private @Nullable Buffer logitRows;

        Writer(TransformerConfig config, Map<String, Tensor> weights, ForwardShape shape) {
            this.config = config;
            this.weights = weights;
            this.shape = shape;
            last = shape.last(config);
            builder = Program.builder(config.name() + " forward " + shape.batch() + " x " + shape.length());
        }

        ForwardProgram write() {
            Buffer residual = shape.startLayer() < 0 ? embed() : resume();
            for (int layer = Math.max(0, shape.startLayer()); layer < config.nLayers() && reaches(at(Site.RESID_PRE, layer)); layer++) {
                residual = block(layer, residual);
            }
            if (reaches(at(Site.LN_FINAL_SCALE, -1))) {
                unembed(residual);
            }
            return new ForwardProgram(builder.build(), tokens, positions, residualInput, prefix, logitRows, List.copyOf(edits), captures);
        }

        private Buffer embed() {
            tokens = builder.intInput("tokens", shape.rows());
            Buffer embedding = place(HookPoint.EMBED, "residual", config.dModel());
            builder.add(new Op.Gather(tokens, weight("embed.W_E"), embedding));
            edit(HookPoint.EMBED, embedding);
            HookPoint posEmbed = at(Site.POS_EMBED, -1);
            if (!reaches(posEmbed)) {
                return embedding;
            }
            positions = builder.intInput("positions", shape.rows());
            Buffer position = place(posEmbed, "addition", config.dModel());
            builder.add(new Op.Gather(positions, weight("pos_embed.W_pos"), position));
            edit(posEmbed, position);
            return last == ForwardShape.order(config, posEmbed) ? embedding : add(embedding, position, afterBlock(-1));
        }

        private Buffer resume() {
            residualInput = builder.input("residual stream", shape.rows(), config.dModel());
            return residualInput;
        }

        /** Returns the residual stream after a block, or anything if the computation ends within the block. */
        private Buffer block(int layer, Buffer before) {
            Buffer residual = residPre(layer, before);
            String name = "blocks." + layer + ".";
            if (!reaches(at(Site.LN1_SCALE, layer))) {
                return residual;
            }
            Buffer normalized = layerNorm(name + "ln1", at(Site.LN1_SCALE, layer), at(Site.LN1_NORMALIZED, layer), residual);
            Buffer mixed = attention(layer, normalized);
            if (!reaches(at(Site.ATTN_OUT, layer))) {
                return residual;
            }
            Buffer attnOut = place(at(Site.ATTN_OUT, layer), "addition", config.dModel());
            product(mixed, name + "attn.W_O", name + "attn.b_O", Op.Function.IDENTITY, attnOut);
            edit(at(Site.ATTN_OUT, layer), attnOut);
            if (!reaches(at(Site.RESID_MID, layer))) {
                return residual;
            }
            residual = add(residual, attnOut, place(at(Site.RESID_MID, layer), "residual", config.dModel()));
            edit(at(Site.RESID_MID, layer), residual);
            if (!reaches(at(Site.LN2_SCALE, layer))) {
                return residual;
            }
            normalized = layerNorm(name + "ln2", at(Site.LN2_SCALE, layer), at(Site.LN2_NORMALIZED, layer), residual);
            Buffer hidden = hidden(layer, normalized);
            if (!reaches(at(Site.MLP_OUT, layer))) {
                return residual;
            }
            Buffer mlpOut = place(at(Site.MLP_OUT, layer), "addition", config.dModel());
            product(hidden, name + "mlp.W_out", name + "mlp.b_out", Op.Function.IDENTITY, mlpOut);
            edit(at(Site.MLP_OUT, layer), mlpOut);
            if (!reaches(at(Site.RESID_POST, layer))) {
                return residual;
            }
            residual = add(residual, mlpOut, afterBlock(layer));
            edit(at(Site.RESID_POST, layer), residual);
            return residual;
        }

        /** Where the residual stream between two blocks goes: one buffer for both of its hook points. */
        private Buffer afterBlock(int layer) {
            boolean postRead = layer >= 0 && captured(at(Site.RESID_POST, layer));
            HookPoint hook = postRead || layer + 1 == config.nLayers() ? at(Site.RESID_POST, Math.max(0, layer))
                    : at(Site.RESID_PRE, layer + 1);
            return place(hook, "residual", config.dModel());
        }

        /** The residual stream before a block is that after the one before it, unless an edit makes them differ and both are read. */
        private Buffer residPre(int layer, Buffer before) {
            HookPoint hook = at(Site.RESID_PRE, layer);
            boolean read = captured(hook);
            boolean shared = layer > 0 && captured(at(Site.RESID_POST, layer - 1));
            Buffer residual = before;
            if (before == residualInput ? read || edited(hook) : shared && edited(hook)) {
                residual = place(hook, "residual", config.dModel());
                builder.add(new Op.Map(before, Op.Function.IDENTITY, residual));
            }
            if (read) {
                captures.put(hook, residual);
            }
            edit(hook, residual);
            return residual;
        }

        /** Returns the mixed values, or anything if the computation ends before. */
        private Buffer attention(int layer, Buffer normalized) {
            Buffer q = normalized;
            Buffer k = normalized;
            Buffer v = normalized;
            if (reaches(at(Site.Q, layer))) {
                q = project(at(Site.Q, layer), "Q", normalized);
            }
            if (reaches(at(Site.K, layer))) {
                k = project(at(Site.K, layer), "K", normalized);
            }
            if (reaches(at(Site.V, layer))) {
                v = project(at(Site.V, layer), "V", normalized);
            }
            boolean patternRead = captured(at(Site.ATTN_SCORES, layer)) || captured(at(Site.PATTERN, layer));
            Buffer pattern = patternRead ? pattern(layer, q, k) : q;
            HookPoint hook = at(Site.Z, layer);
            if (!reaches(hook)) {
                return normalized;
            }
            Buffer z = place(hook, "z", config.nHeads() * config.dHead());
            builder.add(patternRead ? new Op.AttentionMix(pattern, v, shape.batch(), config.nHeads(), z)
                    : new Op.Attention(q, k, v, shape.prefix(), earlier(Site.K, layer), earlier(Site.V, layer), shape.batch(),
                            config.nHeads(), z));
            edit(hook, z);
            return z;
        }

        private @Nullable Buffer earlier(Site site, int layer) {
            return shape.prefix() == 0 ? null : prefix.computeIfAbsent(at(site, layer), hook -> builder.input(hook + " of the prefix",
                    shape.prefixRows() * shape.prefix(), config.nHeads() * config.dHead()));
        }

        private Buffer project(HookPoint hook, String letter, Buffer normalized) {
            String name = "blocks." + hook.layer() + ".attn.";
            Buffer out = place(hook, letter, config.nHeads() * config.dHead());
            product(normalized, name + "W_" + letter, name + "b_" + letter, Op.Function.IDENTITY, out);
            edit(hook, out);
            return out;
        }

        private Buffer pattern(int layer, Buffer q, Buffer k) {
            int rows = shape.rows() * config.nHeads();
            Buffer scores = place(at(Site.ATTN_SCORES, layer), "scores", rows, shape.length());
            builder.add(new Op.AttentionScores(q, k, shape.batch(), config.nHeads(), scores));
            if (!reaches(at(Site.PATTERN, layer))) {
                return scores;
            }
            Buffer pattern = place(at(Site.PATTERN, layer), "pattern", rows, shape.length());
            builder.add(new Op.Softmax(scores, pattern));
            return pattern;
        }

        /** Returns the MLP's hidden layer, or anything if the computation ends before. */
        private Buffer hidden(int layer, Buffer normalized) {
            HookPoint pre = at(Site.MLP_PRE, layer);
            HookPoint post = at(Site.MLP_POST, layer);
            if (!reaches(pre)) {
                return normalized;
            }
            Op.Function activation = switch (config.activation()) {
                case GELU -> Op.Function.GELU;
                case GELU_TANH -> Op.Function.GELU_TANH;
                case RELU -> Op.Function.RELU;
            };
            String name = "blocks." + layer + ".mlp.";
            Buffer out;
            if (captured(pre) || edited(pre)) {
                Buffer before = place(pre, "hidden", config.dMlp());
                product(normalized, name + "W_in", name + "b_in", Op.Function.IDENTITY, before);
                edit(pre, before);
                if (!reaches(post)) {
                    return before;
                }
                out = place(post, "hidden", config.dMlp());
                builder.add(new Op.Map(before, activation, out));
            } else {
                out = place(post, "hidden", config.dMlp());
                product(normalized, name + "W_in", name + "b_in", activation, out);
            }
            edit(post, out);
            return out;
        }

        private void unembed(Buffer residual) {
            Buffer normalized = layerNorm("ln_final", at(Site.LN_FINAL_SCALE, -1), at(Site.LN_FINAL_NORMALIZED, -1), residual);
            if (!reaches(HookPoint.LOGITS)) {
                return;
            }
            Buffer rows = normalized;
            if (shape.logitPositions().isPresent()) {
                logitRows = builder.intInput("logit rows", shape.logitRows());
                rows = builder.intermediate("rows for logits", shape.logitRows(), config.dModel());
                builder.add(new Op.Gather(logitRows, normalized, rows));
            }
            Buffer logits = place(HookPoint.LOGITS, "logits", shape.logitRows(), config.dVocab());
            boolean tied = !weights.containsKey("unembed.W_U");
            builder.add(new Op.MatMul(rows, false, weight(tied ? "embed.W_E" : "unembed.W_U"), tied, weight("unembed.b_U"),
                    Op.Function.IDENTITY, logits));
            edit(HookPoint.LOGITS, logits);
        }

        private Buffer layerNorm(String name, HookPoint scale, HookPoint normalized, Buffer x) {
            Buffer out = place(normalized, "normalized", config.dModel());
            Buffer denominators = captured(scale) ? place(scale, "", 1) : null;
            builder.add(new Op.LayerNorm(x, weight(name + ".w"), weight(name + ".b"), config.layerNormEps(), out, denominators));
            edit(normalized, out);
            return out;
        }

        private void product(Buffer x, String weight, String bias, Op.Function function, Buffer out) {
            builder.add(new Op.MatMul(x, false, weight(weight), false, weight(bias), function, out));
        }

        private Buffer add(Buffer residual, Buffer addition, Buffer out) {
            builder.add(new Op.Add(residual, addition, 1, out));
            return out;
        }

        private void edit(HookPoint hook, Buffer target) {
            for (int i = 0; i < shape.edits().size(); i++) {
                ForwardShape.EditShape edit = shape.edits().get(i);
                if (edit.hook().equals(hook)) {
                    Buffer rows = builder.intInput("edit " + i + " rows", edit.capacity());
                    Buffer values = builder.input("edit " + i + " values", edit.capacity(), target.cols());
                    builder.add(new Op.Patch(target, rows, values, edit.mode() == ForwardPlan.Mode.ADD));
                    edits.add(new EditInputs(i, rows, values));
                }
            }
        }

        private Buffer place(HookPoint hook, String kind, int cols) {
            return place(hook, kind, shape.rows(), cols);
        }

        private Buffer place(HookPoint hook, String kind, int rows, int cols) {
            if (captured(hook)) {
                return captures.computeIfAbsent(hook, h -> builder.output(h.toString(), rows, cols));
            }
            return scratch.computeIfAbsent(kind, k -> builder.intermediate("scratch " + k, rows, cols));
        }

        private Buffer weight(String name) {
            return weightBuffers.computeIfAbsent(name, n -> {
                Tensor tensor = Objects.requireNonNull(weights.get(n), n);
                return builder.weight(n, tensor.dim(0), tensor.dim(1));
            });
        }

        private boolean reaches(HookPoint hook) {
            return ForwardShape.order(config, hook) <= last;
        }

        private boolean captured(HookPoint hook) {
            return shape.captures().contains(hook);
        }

        private boolean edited(HookPoint hook) {
            return shape.edits().stream().anyMatch(edit -> edit.hook().equals(hook));
        }

        private static HookPoint at(Site site, int layer) {
            return new HookPoint(site, layer);
        }
    }
}
