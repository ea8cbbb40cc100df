package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Axis;
import org.sae4j.api.experiment.Figure.BarSeries;
import org.sae4j.api.experiment.Figure.Bars;
import org.sae4j.api.experiment.Figure.ColorScale;
import org.sae4j.api.experiment.Figure.Distributions;
import org.sae4j.api.experiment.Figure.Heatmap;
import org.sae4j.api.experiment.Figure.Histogram;
import org.sae4j.api.experiment.Figure.Line;
import org.sae4j.api.experiment.Figure.Lines;
import org.sae4j.api.experiment.Figure.Palette;
import org.sae4j.api.experiment.Figure.Points;
import org.sae4j.api.experiment.Figure.Sample;
import org.sae4j.api.experiment.Figure.Scatter;
import org.sae4j.api.experiment.Figure.Table;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.NeighborhoodResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Agreement;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Cluster;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Completeness;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Concept;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Family;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Focus;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Method;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Neighbor;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.ProjectionResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.SourceResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Splitting;

/** Draws a result. */
final class NeighborhoodFigures {
    private static final int COLOURED_CLUSTERS = 10;
    private static final int LISTED_CLUSTERS = 25;
    private static final int SPLIT_BINS = 50;

    private final NeighborhoodConfig config;
    private final NeighborhoodResult data;
    private final String sample;

    NeighborhoodFigures(NeighborhoodConfig config, NeighborhoodResult data, long seed) {
        this.config = config;
        this.data = data;
        sample = data.features() + " features of width " + data.width() + (data.tokens() == 0 ? "" : ", " + data.tokens() + " tokens")
                + ", seed " + seed + ".";
    }

    List<Figure> figures() {
        List<Figure> figures = new ArrayList<>();
        figures.add(neighborTable());
        neighborHeatmap().ifPresent(figures::add);
        data.projections().forEach(p -> figures.addAll(maps(p)));
        for (SourceResult source : data.sources()) {
            figures.add(similarityHistogram(source));
        }
        figures.add(nearest());
        figures.add(agreement());
        variance().ifPresent(figures::add);
        if (!data.projections().isEmpty()) {
            figures.add(trustworthiness());
        }
        if (data.sources().stream().anyMatch(source -> !source.clusters().isEmpty())) {
            figures.add(clusterTable());
        }
        data.splitting().ifPresent(s -> figures.addAll(splitting(s)));
        if (!data.completeness().isEmpty()) {
            figures.addAll(completeness());
        }
        return figures;
    }

    private Figure neighborTable() {
        List<List<Object>> rows = new ArrayList<>();
        for (Focus focus : data.focus()) {
            int rank = 1;
            for (Neighbor n : focus.neighbors()) {
                rows.add(List.of(focus.feature(), focus.name(), rank++, n.feature(), n.name(), n.decoder(), n.encoder(), n.activations()));
            }
        }
        return new Table("neighbors", "Nearest neighbors by " + Report.name(config.source()), "Similarities are cosines of decoder rows, "
                + "cosines of encoder columns, and correlations of activations over tokens; neighbors are ranked by "
                + Report.name(config.source())
                + ". Names are the labels that features detect over documents with AUROC of at least " + config.labelAuroc() + ". "
                + sample,
                List.of("feature", "name", "rank", "neighbor", "its name", "decoder cosine", "encoder cosine", "activation "
                        + "correlation"), rows);
    }

    private Optional<Figure> neighborHeatmap() {
        if (data.focus().isEmpty()) {
            return Optional.empty();
        }
        int k = data.focus().stream().mapToInt(f -> f.neighbors().size()).max().orElse(0);
        double[][] values = data.focus().stream().map(f -> IntStream.range(0, k).mapToDouble(i -> i < f.neighbors().size()
                ? similarity(f.neighbors().get(i)) : Double.NaN).toArray()).toArray(double[][]::new);
        double clip = Arrays.stream(values).flatMapToDouble(Arrays::stream).filter(v -> !Double.isNaN(v)).map(Math::abs).max().orElse(1);
        return Optional.of(new Heatmap("neighbor-similarity", "How near the neighbors are", "Similarity by " + Report.name(config.source())
                + " of each listed feature (rows) to its neighbors by rank (columns). " + sample, Axis.of("rank of the neighbor"),
                Axis.of("feature"), IntStream.rangeClosed(1, k).mapToObj(String::valueOf).toList(),
                data.focus().stream().map(f -> label(f.feature())).toList(), values,
                new ColorScale(Palette.DIVERGING, -clip, clip, "similarity")));
    }

    private double similarity(Neighbor neighbor) {
        return switch (config.source()) {
            case DECODER -> neighbor.decoder();
            case ENCODER -> neighbor.encoder();
            case ACTIVATIONS -> neighbor.activations();
        };
    }

