package org.sae4j.serve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.TextEncoder;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfiler;
import org.sae4j.core.features.NeuronCorrelations;
import org.sae4j.core.features.ProfileSettings;

/**
 * An autoencoder and what its features did on the corpus. What needs the corpus comes while the server is running already: first the
 * features, then the map, the evaluation and the neurons.
 */
final class Study {
    private static final int EVALUATION_TOKENS = 20_000;
    private static final long MOST_NEURON_BYTES = 1L << 29;
    private static final int KEPT_PROFILES = 4096;
    private static final int TABLE_TOKENS = 5;

    /** Where the work on the corpus is. */
    record State(String stage, long done, long total, boolean ready, Optional<String> failure) {}

    /** What is known once the corpus is encoded. */
    record Index(EncodedCorpus corpus, LabelScores scores, FeatureProfiler profiler, double[] max, double[] mean, String[] label,
            double[] auroc) {
        FeatureColumns columns() {
            return scores.columns();
        }

        double density(int feature) {
            return (double) columns().active(feature) / columns().rows();
        }
    }

    final int number;
    final String name;
    final Transformer model;
    final SparseAutoencoder sae;
    private final Tokenization tokenization;
    private final long seed;
    private volatile State state = new State("waiting", 0, 0, false, Optional.empty());
    private volatile @Nullable Index index;
    private volatile @Nullable FeatureMap map;
    private volatile @Nullable NeuronCorrelations neurons;
    private volatile @Nullable Evaluation evaluation;
    private final Map<Integer, List<String>> promoted = new ConcurrentHashMap<>();

    Study(int number, String name, Transformer model, SparseAutoencoder sae, Tokenization tokenization, long seed) {
        this.number = number;
        this.name = name;
        this.model = model;
        this.sae = sae;
        this.tokenization = tokenization;
        this.seed = seed;
        TextEncoder.hookOf(model, sae);
        TextEncoder.outputOf(model, sae);
    }

    State state() {
        return state;
    }

    Optional<Index> index() {
        return Optional.ofNullable(index);
    }

    /** {@return the index, or a refusal that says how far it is} */
    Index required() {
        Index ready = index;
        if (ready != null) {
            return ready;
        }
        State now = state;
        throw new ApiException(409, now.failure().orElse(now.stage().equals("none")
                ? "there is no corpus: start the server with one (--corpus FILE)"
                : "the corpus is being read: " + now.stage() + (now.total() > 0 ? " " + 100 * now.done() / now.total() + "%" : "")));
    }

    Optional<FeatureMap> map() {
        return Optional.ofNullable(map);
    }

    Optional<NeuronCorrelations> neurons() {
        return Optional.ofNullable(neurons);
    }

    Optional<Evaluation> evaluation() {
        return Optional.ofNullable(evaluation);
    }

    void withoutCorpus() {
        state = new State("none", 0, 0, false, Optional.empty());
    }

    void failed(String why) {
        state = new State("failed", 0, 0, index != null, Optional.of(why));
    }

    private Progress progress(Progress outer, boolean ready) {
        return new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                state = new State(stage, done, total, ready, Optional.empty());
                outer.update(stage, done, total);
            }

