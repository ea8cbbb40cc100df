package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder of plugins of which one is good: it is found, and for every other one the user reads why it is not. */
@Tag("packaged")
class BrokenPluginsTest {
    private static final String SERVICE = "META-INF/services/org.sae4j.api.experiment.Experiment";

    private static final String SOURCE = """
            package com.example.%1$s;

            import java.util.List;
            import org.sae4j.api.experiment.Experiment;
            import org.sae4j.api.experiment.ExperimentContext;
            import org.sae4j.api.experiment.ExperimentResult;
            import org.sae4j.api.experiment.Param;

            public final class Plugin extends Base implements Experiment<Plugin.Config, Plugin.Data> {
                public record Config(@Param("a number") int number) {}

                public record Data(int number) {}

                public Plugin() {
                    %3$s
                }

                @Override
                public String id() {
                    return "%2$s";
                }

                @Override
                public String title() {
                    if (id().equals("failing-title")) {
                        throw new IllegalStateException("no title");
                    }
                    return id().equals("no-title") ? null : "Plugin %1$s";
                }

                @Override
                public String description() {
                    return "Says the number that it was given.";
                }

                @Override
                public Config defaults() {
                    if (id().equals("failing-defaults")) {
                        throw new NoClassDefFoundError("com/example/Gone");
                    }
                    return new Config(7);
                }

                @Override
                public int apiVersion() {
                    return %4$s;
                }

                @Override
                public ExperimentResult<Data> run(Config config, ExperimentContext context) {
                    return new ExperimentResult<>(new Data(config.number()), List.of("The number is " + config.number() + "."), List.of(),
                            List.of(), List.of());
                }
            }
            """;

    private static final String ENGINE = """
            package com.example.elsewhere;

            import java.util.List;
            import org.sae4j.api.engine.Availability;
            import org.sae4j.api.engine.Device;
            import org.sae4j.api.engine.Engine;
            import org.sae4j.api.engine.EngineOptions;
            import org.sae4j.api.engine.EngineProvider;

            /** An engine of a plugin: the CPU's under another name. */
            public final class Elsewhere implements EngineProvider {
                private final EngineProvider cpu = new org.sae4j.engine.cpu.CpuEngineProvider();

                @Override
                public String id() {
                    return "elsewhere";
                }

                @Override
                public String name() {
                    return "Engine of a plugin";
                }

                @Override
                public int priority() {
                    return -7;
                }

                @Override
                public Availability availability() {
                    return cpu.availability();
                }

                @Override
                public List<Device> devices() {
                    return cpu.devices();
                }

                @Override
                public Engine open(EngineOptions options) {
                    System.err.println("opened elsewhere");
                    return cpu.open(options);
                }
            }
            """;

    @TempDir
    private static Path folder;
    private static Path plugins;
    private static Packaged.Outcome listing;

    @BeforeAll
    static void makePlugins() throws IOException {
        plugins = Files.createDirectory(folder.resolve("plugins"));
        plugin("good", "good", "", "API_VERSION", List.of());
        plugin("later", "good", "", "API_VERSION", List.of());
        plugin("absentbase", "absent-base", "", "API_VERSION", List.of("Base.class"));
        plugin("absentplugin", "absent-plugin", "", "API_VERSION", List.of("Plugin.class"));
        plugin("failing", "failing", "if (id() != null) {throw new IllegalStateException(\"no licence\");}", "API_VERSION", List.of());
        plugin("newer", "newer", "", "API_VERSION + 1", List.of());
        plugin("misnamed", "Mis Named", "", "API_VERSION", List.of());
        plugin("failingtitle", "failing-title", "", "API_VERSION", List.of());
        plugin("notitle", "no-title", "", "API_VERSION", List.of());
        plugin("failingdefaults", "failing-defaults", "", "API_VERSION", List.of());
        Files.writeString(plugins.resolve("nojar.jar"), "this is no archive");
        listing = Packaged.sae(folder, "experiments", "--plugin-path", plugins.toString());
    }

    private static void plugin(String name, String id, String constructor, String apiVersion, List<String> left) {
        String source = SOURCE.formatted(name, id, constructor, apiVersion);
        Path classes = Packaged.compile(folder.resolve(name), Map.of("com/example/" + name + "/Plugin.java", source,
                "com/example/" + name
                + "/Base.java", "package com.example." + name + ";\n\nclass Base {}\n"), "-cp", Packaged.classPath());
        Packaged.jar(plugins.resolve(name + ".jar"), classes, left, Map.of(SERVICE, "com.example." + name + ".Plugin\n"));
    }

