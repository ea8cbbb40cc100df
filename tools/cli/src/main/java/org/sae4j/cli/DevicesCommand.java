package org.sae4j.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    @Mixin
    private JsonOption json;

    DevicesCommand() {
    }

    @Override
    public void run() {
        if (json.begin()) {
            json.print("devices", Map.of("engines", values(plugins.loader())));
            return;
        }
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
                out.printf("engine not usable: %s: asking it failed, %s%n  fix: report this to its author, or remove its jar%n",
                        provider.getClass().getName(), e);
            }
        }
        for (Engines.Broken engine : Engines.broken(loader)) {
            broken++;
            out.printf("engine not usable: %s: %s%n  fix: remove its jar, or install a version that works%n", engine.provider(),
                    engine.reason());
        }
        out.flush();
        return broken;
    }

    /** {@return an object for each engine, those that cannot be used included} */
    static List<Map<String, Object>> values(ClassLoader loader) {
        List<Map<String, Object>> engines = new ArrayList<>();
        for (EngineProvider provider : Engines.providers(loader)) {
            try {
                engines.add(values(provider));
            } catch (LinkageError | RuntimeException e) {
                engines.add(broken(provider.getClass().getName(), "asking it failed, " + e));
            }
        }
        Engines.broken(loader).forEach(engine -> engines.add(broken(engine.provider(), engine.reason())));
        return engines;
    }

    private static Map<String, Object> broken(String provider, String reason) {
        Map<String, Object> engine = new LinkedHashMap<>();
        engine.put("provider", provider);
        engine.put("available", false);
        engine.put("reason", reason);
        engine.put("devices", List.of());
        return engine;
    }

    private static Map<String, Object> values(EngineProvider provider) {
        Map<String, Object> engine = new LinkedHashMap<>();
        engine.put("id", provider.id());
        engine.put("name", provider.name());
        engine.put("provider", provider.getClass().getName());
        switch (provider.availability()) {
            case Availability.Available available -> {
                engine.put("available", true);
                engine.put("detail", available.detail());
            }
            case Availability.Unavailable unavailable -> {
                engine.put("available", false);
                engine.put("reason", unavailable.reason());
                engine.put("remedy", unavailable.remedy());
            }
        }
        engine.put("devices", provider.devices().stream().map(device -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("index", device.index());
            one.put("name", device.name());
            one.put("back_end", device.backEnd());
            one.put("memory_bytes", device.memoryBytes());
            return one;
        }).toList());
        return engine;
    }

    private static void print(EngineProvider provider, PrintWriter out) {
        switch (provider.availability()) {
            case Availability.Available available -> out.printf("engine %-8s %s: available, %s%n", provider.id(), provider.name(),
                    available.detail());
            case Availability.Unavailable unavailable -> out.printf("engine %-8s %s: not available, %s%n  fix: %s%n", provider.id(),
                    provider.name(), unavailable.reason(), unavailable.remedy());
        }
        for (Device device : provider.devices()) {
            out.printf("  device %d  %s, %s, %.1f GiB%n", device.index(), device.name(), device.backEnd(),
                    device.memoryBytes() / (double) (1L << 30));
        }
    }
}