            @Override
            public boolean isCancelled() {
                return outer.isCancelled();
            }
        };
    }

    /** Reads the corpus: after this, features can be asked for. */
    void read(List<Document> documents, Progress outer) {
        Progress progress = progress(outer, false);
        EncodedCorpus corpus = EncodedCorpus.encode(model, sae, documents, tokenization, progress);
        LabelScores scores = LabelScores.of(corpus, progress);
        FeatureColumns columns = scores.columns();
        int n = columns.features();
        FeatureProfiler profiler = new FeatureProfiler(model, sae, scores, List.of(), ProfileSettings.of(seed), progress);
        Index made = new Index(corpus, scores, profiler, new double[n], new double[n], new String[n], new double[n]);
        for (int f = 0; f < n; f++) {
            double[] active = columns.values(f);
            made.max[f] = Arrays.stream(active).max().orElse(0);
            made.mean[f] = Arrays.stream(active).average().orElse(0);
            int feature = f;
            Optional<String> best = scores.bestLabel(f);
            made.label[f] = best.orElse("");
            made.auroc[f] = best.map(l -> scores.byDocument(l, feature)).orElse(Double.NaN);
        }
        index = made;
        state = new State("laying out the map", 0, 0, true, Optional.empty());
    }

    /** Draws the map, measures, correlates: what takes longer and is asked for less. */
    void study(Progress outer) {
        Index ready = required();
        Progress progress = progress(outer, true);
        int[] alive = ready.scores().alive();
        if (FeatureMap.possible(alive.length)) {
            map = FeatureMap.of(Objects.requireNonNull(sae.parameters().get("W_dec")), alive, seed, progress);
        }
        evaluation = Evaluator.evaluate(model, sae, someContexts(ready.corpus()), false, Double.POSITIVE_INFINITY, progress);
        if (NeuronCorrelations.bytes(ready.columns(), sae) <= MOST_NEURON_BYTES) {
            neurons = NeuronCorrelations.compute(model, sae, ready.corpus(), ready.columns(), progress);
        }
        state = new State("done", 1, 1, true, Optional.empty());
    }

    /** Contexts from all over the corpus. */
    private static List<Context> someContexts(EncodedCorpus corpus) {
        List<Context> all = new ArrayList<>();
        for (int row = 0; row < corpus.features().rows(); row++) {
            Context context = corpus.context(row);
            if (all.isEmpty() || all.getLast() != context) {
                all.add(context);
            }
        }
        int stride = Math.max(1, Math.ceilDiv(corpus.features().rows(), EVALUATION_TOKENS));
        return IntStream.range(0, all.size()).filter(i -> i % stride == 0).mapToObj(all::get).toList();
    }

    EncodedText encode(String text) {
        return new TextEncoder(model, sae, List.of(text).iterator(), tokenization, Progress.NONE).next();
    }

    int checked(int feature) {
        if (feature < 0 || feature >= sae.config().dSae()) {
            throw new ApiException(404, "there is no feature " + feature + ", only 0 to " + (sae.config().dSae() - 1));
        }
        return feature;
    }

    /** {@return the tokens that a feature promotes most; none if there is no direct path to the logits} */
    List<String> promoted(int feature) {
        if (promoted.size() > KEPT_PROFILES) {
            promoted.clear();
        }
        return promoted.computeIfAbsent(feature, f -> required().profiler().logits(f)
                .map(l -> l.top().stream().limit(TABLE_TOKENS).map(FeatureProfile.TokenEffect::text).toList()).orElse(List.of()));
    }

    /** {@return texts of tokens; vocabularies may be padded with ids that the tokenizer does not know} */
    List<String> texts(int[] tokens) {
        var tokenizer = model.tokenizer().orElseThrow();
        return Arrays.stream(tokens).allMatch(t -> t < tokenizer.vocabularySize()) ? tokenizer.tokens(tokens)
                : Arrays.stream(tokens).mapToObj(t -> t < tokenizer.vocabularySize() ? tokenizer.token(t) : "[" + t + "]").toList();
    }

    /** {@return for each feature the other study's feature with the largest cosine of decoder directions, as [other, cosine]} */
    double[][] matches(Study other) {
        float[][] own = unit(Objects.requireNonNull(sae.parameters().get("W_dec")));
        float[][] theirs = unit(Objects.requireNonNull(other.sae.parameters().get("W_dec")));
        double[][] best = new double[2][own.length];
        IntStream.range(0, own.length).parallel().forEach(f -> {
            best[1][f] = -1;
            for (int g = 0; g < theirs.length; g++) {
                float cosine = 0;
                for (int i = 0; i < own[f].length; i++) {
                    cosine += own[f][i] * theirs[g][i];
                }
                if (cosine > best[1][f]) {
                    best[0][f] = g;
                    best[1][f] = Math.min(cosine, 1);
                }
            }
        });
        return best;
    }

    private static float[][] unit(Tensor rows) {
        float[][] unit = new float[rows.dim(0)][];
        for (int r = 0; r < unit.length; r++) {
            unit[r] = rows.row(r);
            double square = 0;
            for (float value : unit[r]) {
                square += (double) value * value;
            }
            float scale = square == 0 ? 0 : (float) (1 / Math.sqrt(square));
            for (int i = 0; i < unit[r].length; i++) {
                unit[r][i] *= scale;
            }
        }
        return unit;
    }

    /** {@return indices of the largest values above 0, the largest first} */
    static int[] largest(double[] values, int count) {
        return IntStream.range(0, values.length).filter(f -> values[f] > 0).boxed()
                .sorted(Comparator.<Integer>comparingDouble(f -> -values[f]).thenComparing(Comparator.naturalOrder())).limit(count)
                .mapToInt(Integer::intValue).toArray();
    }
}