    private String label(int feature) {
        String name = data.facts().label().isEmpty() ? "" : data.facts().label().get(feature);
        return "feature " + feature + (name.isEmpty() ? "" : ": " + name);
    }

    private List<Figure> maps(ProjectionResult p) {
        String id = "map-" + p.method().name().toLowerCase(Locale.ROOT) + "-" + p.coordinates().length + "d-" + Report.name(p.source());
        int n = p.coordinates().length;
        String title = (p.method() == Method.PCA ? "Principal components" : "UMAP") + " by " + Report.name(p.source()) + (n == 3
                ? " in three dimensions" : "");
        String caption = p.points().length + " of the " + data.features() + " features. "
                + (p.method() == Method.PCA ? String.format(Locale.ROOT, "The %s components explain %.1f%% of the variance (random "
                + "directions: %.1f%%). ", n == 3 ? "three" : "two", 100 * Arrays.stream(p.varianceShares()).limit(n).sum(),
                100 * Arrays.stream(p.nullShares()).limit(n).sum()) : "")
                + String.format(Locale.ROOT, "Trustworthiness %.3f (random positions: %.3f). ", p.trustworthiness().value(),
                p.randomTrustworthiness())
                + sample;
        List<Axis> axes = IntStream.rangeClosed(1, p.coordinates().length).mapToObj(a -> Axis.of(p.method() == Method.PCA
                ? String.format(Locale.ROOT, "component %d (%.1f%% of variance)", a, 100 * p.varianceShares()[a - 1])
                : "UMAP axis " + a)).toList();
        List<Figure> figures = new ArrayList<>();
        int[] all = IntStream.range(0, p.points().length).toArray();
        Set<Integer> focus = new LinkedHashSet<>(data.focus().stream().map(Focus::feature).toList());
        int[] listed = IntStream.of(all).filter(i -> focus.contains(p.points()[i])).toArray();
        boolean dense = data.facts().density().length > 0;
        double[] colors = IntStream.of(p.points()).mapToDouble(f -> dense
                ? NeighborhoodRun.logDensity(data.facts().density()[f], data.tokens()) : data.facts().encoderDecoderCosine()[f]).toArray();
        // Encoder and decoder of a transcoder have no cosine.
        boolean colored = dense || Arrays.stream(colors).noneMatch(Double::isNaN);
        ColorScale scale = dense
                ? new ColorScale(Palette.SEQUENTIAL, NeighborhoodRun.logDensity(0, data.tokens()), 0, "log10 density (share of tokens)")
                : new ColorScale(Palette.DIVERGING, -1, 1, "cosine of encoder and decoder");
        figures.add(new Scatter(id, title + (colored ? ", by " + (dense ? "density" : "agreement of encoder and decoder") : ""), caption,
                axes, List.of(points("features", p, all, colored ? colors : new double[0]), points("listed features", p, listed,
                new double[0])), colored ? Optional.of(scale) : Optional.empty(),
                        false));
        if (p.coordinates().length == 2 && p.source() == config.source()) {
            if (!data.facts().label().isEmpty()) {
                figures.add(new Scatter(id + "-labels", title + ", by label", "Colored by the label that a feature detects over "
                        + "documents with AUROC of at least " + config.labelAuroc() + ". " + caption, axes, groups(p,
                        f -> data.facts().label().get(f).isEmpty()
                                ? "no label" : data.facts().label().get(f)), Optional.empty(), false));
            }
            clusters(p, id, title, caption, axes).ifPresent(figures::add);
        }
        return figures;
    }

    /** Empty where nothing is joined. */
    private Optional<Figure> clusters(ProjectionResult p, String id, String title, String caption, List<Axis> axes) {
        int found = Arrays.stream(data.facts().cluster()).max().orElse(-1) + 1;
        if (found == 0) {
            return Optional.empty();
        }
        String coloured = found == 1 ? "Colored by the one cluster there is. " : "Colored by the " + Math.min(found, COLOURED_CLUSTERS)
                + " largest of " + found + " clusters. ";
        return Optional.of(new Scatter(id + "-clusters", title + ", by cluster", coloured + caption, axes, groups(p, f ->
                data.facts().cluster()[f] < 0 ? "no cluster" : data.facts().cluster()[f] < COLOURED_CLUSTERS
                        ? "cluster " + (data.facts().cluster()[f] + 1) : "smaller clusters"), Optional.empty(), false));
    }

