package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Observer.Operation;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * A sparse autoencoder whose computations are programs of an engine. Rows are worked off in chunks whose sizes are powers of two up to a
 * limit, so that few programs are compiled whatever the sizes of the inputs; the last chunk is filled up with zeros that are not returned.
 */
public final class ProgramSparseAutoencoder implements SparseAutoencoder {
    /** Elements of the largest dense matrix of pre-activations: 32 MiB. */
    private static final int PRE_ACTIVATIONS = 1 << 23;
    private static final int MAX_ROWS = 1024;

    private record Compiled(SaeProgram program, CompiledProgram compiled) implements ProgramPool.Pooled {}

    private final SaeConfig config;
    private final Engine engine;
    private final SharedResource resource;
    private final Map<String, Tensor> parameters;
    private final Map<String, Tensor> matrices;
    private final int chunkRows;
    private final ProgramPool<SaeProgram.Shape, Compiled> pool = new ProgramPool<>(this::compile);
    private final HostEncoder hostEncoder;
    private final Lifetime lifetime = new Lifetime("sparse autoencoder");
    private volatile @Nullable String fingerprint;

    private ProgramSparseAutoencoder(SaeConfig config, Map<String, Tensor> parameters, Engine engine, SharedResource resource) {
        this.config = config;
        this.parameters = parameters;
        this.engine = engine;
        this.resource = resource;
        chunkRows = Math.clamp(Integer.highestOneBit(Math.max(1, PRE_ACTIVATIONS / config.dSae())), 1, MAX_ROWS);
        Map<String, Tensor> rows = new LinkedHashMap<>();
        parameters.forEach((name, tensor) -> rows.put(name, SaeProgram.matrix(tensor)));
        matrices = Collections.unmodifiableMap(rows);
        hostEncoder = new HostEncoder(config, parameters, (task, values, count) ->
                run(task, count, Arrays.copyOf(values, capacity(count) * config.dIn()), null).toArray());
    }

    /**
     * Makes an autoencoder.
     *
     * @param config what is computed
     * @param parameters all parameters, by their SAELens names
     * @param engine runs the programs; stays open
     * @param resource what the parameters lie in, for one holder; still the caller's if this throws
     * @return the autoencoder
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape or not finite, or inputs of width 1 are to be
     *     normalized by their standard deviation
     */
    public static ProgramSparseAutoencoder of(SaeConfig config, Map<String, Tensor> parameters, Engine engine, SharedResource resource) {
        if (config.normalization() == SaeConfig.Normalization.LAYER_NORM && config.dIn() < 2) {
            throw new IllegalArgumentException("normalization LAYER_NORM needs d_in of at least 2, found " + config.dIn());
        }
        Map<String, int[]> shapes = CoderParameters.shapes(config);
        Parameters.check(shapes, parameters);
        Map<String, Tensor> ordered = new LinkedHashMap<>();
        shapes.keySet().forEach(name -> ordered.put(name, Objects.requireNonNull(parameters.get(name), name)));
        return new ProgramSparseAutoencoder(config, Collections.unmodifiableMap(ordered), engine, resource);
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
                run(SaeProgram.Task.DECODE, count, null, features.rows(from, from + count)).copyTo(0, result, from * width, count * width);
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
                float[] output = (HostEncoder.encodes(config.architecture())
                        ? run(config.skip() ? SaeProgram.Task.SKIP : SaeProgram.Task.DECODE, count, input, features(input, count))
                        : run(SaeProgram.Task.RECONSTRUCT, count, input, null)).toArray();
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
        if (HostEncoder.encodes(config.architecture())) {
            return hostEncoder.encode(input, count);
        }
        return pool.use(new SaeProgram.Shape(SaeProgram.Task.ENCODE, capacity(count)), pooled -> {
            pooled.compiled().write(Objects.requireNonNull(pooled.program().input()), input);
            pooled.compiled().run();
            return pooled.compiled().readSparse(pooled.program().output());
        }).rows(0, count);
    }

    /** Runs a program with a dense output on inputs of its capacity, or feature activations, or both. */
    private Tensor run(SaeProgram.Task task, int count, float @Nullable [] input, @Nullable SparseRows features) {
        return pool.use(new SaeProgram.Shape(task, capacity(count)), pooled -> {
            if (pooled.program().input() != null) {
                pooled.compiled().write(pooled.program().input(), Objects.requireNonNull(input));
            }
            if (features != null) {
                pooled.compiled().write(Objects.requireNonNull(pooled.program().features()), fill(features, capacity(count)));
            }
            pooled.compiled().run();
            return pooled.compiled().read(pooled.program().output());
        });
    }

    private <R> R use(Operation operation, long rows, Supplier<R> work) {
        return lifetime.use(() -> engine.observer().observe(operation, toString(), rows, work));
    }

    private Compiled compile(SaeProgram.Shape shape) {
        SaeProgram program = SaeProgram.of(config, shape);
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
