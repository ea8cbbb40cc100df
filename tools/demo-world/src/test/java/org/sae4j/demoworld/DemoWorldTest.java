package org.sae4j.demoworld;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Fact;

class DemoWorldTest {
    @Test
    void holdsTheDocumentsThatItsReadmeNames() {
        assertThat(DemoWorld.trainingCorpus()).hasSize(20_000);
        assertThat(DemoWorld.labelledCorpus()).hasSize(1_500).extracting(Document::label).doesNotContain("");
        assertThat(DemoWorld.labelledCorpus().stream().map(Document::label).distinct()).hasSize(13);
        assertThat(DemoWorld.trainingCorpus()).filteredOn(d -> d.label().equals("code")).allMatch(d -> d.text().contains("\n"));
    }

    @Test
    void holdsTheCapitals() {
        assertThat(DemoWorld.facts()).hasSize(101).filteredOn(f -> f.relation().equals("capital")).hasSize(38)
                .contains(new Fact("capital", "The capital of France is", "France", " Paris"));
    }

    @Test
    void copiesModelsOut(@TempDir Path folder) {
        for (String model : new String[] {DemoWorld.GELU_1L, DemoWorld.GPT2_4L}) {
            assertThat(DemoWorld.extractModel(model, folder.resolve(model)).resolve("model.safetensors")).isNotEmptyFile();
        }
        assertThatThrownBy(() -> DemoWorld.extractModel("no-model", folder)).isInstanceOf(IllegalArgumentException.class);
    }
}
