package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Observer.Operation;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.HostChoice;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.ProgramWriter;
import org.sae4j.core.program.Slice;

/**
 * A sparse autoencoder whose computations are programs of an engine. Rows are worked off in chunks whose sizes are powers of two up to a
 * limit, so that few programs are compiled whatever the sizes of the inputs; the last chunk is filled up with zeros that are not returned.
 */
public final class ProgramSparseAutoencoder implements SparseAutoencoder {
    /** Elements of the largest dense matrix of pre-activations: 32 MiB. */
    private static final int PRE_ACTIVATIONS = 1 << 23;
    private static final int MAX_ROWS = 1024;

    /** A part of the form for a number of rows: what is wanted of it, and what is given instead of computed. */
    private record Part(String wanted, String given, int rows) {}

    private record Compiled(ProgramWriter.Written program, CompiledProgram compiled) implements ProgramPool.Pooled {
        Buffer output(String name) {
            return Objects.requireNonNull(program.outputs().get(name));
        }

        /** Writes an input, where the program needs it. */
        void write(String name, float[] values) {
            Buffer buffer = program.input(name);
            if (buffer != null) {
                compiled.write(buffer, values);
            }
        }
    }

    private final SaeConfig config;
    private final Engine engine;
    private final SharedResource resource;
    private final Map<String, Tensor> parameters;
    private final Map<String, Tensor> matrices;
    private final int chunkRows;
    private final CoderForm form;
    /** The choice of features on the host, where no engine has an operation for it. */
    private final @Nullable HostChoice choice;
    private final ProgramPool<Part, Compiled> pool = new ProgramPool<>(this::compile);
    private final Lifetime lifetime = new Lifetime("sparse autoencoder");
    private volatile @Nullable String fingerprint;

    private ProgramSparseAutoencoder(SaeConfig config, CoderForm form, Map<String, Tensor> parameters, Engine engine,
            SharedResource resource) {
        this.config = config;
        this.form = form;
        choice = form.selection().kind() instanceof Kind.Choose(HostChoice chosen, boolean _) ? chosen : null;
        this.parameters = parameters;
        this.engine = engine;
        this.resource = resource;
        chunkRows = Math.clamp(Integer.highestOneBit(Math.max(1, PRE_ACTIVATIONS / config.dSae())), 1, MAX_ROWS);
        Map<String, Tensor> rows = new LinkedHashMap<>();
        parameters.forEach((name, tensor) -> rows.put(name, Objects.requireNonNull(form.parameters().get(name)).matrix(tensor).tensor()));
        matrices = Collections.unmodifiableMap(rows);
    }

    /**
     * Makes an autoencoder.
     *
     * @param config what is computed
     * @param parameters all parameters, by their SAELens names
     * @param engine runs the programs; stays open
     * @param resource what the parameters lie in, for one holder; still the caller's if this throws
     * @return the autoencoder
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape or not finite, settings do not fit the
     *     architecture, or inputs of width 1 are to be normalized by their standard deviation
     * @throws org.sae4j.api.Sae4jException if there is no such architecture
     */
    public static ProgramSparseAutoencoder of(SaeConfig config, Map<String, Tensor> parameters, Engine engine, SharedResource resource) {
        if (config.normalization() == SaeConfig.Normalization.LAYER_NORM && config.dIn() < 2) {
            throw new IllegalArgumentException("normalization LAYER_NORM needs d_in of at least 2, found " + config.dIn());
        }
        CoderForm form = CoderForm.of(config);
        Map<String, int[]> shapes = form.shapes();
        Parameters.check(shapes, parameters);
        Map<String, Tensor> ordered = new LinkedHashMap<>();
        shapes.keySet().forEach(name -> ordered.put(name, Objects.requireNonNull(parameters.get(name), name)));
        return new ProgramSparseAutoencoder(config, form, Collections.unmodifiableMap(ordered), engine, resource);
    }

    @Override
    public SaeConfig config() {
        return config;
    }

