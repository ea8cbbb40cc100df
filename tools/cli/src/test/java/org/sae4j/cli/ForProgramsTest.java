package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** What scripts, shells and man read of the command line. */
class ForProgramsTest {
    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    private JsonNode json(String kind, String... args) {
        assertThat(run(args)).as(err.toString()).isZero();
        JsonNode root = new ObjectMapper().readTree(out.toString());
        assertThat(root.path("schema").asString()).isEqualTo("sae4j/" + kind + "/1");
        return root;
    }

    private Path model() {
        return DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("gelu"));
    }

    @Test
    void aModelIsDescribedWithItsHookPointsAndMemory() {
        JsonNode model = json("inspection", "inspect", model().toString(), "--json").path("model");
        assertThat(model.path("usable").asBoolean()).isTrue();
        assertThat(model.path("layers").asInt()).isEqualTo(1);
        assertThat(model.path("d_mlp").asInt()).isEqualTo(512);
        assertThat(model.path("tokenizer").asBoolean()).isTrue();
        assertThat(model.path("weights_bytes").asLong()).isEqualTo(4 * model.path("parameters").asLong());
        JsonNode post = model.path("hook_points").valueStream().filter(h -> h.path("name").asString().equals("blocks.0.mlp.hook_post"))
                .findFirst().orElseThrow();
        assertThat(post.path("width").asInt()).isEqualTo(512);
    }

    @Test
    void blocksOfAModelAreNotListedOneByOne() {
        assertThat(run("inspect", DemoWorld.extractModel(DemoWorld.GPT2_4L, folder.resolve("gpt2")).toString())).isZero();
        assertThat(out.toString()).contains("family gpt2, 4 layers").contains("memory: ")
                .containsPattern("blocks\\.N\\.hook_resid_post +\\d+, N from 0 to 3").doesNotContain("blocks.3.hook_resid_post");
    }

    @Test
    void aModelThatCannotBeUsedIsStillShownWithTheReason() throws IOException {
        Path broken = Files.createDirectories(folder.resolve("broken"));
        SafetensorsWriter.write(broken.resolve("model.safetensors"), java.util.Map.of("x", Tensor.zeros(2)), java.util.Map.of());
        Files.writeString(broken.resolve("config.json"), "{\"model_type\": \"mamba\"}");
        JsonNode root = json("inspection", "inspect", broken.toString(), "--json");
        assertThat(root.path("kind").asString()).isEqualTo("Hugging Face mamba (not supported)");
        assertThat(root.path("model").path("usable").asBoolean()).isFalse();
        assertThat(root.path("model").path("reason").asString()).contains("mamba");
    }

    @Test
    void whatTheMachineAndTheInstallationHaveIsJson() {
        assertThat(json("devices", "devices", "--json").path("engines").valueStream().map(e -> e.path("id").asString())).contains("cpu");
        out.getBuffer().setLength(0);
        JsonNode experiments = json("experiments", "experiments", "--json").path("experiments");
        assertThat(experiments.valueStream().map(e -> e.path("id").asString())).contains("ablation", "causal-tracing");
        assertThat(experiments.path(0).path("settings").path(0).path("description").asString()).isNotEmpty();
        out.getBuffer().setLength(0);
        JsonNode doctor = json("doctor", "doctor", "--json");
        assertThat(doctor.path("fixes").size()).isEqualTo(doctor.path("problems").asInt());
        assertThat(doctor.path("heap_bytes").asLong()).isPositive();
    }

    @Test
    void everythingThatIsMissingIsSaidAtOnce() {
        assertThat(run("report", "features")).isEqualTo(2);
        assertThat(err.toString()).contains("Missing required options: ").contains("'--model=DIR'").contains("'--sae=DIR'")
                .contains("'--output=DIR'").contains("'--corpus=FILE'");
        err.getBuffer().setLength(0);
        assertThat(run("train", "--model", "x")).isEqualTo(2);
        assertThat(err.toString()).contains("'--recipe=NAME', '--corpus=FILE' (or '--text', '--jsonl', '--tokens'), '--hook=HOOK', "
                + "'--output=DIR'");
        err.getBuffer().setLength(0);
        assertThat(run("evaluate")).isEqualTo(2);
        assertThat(err.toString()).contains("'--sae=PATH'").contains("'--activations=PATH' (or '--model=DIR' with a corpus)");
    }

    @Test
    void completionIsAScriptThatBashReads() throws IOException, InterruptedException {
        assertThat(run("completion")).isZero();
        Path script = Files.writeString(folder.resolve("sae.bash"), out.toString());
        assertThat(script).content().contains("--checkpoint-every").contains("evaluate");
        assertThat(new ProcessBuilder("bash", "-n", script.toString()).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void everyCommandHasAManualPage() throws IOException {
        assertThat(run("man", "--output", folder.resolve("man").toString())).as(err.toString()).isZero();
        try (Stream<Path> files = Files.list(folder.resolve("man"))) {
            List<String> names = files.map(f -> f.getFileName().toString()).toList();
            assertThat(names).contains("sae.1", "sae-train.1", "sae-report-features.1", "sae-inspect.1");
            for (String name : names) {
                String page = Files.readString(folder.resolve("man").resolve(name));
                assertThat(page).startsWith(".TH \"").contains(".SH NAME\n").contains(".SH SYNOPSIS\n").doesNotContain("${").doesNotContain("%n");
                assertThat(page.lines().filter(l -> l.startsWith("."))).allMatch(l -> l.matches("\\.(TH|SH|nf|fi|PP|TP|B)( .*)?"));
            }
        }
        assertThat(run("man", "nothing")).isEqualTo(2);
    }
}
