package org.sae4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.stats.Statistics;

/**
 * How a training went, in sentences that its numbers carry: a direction is named only where the interval of the difference excludes 0, and
 * nothing is said of what was not measured often enough.
 */
final class TrainingCourse {
    /** Measurements of a part of the run at least, to compare it with another. */
    private static final int LEAST = 8;
    /** Shares of the run that are compared: its last fifth with the fifth before. */
    private static final int PARTS = 5;
    private static final int RESAMPLES = 2000;
    private static final double SMALLEST_GAIN = 0.001;

    private TrainingCourse() {}

    /** What the lines of {@code metrics.jsonl} say. */
    static List<String> sentences(String run, List<? extends Map<String, ?>> lines) {
        List<String> sentences = new ArrayList<>();
        int part = lines.size() / PARTS;
        if (part < LEAST) {
            sentences.add(run + ": " + lines.size() + " steps are too few to say how its numbers move.");
            return sentences;
        }
        List<? extends Map<String, ?>> last = lines.subList(lines.size() - part, lines.size());
        List<? extends Map<String, ?>> before = lines.subList(lines.size() - 2 * part, lines.size() - part);
        level(run, before, last).ifPresent(sentences::add);
        dead(run, lines, last).ifPresent(sentences::add);
        rate(run, lines).ifPresent(sentences::add);
        coefficient(run, before, last).ifPresent(sentences::add);
        return sentences;
    }

    /** Whether explained variance still rises. Steps follow each other, but their batches are drawn anew. */
    private static Optional<String> level(String run, List<? extends Map<String, ?>> before, List<? extends Map<String, ?>> last) {
        double[] now = values(last, "explained_variance");
        double[] then = values(before, "explained_variance");
        if (now.length < LEAST || then.length < LEAST) {
            return Optional.empty();
        }
        Estimate change = Statistics.compareSamples(now, then, RESAMPLES, "batches", new CounterRandom(0).stream("course"))
                .difference();
        String numbers = String.format(Locale.ROOT, "from %.4f to %.4f on average (%+.4f, 95%% interval %+.4f to %+.4f, %d and %d batches)",
                Statistics.mean(then), Statistics.mean(now), change.value(), change.interval().low(), change.interval().high(), then.length, now.length);
        if (change.interval().low() > 0 && change.value() >= SMALLEST_GAIN) {
            return Optional.of(run + ": explained variance still rises in the last fifth of the run, " + numbers + ": more steps would help.");
        }
        if (change.interval().high() < 0) {
            return Optional.of(run + ": explained variance falls in the last fifth of the run, " + numbers
                    + ": lower lr, or look at the penalty.");
        }
        return Optional.of(run + ": explained variance has leveled off, " + numbers + ".");
    }

    private static Optional<String> dead(String run, List<? extends Map<String, ?>> lines, List<? extends Map<String, ?>> last) {
        double[] all = values(lines, "dead");
        if (all.length != lines.size()) {
            return Optional.empty();
        }
        double most = IntStream.range(0, all.length).mapToDouble(i -> all[i]).max().orElse(0);
        double end = all[all.length - 1];
        double start = number(last.getFirst(), "dead");
        if (most == 0) {
            return Optional.of(run + ": no feature was dead at any step.");
        }
        return Optional.of(String.format(Locale.ROOT, "%s: %.0f features are dead at the end, %.0f at the start of the last fifth, %.0f at most%s.",
                run, end, start, most, end > start ? ": they still become more" : ""));
    }

    private static Optional<String> rate(String run, List<? extends Map<String, ?>> lines) {
        double[] rates = values(lines, "lr");
        if (rates.length == 0) {
            return Optional.empty();
        }
        int at = IntStream.range(0, rates.length).reduce((a, b) -> rates[b] > rates[a] ? b : a).orElse(0);
        return at == rates.length - 1 && rates.length > 1 && rates[0] < rates[at] ? Optional.of(String.format(Locale.ROOT,
                "%s: the learning rate was still warming up at the last step, at %.3g: set lr_warm_up to a share of the run, such as 5%%.", run,
                rates[at])) : Optional.empty();
    }

    private static Optional<String> coefficient(String run, List<? extends Map<String, ?>> before, List<? extends Map<String, ?>> last) {
        double now = number(last.getLast(), "penalty_coefficient");
        double then = number(before.getFirst(), "penalty_coefficient");
        if (!(now > 0) || !(then > 0)) {
            return Optional.empty();
        }
        double ratio = now / then;
        return ratio > 1.25 || ratio < 0.8 ? Optional.of(String.format(Locale.ROOT, "%s: the penalty's coefficient still moves, from %.3g to "
                + "%.3g over the last two fifths, so L0 %.1f is not settled.", run, then, now, number(last.getLast(), "l0")))
                : Optional.empty();
    }

    /** What the lines of {@code evaluation.jsonl} say. */
    static List<String> heldOutSentences(String run, List<? extends Map<String, ?>> lines) {
        List<String> sentences = new ArrayList<>();
        Map<String, ?> last = lines.getLast();
        if (lines.size() > 1) {
            int best = IntStream.range(0, lines.size()).reduce((a, b) -> number(lines.get(b), "explained_variance")
                    > number(lines.get(a), "explained_variance") ? b : a).orElse(0);
            double highest = number(lines.get(best), "explained_variance");
            double end = number(last, "explained_variance");
            sentences.add(best == lines.size() - 1 || highest - end < SMALLEST_GAIN
                    ? String.format(Locale.ROOT, "%s: explained variance is highest at the end, %.4f, of %d evaluations.", run, end, lines.size())
                    : String.format(Locale.ROOT, "%s: explained variance was highest after step %s, %.4f, and is %.4f at the end: that "
                            + "checkpoint may be the better autoencoder, or the data repeat too often.", run, lines.get(best).get("step"),
                            highest, end));
        }
        double recovered = number(last, "ce_recovered");
        if (Double.isFinite(recovered)) {
            sentences.add(String.format(Locale.ROOT, "%s: with the autoencoder in its place the model recovers %.4f of the cross-entropy that "
                    + "zeros cost (%.4f nats with it, %.4f without, %.4f with zeros, %s predictions).", run, recovered, number(last, "ce_sae"),
                    number(last, "ce_clean"), number(last, "ce_zero"), last.get("predictions")));
        }
        return sentences;
    }

    private static double number(Map<String, ?> line, String name) {
        return line.get(name) instanceof Number value ? value.doubleValue() : Double.NaN;
    }

    /** The values of the lines that have a finite one. */
    private static double[] values(List<? extends Map<String, ?>> lines, String name) {
        return lines.stream().mapToDouble(line -> number(line, name)).filter(Double::isFinite).toArray();
    }
}
