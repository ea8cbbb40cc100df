package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.NeighborhoodResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Agreement;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Completeness;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.LabelAgreement;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.ProjectionResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.SourceResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Splitting;

/** Says what a result means. */
final class Report {
    private static final double MATCHED = 0.7;

    private final NeighborhoodConfig config;
    private final NeighborhoodResult data;
    private final long seed;

    Report(NeighborhoodConfig config, NeighborhoodResult data, long seed) {
        this.config = config;
        this.data = data;
        this.seed = seed;
    }

    static String name(Source source) {
        return source.name().toLowerCase(Locale.ROOT);
    }

    List<String> findings() {
        List<String> findings = new ArrayList<>();
        for (SourceResult s : data.sources()) {
            if (s.compared() < 2) {
                findings.add(format("No two features can be compared by %s.", name(s.source())));
                continue;
            }
            double median = Statistics.quantile(s.nearest(), 0.5);
            boolean random = s.source() != Source.ACTIVATIONS;
            findings.add(format("By %s, similarities of %d features have mean %.4f and standard deviation %.4f%s; the nearest neighbor "
                    + "is at %.3f in the median%s. %s", name(s.source()), s.compared(), s.mean(), s.standardDeviation(),
                    random ? format(" (random directions: 0 and %.4f)", s.nullStandardDeviation()) : "", median,
                    random ? format(" (random directions: %.3f)", s.nearestNullMedian()) : "", clusters(s)));
        }
        for (Agreement a : data.agreements()) {
            if (a.features() > 0) {
                findings.add(format("The %d nearest neighbors by %s and by %s overlap with Jaccard %.3f [%.3f, %.3f]; independent sets "
                        + "would give %.4f.", a.k(), name(a.first()), name(a.second()), a.jaccard(), a.interval().low(),
                        a.interval().high(),
                        a.chance()));
            }
        }
        data.labelAgreement().ifPresent(l -> findings.add(agreement(l)));
        for (ProjectionResult p : data.projections()) {
            if (p.coordinates().length == 2) {
                findings.add(format("The flat %s map of %d features by %s keeps neighborhoods with trustworthiness %.3f [%.3f, %.3f] "
                        + "(random positions: %.3f)%s.", p.method(), p.points().length, name(p.source()), p.trustworthiness(),
                        p.interval().low(),
                        p.interval().high(), p.randomTrustworthiness(), p.varianceShares().length == 0 ? ""
                                : format("; its axes explain %.1f%% of the variance (random directions: %.1f%%)",
                                        100 * (p.varianceShares()[0] + p.varianceShares()[1]), 100 * (p.nullShares()[0]
                                                + p.nullShares()[1]))));
            }
        }
        data.splitting().ifPresent(s -> findings.add(splitting(s)));
        for (Completeness c : data.completeness()) {
            findings.add(format("Of %d concepts, %.1f%% [%.1f%%, %.1f%%] have a feature with F1 of at least %.2f among the %d of "
                    + "autoencoder %d; random sets of documents of the same sizes: %.1f%%.", c.concepts().size(), 100 * c.share(),
                    100 * c.interval().low(),
                    100 * c.interval().high(), config.conceptF1(), c.features(), c.autoencoder(), 100 * c.shuffledShare()));
        }
        return findings;
    }

    private String clusters(SourceResult s) {
        return s.clusters().isEmpty() ? format("No pair reaches %.2f.", config.clusterCosine())
                : format("Pairs of at least %.2f join %d clusters; the largest has %d features (%.1f%%).", config.clusterCosine(),
                        s.clusters().size(), s.clusters().getFirst().size(), 100.0 * s.clusters().getFirst().size() / s.compared());
    }

    private String agreement(LabelAgreement l) {
        return format("Of the labelled neighbors of a labelled feature, %.1f%% [%.1f%%, %.1f%%] detect the same label (%d features); "
                + "with shuffled labels %.1f%%.", 100 * l.share(), 100 * l.interval().low(), 100 * l.interval().high(), l.features(),
                100 * l.shuffled());
    }

    private String splitting(Splitting s) {
        double matched = Arrays.stream(s.best()).filter(b -> b >= MATCHED).count() / (double) s.smaller();
        double childless = s.smaller() - IntStream.range(0, s.larger()).filter(c -> s.cosines()[c] >= config.childCosine())
                .map(c -> s.parents()[c]).distinct().count();
        return format("%.1f%% of the %d features of the smaller autoencoder reappear among the %d of the larger one with a cosine of at "
                + "least %.1f (nearest random direction: %.3f in the median); %.1f%% have no child at %.2f or more.", 100 * matched,
                s.smaller(),
                s.larger(), MATCHED, s.nullMedian(), 100 * childless / s.smaller(), config.childCosine());
    }

    List<Metric> metrics(Neighbors source, ExperimentContext context) {
        List<Metric> metrics = new ArrayList<>();
        double[] nearest = IntStream.range(0, source.features()).mapToDouble(source::largest).filter(l -> !Double.isNaN(l)).toArray();
        metrics.add(Metric.of("mean similarity to the nearest neighbor (" + name(config.source()) + ")", Statistics.mean(nearest), "",
                Statistics.bootstrapMean(nearest, config.resamples(), 0.95, "features", context.random("nearest")), nearest.length));
        for (Agreement a : data.agreements()) {
            metrics.add(Metric.of("Jaccard@" + a.k() + " of " + name(a.first()) + " and " + name(a.second()), a.jaccard(), "", a.interval(),
                    a.features()));
        }
        data.labelAgreement().ifPresent(l -> metrics.add(Metric.of("neighbors with the same label", l.share(), "", l.interval(),
                l.features())));
        for (ProjectionResult p : data.projections()) {
            metrics.add(Metric.of("trustworthiness of " + p.method() + " in " + p.coordinates().length + "D (" + name(p.source()) + ")",
                    p.trustworthiness(), "", p.interval(), p.points().length));
        }
        for (SourceResult s : data.sources()) {
            metrics.add(Metric.of("share of features in the largest cluster (" + name(s.source()) + ")",
                    s.clusters().isEmpty() ? 0 : (double) s.clusters().getFirst().size() / s.compared(), ""));
        }
        for (Completeness c : data.completeness()) {
            metrics.add(Metric.of("concepts with a feature (autoencoder " + c.autoencoder() + ")", c.share(), "", c.interval(),
                    c.concepts().size()));
        }
        return metrics;
    }

    List<String> notes() {
        List<String> notes = new ArrayList<>();
        notes.add("Neighbors are found among all features, in the full space; maps only show them. Distances on a UMAP map mean little "
                + "beyond the nearest neighbors, and its shape depends on the seed (" + seed + ").");
        notes.add("Clusters are connected components: two features may share one without being similar, by a chain of similar ones "
                + "between them.");
        if (data.tokens() > 0) {
            notes.add("Features active on fewer than " + Correlations.LEAST_ACTIVE + " of " + data.tokens() + " tokens have no "
                    + "correlations. Features that were never active are coloured as if active on half a token.");
            notes.add("A label is given to a feature by the AUROC of its largest activation in a document, at least " + config.labelAuroc()
                    + "; with many features some reach it by chance, so compare with the shuffled control.");
        }
        if (data.projections().isEmpty()) {
            notes.add("Maps need at least 5 features with a direction.");
        }
        return notes;
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
