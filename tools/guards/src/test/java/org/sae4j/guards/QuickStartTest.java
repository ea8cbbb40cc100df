package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.demoworld.DemoWorld;

/** The quick starts that need no project: a JShell script, and a notebook whose cells JShell runs as a Java kernel does. */
@Tag("packaged")
class QuickStartTest {
    private static final Path QUICKSTART = ModuleFolder.ROOT.toAbsolutePath().resolve("examples/quickstart");

    @TempDir
    private Path folder;

    @Test
    void theJShellScriptPrintsFeatures() throws IOException {
        DemoFolders demo = DemoFolders.writeTo(folder);
        List<String> lines = jshell(QUICKSTART.resolve("features.jsh"), "-R-Dmodel=" + demo.model(), "-R-Dsae=" + demo.autoencoder());
        assertThat(lines).anyMatch(line -> line.matches("\"The\": \\d+ \\(\\d+\\.\\d\\d\\).*")).hasSizeGreaterThan(3);
    }

    @Test
    void theNotebooksCellsRun() throws IOException, JsonException {
        DemoFolders demo = DemoFolders.writeTo(folder);
        Path files = folder.resolve("demo");
        Files.createDirectories(files.resolve("models"));
        Files.createDirectories(files.resolve("autoencoders"));
        Files.move(demo.model(), files.resolve("models").resolve(DemoWorld.GELU_1L));
        Files.move(demo.autoencoder(), files.resolve("autoencoders/topk-2048"));
        StringBuilder script = new StringBuilder();
        for (JsonNode cell : JsonReader.read(Files.readString(QUICKSTART.resolve("features.ipynb"))).path("cells")) {
            if (cell.path("cell_type").asString("").equals("code")) {
                StringBuilder source = new StringBuilder();
                cell.path("source").forEach(line -> source.append(line.asString("")));
                // What begins with % speaks to the kernel.
                script.append(source.toString().lines().filter(l -> !l.startsWith("%")).collect(Collectors.joining("\n"))).append("\n\n");
            }
        }
        List<String> lines = jshell(Files.writeString(folder.resolve("notebook.jsh"), script + "/exit\n"), "-R-Ddemo=" + files);
        assertThat(lines).anyMatch(l -> l.equals("gelu-1l-demo, hook point blocks.0.mlp.hook_post"))
                .anyMatch(l -> l.matches("\" capital\": \\d+ \\(.*")).anyMatch(l -> l.startsWith("plain:   "))
                .anyMatch(l -> l.startsWith("steered: ")).anyMatch(l -> l.contains("nearest neighbor"));
    }

    private List<String> jshell(Path script, String... options) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "jshell").toString(),
                "-R--add-modules=" + Packaged.VECTOR, "--class-path", Packaged.jars().stream().map(Path::toString)
                        .collect(Collectors.joining(File.pathSeparator))));
        command.addAll(List.of(options));
        command.add(script.toString());
        Packaged.Outcome outcome = Packaged.run(folder, Map.of(), command);
        assertThat(outcome.out()).as(outcome.err()).doesNotContain("Error:").doesNotContain("Exception").doesNotContain("cannot find symbol");
        return outcome.out().lines().toList();
    }
}
