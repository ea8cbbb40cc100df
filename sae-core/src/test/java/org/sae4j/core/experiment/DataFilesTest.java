package org.sae4j.core.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Fact;

class DataFilesTest {
    @TempDir
    private Path folder;

    @Test
    void readsLabelsAndEscapes() {
        assertThat(DataFiles.corpus("code\tif a:\\n\\tb \\\\\r\n\nno label\n", "test"))
                .containsExactly(new Document("code", "if a:\n\tb \\"), new Document("", "no label"));
    }

    @Test
    void refusesAnUnknownEscapeByLine() {
        assertThatThrownBy(() -> DataFiles.corpus("a\tb\na\tb\\x", "file.tsv")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("file.tsv line 2");
    }

    @Test
    void refusesBytesThatAreNoUtf8() throws IOException {
        Path file = folder.resolve("latin1.tsv");
        Files.write(file, new byte[] {'a', '\t', (byte) 0xe9, '\n'});
        assertThatThrownBy(() -> DataFiles.corpus(file)).isInstanceOf(Sae4jException.class).hasMessageContaining("not UTF-8");
    }

    @Test
    void readsFacts() {
        String json = "[{\"relation\":\"capital\",\"prompt\":\"The capital of France is\",\"subject\":\"France\",\"answer\":\" Paris\"}]";
        assertThat(DataFiles.facts(json, "test")).containsExactly(new Fact("capital", "The capital of France is", "France", " Paris"));
    }

    @Test
    void refusesFactsThatDoNotFit() {
        assertThatThrownBy(() -> DataFiles.facts("[{\"relation\":\"capital\"}]", "f.json")).hasMessageContaining("no text 'prompt'");
        assertThatThrownBy(() -> DataFiles.facts("{}", "f.json")).hasMessageContaining("not a JSON list");
        assertThatThrownBy(() -> DataFiles.facts("[{\"relation\":\"r\",\"prompt\":\"p\",\"subject\":\"s\",\"answer\":\"a\"}]", "f.json"))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("does not contain its subject 's'");
    }
}
