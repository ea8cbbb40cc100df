package org.sae4j.core;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.sae4j.api.Observer.Operation;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.coder.Splice;
import org.sae4j.core.format.TransformerFiles;
import org.sae4j.core.format.TransformerWeights;
import org.sae4j.core.format.WeightProcessing;
import org.sae4j.core.internal.ProgramTransformer;
import org.sae4j.core.internal.SharedResource;
import org.sae4j.core.internal.model.Gpt2;
import org.sae4j.core.program.Description;

/**
 * GPT-2-style transformers of any depth on an engine.
 *
 * <p>A forward pass runs a program that is compiled for its shape: tokens' shape, captures, edits, start and end. Programs are kept for the
 * next pass of the same shape, the least recently used ones are given up. Capturing {@code mlp.hook_pre}, attention scores or patterns, or
 * editing the first, keeps an engine from fusing operations, which may change the last bits of what follows; no other capture does. The
 * engine must stay open as long as the transformer is used. All methods refuse null.
 */
public final class Transformers {
    private static final System.Logger LOG = System.getLogger(Transformers.class.getName());

    private Transformers() {}

    /**
     * Opens a model. What a user should know about how its files were read is logged at level INFO.
     *
     * @param path a folder, or the file of weights in it, see {@link TransformerFiles#read}
     * @param engine runs the transformer; it is not closed with it
     * @return the transformer, to be closed by the caller; its parameters lie in the mapped files until it and all that were made from it
     *     with {@link Transformer#with} are closed
     * @throws org.sae4j.core.format.FormatException if a file is missing, broken or hostile, the architecture is not supported, or
     *     parameters do not fit the configuration or are NaN or infinite
     */
    public static Transformer open(Path path, Engine engine) {
        return open(path, List.of(), engine);
    }

    /**
     * Opens a model and processes its weights as TransformerLens does. The steps are recorded in the model's name.
     *
     * @param path a folder, or the file of weights in it
     * @param processing names of {@link WeightProcessing#steps}, in the order of their application; empty for raw weights
     * @param engine runs the transformer; it is not closed with it
     * @return the transformer, to be closed by the caller, as from {@link #open(Path, Engine)}
     * @throws org.sae4j.core.format.FormatException as {@link #open(Path, Engine)}
     * @throws IllegalArgumentException if a name is not that of a step
     */
    public static Transformer open(Path path, List<String> processing, Engine engine) {
        return open(path, TransformerFiles::read, processing, engine);
    }

    /**
     * Opens a model for token ids alone, as {@link #open(Path, List, Engine)} does but without looking at a tokenizer in its folder.
     *
     * @param path a folder, or the file of weights in it
     * @param processing names of {@link WeightProcessing#steps}, in the order of their application; empty for raw weights
     * @param engine runs the transformer; it is not closed with it
     * @return the transformer, without tokenizer, to be closed by the caller
     * @throws org.sae4j.core.format.FormatException as {@link #open(Path, Engine)}, but for the tokenizer
     * @throws IllegalArgumentException if a name is not that of a step
     */
    public static Transformer openWithoutTokenizer(Path path, List<String> processing, Engine engine) {
        return open(path, TransformerFiles::readWithoutTokenizer, processing, engine);
    }

    private static Transformer open(Path path, Function<Path, TransformerWeights> reader, List<String> processing, Engine engine) {
        Objects.requireNonNull(engine, "engine");
        if (!WeightProcessing.steps().containsAll(processing)) {
            throw new IllegalArgumentException("steps of processing are " + WeightProcessing.steps() + ", found " + processing);
        }
        return engine.observer().observe(Operation.OPEN, path.toString(), 0, () -> read(path, reader, processing, engine));
    }

    private static Transformer read(Path path, Function<Path, TransformerWeights> reader, List<String> processing, Engine engine) {
        TransformerWeights weights = WeightProcessing.apply(reader.apply(path), processing);
        weights.notes().forEach(note -> LOG.log(System.Logger.Level.INFO, "{0}: {1}", path, note));
        // The reader has checked what is in the file, not what processing makes of it.
        return SharedResource.take(weights, path, resource -> processing.isEmpty()
                ? ProgramTransformer.ofChecked(weights.description(), weights.parameters(), weights.tokenizer(), engine, resource)
                : ProgramTransformer.of(weights.description(), weights.parameters(), weights.tokenizer(), engine, resource));
    }

