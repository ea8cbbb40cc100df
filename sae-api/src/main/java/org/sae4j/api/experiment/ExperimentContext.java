package org.sae4j.api.experiment;

import java.util.List;
import java.util.Objects;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;

/** What an experiment works with. All of it belongs to the caller: an experiment closes nothing that it got from here. */
public interface ExperimentContext {
    /** {@return the model} */
    Transformer model();

    /** {@return the autoencoders, the one under study first; empty if the run has none} */
    List<SparseAutoencoder> autoencoders();

    /** {@return the engine that runs model and autoencoders, for programs of the experiment's own} */
    Engine engine();

    /**
     * How texts become contexts in this run, and which of their tokens count. Prompts begin as the corpus's contexts do: with its
     * {@linkplain Tokenization#bos() beginning-of-sequence token}, if it puts one there.
     *
     * @return the run's settings; without any, {@link Transformer#tokenization()}
     * @throws Sae4jException if the model has no tokenizer
     */
    default Tokenization tokenization() {
        return model().tokenization();
    }

    /** {@return labelled texts; empty if the run has none} */
    List<Document> corpus();

    /** {@return facts; empty if the run has none} */
    List<Fact> facts();

    /**
     * The corpus through model and autoencoder, computed at the first call and shared by all experiments of a run.
     *
     * @return feature activations of every token but the beginning-of-sequence token
     * @throws Sae4jException if there is no corpus, no autoencoder or no tokenizer, or the autoencoder does not fit the model
     * @throws java.util.concurrent.CancellationException if the run was cancelled
     */
    EncodedCorpus encodedCorpus();

    /** {@return the seed of the run} */
    long seed();

    /** {@return where to report progress and to learn of cancellation} */
    Progress progress();

    /**
     * The autoencoder under study.
     *
     * @return the first of {@link #autoencoders()}
     * @throws Sae4jException if there is none
     */
    default SparseAutoencoder sae() {
        if (autoencoders().isEmpty()) {
            throw new Sae4jException("this experiment needs a sparse autoencoder", "the run has none", "pass one with ExperimentRun.Builder.autoencoder");
        }
        return autoencoders().getFirst();
    }

    /**
     * Random numbers for one purpose.
     *
     * @param purpose names the stream; equal names give equal numbers
     * @return a new cursor at the start of the stream
     */
    default CounterRandom random(String purpose) {
        Objects.requireNonNull(purpose, "purpose");
        return new CounterRandom(seed()).stream(purpose);
    }
}
