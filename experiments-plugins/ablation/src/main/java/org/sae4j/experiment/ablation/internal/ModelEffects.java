package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationMode;
import org.sae4j.experiment.ablation.AblationResult.FeatureEffect;
import org.sae4j.experiment.ablation.AblationResult.ModeEffect;
import org.sae4j.experiment.ablation.AblationResult.Mover;
import org.sae4j.experiment.ablation.AblationResult.PositionEffect;
import org.sae4j.experiment.ablation.AblationResult.RankComparison;

/** Effects on the model's own outputs. Only the feature's contribution is taken away: the autoencoder's error stays in. */
public final class ModelEffects {
    private static final int TOP = 10;
    private static final int MOVERS = 6;

    private final Subject subject;
    private final AblationConfig config;
    private final Passes passes;
    private final Replacements replacements;
    private final CounterRandom random;
    private final Progress progress;
    private final int target;
    private final int second;
    private Optional<String> unattributed = Optional.empty();

    /**
     * Prepares measurements.
     *
     * @param subject the text
     * @param config the configuration
     * @param passes runs of the model
     * @param replacements vectors by mode
     * @param random where bootstrap resamples come from
     * @param progress told of every stage
     */
    public ModelEffects(Subject subject, AblationConfig config, Passes passes, Replacements replacements, CounterRandom random,
            Progress progress) {
        this.subject = subject;
        this.config = config;
        this.passes = passes;
        this.replacements = replacements;
        this.random = random;
        this.progress = progress;
        target = subject.target();
        second = subject.second();
    }

    /** What one run changes; loss and divergence also by position. */
    record Change(double targetFall, double lossChange, double kl, double klLast, double logitDifferenceChange, double[] losses,
            double[] divergences) {}

    /** Compares a run's logits with the clean ones. Where the run changes nothing they are equal and are not read. */
    private final class Comparison {
        private final float[][] added;
        private final double[] losses = new double[subject.tokens().length];
        private final double[] divergences = new double[losses.length];
        private double fall;
        private double difference;

        Comparison(float[][] added) {
            this.added = added;
            if (first() < losses.length) {
                losses[losses.length - 1] = Double.NaN;
            }
        }

        private int first() {
            return IntStream.range(0, added.length).filter(p -> added[p] != null).findFirst().orElse(added.length);
        }

        void take(int first, Tensor logits) {
            for (int row = 0; row < logits.dim(0); row++) {
                if (passes.reaches(added, first + row)) {
                    take(first + row, logits.row(row));
                }
            }
        }

        private void take(int position, float[] row) {
            Distribution clean = subject.clean().get(position);
            Distribution after = Distribution.of(row);
            divergences[position] = clean.divergence(after);
            if (position + 1 < losses.length) {
                int next = subject.tokens()[position + 1];
                losses[position] = clean.log()[next] - after.log()[next];
            } else {
                fall = clean.log()[target] - after.log()[target];
                difference = ((double) row[target] - row[second]) - ((double) subject.logits()[target] - subject.logits()[second]);
            }
        }

        Change change() {
            int length = losses.length;
            double loss = Arrays.stream(losses, 0, length - 1).sum() / (length - 1);
            double kl = Arrays.stream(divergences).sum() / Math.max(1, length - first());
            return new Change(fall, loss, kl, divergences[length - 1], difference, losses, divergences);
        }
    }

    private List<Change> changes(List<float[][]> vectors, String stage) {
        List<Passes.Run> runs = vectors.stream().map(added -> new Passes.Run(subject.tokens(), added)).toList();
        List<Comparison> comparisons = vectors.stream().map(Comparison::new).toList();
        long rows = vectors.stream().mapToLong(this::reached).sum();
        long[] done = new long[1];
        passes.resume(runs, subject.resumed(), false, (run, first, logits) -> {
            comparisons.get(run).take(first, logits);
            done[0] += IntStream.range(0, logits.dim(0)).filter(row -> passes.reaches(vectors.get(run), first + row)).count();
            progress.update(stage, done[0], rows);
        });
        return comparisons.stream().map(Comparison::change).toList();
    }

    private long reached(float[][] added) {
        return IntStream.range(0, added.length).filter(position -> passes.reaches(added, position)).count();
    }

