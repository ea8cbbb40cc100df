package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.NeighborhoodResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Agreement;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Cluster;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Completeness;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.FeatureFacts;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Focus;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.LabelAgreement;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Neighbor;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.ProjectionResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.SourceResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Splitting;

/** One run of the experiment, with what all of its parts need. */
public final class NeighborhoodRun {
    private static final int LISTED_MEMBERS = 100;

    private final NeighborhoodConfig config;
    private final ExperimentContext context;
    private final Progress progress;
    private final int features;
    private final int width;
    private final UnitRows decoder;
    private final UnitRows encoder;
    private final @Nullable EncodedCorpus corpus;
    private final @Nullable DocumentMaxima maxima;
    private final @Nullable CorpusFacts facts;
    private final @Nullable Correlations correlations;
    private final Map<Source, Neighbors> neighbors = new EnumMap<>(Source.class);
    private final List<String> notes = new ArrayList<>();

    /**
     * Reads weights and corpus.
     *
     * @param config the settings, checked
     * @param context what to work with
     */
    public NeighborhoodRun(NeighborhoodConfig config, ExperimentContext context) {
        this.config = config;
        this.context = context;
        progress = context.progress();
        SparseAutoencoder sae = context.sae();
        features = sae.config().dSae();
        width = sae.config().dIn();
        decoder = UnitRows.ofRows(Objects.requireNonNull(sae.parameters().get("W_dec")));
        // Matching pursuit encodes with the decoder's rows.
        encoder = sae.parameters().containsKey("W_enc") ? UnitRows.ofColumns(Objects.requireNonNull(sae.parameters().get("W_enc")))
                : decoder;
        if (sae.config().transcoder()) {
            notes.add("A transcoder's encoder and decoder belong to different hook points: their cosines are left out.");
        }
        if (context.corpus().isEmpty()) {
            corpus = null;
            maxima = null;
            facts = null;
            correlations = null;
            notes.add("The run has no corpus: activations, densities, labels and concepts are omitted, and maps are colored by the "
                    + "cosine of encoder and decoder.");
        } else {
            corpus = context.encodedCorpus();
            maxima = new DocumentMaxima(corpus);
            facts = new CorpusFacts(corpus, progress);
            correlations = new Correlations(corpus, progress);
        }
    }

    /**
     * Runs.
     *
     * @return the result
     */
    public ExperimentResult<NeighborhoodResult> result() {
        similarities(Source.DECODER);
        similarities(Source.ENCODER);
        if (correlations != null) {
            similarities(Source.ACTIVATIONS);
            if (correlations.stride() > 1) {
                notes.add("Correlations use one document in " + correlations.stride() + ", to bound their cost.");
            }
        }
        List<Integer> focus = focus();
        FeatureFacts known = facts();
        List<ProjectionResult> projections = new ArrayList<>(new Projections(config, context, this::points).project(config.source(),
                table(config.source()), 3));
        Source other = config.source() == Source.ENCODER ? Source.DECODER : Source.ENCODER;
        projections.addAll(new Projections(config, context, this::points).project(other, table(other), 3));
        List<SourceResult> sources = neighbors.keySet().stream().map(this::source).toList();
        NeighborhoodResult data = new NeighborhoodResult(features, width, facts == null ? 0 : facts.tokens(),
                focus.stream().map(this::focusOf).toList(), sources, agreements(), projections, known, labelAgreement(known),
                splitting(focus), completeness());
        Report report = new Report(config, data, context.seed());
        NeighborhoodFigures figures = new NeighborhoodFigures(config, data, context.seed());
        notes.addAll(report.notes());
        return new ExperimentResult<>(data, report.findings(), report.metrics(near(config.source()), context), figures.figures(),
                notes);
    }

    private void similarities(Source source) {
        neighbors.put(source, Neighbors.of(table(source).all(), config.k(), config.clusterCosine()));
    }

    private Projections.Table table(Source source) {
        return switch (source) {
            case DECODER -> Projections.Table.of(context.engine(), decoder, "comparing decoder rows", progress);
            case ENCODER -> Projections.Table.of(context.engine(), encoder, "comparing encoder columns", progress);
            case ACTIVATIONS -> Projections.Table.of(java.util.Objects.requireNonNull(correlations));
        };
    }

    private List<Integer> focus() {
        if (!config.features().isEmpty()) {
            return List.copyOf(new LinkedHashSet<>(config.features()));
        }
        if (facts != null && facts.labelled()) {
            return facts.champions().stream().limit(config.focus()).toList();
        }
        double[] interest = facts != null ? facts.density()
                : IntStream.range(0, features).mapToDouble(near(config.source())::largest).toArray();
        return IntStream.range(0, features).boxed().sorted(Comparator.comparingDouble(i -> Double.isNaN(interest[i]) ? 0 : -interest[i]))
                .limit(config.focus()).toList();
    }