    /**
     * Refuses a model that does not fit: looks whether there is memory for its weights, as its engine needs them, and for a whole pass, from
     * tokens to logits, before anything is computed. Opening a model reads little of this memory yet, since weights are made ready by the
     * first pass that uses them, and passes that end early need less. Every pass makes this check for itself before it allocates.
     *
     * @param model a transformer that this class has opened or made, or one that was made of it; of others nothing is known, and they pass
     * @param batch number of texts, at least 1
     * @param length tokens of each, 1 to the model's context
     * @throws org.sae4j.api.Sae4jException if memory does not suffice; the message says bytes needed and available
     * @throws IllegalArgumentException if there are too many tokens
     * @throws IllegalStateException after close of the model or its engine
     */
    public static void requireMemory(Transformer model, int batch, int length) {
        Objects.requireNonNull(model, "model");
        if (batch < 1 || length < 1) {
            throw new IllegalArgumentException("batch and length are at least 1, found " + batch + " and " + length);
        }
        if (model instanceof ProgramTransformer own) {
            own.requireMemory(batch, length);
        }
    }

    /**
     * Makes a GPT-2-style transformer from its parameters.
     *
     * @param config dimensions and variants
     * @param parameters all parameters by their TransformerLens names and layouts: {@code embed.W_E} [d_vocab, d_model],
     *     {@code pos_embed.W_pos} [n_ctx, d_model], {@code blocks.N.ln1.w}, {@code .b} [d_model], {@code blocks.N.attn.W_Q},
     *     {@code W_K}, {@code W_V} [n_heads, d_model, d_head], {@code b_Q}, {@code b_K}, {@code b_V} [n_heads, d_head], {@code W_O}
     *     [n_heads, d_head, d_model], {@code b_O} [d_model], {@code blocks.N.ln2.w}, {@code .b}, {@code blocks.N.mlp.W_in}
     *     [d_model, d_mlp], {@code b_in} [d_mlp], {@code W_out} [d_mlp, d_model], {@code b_out} [d_model], {@code ln_final.w}, {@code .b},
     *     {@code unembed.W_U} [d_model, d_vocab], {@code unembed.b_U} [d_vocab]; must not change while the transformer is used
     * @param tokenizer the tokenizer, if there is one
     * @param engine runs the transformer; it is not closed with it
     * @return the transformer, to be closed by the caller
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape, NaN or infinite, or the unembedding is not the
     *     transposed embedding although {@code config} says so
     */
    public static Transformer of(TransformerConfig config, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer, Engine engine) {
        return of(Gpt2.describe(config), parameters, tokenizer, engine);
    }

    /**
     * Makes a transformer of a description and its parameters.
     *
     * @param description what the model computes
     * @param parameters all parameters that {@link Description#parameters()} lists, in their shapes; must not change while the transformer
     *     is used
     * @param tokenizer the tokenizer, if there is one
     * @param engine runs the transformer; it is not closed with it
     * @return the transformer, to be closed by the caller
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape, NaN or infinite, or the unembedding is not the
     *     transposed embedding although the configuration says so
     */
    public static Transformer of(Description description, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer, Engine engine) {
        Objects.requireNonNull(tokenizer, "tokenizer");
        Objects.requireNonNull(engine, "engine");
        return ProgramTransformer.of(description, parameters, tokenizer, engine, SharedResource.none());
    }

    /**
     * A model with an autoencoder or transcoder in it, at the hook points of its configuration. Its features are a hook point,
     * {@code HOOK.hook_sae_acts_post}: they can be captured, and {@link Transformer#gradients} gives exact gradients by them, and through
     * them by what lies before. See {@link Splice} for the hook points and parameters.
     *
     * <pre>{@code
     * try (Transformer spliced = Transformers.spliced(model, sae, true)) {
     *     HookPoint features = Splice.features(sae.config().hook().orElseThrow());
     *     Tensor byFeatures = spliced.gradients(tokens, GradientPlan.of(metric).by(features).build()).get(features);
     * }
     * }</pre>
     *
     * @param model a transformer that this class has opened or made, or one that was made of it; stays open
     * @param coder says in its configuration where it belongs; stays open as long as the result is used
     * @param keepError whether what the autoencoder leaves of the value is added, so that the model's output stays what it was, up to rounding
     * @return another transformer, which shares the model's parameters, to be closed by the caller
     * @throws IllegalArgumentException if the model or the autoencoder is of another kind, says of no hook point, does not fit, normalizes
     *     its inputs, or chooses its features on the host
     */
    public static Transformer spliced(Transformer model, SparseAutoencoder coder, boolean keepError) {
        if (!(model instanceof ProgramTransformer own)) {
            throw new IllegalArgumentException("only a transformer that Transformers has made takes an autoencoder in, found " + model);
        }
        HookPoint reads = coder.config().hook().orElseThrow(() -> new IllegalArgumentException("the autoencoder's configuration says of no hook "
                + "point: set it with SaeConfig.toBuilder().hook"));
        HookPoint place = coder.config().hookOut().orElse(reads);
        return own.spliced(Splice.of(own.description(), reads, place, coder.config(), keepError), Splice.parameters(place, coder.parameters()));
    }
}
