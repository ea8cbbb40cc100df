package org.sae4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.Engines;

/**
 * Prints a table of the TornadoVM engine beside the CPU engine: per operation and per training step the median time of a run, kernels
 * launched, and bytes to and from the device.
 *
 * <p>Argument: index or part of the name of the device, by default the first. Without a TornadoVM SDK it says so and exits with 1.
 */
public final class DeviceComparison {
    private static final int RUNS = 11;
    private static final int WARM_UP_SECONDS = 1;

    private DeviceComparison() {}

    /**
     * Measures.
     *
     * @param arguments the device
     * @throws IOException if the engine's profile cannot be read
     */
    public static void main(String[] arguments) throws IOException {
        Path profile = Files.createTempFile("profile", ".tsv");
        boolean measured = false;
        try {
            compare(new EngineOptions(Arrays.stream(arguments).findFirst(), 0, Map.of("verify", "off")),
                    new EngineOptions(Arrays.stream(arguments).findFirst(), 0, Map.of("verify", "off", "profile", profile.toString())),
                    profile);
            measured = true;
        } catch (EngineException e) {
            System.err.println("not measured: " + e.getMessage());
        } finally {
            Files.deleteIfExists(profile);
        }
        System.exit(measured ? 0 : 1);
    }

    private static void compare(EngineOptions plain, EngineOptions profiled, Path profile) throws IOException {
        try (Engine tornado = Engines.open("tornado", plain); Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT)) {
            System.out.printf("TornadoVM's device: %s (%s), CPU engine: %s; B %d, d %d, n %d, %d active features%n%n",
                    tornado.device().name(), tornado.device().backEnd(), cpu.device().name(), DeviceCases.BATCH, DeviceCases.D,
                    DeviceCases.N, DeviceCases.K);
            System.out.println("| operation | TornadoVM, ms | CPU engine, ms | launches | bytes to the device | bytes back |");
            System.out.println("|---|---|---|---|---|---|");
            for (Map.Entry<String, DeviceCases.Opener> c : DeviceCases.all().entrySet()) {
                double deviceTime = median(tornado, c.getValue());
                double cpuTime = median(cpu, c.getValue());
                long[] counts = counts(profiled, profile, c.getValue());
                System.out.printf(Locale.ROOT, "| %s | %.2f | %.3f | %d | %,d | %,d |%n", c.getKey(), deviceTime * 1e3, cpuTime * 1e3,
                        counts[0], counts[1], counts[2]);
            }
        }
    }

    /** Launches and bytes of a later run: the first also sends the weights. */
    private static long[] counts(EngineOptions options, Path profile, DeviceCases.Opener opener) throws IOException {
        try (Engine engine = Engines.open("tornado", options); Subject subject = opener.open(engine)) {
            subject.run();
            subject.run();
        }
        List<String> lines = Files.readAllLines(profile);
        String[] last = lines.getLast().split("\t");
        return new long[] {Long.parseLong(last[2]), Long.parseLong(last[3]), Long.parseLong(last[4])};
    }

    private static double median(Engine engine, DeviceCases.Opener opener) {
        try (Subject subject = opener.open(engine)) {
            subject.run();
            return Timing.median(RUNS, 0, WARM_UP_SECONDS, subject::run);
        }
    }
}
