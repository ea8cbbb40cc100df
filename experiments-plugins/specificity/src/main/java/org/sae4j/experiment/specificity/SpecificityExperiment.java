package org.sae4j.experiment.specificity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.specificity.SpecificityResult.Decision;
import org.sae4j.experiment.specificity.SpecificityResult.DetectorResult;
import org.sae4j.experiment.specificity.SpecificityResult.FeatureScore;
import org.sae4j.experiment.specificity.SpecificityResult.HeldOut;
import org.sae4j.experiment.specificity.SpecificityResult.LabelResult;
import org.sae4j.experiment.specificity.SpecificityResult.SentenceResult;
import org.sae4j.experiment.specificity.internal.Decisions;
import org.sae4j.experiment.specificity.internal.Detector;
import org.sae4j.experiment.specificity.internal.FeatureColumns;
import org.sae4j.experiment.specificity.internal.Findings;
import org.sae4j.experiment.specificity.internal.Grouping;
import org.sae4j.experiment.specificity.internal.Search;
import org.sae4j.experiment.specificity.internal.SpecificityFigures;

/**
 * Searches all features for detectors of the labels of a corpus, by document and by token, and studies the best of them: precision and
 * recall by threshold, agreement with proxy scores (Bricken et al. 2023, "Towards Monosemanticity"), and equivalent sentences.
 */
public final class SpecificityExperiment implements Experiment<SpecificityConfig, SpecificityResult> {
    private static final String REMEDY = "pass labeled documents with ExperimentRun.Builder.corpus";

    /** Creates the experiment. */
    public SpecificityExperiment() {}

    @Override
    public String id() {
        return "specificity";
    }

    @Override
    public String title() {
        return "Specificity and sensitivity";
    }

    @Override
    public String description() {
        return "Searches all features for detectors of the corpus labels and measures how specific and how sensitive they are, by "
                + "document and by token.";
    }

    @Override
    public SpecificityConfig defaults() {
        return SpecificityConfig.defaults();
    }

    @Override
    public ExperimentResult<SpecificityResult> run(SpecificityConfig config, ExperimentContext context) {
        int dSae = context.sae().config().dSae();
        for (int feature : config.features()) {
            if (feature < 0 || feature >= dSae) {
                throw new Sae4jException("no feature " + feature + ", only 0 to " + (dSae - 1), "setting features of specificity",
                        "choose features of this autoencoder");
            }
        }
        if (context.corpus().stream().allMatch(d -> d.label().isEmpty())) {
            throw new Sae4jException(context.corpus().isEmpty() ? "specificity needs labeled texts, but the run has none"
                    : "specificity needs labeled texts, but no document of the corpus has a label", "the run's corpus", REMEDY);
        }
        return new Run(config, context).result();
    }

    /** One run, with what all of its parts need. */
    private static final class Run {
        private final SpecificityConfig config;
        private final ExperimentContext context;
        private final EncodedCorpus corpus;
        private final Tokenizer tokenizer;
        private final FeatureColumns tokens;
        private final FeatureColumns documents;
        private final List<String> allLabels;
        private final List<Integer> reported = new ArrayList<>();
        private final List<String> notes = new ArrayList<>();
        private final LabelScores scores;
        private final Grouping byDocument;
        private final Grouping byToken;

        Run(SpecificityConfig config, ExperimentContext context) {
            this.config = config;
            this.context = context;
            corpus = context.encodedCorpus();
            tokenizer = context.model().tokenizer().orElseThrow(() -> new Sae4jException("specificity needs a tokenizer",
                    context.model().config().name(), "put tokenizer.json into the model's folder"));
            tokens = FeatureColumns.byToken(corpus.features());
            scores = LabelScores.of(corpus, context.progress());
            documents = tokens.maxByDocument(corpus);
            TreeMap<String, Integer> numbers = new TreeMap<>();
            corpus.documents().forEach(d -> numbers.put(d.label(), 0));
            allLabels = List.copyOf(numbers.keySet());
            int i = 0;
            for (String label : allLabels) {
                numbers.put(label, i++);
            }
            int[] ofDocument = corpus.documents().stream().mapToInt(d -> numbers.get(d.label())).toArray();
            byDocument = new Grouping(ofDocument, allLabels.size());
            int[] ofToken = new int[tokens.cases()];
            for (int row = 0; row < ofToken.length; row++) {
                ofToken[row] = ofDocument[corpus.documentOf(row)];
            }
            byToken = new Grouping(ofToken, allLabels.size());
            chooseLabels();
        }

