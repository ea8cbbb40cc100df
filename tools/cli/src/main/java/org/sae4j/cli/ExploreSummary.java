package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.report.Section;

/** The first page of an exploration: what was found, how sure it is, and where to go from here. */
final class ExploreSummary {
    private static final double GOOD = 0.8;
    private static final double FAIR = 0.6;

    /** For each label. */
    private static final int FEWEST_PASSAGES = 10;

    private final Transformer model;
    private final Path modelPath;
    private final Path folder;
    private final ExplorePlan plan;
    private final Evaluation evaluation;
    private final LabelScores scores;
    private final FeatureProfiles detailed;
    private final int heldOut;
    private final String contexts;

    ExploreSummary(Transformer model, Path modelPath, Path folder, ExplorePlan plan, Evaluation evaluation, LabelScores scores,
            FeatureProfiles detailed, int heldOut, OptionalInt beginning) {
        this.model = model;
        this.modelPath = modelPath;
        this.folder = folder;
        this.plan = plan;
        this.evaluation = evaluation;
        this.scores = scores;
        this.detailed = detailed;
        this.heldOut = heldOut;
        contexts = contexts(plan, beginning);
    }

    Section section() {
        return Section.builder("found", "What was found").lead(String.format(Locale.ROOT, "An autoencoder of %,d features at %s of %s, trained "
                + "on %,d activations of your texts. Below are %d features in detail; the table at the end has all of them.",
                plan.features(), plan.hook(), model.config().name(), plan.rows(), detailed.features().size()))
                .findings(findings()).metrics(metrics())
                .commands(serve(modelPath, folder, contexts),
                        "./sae evaluate --model " + modelPath + " --sae " + folder.resolve(OutputKinds.AUTOENCODER) + " --corpus "
                                + folder.resolve(OutputKinds.HELD_OUT_TEXTS) + contexts + " --keep-first",
                        "./sae report features --model " + modelPath + " --sae " + folder.resolve(OutputKinds.AUTOENCODER) + " --corpus "
                                + folder.resolve(OutputKinds.HELD_OUT_TEXTS) + contexts + " --feature 42 --output feature-42",
                        "./sae generate --model " + modelPath + " --sae " + folder.resolve(OutputKinds.AUTOENCODER)
                                + " --prompt \"The\" --steer 42=10 --compare")
                .build();
    }

    /** {@return the command that shows these features on texts that are typed} */
    static String serve(Path modelPath, Path folder, String contexts) {
        return "./sae serve --model " + modelPath + " --sae " + folder.resolve(OutputKinds.AUTOENCODER) + " --corpus "
                + folder.resolve(OutputKinds.HELD_OUT_TEXTS) + contexts;
    }

    /** {@return the options that make contexts of texts as the plan does} */
    static String contexts(ExplorePlan plan, OptionalInt beginning) {
        return " --context " + plan.context() + (beginning.isPresent() ? " --bos " + beginning.getAsInt() : "");
    }

    private List<String> findings() {
        List<String> findings = new ArrayList<>();
        double explained = evaluation.explainedVariance();
        double quality = Math.min(explained, evaluation.recovered().map(Evaluation.Recovered::ceRecovered).orElse(explained));
        findings.add(String.format(Locale.ROOT, "The features explain %.1f%% of the variance of activations that were not trained on, with "
                + "%.1f active for a token%s. %s", 100 * explained, evaluation.l0(), evaluation.recovered().map(r -> String.format(Locale.ROOT,
                        ", and keep %.1f%% of what the layer does for the next-token loss", 100 * r.ceRecovered())).orElse(""),
                quality >= GOOD ? "That is a good autoencoder." : quality >= FAIR
                        ? "That is fair: single features can be trusted where their examples agree; more --minutes give better ones."
                        : "That is poor: take what features show as hints; more --minutes or more texts give better ones."));
        findings.add(String.format(Locale.ROOT, "%,d of %,d features fire in %,d tokens of %,d passages%s.", scores.alive().length,
                plan.features(), scores.corpus().features().rows(), scores.corpus().documents().size(),
                heldOut == scores.corpus().documents().size() ? ", none of which was trained on" : String.format(Locale.ROOT,
                        ", of which %,d were not trained on", heldOut)));
        int passages = scores.corpus().documents().size();
        List<String> best = passages < FEWEST_PASSAGES * scores.labels().size() ? List.of() : detailed.features().stream().filter(f -> f.active() > 0 && !f.labels().isEmpty()
                && f.labels().getFirst().documentAuroc() >= LabelScores.NAMED).map(ExploreSummary::detector).toList();
        if (!best.isEmpty()) {
            findings.add("Single features tell labels apart (AUROC of the largest activation in a passage over " + passages + " passages, chosen "
                    + "as the best of all on the same passages, so a little flattering): " + String.join(", ", best) + ".");
        } else if (passages < FEWEST_PASSAGES * scores.labels().size()) {
            findings.add(passages + " passages are too few to say which feature tells the " + scores.labels().size() + " labels apart: the "
                    + "best of many features does so by chance. More --minutes profile more.");
        } else if (!scores.labels().isEmpty()) {
            findings.add("No single feature tells one of the labels from the others with an AUROC of " + LabelScores.NAMED + ".");
        }
        evaluation.large().ifPresent(large -> {
            if (large.rows() > 0) {
                findings.add(String.format(Locale.ROOT, "The model has massive activations: %,d of the held-out ones have a norm above %.4g "
                        + "and are left out; with them explained variance would read %.3f.", large.rows(), large.normLimit(),
                        large.explainedVariance()));
            }
        });
        return findings;
    }

    private static String detector(FeatureProfile f) {
        return String.format(Locale.ROOT, "%s by feature %d (%.3f)", f.labels().getFirst().label(), f.feature(),
                f.labels().getFirst().documentAuroc());
    }

    private List<Metric> metrics() {
        List<Metric> metrics = new ArrayList<>();
        metrics.add(Metric.of("explained variance", evaluation.explainedVariance(), ""));
        metrics.add(Metric.of("L0", evaluation.l0(), "features per token"));
        evaluation.recovered().ifPresent(r -> metrics.add(Metric.of("CE recovered", 100 * r.ceRecovered(), "%")));
        metrics.add(Metric.of("features that fire", 100.0 * scores.alive().length / plan.features(), "%"));
        return metrics;
    }
}
