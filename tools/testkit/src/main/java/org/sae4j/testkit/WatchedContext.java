package org.sae4j.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Program;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.Gradients;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * Another context's contents, for one run that is cancelled at a chosen event and watched: what it closes that is not its own, and what it
 * opens and leaves open. An event is a report of progress or a question for cancellation.
 */
final class WatchedContext implements ExperimentContext {
    private final ExperimentContext contents;
    private final boolean bare;
    private final long cancelAt;
    private final AtomicLong events = new AtomicLong();
    private final AtomicLong polls = new AtomicLong();
    private final AtomicLong pollsAfterCancellation = new AtomicLong();
    private final Set<Object> open = ConcurrentHashMap.newKeySet();
    private final Set<String> wronglyClosed = ConcurrentHashMap.newKeySet();
    private final Progress progress = new Watched();
    private final Transformer model;
    private final Engine engine;
    private final List<SparseAutoencoder> autoencoders = new ArrayList<>();
    private @Nullable EncodedCorpus encoded;

    WatchedContext(ExperimentContext contents, long cancelAt) {
        this(contents, cancelAt, false);
    }

    private WatchedContext(ExperimentContext contents, long cancelAt, boolean bare) {
        this.contents = contents;
        this.cancelAt = cancelAt;
        this.bare = bare;
        model = new Model(contents.model(), false);
        engine = new Runner(contents.engine());
        if (!bare) {
            contents.autoencoders().forEach(sae -> autoencoders.add(new Autoencoder(sae)));
        }
    }

    /** The same model and engine, without autoencoders, corpus and facts. */
    static WatchedContext bare(ExperimentContext contents) {
        return new WatchedContext(contents, Long.MAX_VALUE, true);
    }

    long events() {
        return events.get();
    }

    long polls() {
        return polls.get();
    }

    long pollsAfterCancellation() {
        return pollsAfterCancellation.get();
    }

    void requireNothingLeft(String run) {
        if (!wronglyClosed.isEmpty()) {
            throw new AssertionError(run + " closed " + wronglyClosed + " of the context, which belongs to the caller");
        }
        if (!open.isEmpty()) {
            throw new AssertionError(run + " left open what it made: " + open);
        }
    }

    @Override
    public Transformer model() {
        return model;
    }

    @Override
    public List<SparseAutoencoder> autoencoders() {
        return List.copyOf(autoencoders);
    }

    @Override
    public Engine engine() {
        return engine;
    }

    @Override
    public Tokenization tokenization() {
        return contents.tokenization();
    }

    @Override
    public List<Document> corpus() {
        return bare ? List.of() : contents.corpus();
    }

    @Override
    public List<Fact> facts() {
        return bare ? List.of() : contents.facts();
    }

    @Override
    public synchronized EncodedCorpus encodedCorpus() {
        EncodedCorpus known = encoded;
        if (known == null) {
            if (corpus().isEmpty()) {
                throw new Sae4jException("this needs a corpus", "the run has none", "pass one");
            }
            known = EncodedCorpus.encode(model, sae(), corpus(), progress);
            encoded = known;
        }
        return known;
    }

    @Override
    public long seed() {
        return contents.seed();
    }

    @Override
    public Progress progress() {
        return progress;
    }

    private final class Watched implements Progress {
        @Override
        public void update(String stage, long done, long total) {
            if (stage.isBlank() || done < 0 || total < 0 || total > 0 && done > total) {
                throw new AssertionError("progress '" + stage + "' " + done + " of " + total
                        + ": a stage has a name, and done is from 0 to total");
            }
            events.incrementAndGet();
        }

        @Override
        public boolean isCancelled() {
            polls.incrementAndGet();
            boolean cancelled = events.incrementAndGet() >= cancelAt;
            if (cancelled) {
                pollsAfterCancellation.incrementAndGet();
            }
            return cancelled;
        }
    }

    /** The context's model, or one that the run made of it. */
    private final class Model implements Transformer {
        private final Transformer model;
        private final boolean made;