    private List<Points> groups(ProjectionResult p, IntFunction<String> groupOf) {
        Map<String, List<Integer>> members = new TreeMap<>();
        for (int i = 0; i < p.points().length; i++) {
            members.computeIfAbsent(groupOf.apply(p.points()[i]), g -> new ArrayList<>()).add(i);
        }
        return members.entrySet().stream().map(e -> points(e.getKey(), p, e.getValue().stream().mapToInt(i -> i).toArray(), new double[0]))
                .toList();
    }

    private Points points(String name, ProjectionResult p, int[] chosen, double[] colors) {
        double[][] axes = new double[3][0];
        for (int a = 0; a < p.coordinates().length; a++) {
            double[] axis = p.coordinates()[a];
            axes[a] = IntStream.of(chosen).mapToDouble(i -> axis[i]).toArray();
        }
        return new Points(name, axes[0], axes[1], axes[2], IntStream.of(chosen).mapToObj(i -> hover(p.points()[i])).toList(), colors);
    }

    private String hover(int feature) {
        double[] density = data.facts().density();
        return label(feature) + (density.length == 0 ? "" : density[feature] == 0 ? ", never active in " + data.tokens() + " tokens"
                : String.format(Locale.ROOT, ", active on %.3g%% of tokens", 100 * density[feature]));
    }

    private Figure similarityHistogram(SourceResult source) {
        List<BarSeries> series = new ArrayList<>(List.of(BarSeries.of("features", source.pairs())));
        if (source.source() != Source.ACTIVATIONS) {
            series.add(BarSeries.of("random directions (expected)", source.nullPairs()));
        }
        return new Histogram("similarity-" + Report.name(source.source()), "Similarities by " + Report.name(source.source()),
                "All pairs of " + source.compared() + " features, each pair once. " + (source.source() == Source.ACTIVATIONS
                        ? "Correlations over tokens. " : String.format(Locale.ROOT, "The null, random directions in %d dimensions, has "
                                + "standard deviation %.4f; the features have %.4f. ", data.width(), source.nullStandardDeviation(),
                                source.standardDeviation())) + sample,
                Axis.of(source.source() == Source.ACTIVATIONS ? "correlation" : "cosine"), new Axis("pairs of features", true),
                        source.edges(),
                series, false);
    }

    private Figure nearest() {
        String nulls = data.sources().stream().filter(s -> !Double.isNaN(s.nearestNullMedian())).findFirst()
                .map(s -> String.format(Locale.ROOT, "Random directions would have %.3f in the median. ",
                        s.nearestNullMedian())).orElse("");
        return new Distributions("nearest", "Similarity to the nearest neighbor", "One value for each feature. " + nulls + sample,
                Axis.of("source"),
                Axis.of("similarity to the nearest neighbor"),
                data.sources().stream().map(s -> new Sample(Report.name(s.source()), s.nearest())).toList());
    }

    private Figure agreement() {
        List<Agreement> a = data.agreements();
        return new Bars("agreement", "Do the sources agree on neighbors?", "Jaccard index of the " + config.k() + " nearest neighbors by "
                + "two sources, mean over features with 95% bootstrap interval over features; beside it, what independent sets would "
                + "give. " + sample,
                Axis.of("sources"), Axis.of("Jaccard@" + config.k()),
                a.stream().map(x -> Report.name(x.first()) + " and " + Report.name(x.second())).toList(),
                List.of(BarSeries.of("measured", a.stream().map(Agreement::jaccard).toList()), BarSeries.of("chance", a.stream().mapToDouble(Agreement::chance).toArray())), false);
    }

    private Optional<Figure> variance() {
        Map<Source, ProjectionResult> bySource = new LinkedHashMap<>();
        data.projections().stream().filter(p -> p.method() == Method.PCA).forEach(p -> bySource.putIfAbsent(p.source(), p));
        if (bySource.isEmpty()) {
            return Optional.empty();
        }
        List<Line> lines = new ArrayList<>();
        bySource.forEach((source, p) -> {
            double[] x = IntStream.rangeClosed(1, p.varianceShares().length).asDoubleStream().toArray();
            lines.add(Line.of(Report.name(source), x, p.varianceShares()));
            lines.add(Line.reference(Report.name(source) + ", random directions", x, p.nullShares()));
        });
        return Optional.of(new Lines("variance", "Variance explained by principal components", "Share of the variance of the mapped "
                + "features by component; dashed, the same for as many random directions. " + sample, Axis.of("component"),
                Axis.of("share of variance"),
                lines));
    }

    private Figure trustworthiness() {
        List<ProjectionResult> p = data.projections();
        return new Bars("trustworthiness", "How far the maps can be trusted", "Trustworthiness of neighborhoods of " + config.k() + " (1 "
                + "is perfect), with 95% bootstrap intervals over features, beside random positions. " + sample, Axis.of("map"),
                Axis.of("trustworthiness"),
                p.stream().map(x -> x.method() + " " + x.coordinates().length + "D, " + Report.name(x.source())).toList(),
                List.of(BarSeries.of("map", p.stream().map(ProjectionResult::trustworthiness).toList()), BarSeries.of("random positions", p.stream().mapToDouble(ProjectionResult::randomTrustworthiness).toArray())), false);
    }

