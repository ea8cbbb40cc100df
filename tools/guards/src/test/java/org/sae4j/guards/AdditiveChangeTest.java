package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A plugin that was compiled against today's API runs, unrecompiled, when the API has grown: methods with defaults in the interfaces that it
 * implements and uses, further types, a further kind of figure.
 */
@Tag("packaged")
class AdditiveChangeTest {
    private static final String PLUGIN = """
            package com.example.counter;

            import java.util.List;
            import org.sae4j.api.experiment.Experiment;
            import org.sae4j.api.experiment.ExperimentContext;
            import org.sae4j.api.experiment.ExperimentResult;
            import org.sae4j.api.experiment.Figure;
            import org.sae4j.api.experiment.Metric;
            import org.sae4j.api.experiment.Param;

            public final class Counter implements Experiment<Counter.Config, Counter.Data> {
                public record Config(@Param("added to the count") int more) {}

                public record Data(int count) {}

                @Override
                public String id() {
                    return "counter";
                }

                @Override
                public String title() {
                    return "Counter";
                }

                @Override
                public String description() {
                    return "Counts active features.";
                }

                @Override
                public Config defaults() {
                    return new Config(0);
                }

                @Override
                public ExperimentResult<Data> run(Config config, ExperimentContext context) {
                    context.progress().update("counting", 0, 1);
                    int count = (int) context.encodedCorpus().features().entries() + config.more();
                    return new ExperimentResult<>(new Data(count), List.of(count + " features are active."),
                            List.of(Metric.of("count", count, "")),
                            List.of(new Figure.Table("t", "Counts", "n = 1", List.of("count"), List.of(List.of(count)))), List.of());
                }
            }
            """;

    /** Uses what is new. */
    private static final String LATER = """
            import org.sae4j.api.experiment.Experiment;
            import org.sae4j.core.experiment.Experiments;

            public final class Later {
                public static void main(String[] args) {
                    Experiment<?, ?> counter = Experiments.with(org.sae4j.core.Plugins.in(java.nio.file.Path.of(args[0]))).get("counter");
                    System.out.println(counter.category() + " " + new org.sae4j.api.experiment.Addition(1));
                }
            }
            """;

    @Test
    void aPluginRunsUnrecompiledAfterTheApiHasGrown(@TempDir Path folder) throws IOException {
        Path plugins = Files.createDirectory(folder.resolve("plugins"));
        Path plugin = Packaged.compile(folder.resolve("plugin"), Map.of("com/example/counter/Counter.java", PLUGIN), "-cp",
                Packaged.classPath());
        Packaged.jar(plugins.resolve("counter.jar"), plugin, List.of(),
                Map.of("META-INF/services/org.sae4j.api.experiment.Experiment", "com.example.counter.Counter\n"));

        Path grown = Packaged.compile(folder.resolve("api"), grownApi(), "-cp", Packaged.classPath());
        String classPath = grown + File.pathSeparator + Packaged.classPath();
        Path later = Packaged.compile(folder.resolve("later"), Map.of("Later.java", LATER), "-cp", classPath);
        Packaged.Outcome added = Packaged.java(folder, "-cp", later + File.pathSeparator + classPath, "Later", plugins.toString());
        assertThat(added.out()).as(added.err()).contains("general Addition[of=1]");

        DemoFolders demo = DemoFolders.writeTo(folder);
        Packaged.Outcome run = Packaged.java(folder, "--add-modules", Packaged.VECTOR, "-cp", classPath, "org.sae4j.cli.Main", "run",
                "counter", "--plugin-path", plugins.toString(), "--model", demo.model().toString(), "--sae",
                demo.autoencoder().toString(), "--corpus", demo.texts().toString(), "--output", "counted");
        assertThat(run.exit()).as(run.err()).isZero();
        assertThat(folder.resolve("counted/result.json")).content().contains("features are active");
    }

    /** The sources of the API as they are, and with what a later version may add. */
    private static Map<String, String> grownApi() {
        Path sources = ModuleFolder.ROOT.resolve("sae-api/src/main/java");
        Map<String, String> texts = new HashMap<>();
        try (Stream<Path> files = Files.walk(sources)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java") && !f.endsWith("module-info.java")).toList()) {
                texts.put(sources.relativize(file).toString(), Files.readString(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String experiment = "org/sae4j/api/experiment/";
        texts.put(experiment + "Addition.java", "package org.sae4j.api.experiment;\n\npublic record Addition(int of) {}\n");
        append(texts, experiment + "Experiment.java", "default String category() { return \"general\"; }");
        append(texts, experiment + "ExperimentContext.java", "default boolean isInteractive() { return false; }");
        append(texts, experiment + "Figure.java", "record Radar(String id, String title, String caption) implements Figure {}");
        append(texts, "org/sae4j/api/Progress.java", "default void note(String text) {}");
        return texts;
    }

    private static void append(Map<String, String> texts, String file, String member) {
        String text = texts.get(file);
        texts.put(file, text.substring(0, text.lastIndexOf('}')) + "    " + member + "\n}\n");
    }
}
