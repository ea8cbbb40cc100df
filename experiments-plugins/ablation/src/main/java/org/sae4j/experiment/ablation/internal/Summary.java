package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Comparison;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationMode;
import org.sae4j.experiment.ablation.AblationResult;
import org.sae4j.experiment.ablation.AblationResult.FeatureEffect;
import org.sae4j.experiment.ablation.AblationResult.LabelEffect;
import org.sae4j.experiment.ablation.AblationResult.ModeEffect;
import org.sae4j.experiment.ablation.AblationResult.RankComparison;
import org.sae4j.experiment.ablation.AblationResult.ReconstructionEffect;

/** Says what was found. */
public final class Summary {
    private static final String RANDOM_DIRECTION = "random direction";
    private static final int TOP = 10;
    /** Closed forms that deviate by more are not said to hold. */
    private static final double EXACT = 1e-3;

    private final AblationResult result;
    private final AblationConfig config;
    private final boolean corpus;
    private final CounterRandom random;

    /**
     * Prepares a summary.
     *
     * @param result what was measured
     * @param config the configuration
     * @param corpus whether the run has a corpus
     * @param random where bootstrap resamples come from
     */
    public Summary(AblationResult result, AblationConfig config, boolean corpus, CounterRandom random) {
        this.result = result;
        this.config = config;
        this.corpus = corpus;
        this.random = random;
    }

    private static String number(double value) {
        return Estimate.number(value);
    }

    /** {@return sentences with numbers, the most important first} */
    public List<String> findings() {
        List<String> findings = new ArrayList<>();
        List<FeatureEffect> active = result.features().stream().filter(e -> e.tokens() > 0).toList();
        if (active.isEmpty()) {
            findings.add("No feature is active in the text, so there is nothing to ablate.");
        } else {
            findings.add(strongest(active));
            result.ranks().stream().filter(r -> r.against().equals("ablation")).forEach(r -> findings.add(rank(r)));
            control(RANDOM_DIRECTION, m -> m.kind().equals(RANDOM_DIRECTION)).map(c -> "Zero-ablation moves the predictions of the text "
                    + c.verdict("more than a random direction of equal norm: features matter more than directions of their size",
                            "less than a random direction of equal norm", "not measurably more or less than a random direction of equal"
                            + " norm: whether features matter more than directions of their size is not known") + " ("
                    + means(c) + ").").ifPresent(findings::add);
            control("other feature", m -> m.kind().startsWith("feature ")).map(c -> "It moves them " + c.verdict("more than", "less than",
                    "not measurably more or less than") + " taking out another active feature of nearest strength (" + means(c) + ").")
                    .ifPresent(findings::add);
            findings.addAll(reconstruction());
        }
        result.labels().stream().sorted(Comparator.comparingDouble(l -> -l.rise().measured().value())).forEach(l -> findings.add(label(l)));
        return findings;
    }

    /** The largest effect is one of many on one text, so it has no interval; a random direction of its size stands beside it. */
    private String strongest(List<FeatureEffect> active) {
        FeatureEffect most = active.stream().max(Comparator.comparingDouble(FeatureEffect::kl)).orElseThrow();
        Optional<ModeEffect> direction = result.modes().stream().filter(m -> m.feature() == most.feature()
                && m.kind().equals(RANDOM_DIRECTION)).findFirst();
        return "Of " + active.size() + " features that are active in this text of " + result.text().size() + " tokens, setting feature "
                + most.feature() + " to zero changes the model's predictions most, by " + number(most.kl()) + " nats of divergence on"
                + " average" + direction.map(d -> " (a random direction of its norm: " + new Estimate(d.kl(), d.interval(), d.draws()).text()
                + ")").orElse("") + ". It is the largest of many on one text, so nothing follows for other texts.";
    }

    private static String rank(RankComparison r) {
        boolean nothing = Double.isNaN(r.interval().low()) || r.interval().low() <= 0 && r.interval().high() >= 0;
        String correlation = "over all " + r.n() + " features the rank correlation of " + r.by() + " and ablation is "
                + new Estimate(r.spearman(), r.interval(), r.n()).text() + (nothing ? ", not distinguishable from 0." : ".");
        // Among few features the tops are nearly all of them.
        return r.n() < 2 * TOP ? correlation.substring(0, 1).toUpperCase(Locale.ROOT) + correlation.substring(1)
                : "Of the top " + TOP + " features by ablation, " + r.topShared() + " are in the top " + TOP + " by " + r.by()
                + String.format(Locale.ROOT, " (%.1f by chance); ", (double) TOP * TOP / r.n()) + correlation;
    }

    /** Zero-ablation of the detailed features beside a control of each. */
    private Optional<Comparison> control(String name, Predicate<ModeEffect> kind) {
        List<ModeEffect> zero = new ArrayList<>();
        List<ModeEffect> controls = new ArrayList<>();
        for (ModeEffect own : result.modes()) {
            if (own.kind().equals(AblationMode.ZERO.title())) {
                result.modes().stream().filter(m -> m.feature() == own.feature() && kind.test(m)).findFirst().ifPresent(m -> {
                    zero.add(own);
                    controls.add(m);
                });
            }
        }
        return zero.isEmpty() ? Optional.empty() : Optional.of(Statistics.comparePairs(kl(zero), kl(controls), config.resamples(),
                "features", random.stream(name)));
    }

