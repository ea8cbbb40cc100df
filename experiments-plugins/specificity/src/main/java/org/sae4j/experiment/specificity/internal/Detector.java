package org.sae4j.experiment.specificity.internal;

import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.specificity.SpecificityConfig;
import org.sae4j.experiment.specificity.SpecificityResult.Decision;
import org.sae4j.experiment.specificity.SpecificityResult.DetectorResult;
import org.sae4j.experiment.specificity.SpecificityResult.Example;
import org.sae4j.experiment.specificity.SpecificityResult.Proxy;
import org.sae4j.experiment.specificity.SpecificityResult.ScoreHistogram;
import org.sae4j.experiment.specificity.SpecificityResult.TokenShare;

/** Studies one feature as a detector of one label, token by token. */
public final class Detector {
    private static final int THRESHOLDS = 50;
    private static final int BINS = 20;
    private static final int TOPS = 3;

    private final SpecificityConfig config;
    private final EncodedCorpus corpus;
    private final Tokenizer tokenizer;
    private final FeatureColumns tokens;
    private final FeatureColumns documents;
    private final ScriptProxy scripts;
    private final StringProxy strings;

    /**
     * Prepares the proxies of a corpus.
     *
     * @param config the settings
     * @param corpus the corpus
     * @param tokenizer of its model
     * @param tokens activations by token
     * @param documents largest activations by document
     */
    public Detector(SpecificityConfig config, EncodedCorpus corpus, Tokenizer tokenizer, FeatureColumns tokens,
            FeatureColumns documents) {
        this.config = config;
        this.corpus = corpus;
        this.tokenizer = tokenizer;
        this.tokens = tokens;
        this.documents = documents;
        scripts = ScriptProxy.of(corpus, tokenizer, config.proxyTokens());
        strings = StringProxy.of(corpus, config.proxyTokens());
    }

    /**
     * The script that a label is known by.
     *
     * @param positive for each document whether it has the label
     * @return the script, or empty
     */
    public Optional<UnicodeScript> script(boolean[] positive) {
        return scripts.fitting(byToken(positive));
    }

    /**
     * Studies a feature.
     *
     * @param feature the feature
     * @param name a name for it
     * @param label the label
     * @param positive for each document whether it has the label
     * @param auroc of the feature over documents
     * @param random where resamples and examples come from
     * @return the detector
     */
    public DetectorResult study(int feature, String name, String label, boolean[] positive, double auroc, CounterRandom random) {
        boolean[] ofLabel = byToken(positive);
        Optional<UnicodeScript> script = scripts.fitting(ofLabel);
        boolean[] inside = script.map(scripts::inside).orElse(ofLabel);
        double measured = IntStream.range(0, inside.length).filter(row -> inside[row]).count() / (double) inside.length;
        double prior = script.isPresent() && config.scriptPrior() > 0 ? config.scriptPrior() : measured;
        double[] scores;
        if (script.isPresent()) {
            scores = new double[inside.length];
            for (int row = 0; row < scores.length; row++) {
                scores[row] = ScriptProxy.score(inside[row], prior);
            }
        } else {
            scores = strings.scores(positive, prior);
        }
        double[] activations = tokens.dense(feature);
        double[] maxima = documents.dense(feature);
        double max = IntStream.range(0, activations.length).mapToDouble(row -> activations[row]).max().orElse(0);
        double sum = 0;
        double insideSum = 0;
        for (int row = 0; row < activations.length; row++) {
            sum += activations[row];
            insideSum += inside[row] ? activations[row] : 0;
        }
        double[] thresholds = IntStream.range(0, THRESHOLDS).mapToDouble(i -> max * i / THRESHOLDS).toArray();
        double[][] curves = new double[4][THRESHOLDS];
        for (int i = 0; i < THRESHOLDS; i++) {
            Decision byDocument = Decisions.at(maxima, positive, thresholds[i]);
            Decision byToken = Decisions.at(activations, inside, thresholds[i]);
            curves[0][i] = byDocument.precision();
            curves[1][i] = byDocument.recall();
            curves[2][i] = byToken.precision();
            curves[3][i] = byToken.recall();
        }
        boolean[] own = script.map(scripts::letters).orElse(ofLabel);
        return new DetectorResult(feature, label, name, auroc, script.isPresent() ? Proxy.SCRIPT : Proxy.STRINGS,
                script.map(Detector::name).orElse(""), prior, Decisions.at(activations, inside, 0), own(feature, own,
                random.stream("own")), IntStream.range(0, own.length).filter(row -> own[row]).count() / (double) own.length, tops(feature),
                sum == 0 ? Double.NaN : insideSum / sum,
                Statistics.pearson(activations, scores), pearsonInterval(activations, scores, random.stream("pearson")), thresholds,
                curves[0], curves[1], curves[2], curves[3], histogram(feature, script.isPresent(), prior, scores, max),
                examples(feature, max, random.stream("examples")));
    }

    /** Of the tokens that a feature fires on, how many are of the concept themselves; documents are resampled. */
    private Estimate own(int feature, boolean[] own, CounterRandom random) {
        int n = corpus.documents().size();
        double[] fired = new double[n];
        double[] hits = new double[n];
        for (int e = tokens.start(feature); e < tokens.start(feature + 1); e++) {
            if (tokens.value(e) > 0) {
                int document = corpus.documentOf(tokens.caseOf(e));
                fired[document]++;
                hits[document] += own[tokens.caseOf(e)] ? 1 : 0;
            }
        }
        Interval interval = Statistics.bootstrap(n, drawn -> IntStream.of(drawn).mapToDouble(d -> hits[d]).sum()
                / IntStream.of(drawn).mapToDouble(d -> fired[d]).sum(), config.resamples(), 0.95, "documents", random);
        double all = DoubleStream.of(fired).sum();
        return new Estimate(DoubleStream.of(hits).sum() / all, interval, (long) all);
    }

