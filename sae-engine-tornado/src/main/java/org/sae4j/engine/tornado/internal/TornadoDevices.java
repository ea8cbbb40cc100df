package org.sae4j.engine.tornado.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.EngineException;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices of all back ends. Only for use once {@link Probe} found that the runtime can start. */
public final class TornadoDevices {
    private TornadoDevices() {}

    /**
     * A device.
     *
     * @param device as the API names it
     * @param handle TornadoVM's
     */
    public record Found(Device device, TornadoDevice handle) {}

    /** {@return all devices, in TornadoVM's order} */
    public static List<Found> all() {
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        List<Found> found = new ArrayList<>();
        for (int i = 0; i < runtime.getNumBackends(); i++) {
            TornadoBackend backend = runtime.getBackend(i);
            String name = backend.getBackendType().name().toLowerCase(Locale.ROOT);
            for (TornadoDevice handle : backend.getAllDevices()) {
                long memory = Math.min(handle.getPhysicalDevice().getDeviceGlobalMemorySize(), Probe.memoryQuota());
                Device device = new Device(found.size(), handle.getPhysicalDevice().getDeviceName().strip(), name, memory);
                found.add(new Found(device, handle));
            }
        }
        return found;
    }

    /**
     * Picks a device.
     *
     * @param wanted index, or part of the name whatever the case, or empty for the first
     * @return the device
     * @throws EngineException if there is none, or a part of a name fits several
     */
    public static Found pick(Optional<String> wanted) {
        List<Found> all = all();
        String text = wanted.orElse("0").strip();
        List<Found> fitting = all.stream().filter(f -> text.matches("\\d+") ? text.equals(Integer.toString(f.device().index()))
                : f.device().name().toLowerCase(Locale.ROOT).contains(text.toLowerCase(Locale.ROOT))).toList();
        if (fitting.size() != 1) {
            String names = all.stream().map(f -> f.device().index() + ": " + f.device().name() + " (" + f.device().backEnd() + ")")
                    .collect(Collectors.joining(", "));
            throw new EngineException((fitting.isEmpty() ? "no device " : "several devices fit ") + text, "tornado engine",
                    "choose one of: " + names);
        }
        return fitting.getFirst();
    }
}