    private Focus focusOf(int feature) {
        List<Neighbor> near = IntStream.of(near(config.source()).nearest(feature)).mapToObj(n -> new Neighbor(n, name(n),
                decoder.cosine(feature, decoder, n), encoder.cosine(feature, encoder, n),
                correlations == null ? Double.NaN : correlations.correlation(feature, n))).toList();
        return new Focus(feature, name(feature), near);
    }

    private String name(int feature) {
        return facts == null ? "" : facts.label(feature, config.labelAuroc());
    }

    private FeatureFacts facts() {
        double[] cosine = IntStream.range(0, features).mapToDouble(f -> context.sae().config().transcoder() ? Double.NaN
                : encoder.cosine(f, decoder, f)).toArray();
        int[] cluster = new int[features];
        Arrays.fill(cluster, -1);
        List<int[]> clusters = near(config.source()).clusters();
        for (int c = 0; c < clusters.size(); c++) {
            for (int member : clusters.get(c)) {
                cluster[member] = c;
            }
        }
        if (facts == null) {
            return new FeatureFacts(new double[0], cosine, List.of(), new double[0], cluster);
        }
        boolean labelled = facts.labelled();
        return new FeatureFacts(facts.density(), cosine, labelled ? IntStream.range(0, features).mapToObj(this::name).toList() : List.of(),
                labelled ? IntStream.range(0, features).mapToDouble(facts::auroc).toArray() : new double[0], cluster);
    }

    /** The features on a map: all that have similarities, or focus, their neighbors and a sample. */
    private int[] points(Source source) {
        Neighbors near = near(source);
        int[] all = IntStream.range(0, features).filter(near::defined).toArray();
        if (all.length <= config.maxPoints()) {
            return all;
        }
        Set<Integer> chosen = new LinkedHashSet<>();
        for (int f : focus()) {
            if (near.defined(f)) {
                chosen.add(f);
                IntStream.of(near.nearest(f)).forEach(chosen::add);
            }
        }
        CounterRandom random = context.random("points");
        for (int i = 0; i < all.length && chosen.size() < config.maxPoints(); i++) {
            int j = i + random.nextInt(all.length - i);
            int swap = all[i];
            all[i] = all[j];
            all[j] = swap;
            chosen.add(all[i]);
        }
        return new TreeSet<>(chosen).stream().limit(config.maxPoints()).mapToInt(Integer::intValue).toArray();
    }

    private int widthOf(Source source) {
        return source == Source.DECODER ? context.sae().config().dOut() : width;
    }

    private SourceResult source(Source source) {
        Neighbors near = near(source);
        int compared = (int) IntStream.range(0, features).filter(near::defined).count();
        double[] edges = IntStream.rangeClosed(0, Neighbors.BINS).mapToDouble(i -> 2.0 * i / Neighbors.BINS - 1).toArray();
        double[] nulls = new double[source == Source.ACTIVATIONS ? 0 : Neighbors.BINS];
        double nullMedian = Double.NaN;
        int width = widthOf(source);
        if (source != Source.ACTIVATIONS) {
            NullCosine expected = new NullCosine(width);
            for (int i = 0; i < nulls.length; i++) {
                nulls[i] = near.pairs() * (expected.above(edges[i]) - expected.above(edges[i + 1]));
            }
            nullMedian = compared < 2 ? Double.NaN : expected.medianOfLargest(compared - 1);
        }
        double[] nearest = IntStream.range(0, features).filter(near::defined).mapToDouble(near::largest).toArray();
        return new SourceResult(source, compared, near.mean(), near.standardDeviation(),
                source == Source.ACTIVATIONS ? Double.NaN : 1 / Math.sqrt(width), nearest, nullMedian, edges,
                Arrays.stream(near.histogram()).asDoubleStream().toArray(), nulls, near.clusters().stream().map(this::cluster).toList());
    }

    private Cluster cluster(int[] members) {
        double median = facts == null ? Double.NaN
                : Statistics.quantile(IntStream.of(members).mapToDouble(m -> logDensity(facts.density()[m], facts.tokens())).toArray(),
                        0.5);
        Map<String, Integer> counts = new TreeMap<>();
        IntStream.of(members).mapToObj(this::name).filter(l -> !l.isEmpty()).forEach(l -> counts.merge(l, 1, Integer::sum));
        String label = counts.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse("");
        return new Cluster(members.length, IntStream.of(members).limit(LISTED_MEMBERS).boxed().toList(), median, label);
    }

    /** The logarithm of a density, with half a token for features that were never active. */
    static double logDensity(double density, int tokens) {
        return Math.log10(Math.max(density, 0.5 / Math.max(1, tokens)));
    }

