package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.Tokenization;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.format.TokenizerFiles;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** From a model and texts to a page, and on again from wherever it was interrupted. */
class ExploreCommandTest {
    @TempDir
    private static Path shared;
    private static Path model;
    private static Path texts;

    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void prepare() throws IOException {
        model = DemoWorld.extractModel(DemoWorld.GPT2_4L, shared.resolve("gpt2"));
        texts = shared.resolve("texts");
        StringBuilder[] byLabel = {new StringBuilder(), new StringBuilder()};
        List<Document> documents = DemoWorld.trainingCorpus();
        for (int d = 0; d < 600; d++) {
            byLabel[documents.get(d).text().hashCode() & 1].append(documents.get(d).text()).append('\n');
        }
        for (int label = 0; label < 2; label++) {
            Path folder = Files.createDirectories(texts.resolve("group" + label));
            Files.writeString(folder.resolve("text.txt"), byLabel[label]);
        }
        Files.write(texts.resolve("picture.png"), new byte[] {(byte) 0x89, 'P', 'N', 'G', 0, 1, (byte) 0xff});
        Files.writeString(texts.resolve(".hidden"), "must not be read ".repeat(1000));
    }

    private int explore(Path output, String... more) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(new StringWriter(), true));
        commandLine.setErr(new PrintWriter(err, true));
        String[] all = new String[more.length + 9];
        System.arraycopy(new String[] {"explore", model.toString(), texts.toString(), "--output", output.toString(), "--minutes", "0.01",
            "--k", "8"}, 0, all, 0, 9);
        System.arraycopy(more, 0, all, 9, more.length);
        return commandLine.execute(all);
    }

    @Test
    void theSameCommandGoesOnAfterEveryStageAndGivesTheSame() throws IOException {
        Path output = shared.resolve("explored");
        assertThat(explore(output)).as(err.toString()).isZero();
        byte[] page = Files.readAllBytes(output.resolve("features.html"));
        byte[] weights = Files.readAllBytes(output.resolve("autoencoder/sae_weights.safetensors"));
        JsonNode plan = new ObjectMapper().readTree(Files.readString(output.resolve("explore.json")));
        assertThat(plan.path("hook").asString()).isEqualTo("blocks.1.hook_resid_post");
        int features = plan.path("features").asInt();
        Set<Integer> seen = new HashSet<>();
        for (int shard = 0; shard * 64 < features; shard++) {
            String name = String.format("%03d", shard);
            new ObjectMapper().readTree(Files.readString(output.resolve("features/" + name + ".json"))).path("features")
                    .forEach(f -> seen.add(f.path("feature").asInt()));
            assertThat(output.resolve("features/" + name + ".js")).content().startsWith("__saeShard(" + shard + ", [\"<section id=");
        }
        assertThat(seen).hasSize(features);
        assertThat(new String(page, StandardCharsets.UTF_8)).contains("What was found").contains("All features");

        // What is there is not made again.
        FileTime trained = Files.getLastModifiedTime(output.resolve("autoencoder/sae_weights.safetensors"));
        Files.delete(output.resolve("features.html"));
        Files.delete(output.resolve("features/001.js"));
        assertThat(explore(output)).as(err.toString()).isZero();
        assertThat(Files.getLastModifiedTime(output.resolve("autoencoder/sae_weights.safetensors"))).isEqualTo(trained);
        assertThat(Files.readAllBytes(output.resolve("features.html"))).isEqualTo(page);

        // Names that a reader gave stand on the page.
        Path names = shared.resolve("names.jsonl");
        String fingerprint = new ObjectMapper().readTree(Files.readString(output.resolve("features.json"))).path("provenance")
                .path("autoencoder_fingerprint").asString();
        FeatureLabels.NONE.with(fingerprint, 7, FeatureLabels.Label.of("ends of sentences")).write(names);
        assertThat(explore(output, "--labels", names.toString())).as(err.toString()).isZero();
        assertThat(output.resolve("features.html")).content().contains("ends of sentences");

        // Interrupted in training: a checkpoint is there, the autoencoder is not.
        Files.delete(output.resolve("autoencoder/sae_weights.safetensors"));
        assertThat(explore(output)).as(err.toString()).isZero();
        assertThat(Files.readAllBytes(output.resolve("autoencoder/sae_weights.safetensors"))).isEqualTo(weights);

        assertThat(explore(output, "--features", "128")).isEqualTo(1);
        assertThat(err.toString()).contains("differing in --features").contains("--overwrite");
        assertThat(output.resolve("features.html")).exists();
    }

    @Test
    void textsAreLabelledCutAndHeldOutAndNothingIsLost() {
        ExploreTexts read = ExploreTexts.read(List.of(texts), 0, Progress.NONE);
        assertThat(read.describe()).startsWith("2 files").contains("group0").contains("1 files were skipped");
        assertThat(read.training()).extracting(Document::label).containsOnly("group0", "group1");
        assertThat(read.heldOut()).isNotEmpty();
        assertThat(read.training()).doesNotContainAnyElementsOf(read.heldOut()).extracting(Document::text)
                .noneMatch(text -> text.contains("must not be read"));
        String text = "word ".repeat(1000) + "😀".repeat(1000) + "\n\nlast";
        assertThat(String.join("", ExploreTexts.passages("l", text).stream().map(Document::text).toList())).isEqualTo(text);
        Path file = shared.resolve("round.tsv");
        List<Document> written = List.of(new Document("a", "tab\there\nand \\ \\n"), new Document("", "x"));
        ExploreTexts.write(file, written);
        assertThat(DataFiles.corpus(file)).isEqualTo(written);
    }

    @Test
    void contextsBeginWithTheTokenThatIsGiven() {
        Tokenization plain = Tokenization.of(TokenizerFiles.read(model), 8).withoutBos().withExcluded(Set.of());
        List<Context> contexts = plain.withBos(5).contexts("The cat slept under the tree, and the dog slept too.");
        assertThat(contexts).hasSizeGreaterThan(1).allSatisfy(context -> {
            assertThat(context.token(0)).isEqualTo(5);
            assertThat(context.counts(0)).isFalse();
            assertThat(context.count()).isEqualTo(context.size() - 1);
        });
        assertThatThrownBy(() -> plain.withBos(-1)).hasMessageContaining("no token -1");
    }

    @Test
    void aPlanAloneLeavesNoAutoencoderAndBadInputIsSaid() {
        Path output = shared.resolve("planned");
        assertThat(explore(output, "--plan")).as(err.toString()).isZero();
        assertThat(output.resolve("autoencoder")).doesNotExist();
        assertThat(explore(shared.resolve("x"), "--hook", "blocks.9.hook_resid_post")).isEqualTo(1);
        assertThat(err.toString()).contains("no hook point blocks.9.hook_resid_post").contains("sae inspect");
        assertThat(explore(shared.resolve("y"), "--minutes", "-1")).isEqualTo(2);
        assertThat(explore(shared.resolve("z"), "--hook", "blocks.0.attn.hook_pattern")).isEqualTo(1);
    }
}