        Model(Transformer model, boolean made) {
            this.model = model;
            this.made = made;
            if (made) {
                open.add(this);
            }
        }

        @Override
        public TransformerConfig config() {
            return model.config();
        }

        @Override
        public List<HookPoint> hookPoints() {
            return model.hookPoints();
        }

        @Override
        public List<HookPoint> cacheHooks() {
            return model.cacheHooks();
        }

        @Override
        public int[] shape(HookPoint hook, int batch, int pos) {
            return model.shape(hook, batch, pos);
        }

        @Override
        public Optional<Tokenizer> tokenizer() {
            return model.tokenizer();
        }

        @Override
        public Activations forward(int[][] tokens, ForwardPlan plan) {
            return model.forward(tokens, plan);
        }

        @Override
        public Gradients gradients(int[][] tokens, GradientPlan plan) {
            return model.gradients(tokens, plan);
        }

        @Override
        public Map<String, Tensor> parameters() {
            return model.parameters();
        }

        @Override
        public Transformer with(Map<String, Tensor> changed) {
            return new Model(model.with(changed), true);
        }

        @Override
        public String fingerprint() {
            return model.fingerprint();
        }

        @Override
        public void close() {
            if (made) {
                open.remove(this);
                model.close();
            } else {
                wronglyClosed.add("the model");
            }
        }

        @Override
        public String toString() {
            return "a model made by with()";
        }
    }

    private final class Autoencoder implements SparseAutoencoder {
        private final SparseAutoencoder sae;

        Autoencoder(SparseAutoencoder sae) {
            this.sae = sae;
        }

        @Override
        public SaeConfig config() {
            return sae.config();
        }

        @Override
        public SparseRows encode(Tensor x) {
            return sae.encode(x);
        }

        @Override
        public Tensor decode(SparseRows features) {
            return sae.decode(features);
        }

        @Override
        public Tensor reconstruct(Tensor x) {
            return sae.reconstruct(x);
        }

        @Override
        public Map<String, Tensor> parameters() {
            return sae.parameters();
        }

        @Override
        public String fingerprint() {
            return sae.fingerprint();
        }

        @Override
        public void close() {
            wronglyClosed.add("an autoencoder");
        }
    }

    private final class Runner implements Engine {
        private final Engine engine;

        Runner(Engine engine) {
            this.engine = engine;
        }

        @Override
        public String id() {
            return engine.id();
        }

        @Override
        public Device device() {
            return engine.device();
        }

        @Override
        public CompiledProgram compile(Program program, Map<String, Tensor> weights) {
            return new Compiled(engine.compile(program, weights));
        }

        @Override
        public void close() {
            wronglyClosed.add("the engine");
        }
    }

    private final class Compiled implements CompiledProgram {
        private final CompiledProgram compiled;

        Compiled(CompiledProgram compiled) {
            this.compiled = compiled;
            open.add(this);
        }

        @Override
        public Program program() {
            return compiled.program();
        }

        @Override
        public void write(Buffer buffer, float[] values) {
            compiled.write(buffer, values);
        }

        @Override
        public void write(Buffer buffer, int[] values) {
            compiled.write(buffer, values);
        }

        @Override
        public void write(Buffer buffer, SparseRows values) {
            compiled.write(buffer, values);
        }

        @Override
        public void run() {
            compiled.run();
        }

        @Override
        public Tensor read(Buffer buffer) {
            return compiled.read(buffer);
        }

        @Override
        public void read(Buffer buffer, float[] target) {
            compiled.read(buffer, target);
        }

        @Override
        public SparseRows readSparse(Buffer buffer) {
            return compiled.readSparse(buffer);
        }

        @Override
        public int readValues(Buffer buffer, float[] target) {
            return compiled.readValues(buffer, target);
        }

        @Override
        public void close() {
            open.remove(this);
            compiled.close();
        }

        @Override
        public String toString() {
            return "a compiled program";
        }
    }
}
