package org.sae4j.engine.tornado;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.engine.tornado.internal.Probe;
import org.sae4j.engine.tornado.internal.TornadoDevices;
import org.sae4j.engine.tornado.internal.TornadoEngine;
import org.sae4j.engine.tornado.internal.TornadoSettings;

/**
 * The TornadoVM engine: Java kernels, compiled at run time for a GPU. It needs a TornadoVM SDK and the JVM flags that come with it.
 *
 * <p>Settings:
 * <dl>
 *   <dt>{@code verify}</dt>
 *   <dd>id of an engine on the class path that computes the first run of each program too; a program whose results differ fails. Default
 *       {@code cpu}; {@code off} trusts the device.</dd>
 *   <dt>{@code sparse-capacity}</dt>
 *   <dd>the part of the columns that rows of activations have room for, above 0 and up to 1, default 1. A smaller part saves memory; a row
 *       with more entries is an error. Top-k rules need no more than k and ignore it.</dd>
 *   <dt>{@code memory}</dt>
 *   <dd>the most device memory that the engine's programs may take, such as {@code 6GB}; default all.</dd>
 *   <dt>{@code profile}</dt>
 *   <dd>a file to write, with a line for each run of a program: launches, bytes to and from the device, time. Reading what a run left on
 *       the device counts for that run.</dd>
 *   <dt>{@code cuda-graph}</dt>
 *   <dd>{@code on} replays the tasks of a program as one CUDA graph; only for back ends {@code cuda} and {@code ptx}. Default {@code off}:
 *       this path has not been run on a GPU yet. With it the second run is verified too, and parameters cannot be rewritten after the
 *       first.</dd>
 *   <dt>{@code dense-product}</dt>
 *   <dd>{@code cublas} gives dense products to NVIDIA's cuBLAS, in float32; only for back end {@code cuda}, where the SDK was built with
 *       cuBLAS. Default {@code kernel}, the engine's own: this path has not been run on a GPU yet.</dd>
 * </dl>
 *
 * <p>Kernels are compiled when a program runs first, and again when a parameter is written after that.
 */
public final class TornadoEngineProvider implements EngineProvider {
    /** For {@link ServiceLoader}. */
    public TornadoEngineProvider() {}

    @Override
    public String id() {
        return "tornado";
    }

    @Override
    public String name() {
        return "TornadoVM";
    }

    @Override
    public int priority() {
        return 10;
    }

    @Override
    public Availability availability() {
        return Probe.check();
    }

    @Override
    public List<Device> devices() {
        return Probe.check() instanceof Availability.Available ? TornadoDevices.all().stream().map(TornadoDevices.Found::device).toList()
                : List.of();
    }

    @Override
    public Engine open(EngineOptions options) {
        if (Probe.check() instanceof Availability.Unavailable(String reason, String remedy)) {
            throw new EngineException(reason, "tornado engine", remedy);
        }
        TornadoSettings settings = TornadoSettings.of(options.settings());
        TornadoDevices.Found device = TornadoDevices.pick(options.device());
        Engine verifier = verifier(settings.verifier(), options.threads());
        try {
            return new TornadoEngine(device, settings, verifier);
        } catch (EngineException e) {
            if (verifier != null) {
                verifier.close();
            }
            throw e;
        }
    }

    private static @Nullable Engine verifier(String id, int threads) {
        if (id.equals(TornadoSettings.OFF)) {
            return null;
        }
        return ServiceLoader.load(EngineProvider.class, TornadoEngineProvider.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.id().equals(id) && !provider.id().equals("tornado")).findFirst()
                .orElseThrow(() -> new EngineException("no engine " + id + " to verify first runs with", "tornado engine",
                        "add it to the class path, or set " + TornadoSettings.VERIFY + " to another engine or to " + TornadoSettings.OFF))
                .open(new EngineOptions(Optional.empty(), threads, Map.of()));
    }
}