    @Override
    public SparseRows encode(Tensor x) {
        return use(Operation.ENCODE, x.size() / config.dIn(), () -> {
            List<SparseRows> parts = new ArrayList<>();
            int rows = inputRows(x);
            for (int from = 0; from < rows; from += chunkRows) {
                int count = Math.min(chunkRows, rows - from);
                float[] input = input(x, from, count);
                new Normalizer(config, count).apply(input, count);
                parts.add(features(input, count));
            }
            return join(parts);
        });
    }

    @Override
    public Tensor decode(SparseRows features) {
        return use(Operation.DECODE, features.rows(), () -> {
            if (features.columns() != config.dSae()) {
                throw new IllegalArgumentException("expected feature activations with d_sae " + config.dSae() + " columns, found "
                        + features);
            }
            float[] result = output(features.rows());
            int width = config.dOut();
            for (int from = 0; from < features.rows(); from += chunkRows) {
                int count = Math.min(chunkRows, features.rows() - from);
                run(CoderForm.DECODED, count, null, features.rows(from, from + count)).copyTo(0, result, from * width, count * width);
            }
            return Tensor.of(result, features.rows(), width);
        });
    }

    @Override
    public Tensor reconstruct(Tensor x) {
        return use(Operation.RECONSTRUCT, x.size() / config.dIn(), () -> {
            int rows = inputRows(x);
            int width = config.dOut();
            float[] result = output(rows);
            for (int from = 0; from < rows; from += chunkRows) {
                int count = Math.min(chunkRows, rows - from);
                float[] input = input(x, from, count);
                Normalizer normalizer = new Normalizer(config, count);
                normalizer.apply(input, count);
                float[] output = run(CoderForm.RECONSTRUCTION, count, input, choice == null ? null : features(input, count)).toArray();
                normalizer.undo(output, count);
                System.arraycopy(output, 0, result, from * width, count * width);
            }
            int[] shape = x.shape();
            shape[shape.length - 1] = width;
            return Tensor.of(result, shape);
        });
    }

    /** Feature activations of normalized rows. */
    private SparseRows features(float[] input, int count) {
        if (choice != null) {
            float[] values = choice.choose(new EngineSteps(input, count));
            return SparseRows.ofDense(Tensor.of(values, count, config.dSae()));
        }
        return pool.use(new Part(CoderForm.FEATURES, CoderForm.INPUT, capacity(count)), pooled -> {
            pooled.write(CoderForm.INPUT, input);
            pooled.compiled().run();
            return pooled.compiled().readSparse(pooled.output(CoderForm.FEATURES));
        }).rows(0, count);
    }

    /** Runs a part of the form with a dense output on inputs of its capacity, or feature activations, or both. */
    private Tensor run(String wanted, int count, float @Nullable [] input, @Nullable SparseRows features) {
        return pool.use(new Part(wanted, features == null ? CoderForm.INPUT : CoderForm.FEATURES, capacity(count)), pooled -> {
            if (input != null) {
                pooled.write(CoderForm.INPUT, input);
            }
            if (features != null) {
                pooled.compiled().write(Objects.requireNonNull(pooled.program().input(CoderForm.FEATURES)),
                        fill(features, capacity(count)));
            }
            pooled.compiled().run();
            return pooled.compiled().read(pooled.output(wanted));
        });
    }

    /** What a choice on the host asks the engine for. */
    private final class EngineSteps implements HostChoice.Steps {
        private final float[] input;
        private final int rows;

        EngineSteps(float[] input, int rows) {
            this.input = input;
            this.rows = rows;
        }

        @Override
        public int rows() {
            return rows;
        }

        @Override
        public float[] value(String name) {
            float[] values = value(name, CoderForm.INPUT, input, rows);
            return Arrays.copyOf(values, Math.multiplyExact(rows, Math.divideExact(values.length, capacity(rows))));
        }

        @Override
        public float[] value(String name, String given, float[] values, int count) {
            return pool.use(new Part(name, given, capacity(count)), pooled -> {
                Buffer buffer = Objects.requireNonNull(pooled.program().input(given));
                pooled.compiled().write(buffer, Arrays.copyOf(values, Math.toIntExact(buffer.size())));
                pooled.compiled().run();
                return pooled.compiled().read(pooled.output(name)).toArray();
            });
        }

