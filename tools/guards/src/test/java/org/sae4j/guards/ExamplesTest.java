package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The builds in examples/ as a third party runs them: by Maven as a process of its own, against the artifacts as they are published. These
 * lie in a repository in a temporary folder, in front of the one that this build used; Maven is offline if this build is. Offline, the
 * repository must hold what the examples use already. {@code -Dexamples.skip=true} skips these tests.
 */
@Tag("packaged")
class ExamplesTest {
    private static final String VERSION = System.getProperty("sae.version");
    /** The artifacts that the examples use, and the folders that they are built in. */
    private static final Map<String, String> MODULES = Map.of("sae-bom", "sae-bom", "sae-api", "sae-api", "sae-core", "sae-core",
            "sae-engine-cpu", "sae-engine-cpu", "sae-testkit", "tools/testkit", "sae-demo-world", "tools/demo-world",
            "sae-spring-boot-starter", "tools/spring-boot-starter");

    @TempDir
    private static Path folder;
    private static DemoFolders demo;

    @BeforeAll
    static void publish() throws IOException {
        assumeFalse(Boolean.getBoolean("examples.skip"), "skipped by -Dexamples.skip=true");
        demo = DemoFolders.writeTo(folder);
        for (Map.Entry<String, String> module : MODULES.entrySet()) {
            String name = module.getKey();
            Path target = Files.createDirectories(folder.resolve("repository/org/sae4j").resolve(name).resolve(VERSION));
            Path source = ModuleFolder.ROOT.resolve(module.getValue());
            Files.copy(source.resolve(".flattened-pom.xml"), target.resolve(name + "-" + VERSION + ".pom"));
            Path jar = source.resolve("target").resolve(name + "-" + VERSION + ".jar");
            if (Files.exists(source.resolve("src"))) {
                Files.copy(jar, target.resolve(jar.getFileName()));
            }
        }
    }

    @Test
    void anExperimentOfAThirdPartyRunsWithoutRecompilingAnything() {
        Path example = build("third-party-experiment");
        String plugins = example.resolve("target").toString();
        Packaged.Outcome listing = Packaged.sae(folder, "experiments", "--plugin-path", plugins);
        assertThat(listing.out()).as(listing.err()).contains("feature-density").doesNotContain("not usable");
        Packaged.Outcome help = Packaged.sae(folder, "run", "feature-density", "--plugin-path", plugins, "--help");
        assertThat(help.out()).as(help.err()).contains("binsPerDecade").contains("share of tokens").contains("default 0.1");
        Packaged.Outcome run = Packaged.sae(folder, "run", "feature-density", "--plugin-path", plugins, "--model", demo.model().toString(),
                "--sae", demo.autoencoder().toString(), "--corpus", demo.texts().toString(), "--output", "density");
        assertThat(run.exit()).as(run.err()).isZero();
        assertThat(folder.resolve("density/result.json")).content().contains("feature-density").contains("\"firing\"")
                .contains("\"dense\"");
        assertThat(folder.resolve("density/report.html")).content().contains("The densest features");
        assertThat(folder.resolve("density/figures")).isNotEmptyDirectory();
    }

