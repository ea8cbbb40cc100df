package org.sae4j.core.features;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.TextEncoder;
import org.sae4j.api.stats.Statistics;
import org.sae4j.core.features.FeatureProfile.ActivationHistogram;
import org.sae4j.core.features.FeatureProfile.Example;
import org.sae4j.core.features.FeatureProfile.FactEffect;
import org.sae4j.core.features.FeatureProfile.LogitEffects;
import org.sae4j.core.features.FeatureProfile.Neighbor;
import org.sae4j.core.features.FeatureProfile.Neuron;
import org.sae4j.core.features.FeatureProfile.Prediction;
import org.sae4j.core.features.FeatureProfile.Removal;
import org.sae4j.core.features.FeatureProfile.Share;
import org.sae4j.core.features.FeatureProfile.TokenEffect;
import org.sae4j.core.features.FeatureProfile.TokenShift;

/**
 * Profiles features of one autoencoder over one corpus, one at a time. Safe for use by several threads; model and autoencoder must be open
 * while it is used.
 */
public final class FeatureProfiler {
    /** How many neurons of a decoder direction are named. */
    private static final int NEURONS = 10;
    private static final int RESAMPLES = 1000;

    private final Tokenizer tokenizer;
    private final EncodedCorpus corpus;
    private final LabelScores scores;
    private final FeatureColumns columns;
    private final ProfileSettings settings;
    private final CounterRandom random;
    private final Tensor decoder;
    private final double[] norms;
    private final Optional<DirectPath> path;
    private final Optional<FeatureRemoval> removal;
    private final List<Fact> facts;
    private final EncodedCorpus prompts;

    /**
     * Prepares what all features need.
     *
     * @param model the model, with a tokenizer
     * @param sae its autoencoder
     * @param scores of the documents that model and autoencoder encoded
     * @param facts facts to ask for with and without each feature; empty for none
     * @param settings how much is shown
     * @param progress asked for cancellation
     * @throws org.sae4j.api.Sae4jException if the corpus was encoded with another autoencoder, holds no token, or model and autoencoder do
     *     not fit
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public FeatureProfiler(Transformer model, SparseAutoencoder sae, LabelScores scores, List<Fact> facts, ProfileSettings settings,
            Progress progress) {
        HookPoint input = TextEncoder.hookOf(model, sae);
        HookPoint output = TextEncoder.outputOf(model, sae);
        check(scores.corpus(), sae, input);
        this.scores = scores;
        this.settings = settings;
        corpus = scores.corpus();
        columns = scores.columns();
        random = new CounterRandom(settings.seed()).stream("feature profiles");
        decoder = Objects.requireNonNull(sae.parameters().get("W_dec"));
        norms = IntStream.range(0, columns.features()).mapToDouble(f -> Math.sqrt(dot(decoder.row(f), decoder.row(f)))).toArray();
        path = DirectPath.of(model, output);
        removal = FeatureRemoval.possible(output.site()) ? Optional.of(new FeatureRemoval(model, sae, input, output, progress))
                : Optional.empty();
        this.facts = facts;
        prompts = EncodedCorpus.encode(model, sae, facts.stream().map(f -> new Document(f.relation(), f.prompt())).toList(), progress);
        tokenizer = model.tokenizer().orElseThrow();
    }

    private static void check(EncodedCorpus corpus, SparseAutoencoder sae, HookPoint hook) {
        int dSae = sae.config().dSae();
        if (corpus.features().columns() != dSae) {
            throw new Sae4jException("the corpus was encoded with " + corpus.features().columns() + " features, the autoencoder has "
                    + dSae, hook.toString(), "encode the corpus with the autoencoder that is profiled");
        }
        if (corpus.features().rows() == 0) {
            throw new Sae4jException("the corpus holds no token", "a corpus of " + corpus.documents().size() + " documents",
                    "give texts that are not empty");
        }
    }

    /** {@return the matrices between a feature and the logits; empty if there is no direct linear path} */
    public String directPath() {
        return path.map(DirectPath::description).orElse("");
    }