        private void chooseLabels() {
            for (String label : config.labels()) {
                if (label.isEmpty() || !allLabels.contains(label)) {
                    throw new Sae4jException("no label '" + label + "', only " + allLabels, "setting labels of specificity",
                            "choose labels of the corpus");
                }
            }
            List<String> skipped = new ArrayList<>();
            for (int group = 0; group < allLabels.size(); group++) {
                String label = allLabels.get(group);
                if (label.isEmpty()) {
                    notes.add(byDocument.size(group) + " documents have no label; they count as negatives of every label.");
                } else if (config.labels().isEmpty() || config.labels().contains(label)) {
                    boolean usable = byDocument.size(group) >= 2 && byDocument.cases() - byDocument.size(group) >= 2
                            && byToken.size(group) > 0 && byToken.size(group) < byToken.cases();
                    if (usable) {
                        reported.add(group);
                    } else {
                        skipped.add(label);
                    }
                }
            }
            if (reported.isEmpty()) {
                throw new Sae4jException("specificity needs a label with at least 2 documents inside and 2 outside it, found labels "
                        + allLabels + " over " + byDocument.cases() + " documents", "the run's corpus", REMEDY);
            }
            if (!skipped.isEmpty()) {
                notes.add("Left out, with fewer than 2 documents or no tokens inside or outside them: " + String.join(", ", skipped) + ".");
            }
        }

        ExperimentResult<SpecificityResult> result() {
            Search all = search(documents, byDocument, "searching features by document");
            Search half = search(documents, byDocument.half(false, context.random("halves")), "searching one half of the documents");
            Grouping secondHalf = byDocument.half(true, context.random("halves"));
            Grouping shuffledGroups = byDocument.shuffled(context.random("shuffled labels"));
            Search shuffled = search(documents, shuffledGroups, "searching under shuffled labels");
            Search token = search(tokens, byToken, "searching features by token");
            double[] adjusted = adjust(all);

            List<LabelResult> labels = new ArrayList<>();
            for (int i = 0; i < reported.size(); i++) {
                int group = reported.get(i);
                context.progress().update("resampling documents", i, reported.size());
                context.progress().checkCancelled();
                labels.add(label(group, i, all, half, secondHalf, shuffled, token, adjusted));
            }
            Detector studies = new Detector(config, corpus, tokenizer, tokens, documents);
            List<DetectorResult> detectors = detectors(studies, labels, all);
            List<SentenceResult> sentences = sentences(labels, detectors);
            LabelResult worst = labels.stream().min(Comparator.comparingDouble(Run::quality)).orElseThrow();
            SpecificityResult data = new SpecificityResult(corpus.documents().size(), tokens.cases(), tokens.features(), labels, detectors,
                    worst.label(), sentences);
            SpecificityFigures figures = new SpecificityFigures(data, context.seed());
            figures.summary();
            figures.crossTable(labels.stream().map(l -> reported.stream().mapToDouble(g -> all.auroc(g, l.best().feature())).toArray())
                    .toList());
            figures.searchHistogram(reported.stream().map(all::auroc).toList(), reported.stream().map(shuffled::auroc).toList());
            for (DetectorResult detector : detectors) {
                double[] maxima = documents.dense(detector.feature());
                figures.detector(detector, reported.stream().map(g -> IntStream.range(0, maxima.length)
                        .filter(d -> byDocument.of(d) == g).mapToDouble(d -> maxima[d]).toArray()).toList());
            }
            figures.sentences(features -> IntStream.of(features).mapToDouble(this::largest).toArray());
            return new ExperimentResult<>(data, new Findings(data).sentences(), metrics(data, worst), figures.figures(), notes());
        }

        private double largest(int feature) {
            return IntStream.range(documents.start(feature), documents.start(feature + 1)).mapToDouble(documents::value).max().orElse(0);
        }

        private Search search(FeatureColumns columns, Grouping grouping, String stage) {
            return Search.run(columns, grouping, stage, context.progress());
        }

        /** Adjusted p-values of all reported labels, one label after the other. */
        private double[] adjust(Search all) {
            double[] p = reported.stream().flatMapToDouble(g -> Arrays.stream(all.pValues(g))).toArray();
            return Statistics.benjaminiHochberg(p);
        }