    private static double[] kl(List<ModeEffect> effects) {
        return effects.stream().mapToDouble(ModeEffect::kl).toArray();
    }

    private static String means(Comparison c) {
        return number(c.measured().value()) + " and " + number(c.control().value()) + " nats on average, difference "
                + c.difference().text() + ", n = " + c.difference().n() + " features";
    }

    private List<String> reconstruction() {
        List<ReconstructionEffect> zero = result.reconstruction().stream().filter(e -> e.mode() == AblationMode.ZERO && e.tokens() > 0)
                .toList();
        if (zero.isEmpty()) {
            return List.of();
        }
        Estimate rise = Statistics.meanEstimate(zero.stream().mapToDouble(e -> e.mseAfter() - e.mse()).toArray(), config.resamples(),
                "features", random.stream("reconstruction"));
        double deviation = zero.stream().mapToDouble(e -> Math.abs(e.mseAfter() - e.mse() - e.mseChangeExpected())
                / Math.max(Math.abs(e.mseChangeExpected()), 1e-12)).max().orElseThrow();
        double norm = zero.stream().mapToDouble(e -> Math.abs(e.change() - e.changeExpected()) / e.changeExpected()).max().orElseThrow();
        return List.of("Without a feature the mean squared error of the reconstruction " + rise.change("rises", "falls", "") + " from "
                + number(Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::mse).toArray())) + "; the cosine with the"
                + " reconstruction before is "
                + number(Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::cosine).toArray())) + " and, encoded again, "
                + number(100 * Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::changedShare).toArray()))
                + "% of all features change (means over " + zero.size() + " features). The closed forms "
                + (norm < EXACT && deviation < EXACT ? "hold" : "do not hold here: they deviate") + " to " + number(norm)
                + " (norm of the change) and " + number(deviation) + " (error), relatively.");
    }

    private static String label(LabelEffect l) {
        Comparison rise = l.rise();
        OptionalDouble ratio = rise.measured().ratio(rise.control());
        String times = ratio.isPresent() && ratio.getAsDouble() > 1 ? String.format(Locale.ROOT, ", about %s times as much",
                number(ratio.getAsDouble())) : "";
        return "Without " + l.name() + ", the best detector of \"" + l.label() + "\" (AUROC by document "
                + number(l.auroc()) + "), the loss " + rise.measured().change("rises", "falls", "nats per token") + " on " + rise.measured().n()
                + " documents of that label; on " + rise.control().n() + " others it "
                + rise.control().change("rises", "falls", "nats per token") + ": "
                + rise.verdict("more on the label than elsewhere" + times, "less on the label than elsewhere",
                        "no measurable difference between the label and others") + ".";
    }

    /** {@return the numbers to look at first} */
    public List<Metric> metrics() {
        List<Metric> metrics = new ArrayList<>();
        metrics.add(new Metric("active features", result.features().stream().filter(e -> e.tokens() > 0).count(),
                "features", Optional.empty(), result.text().size()));
        metrics.add(Metric.of("loss of the text", result.loss(), "nats"));
        for (RankComparison r : result.ranks()) {
            metrics.add(Metric.of("rank correlation, " + r.by() + " and " + r.against(), r.spearman(), "Spearman", r.interval(), r.n()));
            metrics.add(Metric.of("top ten by " + r.against() + " also in top ten by " + r.by(), r.topShared(), "features"));
        }
        for (LabelEffect l : result.labels()) {
            metrics.add(Metric.of("loss rise inside, " + l.label(), l.rise().measured(), "nats"));
            metrics.add(Metric.of("loss rise elsewhere, " + l.label(), l.rise().control(), "nats"));
        }
        return metrics;
    }

    /** {@return limits of the method} */
    public List<String> notes() {
        List<String> notes = new ArrayList<>(List.of(
                "In the model only the feature's contribution f_j d_j is taken away: what the autoencoder does not reconstruct stays in.",
                "Re-encoding compares the codes of both reconstructions, so that the autoencoder's own error does not count as change; a"
                + " feature counts as changed beyond " + config.tolerance() + " of the largest activation of its token.",
                "Zero may lie off the data: mean and resampled activations are the check, noise of matched norm and random directions the"
                + " control.",
                "The beginning-of-sequence token is never ablated."));
        if (result.attributed()) {
            notes.add("Attribution is the exact derivative of the target's log probability along the feature's contributions: the gradient at the"
                    + " hook point times f_j d_j, summed over tokens.");
        }
        if (corpus && !result.labels().isEmpty()) {
            notes.add("The feature of a label is the one with the largest AUROC over documents, of equal ones that with the largest over"
                    + " tokens; it is not chosen by its effect. The same feature may detect several labels best.");
        }
        return notes;
    }
}
