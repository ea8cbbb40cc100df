package org.sae4j.core.train;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.internal.format.AtomicFile;

/** The page that a trained autoencoder carries: what it is, how it was trained, on what, by what. */
public final class ModelCard {
    /** The name of its file. */
    public static final String FILE = "README.md";

    private ModelCard() {}

    /**
     * Writes the page. The same arguments give the same bytes: it holds no time and no path.
     *
     * @param folder where the autoencoder is
     * @param trained the autoencoder
     * @param recipe how it was trained
     * @param provenance data, versions and whatever else says where it comes from, by name, in order
     * @param metrics of the last step, by the names in {@code metrics.jsonl}; empty if there are none
     * @param assessment whether it is good
     * @throws org.sae4j.core.format.FormatException if the file cannot be written
     */
    public static void write(Path folder, TrainedSae trained, Recipe recipe, Map<String, ?> provenance, Map<String, ?> metrics,
            TrainingAssessment assessment) {
        byte[] text = text(trained, recipe, provenance, metrics, assessment).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve(FILE), out -> out.write(text));
    }

    private static String text(TrainedSae trained, Recipe recipe, Map<String, ?> provenance, Map<String, ?> metrics,
            TrainingAssessment assessment) {
        String model = trained.config().modelName().orElse("not recorded");
        String hook = trained.config().hook().map(HookPoint::toString).orElse("not recorded");
        StringBuilder text = new StringBuilder("""
                ---
                library_name: sae4j
                tags:
                - sparse-autoencoder
                ---
                # Sparse autoencoder %s, %d features

                | | |
                |---|---|
                | architecture | %s |
                | width of the input, d_in | %d |
                | features, d_sae | %d |
                | model | %s |
                | hook point | %s |
                | steps | %s |
                | tokens | %s |
                | seed | %d |
                """.formatted(recipe.name(), trained.config().dSae(), trained.config().architecture(), trained.config().dIn(),
                trained.config().dSae(), cell(model), cell(hook), trained.metadata().get("training_steps"),
                trained.metadata().get("training_tokens"), recipe.seed()));
        provenance.forEach((name, value) -> row(text, name, value));
        text.append("\n## Is it good?\n\n").append(assessment.headline()).append(".\n");
        if (!assessment.advice().isEmpty()) {
            text.append('\n');
            assessment.advice().forEach(line -> text.append("- ").append(line).append(".\n"));
        }
        text.append("\n## Recipe\n\n```text\n").append(recipe.describe()).append("\n```\n\nAs settings:\n\n```text\n")
                .append(recipe.settings().entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).collect(Collectors.joining("\n")))
                .append("\n```\n");
        if (!metrics.isEmpty()) {
            text.append("\n## The last step, on its own batch, before its update\n\n| | |\n|---|---|\n");
            metrics.forEach((name, value) -> row(text, name, value));
        }
        text.append("""

                ## To open it

                The folder has SAELens' layout of version 6: `cfg.json` and `sae_weights.safetensors`.

                ```java
                try (Engine engine = Engines.open("auto", EngineOptions.DEFAULT);
                        SparseAutoencoder sae = SparseAutoencoders.open(folder, engine)) {
                    SparseRows features = sae.encode(activations);
                }
                ```

                ```python
                sae = sae_lens.SAE.load_from_disk(folder)
                ```
                """);
        return text.toString();
    }

    private static void row(StringBuilder text, String name, Object value) {
        text.append("| ").append(cell(name)).append(" | ").append(cell(String.valueOf(value))).append(" |\n");
    }

    private static String cell(String text) {
        return text.replace("|", "\\|").replaceAll("\\R", " ");
    }
}
