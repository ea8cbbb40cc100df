package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.sae4j.api.experiment.Interval;
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
    private final AblationResult result;
    private final AblationConfig config;
    private final boolean corpus;

    /**
     * Prepares a summary.
     *
     * @param result what was measured
     * @param config the configuration
     * @param corpus whether the run has a corpus
     */
    public Summary(AblationResult result, AblationConfig config, boolean corpus) {
        this.result = result;
        this.config = config;
        this.corpus = corpus;
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "undefined" : Math.abs(value) >= 0.001 || value == 0 ? String.format(Locale.ROOT, "%.4f", value)
                : String.format(Locale.ROOT, "%.2e", value);
    }

    private static String text(double value, Interval interval) {
        return number(value) + " [" + number(interval.low()) + ", " + number(interval.high()) + "]";
    }

    /** {@return sentences with numbers, the most important first} */
    public List<String> findings() {
        List<String> findings = new ArrayList<>();
        List<FeatureEffect> active = result.features().stream().filter(e -> e.tokens() > 0).toList();
        if (active.isEmpty()) {
            findings.add("No feature is active in the text, so there is nothing to ablate.");
        } else {
            FeatureEffect most = active.stream().max(Comparator.comparingDouble(FeatureEffect::kl)).orElseThrow();
            findings.add("Of " + active.size() + " active features, setting feature " + most.feature() + " to zero changes the"
                    + " model's predictions most: mean divergence " + number(most.kl()) + " nats, next-token loss "
                    + (most.lossChange() >= 0 ? "+" : "") + number(most.lossChange()) + " nats.");
            result.ranks().stream().filter(r -> r.against().equals("ablation")).forEach(r -> findings.add(rank(r)));
            findings.addAll(controls());
            findings.addAll(reconstruction());
        }
        result.labels().stream().sorted(Comparator.comparingDouble(l -> -l.inside())).forEach(l -> findings.add(label(l)));
        return findings;
    }

    private static String rank(RankComparison r) {
        boolean nothing = Double.isNaN(r.interval().low()) || r.interval().low() <= 0 && r.interval().high() >= 0;
        return "Of the top " + Math.min(10, r.n()) + " features by ablation, " + r.topShared() + " are in the top by " + r.by()
                + "; over all " + r.n() + " the rank correlation is " + text(r.spearman(), r.interval())
                + (nothing ? ", not distinguishable from 0." : ".");
    }

    private List<String> controls() {
        List<String> findings = new ArrayList<>();
        List<ModeEffect> zero = kind(AblationMode.ZERO.title());
        List<ModeEffect> direction = kind("random direction");
        List<ModeEffect> other = result.modes().stream().filter(m -> m.kind().startsWith("feature ")).toList();
        if (!zero.isEmpty() && !direction.isEmpty()) {
            double own = mean(zero);
            double control = mean(direction);
            findings.add("Over " + zero.size() + " features, zero-ablation moves predictions by " + number(own)
                    + " nats on average, a random direction of equal norm by " + number(control)
                    + (other.isEmpty() ? "" : ", another active feature of nearest strength by " + number(mean(other))) + ": "
                    + (own > control ? "features matter more than directions of their size." : "features matter no more than directions of"
                    + " their size."));
        }
        return findings;
    }

    private List<ModeEffect> kind(String kind) {
        return result.modes().stream().filter(m -> m.kind().equals(kind)).toList();
    }

    private static double mean(List<ModeEffect> effects) {
        return Statistics.mean(effects.stream().mapToDouble(ModeEffect::kl).toArray());
    }

    private List<String> reconstruction() {
        List<ReconstructionEffect> zero = result.reconstruction().stream().filter(e -> e.mode() == AblationMode.ZERO && e.tokens() > 0)
                .toList();
        if (zero.isEmpty()) {
            return List.of();
        }
        double deviation = zero.stream().mapToDouble(e -> Math.abs(e.mseAfter() - e.mse() - e.mseChangeExpected())
                / Math.max(Math.abs(e.mseChangeExpected()), 1e-12)).max().orElseThrow();
        double norm = zero.stream().mapToDouble(e -> Math.abs(e.change() - e.changeExpected()) / e.changeExpected()).max().orElseThrow();
        return List.of("On the reconstruction, zero-ablation raises the mean squared error from "
                + number(Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::mse).toArray())) + " to "
                + number(Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::mseAfter).toArray())) + ", leaves a cosine of "
                + number(Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::cosine).toArray())) + " and, encoded again,"
                + " changes "
                + number(100 * Statistics.mean(zero.stream().mapToDouble(ReconstructionEffect::changedShare).toArray()))
                + "% of all features (means over " + zero.size() + " features); the closed forms hold to " + number(norm)
                + " (norm of the change) and " + number(deviation) + " (error), relatively.");
    }

    private static String label(LabelEffect l) {
        String ratio = l.outside() > 0 ? String.format(Locale.ROOT, "%.0f times", l.inside() / l.outside()) : "where it does not rise";
        boolean clear = l.insideInterval().low() > Math.max(0, l.outsideInterval().high());
        return "Without feature " + l.feature() + ", the strongest of \"" + l.label() + "\" (AUROC by document " + number(l.auroc())
                + "), the loss rises by " + text(l.inside(), l.insideInterval()) + " nats per token on " + l.insideDocuments()
                + " documents of that label and by " + text(l.outside(), l.outsideInterval()) + " on " + l.outsideDocuments() + " others"
                + (clear ? " (" + ratio + (l.outside() > 0 ? " as much)." : ").") : ": not clearly more.");
    }

    /** {@return the numbers to look at first} */
    public List<Metric> metrics() {
        List<Metric> metrics = new ArrayList<>();
        metrics.add(new Metric("active features", result.features().stream().filter(e -> e.tokens() > 0).count(),
                "features", java.util.Optional.empty(), result.text().size()));
        metrics.add(Metric.of("loss of the text", result.loss(), "nats"));
        for (RankComparison r : result.ranks()) {
            metrics.add(Metric.of("rank correlation, " + r.by() + " and " + r.against(), r.spearman(), "Spearman", r.interval(), r.n()));
            metrics.add(Metric.of("top ten by " + r.against() + " also in top ten by " + r.by(), r.topShared(), "features"));
        }
        for (LabelEffect l : result.labels()) {
            metrics.add(Metric.of("loss rise inside, " + l.label(), l.inside(), "nats", l.insideInterval(), l.insideDocuments()));
            metrics.add(Metric.of("loss rise elsewhere, " + l.label(), l.outside(), "nats", l.outsideInterval(), l.outsideDocuments()));
        }
        return metrics;
    }

    /** {@return limits of the method} */
    public List<String> notes() {
        List<String> notes = new ArrayList<>(List.of(
                "In the model only the feature's contribution f_j d_j is taken away: what the autoencoder does not reconstruct stays in.",
                "Re-encoding compares the codes of both reconstructions, so that the autoencoder's own error does not count as change; a"
                + " feature counts as changed beyond " + config.tolerance() + " of the largest activation of its token.",
                "Attribution is the directional derivative of the target's log probability along the feature's contributions, by central"
                        + " differences of " + config.step() + " and twice that of their size, extrapolated to zero.",
                "Zero may lie off the data: mean and resampled activations are the check, noise of matched norm and random directions the"
                + " control.",
                "The beginning-of-sequence token is never ablated."));
        if (corpus && !result.labels().isEmpty()) {
            notes.add("Candidates of a label are the 8 that contribute most on it among the features within 0.02 of its best AUROC over"
                    + " whole documents. The one whose absence raises the loss most on one half of the label's documents is the"
                    + " strongest; its effect is measured on the other half.");
        }
        return notes;
    }
}
