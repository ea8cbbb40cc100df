package org.sae4j.core.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.core.features.FeatureLabels.Label;
import org.sae4j.core.format.FormatException;

class FeatureLabelsTest {
    @TempDir
    Path folder;

    @Test
    void whatIsWrittenIsReadAndLinesAreSorted() throws IOException {
        Path file = folder.resolve("new/labels.jsonl");
        FeatureLabels labels = FeatureLabels.NONE.with("b", 3, new Label(" تجربة <b> ", "two\nlines", OptionalInt.of(5)))
                .with("a", 12, Label.of("twelve")).with("a", 2, Label.of("two"));
        labels.write(file);
        assertThat(FeatureLabels.read(file)).isEqualTo(labels);
        assertThat(Files.readString(file)).isEqualTo("""
                {"autoencoder":"a","feature":2,"label":"two"}
                {"autoencoder":"a","feature":12,"label":"twelve"}
                {"autoencoder":"b","feature":3,"label":"تجربة <b>","note":"two\\nlines","rating":5}
                """);
        assertThat(labels.name("a", 12)).contains("twelve");
        assertThat(labels.name("b", 12)).isEmpty();
        assertThat(labels.of("c")).isEmpty();
    }

    @Test
    void aFileThatIsNotThereHoldsNone() {
        assertThat(FeatureLabels.read(folder.resolve("none"))).isEqualTo(FeatureLabels.NONE);
    }

    @Test
    void anEmptyLabelRemoves() {
        FeatureLabels one = FeatureLabels.NONE.with("a", 1, Label.of("x"));
        assertThat(one.with("a", 1, Label.of(" "))).isEqualTo(FeatureLabels.NONE);
        assertThat(one.with("a", 1, Label.of("y")).with("a", 0, Label.of("")).name("a", 1)).contains("y");
        assertThat(one.name("a", 1)).contains("x");
    }

    @Test
    void theLaterLineCountsAndHandwritingIsRead() throws IOException {
        Path file = Files.writeString(folder.resolve("f"), """
                {"feature": 1, "label": "first", "autoencoder": "a"}

                {"feature": 1, "label": "second", "rating": null, "autoencoder": "a"}
                """);
        assertThat(FeatureLabels.read(file).of("a")).isEqualTo(Map.of(1, Label.of("second")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "[]", "{\"autoencoder\":\"a\",\"feature\":-1}", "{\"feature\":1}", "{\"autoencoder\":\"a\",\"feature\":1.5}",
            "{\"autoencoder\":\"a\",\"feature\":1,\"label\":2}", "{\"autoencoder\":\"a\",\"feature\":1,\"rating\":6}",
            "{\"autoencoder\":\"a\",\"feature\":1,\"rating\":\"5\"}", "{\"autoencoder\":\"a\",\"feature\":1,\"label\":\"x\\ny\"}",
            "{\"autoencoder\":\"a\",\"feature\":1,\"comment\":\"x\"}"})
    void aBadLineIsRefusedByNumberAndTheFileStays(String line) throws IOException {
        String text = "{\"autoencoder\":\"a\",\"feature\":1,\"label\":\"good\"}\n" + line + "\n";
        Path file = Files.writeString(folder.resolve("labels.jsonl"), text);
        assertThatThrownBy(() -> FeatureLabels.change(file, labels -> labels.with("a", 2, Label.of("z"))))
                .isInstanceOf(FormatException.class).hasMessageContaining("labels.jsonl line 2");
        assertThat(file).hasContent(text);
    }

    @Test
    void changesFromManyThreadsAreAllKept() {
        Path file = folder.resolve("labels.jsonl");
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 40; i++) {
                int feature = i;
                threads.submit(() -> FeatureLabels.change(file, labels -> labels.with("a", feature, Label.of("name " + feature))));
            }
        }
        assertThat(FeatureLabels.read(file).of("a")).hasSize(40);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void neuronpediasExplanationsComeAsListOrLines(boolean list) throws IOException {
        String one = "{\"modelId\":\"gpt2-small\",\"layer\":\"6-res-jb\",\"index\":\"7\",\"description\":\" first \",\"typeName\":\"oai\"}";
        String two = "{\"index\":7,\"description\":\"second\"}";
        String none = "{\"index\":\"8\",\"description\":\"\"}";
        Path file = Files.writeString(folder.resolve("e"), list ? "[" + one + "," + two + "," + none + "]" : one + "\n" + two + "\n" + none);
        assertThat(FeatureLabels.readNeuronpedia(file, 9)).isEqualTo(Map.of(7, new Label("first", "second", OptionalInt.empty())));
        assertThatThrownBy(() -> FeatureLabels.readNeuronpedia(file, 7)).isInstanceOf(FormatException.class)
                .hasMessageContaining("of feature 7").hasMessageContaining(list ? "object 1" : "line 1");
    }

    @Test
    void compressedExplanationsAndLongOnesAreReadWhole() throws IOException {
        String text = "word ".repeat(200);
        Path file = folder.resolve("batch-0.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(("{\"index\":\"0\",\"description\":\"" + text + "\"}").getBytes(StandardCharsets.UTF_8));
        }
        Label label = FeatureLabels.readNeuronpedia(file, 1).get(0);
        assertThat(label.text()).startsWith("word word");
        assertThat(label.note()).isEqualTo(text.strip());
    }

    @Test
    void exportedExplanationsAreImportedAgain() {
        FeatureLabels labels = FeatureLabels.NONE.with("a", 3, new Label("three", "n", OptionalInt.of(2))).with("a", 4, Label.of("four"))
                .with("a", 5, new Label("", "a note alone", OptionalInt.empty())).with("b", 3, Label.of("other"));
        for (String name : new String[] {"out.jsonl", "out.jsonl.gz"}) {
            Path file = folder.resolve(name);
            labels.writeNeuronpedia(file, "a", "gpt2-small", "6-res-jb");
            assertThat(FeatureLabels.readNeuronpedia(file, 10)).isEqualTo(Map.of(3, Label.of("three"), 4, Label.of("four")));
        }
        assertThat(folder.resolve("out.jsonl")).content().startsWith(
                "{\"modelId\":\"gpt2-small\",\"layer\":\"6-res-jb\",\"index\":\"3\",\"description\":\"three\",\"notes\":\"n\"}\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"index\":\"x\",\"description\":\"y\"}", "{\"index\":\"1\"}", "[1]", "[{", "{\"index\":99999999999,\"description\":\"y\"}"})
    void badExplanationsAreRefused(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("e"), text);
        assertThatThrownBy(() -> FeatureLabels.readNeuronpedia(file, 5)).isInstanceOf(FormatException.class);
    }
}
