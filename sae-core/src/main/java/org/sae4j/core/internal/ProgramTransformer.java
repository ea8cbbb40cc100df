package org.sae4j.core.internal;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Observer.Operation;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.Gradients;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Backward;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Edits;
import org.sae4j.core.program.ProgramWriter;
import org.sae4j.core.program.Value;

/** A transformer whose forward passes are programs of an engine, one for each shape of pass. */
public final class ProgramTransformer implements Transformer {
    /** What programs differ in. */
    private record Shape(PassKey key, @Nullable GradientKey gradients, Counts counts) {}

    private record Compiled(PassForms.PassForm pass, ProgramWriter.Written written, CompiledProgram compiled)
            implements ProgramPool.Pooled {
        Tensor output(String name) {
            Buffer buffer = Objects.requireNonNull(written.outputs().get(name), name);
            return buffer.type() == Buffer.Type.SPARSE ? compiled.readSparse(buffer).toDense() : compiled.read(buffer);
        }

        void write(String name, float[] values) {
            Buffer buffer = written.input(name);
            if (buffer != null) {
                compiled.write(buffer, values);
            }
        }

        void write(String name, int[] values) {
            Buffer buffer = written.input(name);
            if (buffer != null) {
                compiled.write(buffer, values);
            }
        }
    }

    private final Description description;
    private final PassForms forms;
    private final TransformerConfig config;
    private final Optional<Tokenizer> tokenizer;
    private final Engine engine;
    private final SharedResource resource;
    private final Map<String, Tensor> parameters;
    /** Made at the first use: opening a model should not wait for it. */
    private final Supplier<ParameterMatrices> makeMatrices;
    private @Nullable ParameterMatrices matrices;
    private final ProgramPool<Shape, Compiled> pool = new ProgramPool<>(this::compile);
    private final Lifetime lifetime;
    private volatile @Nullable String fingerprint;

    private ProgramTransformer(Description description, PassForms forms, Map<String, Tensor> parameters,
            Supplier<ParameterMatrices> makeMatrices, Optional<Tokenizer> tokenizer, Engine engine, SharedResource resource) {
        this.description = description;
        this.forms = forms;
        config = description.config();
        this.parameters = parameters;
        this.makeMatrices = makeMatrices;
        this.tokenizer = tokenizer;
        this.engine = engine;
        this.resource = resource;
        lifetime = new Lifetime("transformer " + config.name());
    }

    /**
     * Makes a transformer.
     *
     * @param description the model
     * @param parameters all parameters, by their TransformerLens names
     * @param tokenizer the tokenizer, if there is one
     * @param engine runs the programs; stays open
     * @param resource what the parameters lie in, for one holder; still the caller's if this throws
     * @return the transformer
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape or not finite, or the unembedding is not the
     *     transposed embedding although the configuration says so
     */
    public static ProgramTransformer of(Description description, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer,
            Engine engine, SharedResource resource) {
        Map<String, Tensor> ordered = ordered(description, parameters);
        ordered.forEach(Parameters::checkFinite);
        if (description.config().tiedUnembedding() && !ParameterMatrices.areTied(ordered)) {
            throw new IllegalArgumentException("parameter unembed.W_U is not the transposed embed.W_E, although the configuration says that"
                    + " the unembedding is tied");
        }
        return ofChecked(description, ordered, tokenizer, engine, resource);
    }

    /**
     * Makes a transformer of parameters that the reader of their file has checked: they are finite, and a tied unembedding is the
     * transposed embedding. Reading large models a second time would take longer than opening them.
     *
     * @param description the model
     * @param parameters all parameters, by their TransformerLens names
     * @param tokenizer the tokenizer, if there is one
     * @param engine runs the programs; stays open
     * @param resource what the parameters lie in, for one holder; still the caller's if this throws
     * @return the transformer
     * @throws IllegalArgumentException if parameters are missing, unknown or of another shape
     */
    public static ProgramTransformer ofChecked(Description description, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer,
            Engine engine, SharedResource resource) {
        Map<String, Tensor> ordered = ordered(description, parameters);
        boolean tied = description.config().tiedUnembedding();
        return new ProgramTransformer(description, new PassForms(description), ordered,
                () -> ParameterMatrices.of(tied, description.parameters(), ordered, engine, Map.of(), ParameterMatrices.NONE), tokenizer,
                engine, resource);
    }

    private static Map<String, Tensor> ordered(Description description, Map<String, Tensor> parameters) {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        description.parameters().forEach((name, parameter) -> shapes.put(name, parameter.shape()));
        Parameters.checkShapes(shapes, parameters);
        Map<String, Tensor> ordered = new LinkedHashMap<>();
        shapes.keySet().forEach(name -> ordered.put(name, Objects.requireNonNull(parameters.get(name), name)));
        return Collections.unmodifiableMap(ordered);
    }

    @Override
    public TransformerConfig config() {
        return config;
    }

