package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The build of {@code sae-api} holds today's API against the committed baseline: a change that would break the sources of plugins fails it,
 * an addition does not. {@code -Dexamples.skip=true} skips these tests, which start Maven.
 */
@Tag("packaged")
class ApiBaselineTest {
    @TempDir
    private static Path folder;

    @BeforeAll
    static void mayStartMaven() {
        assumeFalse(Boolean.getBoolean("examples.skip"), "skipped by -Dexamples.skip=true");
    }

    @Test
    void anAbstractMethodInAnInterfaceOfPluginsBreaksTheBuild() throws IOException {
        Packaged.Outcome outcome = verifyWith("abstract", "String category();");
        assertThat(outcome.exit()).as(outcome.out()).isNotZero();
        assertThat(outcome.out()).contains("japicmp").contains("org.sae4j.api.experiment.Experiment").contains("METHOD_ADDED_TO_INTERFACE");
    }

    @Test
    void aMethodWithADefaultDoesNot() throws IOException {
        Packaged.Outcome outcome = verifyWith("default", "default String category() {\n        return \"\";\n    }");
        assertThat(outcome.exit()).as(outcome.out()).isZero();
    }

    /** Builds a copy of the API with a further method in {@code Experiment}. */
    private static Packaged.Outcome verifyWith(String name, String method) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        Files.copy(ModuleFolder.ROOT.resolve("pom.xml"), copy.resolve("pom.xml"));
        ExamplesTest.copy(ModuleFolder.ROOT.resolve("sae-api"), copy.resolve("sae-api"));
        Path changed = copy.resolve("sae-api/src/main/java/org/sae4j/api/experiment/Experiment.java");
        String text = Files.readString(changed);
        Files.writeString(changed, text.substring(0, text.lastIndexOf('}')) + "\n    /** {@return a group} */\n    " + method + "\n}\n");
        return Packaged.run(copy, Map.of("JAVA_HOME", System.getProperty("java.home")), List.of(
                ModuleFolder.ROOT.toAbsolutePath().resolve("mvnw").toString(), "-B", "-o", "-f", "sae-api", "-DskipTests",
                "-Dmaven.repo.local=" + System.getProperty("maven.repository"), "verify"));
    }
}