    @Test
    void anArchitectureOfAThirdPartyIsWrittenTrainedReadAndReportedWithoutRecompilingAnything() {
        Path example = build("third-party-architecture");
        String plugins = example.resolve("target").toString();
        Packaged.Outcome refit = Packaged.java(folder, "--add-modules", Packaged.VECTOR, "-cp", Packaged.classPath() + java.io.File.pathSeparator
                + example.resolve("target/architecture-orthogonal-matching-pursuit-1.0.0.jar"), "com.example.pursuit.Refit",
                demo.autoencoder().toString(), folder.resolve("pursuit").toString(), "4");
        assertThat(refit.exit()).as(refit.err()).isZero();
        Packaged.Outcome report = Packaged.sae(folder, "report", "features", "--plugin-path", plugins, "--model", demo.model().toString(),
                "--sae", folder.resolve("pursuit").toString(), "--corpus", demo.texts().toString(), "--output", "pursuit-pages");
        assertThat(report.exit()).as(report.err()).isZero();
        assertThat(folder.resolve("pursuit-pages/features.html")).isNotEmptyFile();
        Packaged.Outcome train = Packaged.sae(folder, "train", "--plugin-path", plugins, "--recipe", "openai-topk", "--set",
                "architecture=orthogonal_matching_pursuit(k=4)", "--set", "dead=none", "--set", "d_sae=64", "--steps", "8", "--batch", "32",
                "--model", demo.model().toString(), "--hook", "blocks.0.mlp.hook_post", "--corpus", demo.texts().toString(), "--output",
                "trained-pursuit");
        assertThat(train.exit()).as(train.err()).isZero();
        Packaged.Outcome shown = Packaged.sae(folder, "report", "features", "--plugin-path", plugins, "--model", demo.model().toString(),
                "--sae", "trained-pursuit", "--corpus", demo.texts().toString(), "--output", "trained-pages");
        assertThat(shown.exit()).as(shown.err()).isZero();
        assertThat(folder.resolve("trained-pages/features.html")).isNotEmptyFile();
        Packaged.Outcome without = Packaged.sae(folder, "evaluate", "--model", demo.model().toString(), "--sae",
                folder.resolve("pursuit").toString(), "--corpus", demo.texts().toString());
        assertThat(without.exit()).isEqualTo(1);
        assertThat(without.err()).contains("orthogonal_matching_pursuit").contains("plugins");
    }

    /** The source file is run by Java itself, as it is by JBang. */
    @Test
    void aSingleFilePrintsFeatures() {
        Packaged.Outcome outcome = Packaged.java(folder, "--add-modules", Packaged.VECTOR, "-cp", Packaged.classPath(),
                ModuleFolder.ROOT.toAbsolutePath().resolve("examples/quickstart/Features.java").toString(), demo.model().toString(),
                demo.autoencoder().toString(), "The cat slept.");
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out().lines()).isNotEmpty().allMatch(line -> line.matches("token \\d+: \\d+ \\(\\d+\\.\\d\\d\\).*"));
    }

    @Test
    void anExperimentInKotlinConforms() {
        build("kotlin-experiment");
    }

    /** 3.5 brings Jackson 2 alone, 4.0 the oldest Jackson 3, 4.1 a newer one. */
    @ParameterizedTest
    @ValueSource(strings = {"3.5.7", "4.0.0", "4.1.2"})
    void aSpringBootServiceAnswersAndIsObserved(String version) {
        build("spring-boot-service", "-Dspring-boot.version=" + version);
    }

    @Test
    void anApplicationSharesModelAndAutoencoderAmongThreads() {
        assertThat(build("embedding").resolve("target/embedding-1.0.0.jar")).isRegularFile();
    }

    /** Copies an example, builds it with its tests, and gives the copy. */
    private static Path build(String name, String... options) {
        Path copy = folder.resolve(String.join("", name, String.join("", options).replaceAll("[^0-9.]", "")));
        copy(ModuleFolder.ROOT.resolve("examples").resolve(name), copy);
        List<String> command = new ArrayList<>(List.of(ModuleFolder.ROOT.toAbsolutePath().resolve("mvnw").toString(), "-B", "-ntp",
                "-Dmaven.repo.local=" + folder.resolve("repository"),
                "-Dmaven.repo.local.tail=" + System.getProperty("maven.repository"), "package"));
        if ("offline=true".equals(System.getProperty("maven.mode"))) {
            command.add("-o");
        }
        command.addAll(List.of(options));
        Packaged.Outcome outcome = Packaged.run(copy, Map.of("JAVA_HOME", System.getProperty("java.home")), command);
        assertThat(outcome.exit()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.out()).contains("BUILD SUCCESS").containsPattern("Tests run: [1-9]\\d*, Failures: 0, Errors: 0, Skipped: 0");
        return copy;
    }

    static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).filter(f -> !from.relativize(f).startsWith("target")).toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