    private Figure clusterTable() {
        List<List<Object>> rows = new ArrayList<>();
        for (SourceResult source : data.sources()) {
            int rank = 1;
            for (Cluster c : source.clusters().stream().limit(LISTED_CLUSTERS).toList()) {
                rows.add(List.of(Report.name(source.source()), rank++, c.size(), (double) c.size() / source.compared(),
                        c.medianLogDensity(),
                        c.label(), c.members().stream().limit(12).map(String::valueOf).reduce((a, b) -> a + " " + b).orElse("")));
            }
        }
        return new Table("clusters", "Clusters", "Features joined by pairs with similarity of at least " + config.clusterCosine() + ", the "
                + LISTED_CLUSTERS + " largest of each source, with the first members. " + sample,
                List.of("source", "rank", "features", "share of features", "median log10 density", "label", "members"), rows);
    }

    private List<Figure> splitting(Splitting s) {
        List<List<Object>> rows = new ArrayList<>();
        for (Family family : s.families()) {
            for (int i = 0; i < family.children().length; i++) {
                rows.add(List.of(s.studiedIsSmaller() ? label(family.parent()) : "feature " + family.parent(),
                        s.studiedIsSmaller() ? "feature " + family.children()[i] : label(family.children()[i]), family.cosines()[i]));
            }
        }
        String sizes = (s.sharedInitialisation() ? "The autoencoders began with the same random rows: matches show the seed, not splitting. "
                : "") + "Smaller autoencoder: " + s.smaller() + " features, larger: " + s.larger() + ". ";
        double[] edges = IntStream.rangeClosed(0, SPLIT_BINS).mapToDouble(i -> 2.0 * i / SPLIT_BINS - 1).toArray();
        return List.of(
                new Table("children", "Children of the listed features", "A child is a feature of the larger autoencoder whose most "
                        + "similar decoder row in the smaller one is the parent, with a cosine of at least " + config.childCosine()
                        + ". " + sizes + sample,
                        List.of("parent (smaller)", "child (larger)", "cosine"), rows),
                new Histogram("matches", "Best matches between the autoencoders", "Largest cosine of decoder rows. " + sizes
                        + String.format(Locale.ROOT,
                        "Nearest random direction: %.3f in the median. ", s.nullMedian()) + sample, Axis.of("cosine to the best match"),
                        Axis.of("features"), edges, List.of(BarSeries.of("larger to smaller", count(s.cosines())),
                                BarSeries.of("smaller to larger", count(s.best()))), false));
    }

    private static double[] count(double[] cosines) {
        double[] counts = new double[SPLIT_BINS];
        Arrays.stream(cosines).forEach(c -> counts[Math.clamp((long) ((c + 1) / 2 * SPLIT_BINS), 0, SPLIT_BINS - 1)]++);
        return counts;
    }

    private List<Figure> completeness() {
        List<Points> groups = new ArrayList<>();
        List<List<Object>> rows = new ArrayList<>();
        for (Completeness c : data.completeness()) {
            String name = "autoencoder " + c.autoencoder() + ", " + c.features() + " features";
            double[] sizes = c.concepts().stream().mapToDouble(Concept::documents).toArray();
            List<String> names = c.concepts().stream().map(Concept::name).toList();
            groups.add(new Points(name, sizes, c.concepts().stream().mapToDouble(Concept::f1).toArray(), new double[0], names,
                    new double[0]));
            groups.add(new Points(name + ", shuffled", sizes, c.concepts().stream().mapToDouble(Concept::shuffledF1).toArray(),
                    new double[0],
                    names, new double[0]));
            c.concepts().forEach(x -> rows.add(List.of(c.autoencoder(), x.name(), x.isLabel() ? "label" : "word", x.documents(),
                    x.feature(),
                    x.f1(), x.shuffledF1())));
        }
        String caption = "F1 over documents of the best feature, at its best threshold; shuffled: the best for as many random documents. "
                + "A concept counts as found from " + config.conceptF1() + ". " + sample;
        return List.of(new Scatter("completeness", "Which concepts have a feature", caption,
                        List.of(new Axis("documents with the concept", true), Axis.of("F1 of the best feature")), groups,
                                Optional.empty(), false),
                new Table("concepts", "Concepts and their features", caption, List.of("autoencoder", "concept", "kind", "documents",
                        "feature",
                        "F1", "shuffled F1"), rows));
    }
}