    @Override
    public List<HookPoint> hookPoints() {
        return forms.hookPoints();
    }

    @Override
    public List<HookPoint> cacheHooks() {
        return description.cacheHooks();
    }

    @Override
    public int[] shape(HookPoint hook, int batch, int pos) {
        if (!forms.has(hook)) {
            throw new IllegalArgumentException("model " + config.name() + " has no hook point " + hook);
        }
        return forms.value(hook).axes(Counts.of(batch, pos));
    }

    @Override
    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    @Override
    public Activations forward(int[][] tokens, ForwardPlan plan) {
        return lifetime.use(() -> {
            ForwardRequest request = ForwardRequest.of(forms, tokens, plan);
            long size = Arrays.stream(tokens).mapToLong(row -> row.length).sum();
            Map<HookPoint, Tensor> captured = engine.observer().observe(Operation.FORWARD, config.name(), size,
                    () -> pool.use(new Shape(request.key(), null, request.counts()), compiled -> run(compiled, request)));
            return new Activations(inOrder(plan.captures(), captured));
        });
    }

    private static Map<HookPoint, Tensor> inOrder(Set<HookPoint> asked, Map<HookPoint, Tensor> values) {
        Map<HookPoint, Tensor> ordered = new LinkedHashMap<>();
        asked.forEach(hook -> ordered.put(hook, Objects.requireNonNull(values.get(hook), hook.toString())));
        return ordered;
    }

    @Override
    public Gradients gradients(int[][] tokens, GradientPlan plan) {
        return lifetime.use(() -> {
            GradientRequest request = GradientRequest.of(forms, tokens, plan);
            ForwardRequest pass = request.pass();
            long size = Arrays.stream(tokens).mapToLong(row -> row.length).sum();
            return engine.observer().observe(Operation.GRADIENT, config.name(), size,
                    () -> pool.use(new Shape(pass.key(), request.key(), pass.counts()), compiled -> run(compiled, request, plan)));
        });
    }

    private Gradients run(Compiled compiled, GradientRequest request, GradientPlan plan) {
        request.seeds().forEach((target, seed) -> compiled.write(Backward.seed(target), seed));
        Map<HookPoint, Tensor> captured = run(compiled, request.pass());
        Map<String, Tensor> targets = new HashMap<>();
        request.key().targets().forEach(target -> targets.put(target, compiled.output(target)));
        Map<HookPoint, Tensor> gradients = new LinkedHashMap<>();
        plan.wanted().forEach(hook -> gradients.put(hook, compiled.output(Backward.gradient(hook.toString()))
                .reshape(forms.value(hook).axes(request.pass().counts()))));
        return new Gradients(request.values(targets), gradients,
                new Activations(inOrder(plan.forward().map(ForwardPlan::captures).orElse(Set.of()), captured)));
    }

    private synchronized ParameterMatrices matrices() {
        ParameterMatrices made = matrices;
        if (made == null) {
            made = makeMatrices.get();
            matrices = made;
        }
        return made;
    }

    private ProgramWriter.Written write(PassForms.PassForm pass, Counts counts, ParameterMatrices weights) {
        return ProgramWriter.write(config.name() + " " + counts.batch() + " x " + counts.length(), pass.form(), counts, weights.bindings());
    }

    private Compiled compile(Shape shape) {
        ParameterMatrices weights = matrices();
        Counts counts = shape.counts();
        GradientKey gradients = shape.gradients();
        PassForms.PassForm pass = gradients == null ? forms.form(shape.key()) : forms.gradient(gradients, false);
        ProgramWriter.Written written = write(pass, counts, weights);
        if (gradients != null && ProgramPool.bytes(written.program()) > ProgramPool.MAX_BYTES) {
            pass = forms.gradient(gradients, true);
            written = write(pass, counts, weights);
        }
        Compiled compiled = new Compiled(pass, written, engine.compile(written.program().loweredFor(engine), weights.tensors()));
        if (!shape.key().continued()) {
            try {
                writePositions(compiled, counts, 0);
            } catch (RuntimeException | Error e) {
                compiled.compiled().close();
                throw e;
            }
        }
        return compiled;
    }

    /**
     * Refuses a whole pass, from tokens to logits, for which there is too little memory. Nothing is computed, and nothing is allocated but
     * what every pass of this model shares.
     *
     * @param batch number of texts
     * @param length tokens of each
     * @throws org.sae4j.api.Sae4jException if there is; the message says bytes needed and available
     */
    public void requireMemory(int batch, int length) {
        lifetime.use(() -> {
            ForwardRequest request = ForwardRequest.of(forms, new int[batch][length], ForwardPlan.builder().capture(HookPoint.LOGITS).build());
            ParameterMatrices weights = matrices();
            ProgramWriter.Written written = write(forms.form(request.key()), request.counts(), weights);
            engine.requireMemory(written.program().loweredFor(engine), weights.tensors());
            return true;
        });
    }

