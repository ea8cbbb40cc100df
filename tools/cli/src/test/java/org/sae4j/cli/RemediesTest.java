package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sae4j.core.Plugins;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;

class RemediesTest {
    @Test
    void aRemedyOfTheLibraryBecomesOneOfTheCommandLine() {
        assertThat(Remedies.forCommands("this needs a corpus, pass one with ExperimentRun.Builder.corpus"))
                .isEqualTo("this needs a corpus, pass one with --corpus FILE.tsv (label, tab, text)");
        assertThat(Remedies.forCommands("list them with Experiments.installed, add yours with Plugins.in"))
                .isEqualTo("list them with sae experiments, add yours with --plugin-path FOLDER");
    }

    /** A method that is renamed would leave a name in a message that nothing translates. */
    @Test
    void whatIsTranslatedIsThere() {
        List<String> names = List.of(ExperimentRun.Builder.class, Experiments.class, Plugins.class).stream()
                .flatMap(type -> Arrays.stream(type.getMethods()).map(m -> type.getCanonicalName()
                        .substring(type.getPackageName().length() + 1) + "." + m.getName())).toList();
        assertThat(names).containsAll(Remedies.names());
    }
}
