package org.sae4j.engine.cpu;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.engine.cpu.internal.kernels.VectorSupport;
import org.sae4j.engine.cpu.internal.program.CpuEngine;

/**
 * The pure-Java engine, id {@code cpu}, always available. It uses the Vector API where the module {@code jdk.incubator.vector} is resolved:
 * on the module path by itself, on the class path with {@code --add-modules jdk.incubator.vector}. Without it, plain loops compute the
 * same, more slowly, and the first engine opened logs a warning.
 *
 * <p>{@link EngineOptions#threads()} counts the calling thread; 0 is one per processor. Setting {@code vector}: {@code auto} (default)
 * or {@code off} for plain loops. Setting {@code dense-from}: the share of active features, from 0 to 1, above which outer products of
 * sparse rows are made as those of a dense matrix, gradients by features above 1.3 times and decoding above twice that share; the default
 * 0.17 was measured on one machine. {@code 0} always does and {@code 1} never.
 *
 * <p>Results have the same bits for any number of threads. Dense products, attention, LayerNorm, softmax, decoding and the elementwise
 * operations compute each row from that row and the weights alone: a row has the same bits in any batch.
 */
public final class CpuEngineProvider implements EngineProvider {
    private static final System.Logger LOG = System.getLogger(CpuEngineProvider.class.getName());
    private static final AtomicBoolean WARNED = new AtomicBoolean();
    private static final String ID = "cpu";
    private static final String VECTOR = "vector";
    private static final String DENSE = "dense-from";
    private static final String DENSE_FROM = "0.17";
    private static final String OPTIONS = "engine cpu, options";

    /** Creates the provider; {@link java.util.ServiceLoader} does. */
    public CpuEngineProvider() {}

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String name() {
        return "Java on the CPU";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Availability availability() {
        int threads = Runtime.getRuntime().availableProcessors();
        boolean vector = VectorSupport.isAvailable();
        return new Availability.Available(VectorSupport.description(vector) + ", " + threads + (threads == 1 ? " thread" : " threads")
                + (vector ? "" : " (faster with " + VectorSupport.FLAG + ")"));
    }

    @Override
    public List<Device> devices() {
        return List.of(device());
    }

    private static Device device() {
        return new Device(0, System.getProperty("os.arch") + " processor", "java", Runtime.getRuntime().maxMemory());
    }

    /**
     * Opens the engine.
     *
     * @param options the device, if given, is 0 or part of the device's name; threads and settings as described for the class
     * @return a new engine
     * @throws EngineException if there is no such device, or a setting is unknown or has no such value
     */
    @Override
    public Engine open(EngineOptions options) {
        return engine(options, null);
    }

    /**
     * Opens an engine that works on an application's threads instead of its own. The calling thread always takes part, and results need
     * no other: the pool may be busy, and callers may be threads of the pool.
     *
     * @param options as for {@link #open(EngineOptions)}; the number of threads is how many work at once, the calling one included
     * @param pool stays the caller's, is to be open as long as the engine, and refuses no work; a refusal is an {@link EngineException} of
     *     the run
     * @return a new engine
     * @throws EngineException if there is no such device, or a setting is unknown or has no such value
     */
    public Engine open(EngineOptions options, Executor pool) {
        return engine(options, Objects.requireNonNull(pool, "pool"));
    }

    private static Engine engine(EngineOptions options, @Nullable Executor pool) {
        Device device = device();
        Optional<String> wanted = options.device();
        if (wanted.isPresent() && !wanted.get().equals("0")
                && !device.name().toLowerCase(Locale.ROOT).contains(wanted.get().toLowerCase(Locale.ROOT))) {
            throw new EngineException("no device " + wanted.get() + ", only 0: " + device.name(), OPTIONS, "leave the device out");
        }
        for (Map.Entry<String, String> setting : options.settings().entrySet()) {
            if (!setting.getKey().equals(VECTOR) && !setting.getKey().equals(DENSE)) {
                throw new EngineException("unknown setting " + setting.getKey(), OPTIONS, "the settings are: " + VECTOR + ", " + DENSE);
            }
        }
        boolean vector = switch (options.settings().getOrDefault(VECTOR, "auto")) {
            case "auto" -> isVectorAvailable();
            case "off" -> false;
            default -> throw new EngineException("setting " + VECTOR + " is " + options.settings().get(VECTOR), OPTIONS,
                    "use auto or off");
        };
        int threads = options.threads() == 0 ? Runtime.getRuntime().availableProcessors() : options.threads();
        return new CpuEngine(ID, device, vector, threads, pool, denseFrom(options.settings().getOrDefault(DENSE, DENSE_FROM)));
    }

    private static double denseFrom(String setting) {
        double share;
        try {
            share = Double.parseDouble(setting);
        } catch (NumberFormatException e) {
            share = Double.NaN;
        }
        if (!(share >= 0 && share <= 1)) {
            throw new EngineException("setting " + DENSE + " is " + setting, OPTIONS, "use a number from 0 to 1");
        }
        return share;
    }

    private static boolean isVectorAvailable() {
        boolean available = VectorSupport.isAvailable();
        if (!available && WARNED.compareAndSet(false, true)) {
            LOG.log(System.Logger.Level.WARNING, "The Vector API is missing, so the CPU engine is several times slower: start Java with "
                    + VectorSupport.FLAG);
        }
        return available;
    }
}