    private List<Agreement> agreements() {
        List<Agreement> agreements = new ArrayList<>();
        List<Source> sources = List.copyOf(neighbors.keySet());
        for (int a = 0; a < sources.size(); a++) {
            for (int b = a + 1; b < sources.size(); b++) {
                agreements.add(agreement(sources.get(a), sources.get(b)));
            }
        }
        return agreements;
    }

    private Neighbors near(Source source) {
        return Objects.requireNonNull(neighbors.get(source));
    }

    private Agreement agreement(Source first, Source second) {
        Neighbors a = near(first);
        Neighbors b = near(second);
        int[] shared = IntStream.range(0, features).filter(f -> a.nearest(f).length > 0 && b.nearest(f).length > 0).toArray();
        double[] jaccard = new double[shared.length];
        for (int i = 0; i < shared.length; i++) {
            int[] x = a.nearest(shared[i]);
            int[] y = b.nearest(shared[i]);
            long common = IntStream.of(x).filter(n -> IntStream.of(y).anyMatch(m -> m == n)).count();
            jaccard[i] = (double) common / (x.length + y.length - common);
        }
        double k = Math.min(config.k(), features - 1);
        double common = k * k / Math.max(1, features - 1);
        return new Agreement(first, second, config.k(), Statistics.meanEstimate(jaccard, config.resamples(), "features",
                context.random("agreement").stream(first + " " + second)), common / (2 * k - common));
    }

    private Optional<LabelAgreement> labelAgreement(FeatureFacts known) {
        if (known.label().isEmpty()) {
            return Optional.empty();
        }
        int[] labelled = IntStream.range(0, features).filter(f -> !known.label().get(f).isEmpty()).toArray();
        String[] shuffled = known.label().toArray(String[]::new);
        CounterRandom random = context.random("label agreement");
        for (int i = labelled.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            String swap = shuffled[labelled[i]];
            shuffled[labelled[i]] = shuffled[labelled[j]];
            shuffled[labelled[j]] = swap;
        }
        double[] shares = sameLabel(labelled, known.label().toArray(String[]::new));
        double[] chance = sameLabel(labelled, shuffled);
        if (shares.length == 0) {
            return Optional.empty();
        }
        return Optional.of(new LabelAgreement(Statistics.comparePairs(shares, chance, config.resamples(), "features",
                random.stream("interval"))));
    }

    private double[] sameLabel(int[] labelled, String[] label) {
        Neighbors near = near(config.source());
        return IntStream.of(labelled).mapToDouble(f -> IntStream.of(near.nearest(f)).filter(n -> !label[n].isEmpty())
                .mapToDouble(n -> label[n].equals(label[f]) ? 1 : 0).average().orElse(Double.NaN)).filter(s -> !Double.isNaN(s)).toArray();
    }

    private Optional<Splitting> splitting(List<Integer> focus) {
        if (context.autoencoders().size() < 2) {
            return Optional.empty();
        }
        SaeConfig second = context.autoencoders().get(1).config();
        int own = widthOf(Source.DECODER);
        if (second.dOut() != own) {
            notes.add("The second autoencoder has width " + second.dOut() + " instead of " + own + ": features cannot be matched.");
            return Optional.empty();
        }
        UnitRows others = UnitRows.ofRows(Objects.requireNonNull(context.autoencoders().get(1).parameters().get("W_dec")));
        boolean studiedIsSmaller = features <= others.count();
        UnitRows larger = studiedIsSmaller ? others : decoder;
        UnitRows smaller = studiedIsSmaller ? decoder : others;
        return Optional.of(SplitSearch.search(config, new Cosines(context.engine(), larger, smaller, "matching autoencoders", progress),
                larger.count(), studiedIsSmaller, focus, own));
    }

    private List<Completeness> completeness() {
        if (corpus == null || maxima == null) {
            return List.of();
        }
        ConceptSearch search = new ConceptSearch(config, context.corpus());
        if (!search.missing().isEmpty()) {
            notes.add("Concepts that no document has, or all have, are omitted: " + String.join(", ", search.missing()) + ".");
        }
        if (!search.hasConcepts()) {
            return List.of();
        }
        List<Completeness> results = new ArrayList<>();
        results.add(search.search(0, maxima, context.random("concepts"), progress));
        if (context.autoencoders().size() > 1) {
            SparseAutoencoder second = context.autoencoders().get(1);
            if (second.config().hook().equals(context.sae().config().hook())) {
                DocumentMaxima others = new DocumentMaxima(EncodedCorpus.encode(context.model(), second, context.corpus(), progress));
                results.add(search.search(1, others, context.random("concepts"), progress));
            } else {
                notes.add("The second autoencoder reads from another hook point: its concepts are not compared.");
            }
        }
        return results;
    }
}
