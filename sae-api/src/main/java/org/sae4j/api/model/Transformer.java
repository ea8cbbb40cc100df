package org.sae4j.api.model;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;

/**
 * A transformer language model on an engine. Safe for use by several threads.
 *
 * <p>After {@link #close()}, {@link #forward}, {@link #gradients} and access to {@link #parameters()} throw
 * {@link IllegalStateException}; captured {@link Activations} and {@link Gradients} stay valid.
 */
public interface Transformer extends AutoCloseable {
    /** {@return dimensions and variants} */
    TransformerConfig config();

    /** {@return all places whose values can be captured, in the order of the computation; unmodifiable} */
    List<HookPoint> hookPoints();

    /**
     * The shape of a hook point's values.
     *
     * @param hook one of {@link #hookPoints()}
     * @param batch number of rows of tokens
     * @param pos number of tokens in a row
     * @return the lengths of the axes
     * @throws IllegalArgumentException if the model has no such hook point
     */
    int[] shape(HookPoint hook, int batch, int pos);

    /**
     * The width of the vector that a hook point has for each token.
     *
     * @param hook one of {@link #hookPoints()}
     * @return the width, heads flattened; empty if the hook point has no vector for each token, as scores and patterns
     * @throws IllegalArgumentException if the model has no such hook point
     */
    default OptionalInt width(HookPoint hook) {
        int[] shape = shape(hook, 1, 1);
        return hook.site().isPattern() || shape.length < 3 ? OptionalInt.empty()
                : OptionalInt.of(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    }

    /**
     * What a pass has to capture so that another can continue its rows: the keys and values that attention reads, of every block.
     *
     * @return hook points, in the order of the computation; unmodifiable
     * @see ForwardPlan.Builder#after
     */
    List<HookPoint> cacheHooks();

    /** {@return the tokenizer that came with the model, or empty if there was none} */
    Optional<Tokenizer> tokenizer();

    /**
     * How texts become contexts of this model, and which of their tokens count: from here a text leads to tokens with their places in it,
     * and with {@link org.sae4j.api.sae.SparseAutoencoder#encode(Transformer, String)} to features.
     *
     * @return the usual way: every document for itself, contexts of n_ctx tokens, begun by the tokenizer's beginning-of-sequence token
     * @throws Sae4jException if the model has no tokenizer
     */
    default Tokenization tokenization() {
        return Tokenization.of(tokenizer().orElseThrow(() -> new Sae4jException("the model has no tokenizer",
                config().name(), "put tokenizer.json into the model's folder, or pass tokens")), config().nCtx());
    }

    /**
     * Runs the model. To cancel a long pass, interrupt the thread: the CPU engine then stops within milliseconds.
     *
     * @param tokens token ids [batch, pos]; rows of equal length from 1 to n_ctx, at least one row
     * @param plan what to capture and to change
     * @return the captured values
     * @throws IllegalArgumentException if rows are empty, too long or of different lengths, an id is out of the vocabulary, or the plan
     *     does not fit the model or the tokens
     * @throws IllegalStateException after close
     * @throws java.util.concurrent.CancellationException if the thread was interrupted and the engine ended the pass; the thread stays
     *     interrupted, and model and engine stay usable
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    Activations forward(int[][] tokens, ForwardPlan plan);

    /**
     * Runs the model and differentiates a number that the pass makes, in reverse mode: exact gradients of all rows of a batch at the price
     * of two or three forward passes.
     *
     * @param tokens token ids [batch, pos], as {@link #forward} takes them
     * @param plan of what, by what, and what is held fixed
     * @return the objective, its gradients, and what the plan's forward pass captures
     * @throws IllegalArgumentException if tokens or the plan's forward pass are such that {@link #forward} refuses them; if a hook point is
     *     unknown, a row, position or token of the objective does not exist, or weights have another shape; or if a hook point that is asked
     *     for does not influence the objective but by way of constants, or has no gradient, as denominators of norms
     * @throws IllegalStateException after close
     * @throws Sae4jException if this transformer gives no gradients
     * @throws org.sae4j.api.engine.EngineException if the engine fails, or does not run the operations that gradients need
     */
    default Gradients gradients(int[][] tokens, GradientPlan plan) {
        Objects.requireNonNull(tokens, "tokens");
        Objects.requireNonNull(plan, "plan");
        throw new Sae4jException("this transformer gives no gradients: its class " + getClass().getName()
                + " does not implement gradients()", config().name(), "use a model that Transformers opens");
    }

    /**
     * The parameters by their TransformerLens names and layouts, such as {@code blocks.0.mlp.W_out} [d_mlp, d_model].
     *
     * @return read-only views
     * @throws IllegalStateException after close
     */
    Map<String, Tensor> parameters();

    /**
     * The same model with some parameters exchanged, for model editing. This model stays as it is: to undo an edit, use it again.
     *
     * @param changed new values by parameter name, in the shapes of {@link #parameters()}
     * @return a model that shares all other parameters with this one; close it before this one
     * @throws IllegalArgumentException if a name is unknown or a shape differs
     * @throws IllegalStateException after close
     */
    Transformer with(Map<String, Tensor> changed);

    /** {@return SHA-256 over names, shapes and values of the parameters, in hexadecimal; computed once} */
    String fingerprint();

    /** Frees the model. Closing twice has no effect. */
    @Override
    void close();
}