        private LabelResult label(int group, int index, Search all, Search half, Grouping secondHalf, Search shuffled, Search token,
                double[] adjusted) {
            String label = allLabels.get(group);
            // Where no feature is ever active, all are alike.
            int feature = IntStream.of(scores.best(label, 1)).findFirst().orElse(0);
            double[] maxima = documents.dense(feature);
            boolean[] positive = positive(group);
            CounterRandom random = context.random("intervals").stream(label);
            int discoveries = 0;
            for (int f = 0; f < tokens.features(); f++) {
                if (adjusted[index * tokens.features() + f] <= config.falseDiscoveryRate() && all.auroc(group, f) > 0.5) {
                    discoveries++;
                }
            }
            List<FeatureScore> top = IntStream.of(all.best(group, config.topFeatures()))
                    .mapToObj(f -> new FeatureScore(f, all.auroc(group, f))).toList();
            return new LabelResult(label, byDocument.size(group), byToken.size(group), new FeatureScore(feature, all.auroc(group, feature)),
                    scores.name(feature),
                    Decisions.aurocInterval(maxima, positive, config.resamples(), "documents", random.stream("all")),
                    adjusted[index * tokens.features() + feature], discoveries, Decisions.best(maxima, positive),
                    heldOut(group, half, secondHalf, random.stream("held out")), token.auroc(group, feature),
                    new FeatureScore(token.best(group), token.auroc(group, token.best(group))), shuffled.auroc(group, feature),
                    shuffled.auroc(group, shuffled.best(group)), top);
        }

        private HeldOut heldOut(int group, Search half, Grouping secondHalf, CounterRandom random) {
            if (Double.isNaN(half.auroc(group, 0)) || secondHalf.size(group) == 0 || secondHalf.size(group) == secondHalf.cases()) {
                Interval none = new Interval(Double.NaN, Double.NaN, 0.95, "not enough documents to hold some out");
                return new HeldOut(-1, Double.NaN, none, new Decision(Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN));
            }
            int feature = half.best(group);
            double[] maxima = documents.dense(feature);
            int[] first = IntStream.range(0, maxima.length).filter(d -> secondHalf.of(d) == Grouping.EXCLUDED).toArray();
            int[] second = IntStream.range(0, maxima.length).filter(d -> secondHalf.of(d) != Grouping.EXCLUDED).toArray();
            double threshold = Decisions.best(pick(maxima, first), positive(group, first)).threshold();
            double[] scores = pick(maxima, second);
            boolean[] positive = positive(group, second);
            return new HeldOut(feature, Statistics.auroc(scores, positive),
                    Decisions.aurocInterval(scores, positive, config.resamples(), "held-out documents", random),
                    Decisions.at(scores, positive, threshold));
        }

        private List<DetectorResult> detectors(Detector studies, List<LabelResult> labels, Search all) {
            List<DetectorResult> detectors = new ArrayList<>();
            List<int[]> pairs = new ArrayList<>();
            if (config.features().isEmpty()) {
                IntStream.range(0, labels.size()).boxed()
                        .sorted(Comparator.comparing((Integer i) -> studies.script(positive(reported.get(i))).isEmpty())
                                .thenComparing(i -> -labels.get(i).best().auroc()))
                        .limit(config.details()).forEach(i -> pairs.add(new int[] {labels.get(i).best().feature(), reported.get(i)}));
            } else {
                for (int feature : new LinkedHashSet<>(config.features())) {
                    int group = reported.stream().max(Comparator.comparingDouble(g -> all.auroc(g, feature))).orElseThrow();
                    pairs.add(new int[] {feature, group});
                }
            }
            for (int[] pair : pairs) {
                context.progress().update("studying detectors", detectors.size(), pairs.size());
                context.progress().checkCancelled();
                detectors.add(studies.study(pair[0], scores.name(pair[0]), allLabels.get(pair[1]), positive(pair[1]), all.auroc(pair[1], pair[0]),
                        context.random("detectors").stream(detectors.size())));
            }
            return detectors;
        }

