package org.sae4j.engine.tornado.internal;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.lang.module.ModuleDescriptor;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Availability.Available;
import org.sae4j.api.engine.Availability.Unavailable;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/**
 * Finds out whether TornadoVM can start in this JVM. Its runtime starts in static initializers and cannot be asked twice once it failed, so
 * everything that can be known without touching it is checked first.
 */
public final class Probe {
    private static final String API = "uk.ac.manchester.tornado.api.TaskGraph";
    private static final String GUIDE = "see docs/gpu.md";
    private static final String FLAGS = "start java with @$TORNADOVM_HOME/tornado-argfile; " + GUIDE;
    private static final String MEMORY = "tornado.device.memory";
    private static final String RECOVER = "tornado.recover.bailout";

    /** What TornadoVM's own launcher sets, and what this engine needs. Read by TornadoVM once, when it starts; given values stay. */
    private static final Map<String, String> PROPERTIES = Map.of(
            "tornado.load.api.implementation", "uk.ac.manchester.tornado.runtime.tasks.TornadoTaskGraph",
            "tornado.load.runtime.implementation", "uk.ac.manchester.tornado.runtime.TornadoCoreRuntime",
            "tornado.load.tornado.implementation", "uk.ac.manchester.tornado.runtime.common.Tornado",
            "tornado.load.annotation.implementation", "uk.ac.manchester.tornado.annotation.ASMClassVisitor",
            "tornado.load.annotation.parallel", "uk.ac.manchester.tornado.api.annotations.Parallel",
            // A kernel that cannot be compiled must fail, not run in Java without a word.
            RECOVER, "false",
            // TornadoVM's own quota is 4 GB whatever the device has; the engine counts for itself.
            MEMORY, "1024GB",
            // The default allows 63 tasks.
            "tornado.tvm.maxbytecodesize", "1048576");

    private static @Nullable Availability answer;

    private Probe() {}

    /** {@return whether TornadoVM can start; the first answer stays} */
    public static synchronized Availability check() {
        if (answer == null) {
            answer = find();
        }
        return answer;
    }

    private static Availability find() {
        try {
            Optional<Unavailable> obstacle = obstacle();
            return obstacle.isPresent() ? obstacle.get() : start();
        } catch (RuntimeException | LinkageError e) {
            return new Unavailable("TornadoVM could not be examined: " + e, GUIDE);
        }
    }

    private static Optional<Unavailable> obstacle() {
        try {
            Class.forName(API, false, Probe.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            return unavailable("TornadoVM is not there: no class " + API, "install a TornadoVM SDK, set TORNADOVM_HOME to it, and "
                    + FLAGS);
        }
        ModuleLayer boot = ModuleLayer.boot();
        if (boot.findModule("tornado.runtime").isEmpty()) {
            return unavailable("this JVM was started without TornadoVM's modules", FLAGS);
        }
        if (boot.findModule("jdk.internal.vm.ci").isEmpty() || boot.findModule("jdk.graal.compiler").isEmpty()) {
            return unavailable("this JVM was started without the modules jdk.internal.vm.ci and jdk.graal.compiler", FLAGS);
        }
        if (!vmOption("EnableJVMCI").map(Boolean::parseBoolean).orElse(false)) {
            return unavailable("this JVM was started without -XX:+EnableJVMCI", FLAGS);
        }
        String found = boot.findModule("tornado.api").map(Module::getDescriptor).flatMap(ModuleDescriptor::rawVersion).orElse("unknown");
        if (!found.equals(TornadoVersion.EXPECTED)) {
            return unavailable("TornadoVM " + found + " is there, this engine was built for " + TornadoVersion.EXPECTED,
                    "install TornadoVM " + TornadoVersion.EXPECTED + ", or build sae4j with -Dtornadovm.version=" + found + "; " + GUIDE);
        }
        if (Boolean.getBoolean(RECOVER)) {
            return unavailable(RECOVER + " is true: TornadoVM would run in Java without a word", "start java with -D" + RECOVER + "=false");
        }
        return Optional.empty();
    }

    private static Availability start() {
        PROPERTIES.forEach((name, value) -> {
            if (System.getProperty(name) == null) {
                System.setProperty(name, value);
            }
        });
        try {
            if (recovers()) {
                return new Unavailable("TornadoVM was started before with " + RECOVER + " true, and would run in Java without a word",
                        "start java with -D" + RECOVER + "=false");
            }
            if (TornadoRuntimeProvider.getTornadoRuntime().getNumBackends() == 0 || TornadoDevices.all().isEmpty()) {
                return new Unavailable("TornadoVM found no device",
                        "install a driver for OpenCL or CUDA, check it with tornado --devices; " + GUIDE);
            }
            TornadoDevices.Found first = TornadoDevices.pick(Optional.of("0"));
            return new Available("TornadoVM " + TornadoVersion.EXPECTED + ", " + first.device().backEnd() + ", " + first.device().name());
        } catch (ReflectiveOperationException | RuntimeException | Error e) {
            Throwable root = e;
            while (root.getCause() != null && root.getCause() != root) {
                root = root.getCause();
            }
            String message = String.valueOf(root.getMessage()).replaceAll("\u001b\\[[0-9;]*m", "").strip();
            return new Unavailable("TornadoVM could not start: " + root.getClass().getSimpleName() + ": " + message,
                    "install a driver for OpenCL or CUDA if there is none, check it and the SDK with tornado --devices; " + GUIDE);
        }
    }

    /** The host application may have started TornadoVM with its own properties. */
    private static boolean recovers() throws ReflectiveOperationException {
        return Class.forName("uk.ac.manchester.tornado.runtime.common.TornadoOptions").getField("RECOVER_BAILOUT").getBoolean(null);
    }

    private static Optional<Unavailable> unavailable(String reason, String remedy) {
        return Optional.of(new Unavailable(reason, remedy));
    }

    /** {@return the memory that TornadoVM may take on a device} */
    static long memoryQuota() {
        return TornadoSettings.bytes(System.getProperty(MEMORY, "4GB"));
    }

    /** A flag of the JVM, or empty if it has none of that name. */
    static Optional<String> vmOption(String name) {
        try {
            return Optional.of(ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).getVMOption(name).getValue());
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
