package org.sae4j.core.internal;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;

/** A transformer whose forward passes are programs of an engine, one for each shape of pass. */
public final class ProgramTransformer implements Transformer {
    private static final String W_E = "embed.W_E";
    private static final String W_U = "unembed.W_U";

    private record Compiled(ForwardProgram program, CompiledProgram compiled) implements ProgramPool.Pooled {}

    private final TransformerConfig config;
    private final Optional<Tokenizer> tokenizer;
    private final Engine engine;
    private final SharedResource resource;
    private final Map<String, Tensor> parameters;
    /** Made at the first use: opening a model should not wait for it. */
    private final Supplier<Map<String, Tensor>> makeMatrices;
    private @Nullable Map<String, Tensor> matrices;
    private final ProgramPool<ForwardShape, Compiled> pool = new ProgramPool<>(this::compile);
    private final Lifetime lifetime;
    private volatile @Nullable String fingerprint;

    private ProgramTransformer(TransformerConfig config, Map<String, Tensor> parameters, Supplier<Map<String, Tensor>> makeMatrices,
            Optional<Tokenizer> tokenizer, Engine engine, SharedResource resource) {
        this.config = config;
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
     * @param config dimensions and variants
     * @param parameters all parameters, by their TransformerLens names
     * @param tokenizer the tokenizer, if there is one
     * @param engine runs the programs; stays open
     * @param resource what the parameters lie in, for one holder; still the caller's if this throws
     * @return the transformer
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape or not finite, or the unembedding is not the
     *     transposed embedding although the configuration says so
     */
    public static ProgramTransformer of(TransformerConfig config, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer,
            Engine engine, SharedResource resource) {
        Map<String, Tensor> ordered = ordered(config, parameters);
        ordered.forEach(Parameters::checkFinite);
        if (config.tiedUnembedding() && !TransformerWeightMatrices.isTransposed(tensor(parameters, W_E), tensor(parameters, W_U))) {
            throw new IllegalArgumentException("parameter " + W_U + " is not the transposed " + W_E
                    + ", although the configuration says that the unembedding is tied");
        }
        return ofChecked(config, ordered, tokenizer, engine, resource);
    }

    /**
     * Makes a transformer of parameters that the reader of their file has checked: they are finite, and a tied unembedding is the
     * transposed embedding. Reading large models a second time would take longer than opening them.
     *
     * @param config dimensions and variants
     * @param parameters all parameters, by their TransformerLens names
     * @param tokenizer the tokenizer, if there is one
     * @param engine runs the programs; stays open
     * @param resource what the parameters lie in, for one holder; still the caller's if this throws
     * @return the transformer
     * @throws IllegalArgumentException if parameters are missing, unknown or of another shape
     */
    public static ProgramTransformer ofChecked(TransformerConfig config, Map<String, Tensor> parameters, Optional<Tokenizer> tokenizer,
            Engine engine, SharedResource resource) {
        Map<String, Tensor> ordered = ordered(config, parameters);
        return new ProgramTransformer(config, ordered, () -> TransformerWeightMatrices.matrices(config.tiedUnembedding(), ordered, Map.of(),
                Map.of()), tokenizer, engine, resource);
    }

    private static Map<String, Tensor> ordered(TransformerConfig config, Map<String, Tensor> parameters) {
        Map<String, int[]> shapes = TransformerWeightMatrices.shapes(config);
        Parameters.checkShapes(shapes, parameters);
        Map<String, Tensor> ordered = new LinkedHashMap<>();
        shapes.keySet().forEach(name -> ordered.put(name, tensor(parameters, name)));
        return Collections.unmodifiableMap(ordered);
    }

    private static Tensor tensor(Map<String, Tensor> parameters, String name) {
        return Objects.requireNonNull(parameters.get(name), name);
    }

    @Override
    public TransformerConfig config() {
        return config;
    }

    @Override
    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    @Override
    public Activations forward(int[][] tokens, ForwardPlan plan) {
        return lifetime.use(() -> {
            ForwardRequest request = ForwardRequest.of(config, tokens, plan);
            Map<HookPoint, Tensor> captured = pool.use(request.shape(), compiled -> run(compiled, request));
            Map<HookPoint, Tensor> asked = new LinkedHashMap<>();
            plan.captures().forEach(hook -> asked.put(hook, Objects.requireNonNull(captured.get(hook), hook.toString())));
            return new Activations(asked);
        });
    }

    private synchronized Map<String, Tensor> matrices() {
        Map<String, Tensor> made = matrices;
        if (made == null) {
            made = makeMatrices.get();
            matrices = made;
        }
        return made;
    }

    private Compiled compile(ForwardShape shape) {
        Map<String, Tensor> weights = matrices();
        ForwardProgram program = ForwardProgram.of(config, weights, shape);
        CompiledProgram compiled = engine.compile(program.program(), weights);
        try {
            writeConstants(program, compiled, shape);
        } catch (RuntimeException | Error e) {
            compiled.close();
            throw e;
        }
        return new Compiled(program, compiled);
    }

    /** Writes the inputs that are the same in every run. */
    private static void writeConstants(ForwardProgram program, CompiledProgram compiled, ForwardShape shape) {
        if (program.positions() != null) {
            int[] positions = new int[shape.rows()];
            Arrays.setAll(positions, row -> shape.prefix() + row % shape.length());
            compiled.write(program.positions(), positions);
        }
        if (program.logitRows() != null) {
            int[] positions = shape.logitPositions().orElseThrow().stream().mapToInt(Integer::intValue).toArray();
            int[] rows = new int[shape.logitRows()];
            Arrays.setAll(rows, i -> i / positions.length * shape.length() + positions[i % positions.length]);
            compiled.write(program.logitRows(), rows);
        }
    }

    private Map<HookPoint, Tensor> run(Compiled pooled, ForwardRequest request) {
        ForwardProgram program = pooled.program();
        CompiledProgram compiled = pooled.compiled();
        if (program.tokens() != null) {
            compiled.write(program.tokens(), request.tokens());
        }
        if (program.residual() != null && request.residual() != null) {
            compiled.write(program.residual(), request.residual());
        }
        program.prefix().forEach((hook, buffer) -> compiled.write(buffer, Objects.requireNonNull(request.prefix().get(hook))));
        for (ForwardProgram.EditInputs inputs : program.edits()) {
            ForwardRequest.EditValues edit = request.edits().get(inputs.edit());
            compiled.write(inputs.rows(), edit.rows());
            compiled.write(inputs.values(), edit.values());
        }
        compiled.run();
        Map<HookPoint, Tensor> captured = new LinkedHashMap<>();
        program.captures().forEach((hook, buffer) -> captured.put(hook, compiled.read(buffer).reshape(shape(hook, request.shape()))));
        return captured;
    }

    private int[] shape(HookPoint hook, ForwardShape shape) {
        int[] lengths = hook.shape(config, shape.batch(), shape.length());
        if (hook.equals(HookPoint.LOGITS)) {
            lengths[1] = shape.logitRows() / shape.batch();
        }
        return lengths;
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
            boolean tied = config.tiedUnembedding() && (!changed.containsKey(W_E) && !changed.containsKey(W_U)
                    || TransformerWeightMatrices.isTransposed(tensor(all, W_E), tensor(all, W_U)));
            Map<String, Tensor> shared = matrices();
            return new ProgramTransformer(tied == config.tiedUnembedding() ? config : untied(config), Collections.unmodifiableMap(all),
                    () -> TransformerWeightMatrices.matrices(tied, all, parameters, shared), tokenizer, engine, resource.retain());
        });
    }

    private static TransformerConfig untied(TransformerConfig c) {
        return new TransformerConfig(c.name(), c.nLayers(), c.dModel(), c.nHeads(), c.dHead(), c.dMlp(), c.nCtx(), c.dVocab(),
                c.activation(), c.layerNormEps(), false);
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