        private List<SentenceResult> sentences(List<LabelResult> labels, List<DetectorResult> detectors) {
            if (config.sentences().isEmpty()) {
                return List.of();
            }
            Set<String> categories = new LinkedHashSet<>(config.sentences().stream().map(SpecificityConfig.Sentence::label).toList());
            Set<Integer> features = new LinkedHashSet<>();
            labels.stream().filter(l -> categories.contains(l.label())).forEach(l -> features.add(l.best().feature()));
            if (features.isEmpty() || !config.features().isEmpty()) {
                detectors.forEach(d -> features.add(d.feature()));
            }
            List<Document> texts = config.sentences().stream().map(s -> new Document(s.label(), s.text())).toList();
            EncodedCorpus encoded = EncodedCorpus.encode(context.model(), context.sae(), texts, context.progress());
            List<SentenceResult> results = new ArrayList<>();
            for (int s = 0; s < texts.size(); s++) {
                int from = encoded.start(s);
                int to = encoded.start(s + 1);
                double[][] activations = features.stream().map(f -> IntStream.range(from, to)
                        .mapToDouble(row -> encoded.features().get(row, f)).toArray()).toArray(double[][]::new);
                results.add(new SentenceResult(texts.get(s).label(), texts.get(s).text(),
                        IntStream.of(encoded.tokens(s)).mapToObj(tokenizer::token).toList(), List.copyOf(features), activations));
            }
            return results;
        }

        private boolean[] positive(int group) {
            return positive(group, IntStream.range(0, corpus.documents().size()).toArray());
        }

        private boolean[] positive(int group, int[] chosen) {
            boolean[] positive = new boolean[chosen.length];
            for (int i = 0; i < chosen.length; i++) {
                positive[i] = byDocument.of(chosen[i]) == group;
            }
            return positive;
        }

        private static double[] pick(double[] values, int[] chosen) {
            return IntStream.of(chosen).mapToDouble(i -> values[i]).toArray();
        }

        private static double quality(LabelResult label) {
            return Double.isNaN(label.heldOut().auroc()) ? label.best().auroc() : label.heldOut().auroc();
        }

        private List<Metric> metrics(SpecificityResult data, LabelResult worst) {
            List<Metric> metrics = new ArrayList<>();
            double[] best = data.labels().stream().mapToDouble(l -> l.best().auroc()).toArray();
            double[] control = data.labels().stream().mapToDouble(LabelResult::shuffledAuroc).toArray();
            metrics.add(Metric.of("mean best AUROC by document", Statistics.meanEstimate(best, config.resamples(), "labels",
                    context.random("mean best")), ""));
            metrics.add(Metric.of("mean AUROC under shuffled labels", Statistics.meanEstimate(control, config.resamples(), "labels",
                    context.random("mean shuffled")), ""));
            metrics.add(Metric.of("held-out AUROC of the worst label (" + worst.label() + ")", worst.heldOut().auroc(), "",
                    worst.heldOut().interval(), worst.documents()));
            for (LabelResult label : data.labels()) {
                metrics.add(Metric.of("AUROC by document, " + label.label() + " (feature " + label.best().feature() + ")",
                        label.best().auroc(), "", label.interval(), data.documents()));
            }
            for (DetectorResult detector : data.detectors()) {
                metrics.add(Metric.of("Pearson r of activation and score, " + detector.name(), detector.pearson(), "",
                        detector.pearsonInterval(), data.tokens()));
            }
            return metrics;
        }

        private List<String> notes() {
            List<String> all = new ArrayList<>(notes);
            all.add("The best feature of a label is chosen and measured on the same documents; the held-out columns choose feature and "
                    + "threshold on one half and measure on the other.");
            all.add("AUROC by document and by token answer different questions: by document, whether the feature fires somewhere in a "
                    + "text of the label; by token, whether it is active on every token of it.");
            all.add("Script scores are ln P(s|c)/P(s) with P(c|s) = 1 for strings of the script and 1e-10 for others, maximised over "
                    + "strings of up to " + config.proxyTokens() + " tokens that end at the token. Scores of other labels count such "
                    + "strings in all other documents, with one pseudo-count.");
            all.add("Beginning-of-sequence tokens are excluded everywhere; documents are cut to the model's context. The number of "
                    + "discoveries counts features above 0.5 with a Benjamini-Hochberg adjusted Mann-Whitney p-value of at most "
                    + config.falseDiscoveryRate() + " across all features and labels.");
            return all;
        }
    }
}
