package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An application on the module path and on the class path, with the Vector API and without it; linked with the JDK, and in one jar. */
@Tag("packaged")
class ModulePathTest {
    private static final String DESCRIPTOR = """
            module com.example.app {
                requires org.sae4j.core;
            }
            """;

    /** Prints the kernels, the experiments and what an autoencoder of known weights encodes. */
    private static final String APPLICATION = """
            package com.example.app;

            import java.util.Map;
            import java.util.Optional;
            import org.sae4j.api.Tensor;
            import org.sae4j.api.engine.Engine;
            import org.sae4j.api.engine.EngineOptions;
            import org.sae4j.api.sae.SaeConfig;
            import org.sae4j.api.sae.SparseAutoencoder;
            import org.sae4j.core.Engines;
            import org.sae4j.core.Sae4j;
            import org.sae4j.core.SparseAutoencoders;
            import org.sae4j.core.experiment.Experiments;

            public final class App {
                private App() {}

                public static void main(String[] args) {
                    System.out.println("module " + Engines.class.getModule().getName());
                    System.out.println("version " + Sae4j.version());
                    System.out.println("kernels " + Engines.choose("auto").reason());
                    System.out.println("experiments " + Experiments.installed().all().stream().map(e -> e.id()).toList());
                    SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, 2, 3).build();
                    Map<String, Tensor> parameters = Map.of("W_enc", Tensor.of(new float[] {1, 0, -1, 0, 1, -1}, 2, 3), "b_enc",
                            Tensor.zeros(3), "W_dec", Tensor.of(new float[] {1, 0, 0, 1, -1, -1}, 3, 2), "b_dec", Tensor.zeros(2));
                    try (Engine engine = Engines.open("auto", EngineOptions.DEFAULT);
                            SparseAutoencoder sae = SparseAutoencoders.of(config, parameters, engine)) {
                        Tensor dense = sae.encode(Tensor.of(new float[] {2, -3}, 1, 2)).toDense();
                        System.out.println("features " + dense.get(0) + " " + dense.get(1) + " " + dense.get(2));
                    }
                }
            }
            """;

    private static final String FEATURES = "features 2.0 0.0 1.0";
    private static final String WARNING = "start Java with --add-modules jdk.incubator.vector";

    @TempDir
    private static Path folder;
    private static Path classes;

    @BeforeAll
    static void compileApplication() {
        classes = Packaged.compile(folder, Map.of("module-info.java", DESCRIPTOR, "com/example/app/App.java", APPLICATION), "-p",
                Packaged.LIB.toString());
    }

    @Test
    void onTheModulePathTheVectorKernelsNeedNoFlag() {
        Packaged.Outcome outcome = Packaged.java(folder, "-p", classes + File.pathSeparator + Packaged.LIB, "-m",
                "com.example.app/com.example.app.App");
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("module org.sae4j.core\n").contains("Vector API").contains(FEATURES);
        assertThat(outcome.err()).doesNotContain(WARNING);
        assertThat(outcome.out()).contains("causal-tracing").contains("neighborhood").contains("specificity");
    }

    @Test
    void theCommandLineRunsOnTheModulePath() {
        Packaged.Outcome outcome = Packaged.java(folder, "-p", Packaged.LIB.toString(), "-m", "org.sae4j.cli/org.sae4j.cli.Main", "doctor");
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("vector jdk.incubator.vector is resolved").contains("cpu").contains("neighborhood")
                .doesNotContain("not usable");
    }

    @Test
    void onTheClassPathTheFlagBringsTheVectorKernels() {
        Packaged.Outcome outcome = onTheClassPath("--add-modules", Packaged.VECTOR);
        assertThat(outcome.out()).contains("Vector API").contains(FEATURES);
        assertThat(outcome.err()).doesNotContain(WARNING);
    }

    @Test
    void onTheClassPathWithoutTheFlagPlainLoopsSayWhatIsMissing() {
        Packaged.Outcome outcome = onTheClassPath();
        assertThat(outcome.out()).contains("faster with --add-modules jdk.incubator.vector").contains(FEATURES);
        assertThat(outcome.err()).containsOnlyOnce(WARNING);
    }

    /** The experiments neighborhood and random-walk cannot be linked: EJML and UMAP are automatic modules. */
    @Test
    void linkedWithTheJdkItNeedsNoJava() throws IOException {
        Path modules = Files.createDirectory(folder.resolve("modules"));
        for (Path jar : Packaged.jars()) {
            if (jar.getFileName().toString().matches("(sae-api|sae-core|sae-engine-cpu|experiment-specificity|jackson-core|jspecify)-.*")) {
                Files.copy(jar, modules.resolve(jar.getFileName()));
            }
        }
        Path image = folder.resolve("image");
        StringWriter messages = new StringWriter();
        int linked = ToolProvider.findFirst("jlink").orElseThrow().run(new PrintWriter(messages), new PrintWriter(messages), "--module-path",
                modules + File.pathSeparator + classes, "--add-modules",
                "com.example.app,org.sae4j.engine.cpu,org.sae4j.experiment.specificity", "--output", image.toString());
        assertThat(linked).as(messages.toString()).isZero();
        Packaged.Outcome outcome = Packaged.run(folder, Map.of(), List.of(image.resolve("bin/java").toString(), "-m",
                "com.example.app/com.example.app.App"));
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("Vector API").contains("experiments [specificity]").contains(FEATURES);
    }

    @Test
    void inOneJarItKnowsItsVersionAndFindsEnginesAndExperiments() throws IOException {
        Path all = Files.createDirectory(folder.resolve("all"));
        Map<String, String> services = new TreeMap<>();
        for (Path jar : Packaged.jars()) {
            try (JarFile opened = new JarFile(jar.toFile())) {
                for (JarEntry entry : opened.stream().filter(e -> !e.isDirectory() && !e.getName().endsWith("module-info.class")
                        && !e.getName().startsWith("META-INF/maven") && !e.getName().equals("META-INF/MANIFEST.MF")).toList()) {
                    byte[] bytes = opened.getInputStream(entry).readAllBytes();
                    if (entry.getName().startsWith("META-INF/services/")) {
                        services.merge(entry.getName(), new String(bytes, StandardCharsets.UTF_8) + "\n", String::concat);
                    } else {
                        Path file = all.resolve(entry.getName());
                        Files.createDirectories(file.getParent());
                        Files.write(file, bytes);
                    }
                }
            }
        }
        Path shaded = folder.resolve("shaded.jar");
        Packaged.jar(shaded, all, List.of(), services);
        Packaged.Outcome outcome = Packaged.java(folder, "--add-modules", Packaged.VECTOR, "-cp", classes + File.pathSeparator + shaded,
                "com.example.app.App");
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("version " + System.getProperty("sae.version")).contains("neighborhood").contains(FEATURES);
    }

    private static Packaged.Outcome onTheClassPath(String... flags) {
        String[] arguments = java.util.Arrays.copyOf(flags, flags.length + 3);
        arguments[flags.length] = "-cp";
        arguments[flags.length + 1] = classes + File.pathSeparator + Packaged.classPath();
        arguments[flags.length + 2] = "com.example.app.App";
        Packaged.Outcome outcome = Packaged.java(folder, arguments);
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("module null");
        return outcome;
    }
}