    /**
     * Sets features to zero at all tokens, one by one, and attributes: the gradient of the target's log probability by the value at the
     * hook point, times the feature's contributions. One backward pass serves all features. Where there are no gradients, attributions are
     * left out, and {@link #unattributed()} says why.
     *
     * @param features the features; one that is not active has no effect, to the bit
     * @return one effect for each
     */
    public List<FeatureEffect> zero(List<Integer> features) {
        List<Change> changes = changes(features.stream().map(j -> subject.scaled(j, -1)).toList(), "ablating features");
        Optional<Tensor> gradient = gradient();
        List<FeatureEffect> effects = new ArrayList<>();
        for (int i = 0; i < features.size(); i++) {
            int feature = features.get(i);
            Change change = changes.get(i);
            Subject.Contribution own = subject.contribution(feature);
            effects.add(new FeatureEffect(feature, own.tokens(), own.firstToken(), own.strength(), own.maxActivation(),
                    own.meanActivation(), gradient.map(g -> subject.derivative(feature, g)).orElse(Double.NaN), change.targetFall(),
                    change.lossChange(), change.kl(), change.klLast(), change.logitDifferenceChange(), own.reconstructionChange(), own.mseChange()));
        }
        return effects;
    }

    private Optional<Tensor> gradient() {
        try {
            return Optional.of(passes.gradient(subject.tokens(), GradientPlan.Objective.logProbability(0, -1, target)));
        } catch (Sae4jException e) {
            unattributed = Optional.ofNullable(e.getMessage());
            return Optional.empty();
        }
    }

    /** {@return why features were not attributed, if they were not} */
    public Optional<String> unattributed() {
        return unattributed;
    }

    /**
     * Sets features to zero at all tokens, one by one, and looks at every position.
     *
     * @param detailed the features
     * @return what changes, by feature and position
     */
    public List<PositionEffect> byPosition(List<Integer> detailed) {
        List<Change> changes = changes(detailed.stream().map(j -> subject.scaled(j, -1)).toList(), "effects by position");
        List<PositionEffect> effects = new ArrayList<>();
        for (int i = 0; i < detailed.size(); i++) {
            for (int position = 0; position < subject.tokens().length; position++) {
                effects.add(new PositionEffect(detailed.get(i), position, subject.activation(position, detailed.get(i)),
                        changes.get(i).losses()[position], changes.get(i).divergences()[position]));
            }
        }
        return effects;
    }

    /**
     * Ablates detailed features in every mode, with two controls: a random direction of the same norms, and the other active feature of
     * nearest strength.
     *
     * @param detailed the features
     * @param active all features that are active in the text
     * @return effects
     */
    public List<ModeEffect> modes(List<Integer> detailed, List<Integer> active) {
        List<ModeEffect> effects = new ArrayList<>();
        for (int feature : detailed) {
            for (AblationMode mode : config.modes()) {
                effects.add(effect(feature, mode.title(), replacements.vectors(feature, mode)));
            }
            effects.add(effect(feature, "random direction", replacements.randomDirections(feature)));
            double own = subject.contribution(feature).strength();
            active.stream().filter(j -> j != feature).min(Comparator.comparingDouble(j -> Math.abs(
                    subject.contribution(j).strength() - own))).ifPresent(other ->
                    effects.add(effect(feature, "feature " + other, List.<float[][]>of(subject.scaled(other, -1)))));
        }
        return effects;
    }

    private ModeEffect effect(int feature, String kind, List<float[][]> draws) {
        List<Change> changes = changes(draws, "ablation modes");
        double[] kl = changes.stream().mapToDouble(Change::kl).toArray();
        double mean = Statistics.mean(kl);
        Interval interval = kl.length == 1 ? new Interval(mean, mean, 0.95, "a single run, nothing random")
                : Statistics.bootstrapMean(kl, config.resamples(), 0.95, "draws", random.stream(kind).stream(feature));
        return new ModeEffect(feature, kind, kl.length, mean, interval,
                Statistics.mean(changes.stream().mapToDouble(Change::lossChange).toArray()));
    }