    /** Writes the inputs that depend on positions alone, which are the same in every run unless others come before. */
    private void writePositions(Compiled compiled, Counts counts, int earlier) {
        int rows = counts.of(Dim.ROWS);
        int[] positions = new int[rows];
        Arrays.setAll(positions, row -> earlier + row % counts.length());
        compiled.write(Description.POSITIONS, positions);
        description.positional().forEach((name, row) -> {
            Buffer buffer = compiled.written().input(name);
            if (buffer != null) {
                float[] values = new float[rows * buffer.cols()];
                for (int r = 0; r < rows; r++) {
                    row.write(positions[r], values, r * buffer.cols());
                }
                compiled.compiled().write(buffer, values);
            }
        });
    }

    private Map<HookPoint, Tensor> run(Compiled compiled, ForwardRequest request) {
        compiled.write(Description.TOKENS, request.tokens());
        if (request.residual() != null && compiled.pass().start() != null) {
            compiled.write(compiled.pass().start(), request.residual());
        }
        if (request.logitRows() != null) {
            compiled.write(Description.LOGIT_ROWS, request.logitRows());
        }
        if (request.key().continued()) {
            writePositions(compiled, request.counts(), request.earlier());
            compiled.write(PassForms.EARLIER, new int[] {request.earlier()});
        }
        request.prefix().forEach((hook, values) -> compiled.write(PassForms.earlier(hook.toString()), values));
        for (int i = 0; i < request.edits().size(); i++) {
            compiled.write(Edits.rows(i), request.edits().get(i).rows());
            compiled.write(Edits.values(i), request.edits().get(i).values());
        }
        compiled.compiled().run();
        Map<HookPoint, Tensor> captured = new LinkedHashMap<>();
        for (HookPoint hook : request.key().captures()) {
            Value value = compiled.pass().form().value(hook.toString());
            captured.put(hook, compiled.output(hook.toString()).reshape(value.axes(request.counts())));
        }
        return captured;
    }

    @Override
    public Map<String, Tensor> parameters() {
        return lifetime.use(() -> parameters);
    }

    @Override
    public Transformer with(Map<String, Tensor> changed) {
        return lifetime.use(() -> {
            changed.forEach((name, tensor) -> {
                Tensor old = parameters.get(name);
                if (old == null) {
                    throw new IllegalArgumentException("model " + config.name() + " has no parameter " + name + ", only "
                            + parameters.keySet());
                }
                Parameters.checkShape(name, old.shape(), tensor);
                Parameters.checkFinite(name, tensor);
            });
            Map<String, Tensor> all = new LinkedHashMap<>(parameters);
            all.putAll(changed);
            boolean tied = config.tiedUnembedding() && (ParameterMatrices.leavesTied(changed) || ParameterMatrices.areTied(all));
            ParameterMatrices shared = matrices();
            Description changedModel = tied == config.tiedUnembedding() ? description
                    : description.with(config.toBuilder().tiedUnembedding(false).build());
            return new ProgramTransformer(changedModel, tied == config.tiedUnembedding() ? forms : new PassForms(changedModel),
                    Collections.unmodifiableMap(all),
                    () -> ParameterMatrices.of(tied, description.parameters(), all, engine, parameters, shared), tokenizer, engine,
                    resource.retain());
        });
    }

    /**
     * The same model with an autoencoder in it.
     *
     * @param description the model with the autoencoder, see {@link org.sae4j.core.coder.Splice}
     * @param coder the autoencoder's parameters, as the description names them
     * @return another transformer, which shares this one's parameters
     */
    public Transformer spliced(Description description, Map<String, Tensor> coder) {
        return lifetime.use(() -> {
            Map<String, Tensor> all = new LinkedHashMap<>(parameters);
            all.putAll(coder);
            Map<String, Tensor> checked = ordered(description, all);
            coder.forEach(Parameters::checkFinite);
            ParameterMatrices shared = matrices();
            return new ProgramTransformer(description, new PassForms(description), checked,
                    () -> ParameterMatrices.of(config.tiedUnembedding(), description.parameters(), checked, engine, parameters, shared), tokenizer,
                    engine, resource.retain());
        });
    }

    /** {@return what this model computes} */
    public Description description() {
        return description;
    }

    @Override
    public String fingerprint() {
        String known = fingerprint;
        if (known == null) {
            known = lifetime.use(() -> Parameters.fingerprint(parameters));
            fingerprint = known;
        }
        return known;
    }

    @Override
    public void close() {
        lifetime.close(() -> {
            try {
                pool.close();
            } finally {
                resource.release();
            }
        });
    }

    /** {@return the name and the dimensions, for messages} */
    @Override
    public String toString() {
        return "Transformer " + config.name() + ", n_layers " + config.nLayers() + ", d_model " + config.dModel();
    }
}
