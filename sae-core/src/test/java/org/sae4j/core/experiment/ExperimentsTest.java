package org.sae4j.core.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.core.Plugins;

class ExperimentsTest {
    @TempDir
    private Path folder;

    public record Nothing() {}

    /** Works. */
    public static class Good implements Experiment<Nothing, Nothing> {
        @Override
        public String id() {
            return "good-one";
        }

        @Override
        public String title() {
            return "Good";
        }

        @Override
        public String description() {
            return "Does nothing.";
        }

        @Override
        public Nothing defaults() {
            return new Nothing();
        }

        @Override
        public ExperimentResult<Nothing> run(Nothing config, ExperimentContext context) {
            return new ExperimentResult<>(config, List.of(), List.of(), List.of(), List.of());
        }
    }

    /** Takes an id that is taken. */
    public static class Twin extends Good {}

    /** Fails in its constructor. */
    public static class Throwing extends Good {
        /** Fails. */
        public Throwing() {
            throw new IllegalStateException("no licence");
        }
    }

    /** Comes from the future. */
    public static class Newer extends Good {
        @Override
        public String id() {
            return "newer";
        }

        @Override
        public int apiVersion() {
            return 99;
        }
    }

    @Test
    void brokenPluginsDoNotHideOthers() throws IOException {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(Experiment.class.getName()), String.join("\n", "no.such.Clazz", Throwing.class.getName(),
                DataFilesTest.class.getName(), Good.class.getName(), Twin.class.getName(), Newer.class.getName()));
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
            Experiments experiments = Experiments.load(loader);
            assertThat(experiments.all()).extracting(Experiment::id).contains("good-one").doesNotContain("newer");
            assertThat(experiments.broken().toString()).contains("no.such.Clazz").contains("no licence").contains("DataFilesTest not a subtype")
                    .contains("is that of " + Good.class.getName()).contains("version 99");
            assertThatThrownBy(() -> experiments.get("good-on")).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("did you mean 'good-one'?");
        }
    }

    @Test
    void aMissingPluginFolderIsNamed() {
        assertThatThrownBy(() -> Plugins.in(folder.resolve("none"))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("none");
    }
}