    @Test
    void theGoodPluginAndTheInstalledOnesAreListed() {
        assertThat(listing.exit()).as(listing.err()).isZero();
        assertThat(listing.out()).contains("Plugin good").contains("neighborhood").contains("causal-tracing");
    }

    @Test
    void everyBrokenOneIsNamedWithItsReason() {
        assertThat(notUsable("com.example.later.Plugin")).contains("its id 'good' is that of com.example.good.Plugin");
        assertThat(notUsable("com/example/absentbase/Base")).contains("ClassNotFoundException");
        assertThat(notUsable("com.example.absentplugin.Plugin")).contains("not found");
        assertThat(notUsable("com.example.failing.Plugin")).contains("IllegalStateException: no licence");
        assertThat(notUsable("com.example.newer.Plugin")).contains("use a newer sae4j");
        assertThat(notUsable("com.example.misnamed.Plugin")).contains("lower-case letters");
        assertThat(notUsable("com.example.failingtitle.Plugin")).contains("no title");
        assertThat(notUsable("com.example.notitle.Plugin")).contains("title() gave null");
        assertThat(notUsable("com.example.failingdefaults.Plugin")).contains("com/example/Gone");
        assertThat(notUsable("nojar.jar")).contains("cannot be read");
        assertThat(listing.out().lines().filter(l -> l.startsWith("not usable"))).hasSize(10);
    }

    private static String notUsable(String what) {
        return listing.out().lines().filter(l -> l.startsWith("not usable") && l.contains(what)).findFirst()
                .orElseThrow(() -> new AssertionError("nothing about " + what + " in\n" + listing.out()));
    }

    @Test
    void theGoodPluginShowsItsSettings() {
        Packaged.Outcome help = Packaged.sae(folder, "run", "good", "--plugin-path", plugins.toString(), "--help");
        assertThat(help.exit()).as(help.err()).isZero();
        assertThat(help.out()).contains("number (").contains("a number").contains("default 7");
    }

    @Test
    void theDoctorNamesThemWithWhatToDo() {
        Packaged.Outcome doctor = Packaged.sae(folder, "doctor", "--plugin-path", plugins.toString());
        assertThat(doctor.exit()).as(doctor.err()).isZero();
        assertThat(doctor.out()).contains("no licence").contains("10 problems found");
        assertThat(doctor.out().lines().filter(l -> l.startsWith("  fix: "))).hasSizeGreaterThanOrEqualTo(10);
    }

    @Test
    void theEngineOfAPluginIsFoundByEveryCommandThatComputes() throws IOException {
        Path classes = Packaged.compile(folder.resolve("elsewhere"), Map.of("com/example/elsewhere/Elsewhere.java", ENGINE), "-cp",
                Packaged.classPath());
        Path engines = Files.createDirectory(folder.resolve("engines"));
        Packaged.jar(engines.resolve("elsewhere.jar"), classes, List.of(),
                Map.of("META-INF/services/org.sae4j.api.engine.EngineProvider", "com.example.elsewhere.Elsewhere\n"));
        assertThat(Packaged.sae(folder, "devices", "--plugin-path", engines.toString()).out()).contains("Engine of a plugin: available");
        assertThat(Packaged.sae(folder, "doctor", "--plugin-path", engines.toString()).out()).contains("Engine of a plugin: available");
        DemoFolders demo = DemoFolders.writeTo(folder);
        Packaged.Outcome run = Packaged.sae(folder, "activations", "--plugin-path", engines.toString(), "--engine", "elsewhere", "--model",
                demo.model().toString(), "--tokens", "1,2,3", "--hook", "logits", "--output", "logits.safetensors");
        assertThat(run.exit()).as(run.err()).isZero();
        assertThat(run.err()).contains("opened elsewhere");
        Packaged.Outcome without = Packaged.sae(folder, "devices");
        assertThat(without.out()).doesNotContain("elsewhere");
    }

    @Test
    void askingForABrokenOneSaysWhyInOneLine() {
        Packaged.Outcome outcome = Packaged.sae(folder, "run", "failing", "--plugin-path", plugins.toString(), "--help");
        assertThat(outcome.exit()).isEqualTo(2);
        assertThat(outcome.err()).contains("no experiment 'failing'").contains("no licence");
        assertThat(outcome.err().lines().filter(l -> !l.startsWith("WARNING"))).hasSize(1);
    }
}
