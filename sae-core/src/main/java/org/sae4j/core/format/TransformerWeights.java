package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;

/**
 * The weights of a transformer in TransformerLens names and layouts, all finite.
 *
 * <p>Names and shapes: {@code embed.W_E} [d_vocab, d_model], {@code pos_embed.W_pos} [n_ctx, d_model]; in {@code blocks.N.}: {@code ln1.w},
 * {@code ln1.b}, {@code ln2.w}, {@code ln2.b} [d_model], {@code attn.W_Q}, {@code attn.W_K}, {@code attn.W_V} [n_heads, d_model, d_head],
 * {@code attn.b_Q}, {@code attn.b_K}, {@code attn.b_V} [n_heads, d_head], {@code attn.W_O} [n_heads, d_head, d_model], {@code attn.b_O}
 * [d_model], {@code mlp.W_in} [d_model, d_mlp], {@code mlp.b_in} [d_mlp], {@code mlp.W_out} [d_mlp, d_model], {@code mlp.b_out} [d_model];
 * {@code ln_final.w}, {@code ln_final.b} [d_model], {@code unembed.W_U} [d_model, d_vocab], {@code unembed.b_U} [d_vocab]. Every one of
 * them is present; for a tied model {@code unembed.W_U} is the transposed embedding.
 *
 * @param description what the model computes
 * @param parameters the weights by name, unmodifiable; usable until {@link #close()}
 * @param tokenizer the model's tokenizer, if its folder has one
 * @param notes what a user should know about how the files were read, one sentence each
 * @param resource owns the mapped files and the memory of converted weights
 */
public record TransformerWeights(Description description, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer,
        List<String> notes, Arena resource) implements AutoCloseable {
    /** Copies the collections. */
    public TransformerWeights {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        notes = List.copyOf(notes);
    }

    /** {@return the dimensions and variants} */
    public TransformerConfig config() {
        return description.config();
    }

    /** Frees the weights. Afterwards access to their values throws {@link IllegalStateException}. Closing twice has no effect. */
    @Override
    public void close() {
        if (resource.scope().isAlive()) {
            resource.close();
        }
    }
}
