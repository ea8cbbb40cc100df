package org.sae4j.cli;

import java.io.PrintWriter;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.core.Engines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists engines and devices. */
@Command(name = "devices", description = "List the engines and their devices, and why an engine is not available.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class DevicesCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PluginOption plugins;

    DevicesCommand() {
    }

    @Override
    public void run() {
        print(plugins.loader(), spec.commandLine().getOut());
    }

    /**
     * Prints what there is. A provider that fails when it is asked does not hide the others.
     *
     * @param loader finds the engines
     * @return the number of providers that cannot be used for a reason of their own
     */
    static int print(ClassLoader loader, PrintWriter out) {
        int broken = 0;
        for (EngineProvider provider : Engines.providers(loader)) {
            try {
                print(provider, out);
            } catch (LinkageError | RuntimeException e) {
                broken++;
                out.printf("engine not usable: %s: asking it failed, %s%n  mend report this to its author, or take its jar away%n",
                        provider.getClass().getName(), e);
            }
        }
        for (Engines.Broken engine : Engines.broken(loader)) {
            broken++;
            out.printf("engine not usable: %s: %s%n  mend take its jar away, or put in a version that works%n", engine.provider(),
                    engine.reason());
        }
        out.flush();
        return broken;
    }

    private static void print(EngineProvider provider, PrintWriter out) {
        switch (provider.availability()) {
            case Availability.Available available -> out.printf("engine %-8s %s: available, %s%n", provider.id(), provider.name(),
                    available.detail());
            case Availability.Unavailable unavailable -> out.printf("engine %-8s %s: not available, %s%n  mend %s%n", provider.id(),
                    provider.name(), unavailable.reason(), unavailable.remedy());
        }
        for (Device device : provider.devices()) {
            out.printf("  device %d  %s, %s, %.1f GiB%n", device.index(), device.name(), device.backEnd(),
                    device.memoryBytes() / (double) (1L << 30));
        }
    }
}
