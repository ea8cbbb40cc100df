package org.sae4j.api.sae;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Transformer;

/**
 * A sparse autoencoder or transcoder on an engine: {@code f = activation(x W_enc + b_enc)}, {@code x^ = b_dec + sum f_i d_i}. A transcoder's
 * {@code x^} predicts something else than x, and may have another width d_out; else d_out is d_in. Safe for use by several threads.
 *
 * <p>After {@link #close()}, every method but {@link #config()} and {@link #close()} throws {@link IllegalStateException}; results stay
 * valid. If the thread is interrupted, encoding and decoding may end with a {@link java.util.concurrent.CancellationException}; the thread
 * stays interrupted, and the autoencoder stays usable.
 */
public interface SparseAutoencoder extends AutoCloseable {
    /** {@return what is computed} */
    SaeConfig config();

    /**
     * Feature activations.
     *
     * @param x inputs [batch, ..., d_in]; all axes but the last are flattened into rows
     * @return one row of d_sae features for each input row
     * @throws IllegalArgumentException if the last axis is not d_in, or a value is NaN or infinite
     * @throws IllegalStateException after close
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    SparseRows encode(Tensor x);

    /**
     * Feature activations of a text: the model reads it, and what it computes at this autoencoder's hook point is encoded. For many texts
     * {@link TextEncoder} gives them one after the other.
     *
     * {@snippet :
     * EncodedText text = sae.encode(model, "The cat slept.");
     * SparseRows features = text.features();
     * }
     *
     * @param model the model that this autoencoder belongs to
     * @param text any text
     * @return its tokens, with their places in the text and their features
     * @throws org.sae4j.api.Sae4jException if the model has no tokenizer, or this autoencoder names no hook point of the model or has
     *     another width
     * @throws IllegalStateException if this or the model is closed
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    default EncodedText encode(Transformer model, String text) {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(text, "text");
        return new TextEncoder(model, this, List.of(text).iterator(), model.tokenization(), Progress.NONE).next();
    }

    /**
     * Reconstructs inputs from feature activations alone. For a normalization that depends on the input, the output stays normalized; the
     * skip connection, which needs the input, is left out.
     *
     * @param features rows of d_sae features
     * @return shape [rows, d_out]
     * @throws IllegalArgumentException if the features do not have d_sae columns
     * @throws IllegalStateException after close
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    Tensor decode(SparseRows features);

    /**
     * Encodes and decodes, with the normalization of the input undone on the output and the skip connection added.
     *
     * @param x inputs [batch, ..., d_in]
     * @return the reconstruction [batch, ..., d_out]
     * @throws IllegalArgumentException if the last axis is not d_in, or a value is NaN or infinite
     * @throws IllegalStateException after close
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    Tensor reconstruct(Tensor x);

    /**
     * The parameters by their SAELens names: {@code W_enc} [d_in, d_sae] but for matching pursuit, {@code W_dec} [d_sae, d_out],
     * {@code b_dec} [d_out], and by architecture {@code b_enc}, {@code threshold}, {@code b_gate}, {@code b_mag}, {@code r_mag} [d_sae];
     * {@code W_skip} [d_out, d_in] with a skip connection.
     *
     * @return read-only views
     * @throws IllegalStateException after close
     */
    Map<String, Tensor> parameters();

    /** {@return SHA-256 over names, shapes and values of the parameters, in hexadecimal; computed once} */
    String fingerprint();

    /** Frees the autoencoder. Closing twice has no effect. */
    @Override
    void close();
}
