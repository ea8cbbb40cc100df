package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Comparison;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.NeighborhoodResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Agreement;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Completeness;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.ProjectionResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.SourceResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Splitting;

/** Says what a result means. */
final class Report {
    private static final double MATCHED = 0.7;
    /** From this trustworthiness on a map is said to keep neighborhoods; 0.5 is that of random positions. */
    private static final double TRUSTED = 0.8;

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
        data.sources().forEach(s -> findings.add(similarities(s)));
        for (Agreement a : data.agreements()) {
            if (a.jaccard().n() > 0) {
                findings.add(format("The %d nearest neighbors by %s and by %s are %s independent sets: Jaccard %s over %d features, "
                        + "independent sets %.4f.", a.k(), name(a.first()), name(a.second()), a.jaccard().verdict(a.chance(),
                        "more alike than", "less alike than", "not measurably more or less alike than"), a.jaccard().text(),
                        a.jaccard().n(), a.chance()));
            }
        }
        data.labelAgreement().ifPresent(l -> findings.add(agreement(l.share())));
        for (ProjectionResult p : data.projections()) {
            if (p.coordinates().length == 2) {
                findings.add(map(p));
            }
        }
        data.splitting().ifPresent(s -> findings.add(splitting(s)));
        data.completeness().forEach(c -> findings.add(completeness(c)));
        return findings;
    }

    private String similarities(SourceResult s) {
        if (s.compared() < 2) {
            return format("No two features can be compared by %s.", name(s.source()));
        }
        boolean random = s.source() != Source.ACTIVATIONS;
        return format("By %s, similarities of %d features have mean %.4f and standard deviation %.4f%s; the nearest neighbor is at %.3f in "
                + "the median%s. %s", name(s.source()), s.compared(), s.mean(), s.standardDeviation(),
                random ? format(" (random directions: 0 and %.4f)", s.nullStandardDeviation()) : "", Statistics.quantile(s.nearest(), 0.5),
                random ? format(" (random directions: %.3f)", s.nearestNullMedian()) : "", clusters(s));
    }

    private static String map(ProjectionResult p) {
        String variance = p.varianceShares().length == 0 ? "" : format("; its axes explain %.1f%% of the variance (random directions: "
                + "%.1f%%)", 100 * (p.varianceShares()[0] + p.varianceShares()[1]), 100 * (p.nullShares()[0] + p.nullShares()[1]));
        Estimate trust = p.trustworthiness();
        return format("The flat %s map of %d features by %s %s: trustworthiness %s, random positions %.3f%s.", p.method(),
                p.points().length, name(p.source()), trust.above(TRUSTED) ? "keeps neighborhoods" : trust.verdict(p.randomTrustworthiness(),
                        "keeps little of the neighborhoods, so look at the lists of neighbors instead", "keeps less of the neighborhoods "
                        + "than random positions", "keeps no more of the neighborhoods than random positions"), trust.text(),
                p.randomTrustworthiness(), variance);
    }

    private String completeness(Completeness c) {
        Estimate found = c.share().measured().times(100);
        return format("Of %d concepts, %s%% have a feature with F1 of at least %.2f among the %d of autoencoder %d, %s random sets of "
                + "documents of the same sizes (%.1f%%).", c.concepts().size(), found.text(), config.conceptF1(), c.features(),
                c.autoencoder(), c.share().verdict("more than", "fewer than", "not measurably more than"),
                100 * c.share().control().value());
    }

    private String clusters(SourceResult s) {
        int n = s.clusters().size();
        return n == 0 ? format("No pair reaches %.2f.", config.clusterCosine())
                : format("Pairs of at least %.2f join %d %s; the largest has %d features (%.1f%%).", config.clusterCosine(), n,
                        n == 1 ? "cluster" : "clusters", s.clusters().getFirst().size(),
                        100.0 * s.clusters().getFirst().size() / s.compared());
    }

    private static String agreement(Comparison share) {
        return format("Neighbors of a feature have its label %s with labels shuffled: %s%% of the labeled neighbors of a labeled feature, "
                + "shuffled %s%% (n = %d features).", share.verdict("more often than", "less often than", "not measurably more or less often "
                + "than"), share.measured().times(100).text(), share.control().times(100).text(), share.measured().n());
    }

    private String splitting(Splitting s) {
        if (s.sharedInitialisation()) {
            return format("How features split is unknown, because the two autoencoders started with the same random rows: %s%% of the %d "
                    + "features of the smaller one have their best match in the larger one under their own number (chance: %.2f%%). "
                    + "Train them with different seeds.", s.sameNumber().times(100).text(), s.smaller(), 100.0 / s.larger());
        }
        long matched = Arrays.stream(s.best()).filter(b -> b >= MATCHED).count();
        long parents = IntStream.range(0, s.larger()).filter(c -> s.cosines()[c] >= config.childCosine()).map(c -> s.parents()[c])
                .distinct().count();
        String of = "features of the smaller autoencoder";
        return format("%s%% of the %d features of the smaller autoencoder reappear among the %d of the larger one with a cosine of at "
                + "least %.1f (nearest random direction: %.3f in the median); %s%% have no child at %.2f or more.",
                Statistics.shareEstimate(matched, s.smaller(), of).times(100).text(), s.smaller(), s.larger(), MATCHED, s.nullMedian(),
                Statistics.shareEstimate(s.smaller() - parents, s.smaller(), of).times(100).text(), config.childCosine());
    }

    List<Metric> metrics(Neighbors source, ExperimentContext context) {
        List<Metric> metrics = new ArrayList<>();
        double[] nearest = IntStream.range(0, source.features()).mapToDouble(source::largest).filter(l -> !Double.isNaN(l)).toArray();
        metrics.add(Metric.of("mean similarity to the nearest neighbor (" + name(config.source()) + ")",
                Statistics.meanEstimate(nearest, config.resamples(), "features", context.random("nearest")), ""));
        for (Agreement a : data.agreements()) {
            metrics.add(Metric.of("Jaccard@" + a.k() + " of " + name(a.first()) + " and " + name(a.second()), a.jaccard(), ""));
        }
        data.labelAgreement().ifPresent(l -> metrics.add(Metric.of("neighbors with the same label", l.share().measured(), "")));
        for (ProjectionResult p : data.projections()) {
            metrics.add(Metric.of("trustworthiness of " + p.method() + " in " + p.coordinates().length + "D (" + name(p.source()) + ")",
                    p.trustworthiness(), ""));
        }
        for (SourceResult s : data.sources()) {
            metrics.add(Metric.of("share of features in the largest cluster (" + name(s.source()) + ")",
                    s.clusters().isEmpty() ? 0 : (double) s.clusters().getFirst().size() / s.compared(), ""));
        }
        for (Completeness c : data.completeness()) {
            metrics.add(Metric.of("concepts with a feature (autoencoder " + c.autoencoder() + ")", c.share().measured(), ""));
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
                    + "correlations. Features that were never active are colored as if active on half a token.");
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