    /**
     * All about a feature.
     *
     * @param feature its number
     * @return the profile; the same each time
     * @throws IndexOutOfBoundsException if there is no such feature
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public FeatureProfile profile(int feature) {
        return profile(feature, removal(feature), removal.map(r -> facts(r, feature)).orElse(List.of()));
    }

    /**
     * What is known about a feature without running the model: a profile without removal and facts.
     *
     * @param feature its number
     * @return the profile; the same each time
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public FeatureProfile outline(int feature) {
        return profile(feature, Optional.empty(), List.of());
    }

    /**
     * What is lost without a feature.
     *
     * @param feature its number
     * @return what changes; empty if it is never active before another token, or its hook point cannot be edited
     * @throws IndexOutOfBoundsException if there is no such feature
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public Optional<Removal> removal(int feature) {
        return removal.flatMap(r -> removal(r, feature));
    }

    /**
     * What a feature writes towards the logits.
     *
     * @param feature its number
     * @return the effects; empty if its hook point has no direct linear path to them
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public Optional<LogitEffects> logits(int feature) {
        return path.map(p -> logits(p.effects(decoder.row(feature))));
    }

    /**
     * What each feature writes towards the logit of a token: for each the number that {@link #logits(int)} would give for it.
     *
     * @param token the token's id
     * @return by feature; empty if the hook point has no direct linear path to the logits
     * @throws IndexOutOfBoundsException if there is no such token
     */
    public Optional<double[]> promoting(int token) {
        return path.map(p -> {
            double[] towards = p.towards(token);
            double[] effects = new double[columns.features()];
            for (int f = 0; f < effects.length; f++) {
                float[] direction = decoder.row(f);
                for (int i = 0; i < towards.length; i++) {
                    effects[f] += towards[i] * direction[i];
                }
            }
            return effects;
        });
    }

    private FeatureProfile profile(int feature, Optional<Removal> removed, List<FactEffect> asked) {
        double[] active = columns.values(feature);
        double max = Arrays.stream(active).max().orElse(0);
        return new FeatureProfile(feature, active.length, (double) active.length / columns.rows(), max, Statistics.mean(active),
                histogram(feature, max), intervals(active, max), neurons(feature), labels(feature), examples(feature, max),
                logits(feature), neighbors(feature), removed, asked);
    }

    private List<Share> intervals(double[] active, double max) {
        int n = settings.intervals();
        long[] tokens = new long[active.length == 0 ? 0 : n];
        for (double value : active) {
            tokens[interval(value, max)]++;
        }
        return IntStream.range(0, tokens.length).mapToObj(i -> new Share(max * i / n, max * (i + 1) / n, tokens[i],
                (double) tokens[i] / active.length)).toList();
    }

    /** {@return the number of an activation's interval from 0; an activation at an end belongs to the interval below} */
    private int interval(double value, double max) {
        return Math.clamp((long) Math.ceil(settings.intervals() * (value / max)) - 1, 0, settings.intervals() - 1);
    }

    private List<Neuron> neurons(int feature) {
        float[] direction = decoder.row(feature);
        double[] size = IntStream.range(0, direction.length).mapToDouble(i -> Math.abs(direction[i])).toArray();
        double all = Arrays.stream(size).sum();
        return all == 0 ? List.of() : IntStream.of(descending(size)).limit(NEURONS)
                .mapToObj(i -> new Neuron(i, direction[i], size[i] / all)).toList();
    }

    private List<FeatureProfile.LabelScore> labels(int feature) {
        return scores.labels(feature).stream().map(l -> new FeatureProfile.LabelScore(l, scores.byDocument(l, feature),
                scores.byToken(l, feature), scores.share(l, feature))).toList();
    }

