package org.sae4j.experiment.specificity.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.specificity.SpecificityResult;
import org.sae4j.experiment.specificity.SpecificityResult.DetectorResult;
import org.sae4j.experiment.specificity.SpecificityResult.HeldOut;
import org.sae4j.experiment.specificity.SpecificityResult.LabelResult;
import org.sae4j.experiment.specificity.SpecificityResult.SentenceResult;

/** Says what was found. */
public final class Findings {
    private static final double STRONG = 0.95;
    /** A feature is said to fire on a concept if at least this share of the tokens it fires on are of it. */
    private static final double MOSTLY = 0.5;

    private final SpecificityResult data;

    /**
     * Prepares sentences.
     *
     * @param data what was measured
     */
    public Findings(SpecificityResult data) {
        this.data = data;
    }

    /** {@return sentences with numbers, the most important first} */
    public List<String> sentences() {
        List<String> findings = new ArrayList<>();
        findings.add(byDocument());
        LabelResult worst = data.labels().stream().filter(l -> l.label().equals(data.worstLabel())).findFirst().orElseThrow();
        findings.add(format("The worst label is %s: %s, AUROC %s over %d documents%s.", worst.label(), worst.name(),
                auroc(worst.best().auroc(), worst.interval()), data.documents(), worst.heldOut().feature() < 0 ? ", none held out"
                        : format("; held out %s", auroc(worst.heldOut().auroc(), worst.heldOut().interval()))));
        findings.add(byToken());
        data.detectors().forEach(d -> findings.add(detector(d)));
        onSentences().ifPresent(findings::add);
        return findings;
    }

    /** The feature is the best of many on the same documents, so the claim is that of the half that did not choose it. */
    private String byDocument() {
        double[] chance = data.labels().stream().mapToDouble(LabelResult::shuffledBest).toArray();
        List<HeldOut> heldOut = data.labels().stream().map(LabelResult::heldOut).filter(h -> h.feature() >= 0).toList();
        double[] best = data.labels().stream().mapToDouble(l -> l.best().auroc()).toArray();
        String inSample = format("AUROC by document of the best feature is %.3f on average over %d labels where feature and AUROC come from "
                + "the same documents; the best of %d features under shuffled labels has %.3f.", Statistics.mean(best), best.length,
                data.features(), Statistics.mean(chance));
        if (heldOut.isEmpty()) {
            return "By document (largest activation over its tokens), there are too few documents to hold some out. " + inSample;
        }
        long strong = heldOut.stream().filter(h -> h.interval().low() >= STRONG).count();
        return format("By document (largest activation over its tokens), a feature that one half of the documents chose separates %d of %d "
                + "labels from all others on the other half with AUROC of at least %.2f (lower end of the 95%% interval). ", strong,
                heldOut.size(), STRONG) + inSample;
    }

    private String byToken() {
        double[] tokens = data.labels().stream().mapToDouble(l -> l.bestByToken().auroc()).toArray();
        long below = data.labels().stream().filter(l -> l.bestByToken().auroc() < l.best().auroc()).count();
        return format("Token by token, the best feature of a label reaches AUROC %.3f to %.3f (median %.3f)%s.",
                Statistics.quantile(tokens, 0), Statistics.quantile(tokens, 1), Statistics.quantile(tokens, 0.5), below == tokens.length
                        ? ", for every label less than by document: a feature that fires somewhere in a document of the label is not active "
                        + "on all of its tokens" : "");
    }

    private static String detector(DetectorResult d) {
        String of = d.script().isEmpty() ? "lie in documents labeled " + d.label() : "hold a letter of " + d.script() + " script";
        String tops = d.tops().stream().map(t -> format("“%s” %.0f%%", t.token(), 100 * t.share())).collect(Collectors.joining(", "));
        Estimate own = d.own().times(100);
        String verdict = d.own().below(d.ownShare()) ? "fewer than of all tokens" : !d.own().above(d.ownShare())
                ? "not measurably more than of all tokens" : d.own().above(MOSTLY) ? "most of them" : "more than of all tokens, but not "
                + "clearly most of them";
        return format("%s: document AUROC %.3f. Of the tokens it fires on, %s%% %s, %s (of all tokens %.1f%%; n = %d); most often it fires "
                + "on %s. Activation and score %s correlate with r = %s.", capital(d.name()), d.auroc(), own.text(), of, verdict,
                100 * d.ownShare(), own.n(), tops.isEmpty() ? "none" : tops, "log P(s|" + d.label() + ")/P(s)",
                new Estimate(d.pearson(), d.pearsonInterval(), own.n()).text());
    }

    /** Whether the features of the sentences' categories are most active on their own category, if that can be asked. */
    private Optional<String> onSentences() {
        List<String> categories = data.sentences().stream().map(SentenceResult::label).distinct().toList();
        List<LabelResult> asked = data.labels().stream().filter(l -> categories.contains(l.label())
                && data.sentences().getFirst().features().contains(l.best().feature())).toList();
        if (asked.isEmpty() || categories.size() < 2) {
            return Optional.empty();
        }
        long own = asked.stream().filter(l -> meanMaximum(l.label(), l.best().feature()) > categories.stream().filter(c ->
                !c.equals(l.label())).mapToDouble(c -> meanMaximum(c, l.best().feature())).max().orElseThrow()).count();
        return Optional.of(format("On %d sentences that mean the same in %d categories, the best feature of %d of %d categories "
                + "is most active in its own (mean over its sentences of the largest activation; by chance %.1f).", data.sentences().size(),
                categories.size(), own, asked.size(), (double) asked.size() / categories.size()));
    }

    private double meanMaximum(String category, int feature) {
        return data.sentences().stream().filter(s -> s.label().equals(category))
                .mapToDouble(s -> Arrays.stream(s.activations()[s.features().indexOf(feature)]).max().orElse(0)).average().orElse(0);
    }

    private String auroc(double value, Interval interval) {
        return new Estimate(value, interval, data.documents()).text() + (interval.low() == interval.high()
                ? " (no two documents in the wrong order, so resampling has no width)" : "");
    }

    private static String capital(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
