package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is installed and published: jars with sources and javadoc, POMs that manage no version of a third party. */
@Tag("packaged")
class PublishedTest {
    private static final String VERSION = System.getProperty("sae.version");
    private static final Pattern MANAGED = Pattern.compile("<groupId>([^<]*)</groupId>");

    static List<Path> libraries() throws IOException {
        try (Stream<Path> files = Files.walk(ModuleFolder.ROOT, 3)) {
            return files.filter(f -> f.endsWith(".flattened-pom.xml")).map(Path::getParent)
                    .filter(f -> Files.isDirectory(f.resolve("src/main/java")))
                    .filter(f -> !f.endsWith("cli") && !f.endsWith("benchmarks") && !f.endsWith("site")
                            && !f.startsWith(ModuleFolder.ROOT.resolve("examples")))
                    .sorted().toList();
        }
    }

    @Test
    void theBomListsOurModulesAlone() throws IOException {
        String bom = Files.readString(ModuleFolder.ROOT.resolve("sae-bom/.flattened-pom.xml"));
        assertThat(bom).doesNotContain("<parent>").contains("<artifactId>sae-core</artifactId>");
        assertThat(MANAGED.matcher(bom).results().map(m -> m.group(1)).distinct()).containsExactly("org.sae4j");
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void aPomHasNoParentAndManagesNothing(Path module) throws IOException {
        assertThat(Files.readString(module.resolve(".flattened-pom.xml"))).doesNotContain("<parent>").doesNotContain("dependencyManagement")
                .doesNotContain("jackson-databind");
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void aJarHasItsSourcesAndItsJavadoc(Path module) throws IOException {
        try (Stream<Path> files = Files.list(module.resolve("target"))) {
            List<String> jars = files.map(f -> f.getFileName().toString()).filter(f -> f.contains(VERSION) && f.endsWith(".jar")).toList();
            assertThat(jars).as(module.toString()).anyMatch(j -> j.endsWith(VERSION + ".jar")).anyMatch(j -> j.endsWith("-sources.jar"))
                    .anyMatch(j -> j.endsWith("-javadoc.jar"));
        }
    }
}