        @Override
        public Tensor parameter(String name) {
            Tensor tensor = parameters.get(name);
            if (tensor == null) {
                throw new IllegalArgumentException("no parameter " + name + ", only " + parameters.keySet());
            }
            return tensor;
        }
    }

    private <R> R use(Operation operation, long rows, Supplier<R> work) {
        return lifetime.use(() -> engine.observer().observe(operation, toString(), rows, work));
    }

    private Compiled compile(Part part) {
        Form sliced = Slice.of(form.form().wanting(List.of(part.wanted())), Set.of(part.given()), Set.of());
        ProgramWriter.Written program = ProgramWriter.write("autoencoder " + part.wanted() + " of " + part.given() + " " + part.rows(),
                sliced, Counts.of(part.rows(), 1), Map.of());
        return new Compiled(program, engine.compile(program.program().loweredFor(engine), matrices));
    }

    private static int capacity(int rows) {
        return rows == 1 ? 1 : Integer.highestOneBit(rows - 1) << 1;
    }

    private int inputRows(Tensor x) {
        if (x.rank() == 0 || x.dim(-1) != config.dIn()) {
            throw new IllegalArgumentException("expected inputs whose last axis is d_in " + config.dIn() + ", found " + x);
        }
        long rows = x.size() / config.dIn();
        if (rows >= Integer.MAX_VALUE) {
            throw new IllegalArgumentException("an input of " + rows
                    + " rows is more than the 2^31-2 of one call: pass fewer rows at once");
        }
        return (int) rows;
    }

    private float[] input(Tensor x, int from, int count) {
        float[] values = new float[capacity(count) * config.dIn()];
        x.copyTo((long) from * config.dIn(), values, 0, count * config.dIn());
        for (int i = 0; i < count * config.dIn(); i++) {
            if (!Float.isFinite(values[i])) {
                throw new IllegalArgumentException("inputs must be finite, found " + values[i] + " in row " + (from + i / config.dIn())
                        + " at column " + i % config.dIn());
            }
        }
        return values;
    }

    private float[] output(int rows) {
        if ((long) rows * config.dOut() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a reconstruction of " + rows + " by " + config.dOut()
                    + " does not fit in one Java array: pass fewer rows at once");
        }
        return new float[rows * config.dOut()];
    }

    private SparseRows join(List<SparseRows> parts) {
        int rows = parts.stream().mapToInt(SparseRows::rows).sum();
        long entries = parts.stream().mapToLong(SparseRows::entries).sum();
        if (entries > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(entries + " feature activations do not fit in one Java array: pass fewer rows at once");
        }
        int[] offsets = new int[rows + 1];
        int[] indices = new int[(int) entries];
        float[] values = new float[(int) entries];
        int row = 0;
        int at = 0;
        for (SparseRows part : parts) {
            for (int e = 0; e < part.entries(); e++) {
                indices[at + e] = part.index(e);
                values[at + e] = part.value(e);
            }
            for (int r = 0; r < part.rows(); r++) {
                at += part.count(r);
                offsets[++row] = at;
            }
        }
        return new SparseRows(config.dSae(), offsets, indices, values);
    }

    /** The same rows, followed by empty ones. */
    private static SparseRows fill(SparseRows rows, int capacity) {
        int[] offsets = new int[capacity + 1];
        int[] indices = new int[rows.entries()];
        float[] values = new float[rows.entries()];
        Arrays.setAll(indices, rows::index);
        for (int e = 0; e < values.length; e++) {
            values[e] = rows.value(e);
        }
        for (int row = 0; row < capacity; row++) {
            offsets[row + 1] = row < rows.rows() ? rows.start(row) + rows.count(row) : rows.entries();
        }
        return new SparseRows(rows.columns(), offsets, indices, values);
    }

    @Override
    public Map<String, Tensor> parameters() {
        return lifetime.use(() -> parameters);
    }

    @Override
    public String fingerprint() {
        return lifetime.use(() -> {
            String known = fingerprint;
            if (known == null) {
                known = Parameters.fingerprint(parameters);
                fingerprint = known;
            }
            return known;
        });
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

    /** {@return architecture and dimensions, for messages} */
    @Override
    public String toString() {
        return config.toString();
    }
}