    /** The tokens that a feature fires on most often, the most frequent first. */
    private List<TokenShare> tops(int feature) {
        Map<Integer, Integer> counts = new TreeMap<>();
        int all = 0;
        for (int e = tokens.start(feature); e < tokens.start(feature + 1); e++) {
            int row = tokens.caseOf(e);
            int document = corpus.documentOf(row);
            if (tokens.value(e) > 0) {
                counts.merge(corpus.tokens(document)[row - corpus.start(document)], 1, Integer::sum);
                all++;
            }
        }
        int fired = all;
        return counts.entrySet().stream().sorted(Map.Entry.comparingByValue(Comparator.reverseOrder())).limit(TOPS)
                .map(e -> new TokenShare(tokenizer.token(e.getKey()), (double) e.getValue() / fired)).toList();
    }

    private static String name(UnicodeScript script) {
        String name = script.name().toLowerCase(Locale.ROOT).replace('_', ' ');
        return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    private boolean[] byToken(boolean[] positive) {
        boolean[] byToken = new boolean[tokens.cases()];
        for (int d = 0; d < positive.length; d++) {
            java.util.Arrays.fill(byToken, corpus.start(d), corpus.start(d + 1), positive[d]);
        }
        return byToken;
    }

    private Interval pearsonInterval(double[] x, double[] y, CounterRandom random) {
        int n = corpus.documents().size();
        double[][] sums = new double[n][6];
        for (int d = 0; d < n; d++) {
            double[] s = sums[d];
            for (int row = corpus.start(d); row < corpus.start(d + 1); row++) {
                s[0]++;
                s[1] += x[row];
                s[2] += y[row];
                s[3] += x[row] * x[row];
                s[4] += y[row] * y[row];
                s[5] += x[row] * y[row];
            }
        }
        return Statistics.bootstrap(n, drawn -> {
            double[] s = new double[6];
            for (int d : drawn) {
                for (int i = 0; i < 6; i++) {
                    s[i] += sums[d][i];
                }
            }
            double xx = s[3] - s[1] * s[1] / s[0];
            double yy = s[4] - s[2] * s[2] / s[0];
            return xx <= 0 || yy <= 0 ? Double.NaN : (s[5] - s[1] * s[2] / s[0]) / Math.sqrt(xx * yy);
        }, config.resamples(), 0.95, "documents", random);
    }

    private ScoreHistogram histogram(int feature, boolean script, double prior, double[] scores, double max) {
        double[] edges = IntStream.rangeClosed(0, BINS).mapToDouble(i -> max * i / BINS).toArray();
        double top = -Math.log(prior);
        List<String> levels = script
                ? List.of(String.format(Locale.ROOT, "outside (score %.2f)", ScriptProxy.score(false, prior)),
                        String.format(Locale.ROOT, "inside (score %.2f)", ScriptProxy.score(true, prior)))
                : List.of("score at most 0", String.format(Locale.ROOT, "0 to %.2f", top / 3),
                        String.format(Locale.ROOT, "%.2f to %.2f", top / 3, 2 * top / 3),
                        String.format(Locale.ROOT, "above %.2f", 2 * top / 3));
        double[][] counts = new double[levels.size()][BINS];
        double[][] weights = new double[levels.size()][BINS];
        for (int e = tokens.start(feature); e < tokens.start(feature + 1); e++) {
            double score = scores[tokens.caseOf(e)];
            int level = score <= 0 ? 0 : script ? 1 : Math.min(3, 1 + (int) (3 * score / top));
            int bin = Math.clamp((long) (BINS * tokens.value(e) / max), 0, BINS - 1);
            counts[level][bin]++;
            weights[level][bin] += tokens.value(e);
        }
        return new ScoreHistogram(edges, levels, counts, weights);
    }

    private List<Example> examples(int feature, double max, CounterRandom random) {
        int n = config.intervals();
        int[][] drawn = new int[n][config.examplesPerInterval()];
        int[] seen = new int[n];
        for (int e = tokens.start(feature); e < tokens.start(feature + 1); e++) {
            int interval = Math.clamp((long) Math.ceil(n * (double) tokens.value(e) / max) - 1, 0, n - 1);
            int at = seen[interval]++;
            if (at >= drawn[interval].length) {
                at = random.nextInt(seen[interval]);
            }
            if (at < drawn[interval].length) {
                drawn[interval][at] = tokens.caseOf(e);
            }
        }
        double[] activations = tokens.dense(feature);
        List<Example> examples = new ArrayList<>();
        for (int interval = n - 1; interval >= 0; interval--) {
            for (int i = 0; i < Math.min(seen[interval], drawn[interval].length); i++) {
                examples.add(example(interval + 1, drawn[interval][i], activations));
            }
        }
        return examples;
    }

    private Example example(int interval, int row, double[] activations) {
        int document = corpus.documentOf(row);
        int from = Math.max(corpus.start(document), row - config.contextTokens());
        int to = Math.min(corpus.start(document + 1), row + config.contextTokens() + 1);
        int start = corpus.start(document);
        List<String> shown = tokenizer.tokens(java.util.Arrays.copyOfRange(corpus.tokens(document), from - start, to - start));
        return new Example(interval, document, row - start, corpus.documents().get(document).label(), activations[row], from - start, shown,
                java.util.Arrays.copyOfRange(activations, from, to));
    }
}
