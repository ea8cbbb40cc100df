package com.example.density;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.experiment.Param;
import org.sae4j.api.sae.SparseRows;

/** The density of features: the share of a corpus' tokens on which each of them is active. */
public final class FeatureDensity implements Experiment<FeatureDensity.Config, FeatureDensity.Data> {
    /** Creates the experiment; {@link java.util.ServiceLoader} does. */
    public FeatureDensity() {}

    /**
     * The settings.
     *
     * @param dense from which density on a feature counts as dense
     * @param binsPerDecade bins of the histogram for each factor of ten
     * @param listed how many of the densest features are listed
     */
    public record Config(
            @Param(value = "from which density on a feature counts as dense", unit = "share of tokens", min = 0, max = 1) double dense,
            @Param(value = "bins of the histogram for each factor of ten", min = 1, max = 50) int binsPerDecade,
            @Param(value = "how many of the densest features are listed", min = 0) int listed) {}

    /**
     * What was counted.
     *
     * @param tokens tokens of the corpus
     * @param firing for each feature the number of tokens on which it is active
     */
    public record Data(int tokens, int[] firing) {
        /**
         * The share of tokens on which a feature is active.
         *
         * @param feature number of the feature
         * @return from 0 to 1
         */
        public double density(int feature) {
            return (double) firing[feature] / tokens;
        }
    }

    @Override
    public String id() {
        return "feature-density";
    }

    @Override
    public String title() {
        return "Density of features";
    }

    @Override
    public String description() {
        return "Counts on what share of the corpus' tokens each feature is active: which features are dead, rare or dense.";
    }

    @Override
    public Config defaults() {
        return new Config(0.1, 4, 20);
    }

    @Override
    public ExperimentResult<Data> run(Config config, ExperimentContext context) {
        EncodedCorpus corpus = context.encodedCorpus();
        Data data = count(corpus.features());
        int features = data.firing().length;
        int dead = (int) Arrays.stream(data.firing()).filter(n -> n == 0).count();
        int dense = (int) IntStream.range(0, features).filter(f -> data.density(f) >= config.dense()).count();
        double l0 = (double) corpus.features().entries() / data.tokens();

        List<String> findings = List.of(
                String.format(Locale.ROOT, "%d of %d features are never active on %d tokens, %d are active on at least %.3g of them.", dead,
                        features, data.tokens(), dense, config.dense()),
                String.format(Locale.ROOT, "A token has %.1f active features on average.", l0));
        List<Metric> metrics = List.of(Metric.of("dead features", (double) dead / features, "share"),
                Metric.of("dense features", (double) dense / features, "share"), Metric.of("L0", l0, "features per token"));
        List<Figure> figures = List.of(histogram(config, data), densest(config, data));
        List<String> notes = List.of("A feature that is never active here may be active on other texts: the smallest density that can be "
                + "seen is one token of " + data.tokens() + ".");
        return new ExperimentResult<>(data, findings, metrics, figures, notes);
    }

    private static Data count(SparseRows features) {
        int[] firing = new int[features.columns()];
        for (int entry = 0; entry < features.entries(); entry++) {
            firing[features.index(entry)]++;
        }
        return new Data(features.rows(), firing);
    }

    private static Figure histogram(Config config, Data data) {
        int decades = (int) Math.ceil(Math.log10(data.tokens()));
        int bins = Math.max(1, decades * config.binsPerDecade());
        double[] edges = new double[bins + 1];
        Arrays.setAll(edges, i -> (double) i / config.binsPerDecade() - decades);
        double[] counts = new double[bins];
        for (int feature = 0; feature < data.firing().length; feature++) {
            if (data.firing()[feature] > 0) {
                int bin = (int) ((Math.log10(data.density(feature)) + decades) * config.binsPerDecade());
                counts[Math.clamp(bin, 0, bins - 1)]++;
            }
        }
        return new Figure.Histogram("density", "How often features fire", "Features that fired at least once, by the share of tokens on "
                + "which they are active; n = " + data.tokens() + " tokens. Nothing here is random.",
                Figure.Axis.of("density (log10 of the share of tokens)"), Figure.Axis.of("features (number)"), edges,
                List.of(new Figure.BarSeries("features", counts, new double[0], new double[0])), false);
    }

    private static Figure densest(Config config, Data data) {
        List<List<Object>> rows = new ArrayList<>();
        IntStream.range(0, data.firing().length).boxed().filter(f -> data.firing()[f] > 0)
                .sorted(Comparator.comparingInt((Integer f) -> -data.firing()[f]).thenComparing(f -> f)).limit(config.listed())
                .forEach(f -> rows.add(List.of(f, data.firing()[f], data.density(f))));
        return new Figure.Table("densest", "The densest features", "Features by the number of tokens on which they are active; n = "
                + data.tokens() + " tokens.", List.of("feature", "tokens", "density (share of tokens)"), rows);
    }
}