    private ActivationHistogram histogram(int feature, double max) {
        int bins = settings.bins();
        Map<String, long[]> byLabel = new LinkedHashMap<>();
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            int bin = Math.min((int) (bins * (columns.value(e) / max)), bins - 1);
            byLabel.computeIfAbsent(label(columns.row(e)), l -> new long[bins])[bin]++;
        }
        List<Map.Entry<String, long[]>> sorted = byLabel.entrySet().stream()
                .sorted(Comparator.<Map.Entry<String, long[]>>comparingLong(e -> -Arrays.stream(e.getValue()).sum())
                        .thenComparing(Map.Entry::getKey)).toList();
        return new ActivationHistogram(IntStream.rangeClosed(0, bins).mapToDouble(i -> max * i / bins).toArray(),
                sorted.stream().map(Map.Entry::getKey).toList(), sorted.stream().map(Map.Entry::getValue).toArray(long[][]::new));
    }

    private String label(int row) {
        return corpus.documents().get(corpus.documentOf(row)).label();
    }

    /** {@return entries of the strongest token of each document, or of its strongest before another token, the strongest first} */
    private int[] strongest(int feature, boolean beforeAnother) {
        List<Integer> best = new ArrayList<>();
        int previous = -1;
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            int document = corpus.documentOf(columns.row(e));
            if (beforeAnother && !beforeAnother(columns.row(e))) {
                continue;
            }
            if (document != previous) {
                best.add(e);
                previous = document;
            } else if (columns.value(e) > columns.value(best.getLast())) {
                best.set(best.size() - 1, e);
            }
        }
        return best.stream().sorted(Comparator.comparingDouble(e -> -columns.value(e))).mapToInt(Integer::intValue).toArray();
    }

    private boolean beforeAnother(int row) {
        Context context = corpus.context(row);
        int next = corpus.position(row) + 1;
        return next < context.size() && context.counts(next);
    }

    private List<Example> examples(int feature, double max) {
        float[] dense = new float[columns.rows()];
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            dense[columns.row(e)] = columns.value(e);
        }
        List<Example> examples = new ArrayList<>();
        int[] top = Arrays.stream(strongest(feature, false)).limit(settings.topExamples()).toArray();
        for (int e : top) {
            examples.add(example(0, columns.row(e), dense));
        }
        int n = settings.intervals();
        int[][] drawn = new int[n][settings.examplesPerInterval()];
        int[] seen = new int[n];
        CounterRandom draw = random.stream("examples").stream(feature);
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            int entry = e;
            if (Arrays.stream(top).anyMatch(t -> t == entry)) {
                continue;
            }
            int interval = interval(columns.value(e), max);
            int at = seen[interval]++;
            if (at >= drawn[interval].length) {
                at = draw.nextInt(seen[interval]);
            }
            if (at < drawn[interval].length) {
                drawn[interval][at] = columns.row(e);
            }
        }
        for (int interval = n - 1; interval >= 0; interval--) {
            for (int i = 0; i < Math.min(seen[interval], drawn[interval].length); i++) {
                examples.add(example(interval + 1, drawn[interval][i], dense));
            }
        }
        return examples;
    }

    private Example example(int interval, int row, float[] dense) {
        int document = corpus.documentOf(row);
        int start = corpus.start(document);
        int from = Math.max(start, row - settings.contextTokens());
        int to = Math.min(corpus.start(document + 1), row + settings.contextTokens() + 1);
        int[] ids = corpus.tokens(document);
        return new Example(interval, document, row - start, corpus.documents().get(document).label(), dense[row], from - start,
                texts(Arrays.copyOfRange(ids, from - start, to - start)),
                IntStream.range(from, to).mapToDouble(r -> dense[r]).toArray());
    }

    private List<String> texts(int[] tokens) {
        return Arrays.stream(tokens).allMatch(token -> token < tokenizer.vocabularySize()) ? tokenizer.tokens(tokens)
                : Arrays.stream(tokens).mapToObj(this::text).toList();
    }

    /** Vocabularies may be padded with ids that the tokenizer does not know. */
    private String text(int token) {
        return token < tokenizer.vocabularySize() ? tokenizer.token(token) : "[" + token + "]";
    }

    private LogitEffects logits(double[] effects) {
        double low = Arrays.stream(effects).min().orElseThrow();
        double high = Arrays.stream(effects).max().orElseThrow();
        int bins = settings.bins();
        long[] counts = new long[bins];
        for (double effect : effects) {
            counts[high == low ? 0 : Math.min((int) (bins * ((effect - low) / (high - low))), bins - 1)]++;
        }
        int[] order = descending(effects);
        int n = Math.min(settings.effectTokens(), order.length);
        return new LogitEffects(IntStream.range(0, n).mapToObj(i -> effect(order[i], effects)).toList(),
                IntStream.range(0, n).mapToObj(i -> effect(order[order.length - 1 - i], effects)).toList(),
                IntStream.rangeClosed(0, bins).mapToDouble(i -> low + (high - low) * i / bins).toArray(), counts,
                Math.sqrt(Arrays.stream(effects).map(e -> e * e).sum() / effects.length));
    }

    private TokenEffect effect(int token, double[] effects) {
        return new TokenEffect(token, text(token), effects[token]);
    }

    /** {@return indices by descending value; the lower of equal ones first} */
    private static int[] descending(double[] values) {
        return IntStream.range(0, values.length).boxed().sorted(Comparator.comparingDouble(i -> -values[i])).mapToInt(Integer::intValue)
                .toArray();
    }

    private List<Neighbor> neighbors(int feature) {
        float[] direction = decoder.row(feature);
        double[] cosines = IntStream.range(0, columns.features())
                .mapToDouble(f -> dot(direction, decoder.row(f)) / (norms[feature] * norms[f])).toArray();
        return IntStream.of(descending(cosines)).filter(f -> f != feature && !Double.isNaN(cosines[f])).limit(settings.neighbors())
                .mapToObj(f -> neighbor(feature, f, cosines[f])).toList();
    }

    private Neighbor neighbor(int feature, int other, double cosine) {
        Optional<String> label = scores.bestLabel(other);
        return new Neighbor(other, Math.clamp(cosine, -1, 1), columns.correlation(feature, other),
                (double) columns.active(other) / columns.rows(), label.orElse(""),
                label.map(l -> scores.byDocument(l, other)).orElse(Double.NaN));
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    private Optional<Removal> removal(FeatureRemoval removing, int feature) {
        int[] entries = Arrays.stream(strongest(feature, true)).limit(settings.removalDocuments()).toArray();
        if (entries.length == 0) {
            return Optional.empty();
        }
        FeatureRemoval.Outcome outcome = removing.run(feature, IntStream.of(entries).mapToObj(this::lastToken).toList());
        List<Prediction> predictions = new ArrayList<>();
        for (int i = 0; i < entries.length; i++) {
            int row = columns.row(entries[i]);
            int document = corpus.documentOf(row);
            int position = row - corpus.start(document);
            int[] ids = corpus.tokens(document);
            int[] shown = Arrays.copyOfRange(ids, Math.max(0, position - settings.contextTokens()), position + 1);
            predictions.add(new Prediction(document, position, corpus.documents().get(document).label(), tokenizer.decode(shown),
                    text(corpus.context(row).token(corpus.position(row) + 1)), columns.value(entries[i]), outcome.before()[i], outcome.after()[i], outcome.lossChange()[i]));
        }
        double[] rise = new double[outcome.meanBefore().length];
        Arrays.setAll(rise, t -> outcome.meanAfter()[t] - outcome.meanBefore()[t]);
        int[] order = descending(rise);
        int n = settings.effectTokens();
        return Optional.of(new Removal(entries.length, Statistics.mean(outcome.lossChange()),
                Statistics.bootstrapMean(outcome.lossChange(), RESAMPLES, 0.95, "documents", random.stream("removal").stream(feature)),
                Statistics.mean(outcome.kl()),
                IntStream.of(order).filter(t -> rise[t] > 0).limit(n).mapToObj(t -> shift(t, outcome)).toList(),
                IntStream.range(0, order.length).map(i -> order[order.length - 1 - i]).filter(t -> rise[t] < 0).limit(n)
                        .mapToObj(t -> shift(t, outcome)).toList(), predictions));
    }

    private TokenShift shift(int token, FeatureRemoval.Outcome outcome) {
        return new TokenShift(token, text(token), outcome.meanBefore()[token], outcome.meanAfter()[token]);
    }

    private FeatureRemoval.Case lastToken(int entry) {
        int row = columns.row(entry);
        Context context = corpus.context(row);
        int position = corpus.position(row);
        return new FeatureRemoval.Case(context.prefix(position + 1), new int[] {position}, new float[] {columns.value(entry)},
                context.token(position + 1));
    }

    private List<FactEffect> facts(FeatureRemoval removing, int feature) {
        List<FeatureRemoval.Case> cases = new ArrayList<>();
        List<FactEffect> asked = new ArrayList<>();
        for (int f = 0; f < facts.size(); f++) {
            int[] answer = tokenizer.encode(facts.get(f).answer()).ids();
            if (answer.length == 0 || prompts.start(f) == prompts.start(f + 1)) {
                continue;
            }
            // Of a prompt that is longer than the context, the last part is what the answer follows.
            Context context = prompts.context(prompts.start(f + 1) - 1);
            int[] rows = IntStream.range(prompts.start(f), prompts.start(f + 1)).filter(r -> prompts.context(r) == context
                    && prompts.features().get(r, feature) > 0).toArray();
            if (rows.length == 0) {
                continue;
            }
            float[] activations = new float[rows.length];
            float max = 0;
            for (int i = 0; i < rows.length; i++) {
                activations[i] = prompts.features().get(rows[i], feature);
                max = Math.max(max, activations[i]);
            }
            cases.add(new FeatureRemoval.Case(context.tokens(), IntStream.of(rows).map(prompts::position).toArray(), activations,
                    answer[0]));
            asked.add(new FactEffect(facts.get(f).relation(), facts.get(f).prompt(), facts.get(f).answer(), max, 0, 0));
        }
        int[] chosen = IntStream.of(descending(asked.stream().mapToDouble(FactEffect::activation).toArray())).limit(settings.facts())
                .toArray();
        if (chosen.length == 0) {
            return List.of();
        }
        FeatureRemoval.Outcome outcome = removing.run(feature, IntStream.of(chosen).mapToObj(cases::get).toList());
        return IntStream.range(0, chosen.length).mapToObj(i -> {
            FactEffect fact = asked.get(chosen[i]);
            return new FactEffect(fact.relation(), fact.prompt(), fact.answer(), fact.activation(), outcome.before()[i],
                    outcome.after()[i]);
        }).toList();
    }
}