    /**
     * Sets features to zero at one token at a time.
     *
     * @param detailed the features
     * @return change of the target's log probability after the text, by feature and token
     */
    public double[][] byToken(List<Integer> detailed) {
        double[][] changes = new double[detailed.size()][subject.tokens().length];
        record Cell(int row, int position) {}
        List<Cell> cells = new ArrayList<>();
        List<Passes.Run> runs = new ArrayList<>();
        for (int row = 0; row < changes.length; row++) {
            float[][] everywhere = subject.scaled(detailed.get(row), -1);
            for (int position = 0; position < everywhere.length; position++) {
                if (everywhere[position] != null) {
                    float[][] one = new float[everywhere.length][];
                    one[position] = everywhere[position];
                    cells.add(new Cell(row, position));
                    runs.add(new Passes.Run(subject.tokens(), one));
                }
            }
        }
        double clean = subject.clean().getLast().log()[target];
        passes.resume(runs, subject.resumed(), true, (run, _, logits) -> changes[cells.get(run).row()][cells.get(run).position()] =
                Distribution.of(logits.row(0)).log()[target] - clean);
        return changes;
    }

    /**
     * Tokens whose log probability after the text changes most, among those that are likely before or after.
     *
     * @param detailed the features
     * @param tokenizer names tokens
     * @return a few tokens for each feature
     */
    public List<Mover> movers(List<Integer> detailed, java.util.Optional<Tokenizer> tokenizer) {
        Distribution clean = subject.clean().getLast();
        Distribution[] after = new Distribution[detailed.size()];
        Arrays.fill(after, clean);
        passes.resume(detailed.stream().map(j -> new Passes.Run(subject.tokens(), subject.scaled(j, -1))).toList(),
                subject.resumed(), true, (run, _, logits) -> after[run] = Distribution.of(logits.row(0)));
        List<Mover> movers = new ArrayList<>();
        for (int i = 0; i < after.length; i++) {
            int feature = detailed.get(i);
            double[] log = after[i].log();
            IntStream.concat(IntStream.of(clean.top(50)), IntStream.of(after[i].top(50))).distinct().boxed()
                    .sorted(Comparator.comparingDouble(t -> -Math.abs(log[t] - clean.log()[t]))).limit(MOVERS)
                    .forEach(t -> movers.add(new Mover(feature, tokenizer.map(k -> k.token(t)).orElse("#" + t), clean.log()[t], log[t])));
        }
        return movers;
    }

    /**
     * Compares the orders of features by activation, attribution, where there is one, and ablation.
     *
     * @param all effects of setting features to zero; those that are not active are left out
     * @return comparisons, those against ablation first
     */
    public List<RankComparison> ranks(List<FeatureEffect> all) {
        List<FeatureEffect> effects = all.stream().filter(e -> e.tokens() > 0).toList();
        double[] activation = effects.stream().mapToDouble(FeatureEffect::activation).toArray();
        double[] attribution = effects.stream().mapToDouble(e -> Math.abs(e.attribution())).toArray();
        double[] ablation = effects.stream().mapToDouble(e -> Math.abs(e.ablation())).toArray();
        if (!effects.stream().allMatch(FeatureEffect::attributed)) {
            return List.of(comparison("activation", activation, "ablation", ablation));
        }
        return List.of(comparison("activation", activation, "ablation", ablation),
                comparison("attribution", attribution, "ablation", ablation),
                comparison("activation", activation, "attribution", attribution));
    }

    private RankComparison comparison(String by, double[] x, String against, double[] y) {
        Interval interval = Statistics.bootstrap(x.length, drawn -> Statistics.spearman(
                Arrays.stream(drawn).mapToDouble(i -> x[i]).toArray(), Arrays.stream(drawn).mapToDouble(i -> y[i]).toArray()),
                config.resamples(), 0.95, "features", random.stream(String.format(Locale.ROOT, "%s %s", by, against)));
        List<Integer> topX = top(x);
        return new RankComparison(by, against, Statistics.spearman(x, y), interval, (int) top(y).stream().filter(topX::contains).count(),
                x.length);
    }

    private static List<Integer> top(double[] values) {
        return IntStream.range(0, values.length).boxed().sorted((a, b) -> Double.compare(values[b], values[a])).limit(TOP).toList();
    }
}
