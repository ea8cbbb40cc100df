package org.sae4j.core.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Sae4j;

/**
 * What experiments run with: a model, autoencoders, data, a seed. One run may serve several experiments, one after the other; the encoded
 * corpus is then computed once. It owns nothing: the caller closes model, autoencoders and engine.
 */
public final class ExperimentRun implements ExperimentContext {
    private final Engine engine;
    private final Transformer model;
    private final List<SparseAutoencoder> autoencoders;
    private final List<Document> corpus;
    private final List<Fact> facts;
    private final long seed;
    private final Progress progress;
    private final @Nullable Tokenization tokenization;
    private @Nullable EncodedCorpus encoded;

    private ExperimentRun(Builder builder) {
        engine = builder.engine;
        model = builder.model;
        autoencoders = List.copyOf(builder.autoencoders);
        corpus = List.copyOf(builder.corpus);
        facts = List.copyOf(builder.facts);
        seed = builder.seed;
        progress = builder.progress;
        tokenization = builder.tokenization;
    }

    /**
     * Starts a run.
     *
     * @param model the model
     * @param engine the engine that runs it
     * @return a builder without autoencoder and data, with seed 0
     */
    public static Builder builder(Transformer model, Engine engine) {
        return new Builder(model, engine);
    }

    /**
     * Runs one experiment.
     *
     * @param <C> the configuration's type
     * @param <R> the type of the result's data
     * @param experiment the experiment
     * @param config its configuration
     * @return its result
     * @throws Sae4jException if something that it needs is missing or does not fit
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public <C extends Record, R extends Record> ExperimentResult<R> run(Experiment<C, R> experiment, C config) {
        return experiment.run(config, this);
    }

    /**
     * Runs an installed experiment with its defaults.
     *
     * @param id the experiment's id, such as {@code specificity}
     * @return its result
     * @throws Sae4jException as {@link #run(String, Map)}
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public ExperimentResult<?> run(String id) {
        return run(id, Map.of());
    }

    /**
     * Runs an installed experiment.
     *
     * @param id the experiment's id, such as {@code specificity}
     * @param settings settings that differ from the defaults, by name: strings, numbers, booleans, and lists and maps of these
     * @return its result
     * @throws Sae4jException if there is no such experiment or setting, or as {@link #run(Experiment, Record)}
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public ExperimentResult<?> run(String id, Map<String, ?> settings) {
        return runBound(Experiments.installed().get(id), settings);
    }

    private <C extends Record, R extends Record> ExperimentResult<R> runBound(Experiment<C, R> experiment, Map<String, ?> settings) {
        return run(experiment, ConfigBinder.bind(experiment.defaults(), settings, "settings of " + experiment.id()));
    }

    /**
     * Where a result's numbers come from: seed, versions, engine, device, fingerprints, data, configuration. It holds no time and no path,
     * so that equal runs give equal files.
     *
     * @param experiment the experiment
     * @param config its configuration
     * @return by name, in order
     */
    public Map<String, Object> provenance(Experiment<?, ?> experiment, Record config) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("experiment", experiment.id());
        map.putAll(provenance());
        map.put("config", ConfigBinder.toMap(config));
        return java.util.Collections.unmodifiableMap(map);
    }

    /**
     * Where numbers of this run come from, whatever is computed: seed, versions, engine, device, fingerprints, data.
     *
     * @return by name, in order
     */
    public synchronized Map<String, Object> provenance() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("seed", seed);
        map.put("sae4j", Sae4j.version());
        map.put("java", Runtime.version().toString());
        map.put("engine", engine.id());
        map.put("device", engine.device().name());
        map.put("backEnd", engine.device().backEnd());
        map.put("model", model.config().name());
        map.put("modelFingerprint", model.fingerprint());
        map.put("autoencoderFingerprints", autoencoders.stream().map(SparseAutoencoder::fingerprint).toList());
        if (model.tokenizer().isPresent()) {
            map.put("promptsBeginWith", tokenization().bos().stream().mapToObj(tokenization().tokenizer()::token).findFirst().orElse("no"
                    + " special token"));
        }
        map.put("corpusDocuments", corpus.size());
        EncodedCorpus known = encoded;
        if (known != null) {
            map.put("corpusTokenization", tokenization().description());
            map.put("corpusTokens", known.features().rows());
            map.put("corpusTokensLeftOut", known.leftOut());
        }
        map.put("facts", facts.size());
        return java.util.Collections.unmodifiableMap(map);
    }

    @Override
    public Transformer model() {
        return model;
    }

    @Override
    public List<SparseAutoencoder> autoencoders() {
        return autoencoders;
    }

    @Override
    public Engine engine() {
        return engine;
    }

    @Override
    public Tokenization tokenization() {
        return tokenization == null ? model.tokenization() : tokenization;
    }

    @Override
    public List<Document> corpus() {
        return corpus;
    }

    @Override
    public List<Fact> facts() {
        return facts;
    }

    @Override
    public synchronized EncodedCorpus encodedCorpus() {
        EncodedCorpus known = encoded;
        if (known == null) {
            if (corpus.isEmpty()) {
                throw new Sae4jException("this needs a corpus", "the run has none", "pass one with ExperimentRun.Builder.corpus");
            }
            known = EncodedCorpus.encode(model, sae(), corpus, tokenization(), progress);
            encoded = known;
        }
        return known;
    }

    @Override
    public long seed() {
        return seed;
    }

    @Override
    public Progress progress() {
        return progress;
    }

    /** Collects a run. Not for use by several threads. */
    public static final class Builder {
        private final Transformer model;
        private final Engine engine;
        private final List<SparseAutoencoder> autoencoders = new ArrayList<>();
        private final List<Document> corpus = new ArrayList<>();
        private final List<Fact> facts = new ArrayList<>();
        private long seed;
        private Progress progress = Progress.NONE;
        private @Nullable Tokenization tokenization;

        private Builder(Transformer model, Engine engine) {
            this.model = model;
            this.engine = engine;
        }

        /**
         * Adds an autoencoder; the first one added is the one under study.
         *
         * @param sae the autoencoder
         * @return this
         */
        public Builder autoencoder(SparseAutoencoder sae) {
            autoencoders.add(sae);
            return this;
        }

        /**
         * Adds labelled texts.
         *
         * @param documents the texts
         * @return this
         */
        public Builder corpus(List<Document> documents) {
            corpus.addAll(documents);
            return this;
        }

        /**
         * Sets how the corpus becomes contexts, which of its tokens count, and which token stands before prompts.
         *
         * @param how the settings; without, {@link Transformer#tokenization()}
         * @return this
         */
        public Builder tokenization(Tokenization how) {
            tokenization = how;
            return this;
        }

        /**
         * Adds facts.
         *
         * @param statements the facts
         * @return this
         */
        public Builder facts(List<Fact> statements) {
            facts.addAll(statements);
            return this;
        }

        /**
         * Sets the seed.
         *
         * @param number any number
         * @return this
         */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        /**
         * Sets where progress goes.
         *
         * @param listener told of progress, asked for cancellation
         * @return this
         */
        public Builder progress(Progress listener) {
            progress = listener;
            return this;
        }

        /** {@return the run} */
        public ExperimentRun build() {
            return new ExperimentRun(this);
        }
    }
}
