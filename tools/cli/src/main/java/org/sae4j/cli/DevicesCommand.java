package org.sae4j.cli;

import java.io.PrintWriter;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.core.Engines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists engines and devices. */
@Command(name = "devices", description = "List the engines and their devices, and why an engine is not available.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class DevicesCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    DevicesCommand() {
    }

    @Override
    public void run() {
        print(spec.commandLine().getOut());
    }

    static void print(PrintWriter out) {
        for (EngineProvider provider : Engines.providers()) {
            switch (provider.availability()) {
                case Availability.Available available -> out.printf("engine %-8s %s: available, %s%n", provider.id(), provider.name(),
                        available.detail());
                case Availability.Unavailable unavailable -> out.printf("engine %-8s %s: not available, %s; %s%n", provider.id(),
                        provider.name(), unavailable.reason(), unavailable.remedy());
            }
            for (Device device : provider.devices()) {
                out.printf("  device %d  %s, %s, %.1f GiB%n", device.index(), device.name(), device.backEnd(),
                        device.memoryBytes() / (double) (1L << 30));
            }
        }
        Engines.broken().forEach(b -> out.printf("engine not usable: %s: %s%n", b.provider(), b.reason()));
        out.flush();
    }
}
