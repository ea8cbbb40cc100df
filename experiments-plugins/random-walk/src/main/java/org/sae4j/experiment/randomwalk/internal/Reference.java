package org.sae4j.experiment.randomwalk.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.sae.SparseRows;

/**
 * Activations of some tokens to compare walks with.
 *
 * @param activations at the autoencoder's hook point, by token
 * @param features feature activations of the same tokens
 * @param fromCorpus whether the tokens are texts of the corpus
 */
record Reference(float[][] activations, SparseRows features, boolean fromCorpus) {
    private static final int CONTEXT = 64;
    private static final int BATCH = 32;

    static Reference sample(ExperimentContext context, HookPoint hook, int wanted) {
        CounterRandom random = context.random("random-walk reference");
        Optional<Tokenizer> tokenizer = context.model().tokenizer();
        OptionalInt bos = tokenizer.isPresent() ? context.tokenization().bos() : OptionalInt.empty();
        int prefix = (int) bos.stream().count();
        // A context has at least one token besides the first.
        int length = Math.max(1, Math.min(CONTEXT, context.model().config().nCtx() - prefix));
        List<int[]> texts = tokenizer.isPresent() ? texts(context.corpus(), tokenizer.get(), length, wanted, random) : List.of();
        boolean fromCorpus = !texts.isEmpty();
        if (!fromCorpus) {
            int vocabulary = context.model().config().dVocab();
            texts = IntStream.range(0, Math.ceilDiv(wanted, length)).mapToObj(_ -> IntStream.range(0, length)
                    .map(_ -> random.nextInt(vocabulary)).toArray()).toList();
        }
        return run(context, hook, texts, prefix, bos.orElse(0), wanted, fromCorpus);
    }

    private static List<int[]> texts(List<Document> corpus, Tokenizer tokenizer, int length, int wanted, CounterRandom random) {
        List<int[]> texts = new ArrayList<>();
        Set<Integer> drawn = new LinkedHashSet<>();
        int tokens = 0;
        // Most draws are new until most documents are drawn; then the corpus is small and all of it is good enough.
        for (int attempt = 0; attempt < 4 * corpus.size() && tokens < wanted; attempt++) {
            int document = random.nextInt(corpus.size());
            if (drawn.add(document)) {
                int[] ids = tokenizer.encode(corpus.get(document).text()).ids();
                if (ids.length > 0) {
                    texts.add(Arrays.copyOf(ids, Math.min(length, ids.length)));
                    tokens += texts.getLast().length;
                }
            }
        }
        return texts;
    }

    private static Reference run(ExperimentContext context, HookPoint hook, List<int[]> texts, int prefix, int bos, int wanted,
            boolean fromCorpus) {
        int d = context.sae().config().dIn();
        List<float[]> rows = new ArrayList<>();
        for (int from = 0; from < texts.size(); from += BATCH) {
            context.progress().checkCancelled();
            context.progress().update("reference tokens", from, texts.size());
            List<int[]> part = texts.subList(from, Math.min(from + BATCH, texts.size()));
            int length = prefix + part.stream().mapToInt(text -> text.length).max().orElseThrow();
            int[][] padded = new int[part.size()][length];
            for (int b = 0; b < padded.length; b++) {
                if (prefix == 1) {
                    padded[b][0] = bos;
                }
                System.arraycopy(part.get(b), 0, padded[b], prefix, part.get(b).length);
            }
            Tensor x = context.model().forward(padded, ForwardPlan.capture(hook)).get(hook).reshape(padded.length * length, d);
            for (int b = 0; b < padded.length; b++) {
                for (int pos = 0; pos < part.get(b).length && rows.size() < wanted; pos++) {
                    rows.add(x.row((long) b * length + prefix + pos));
                }
            }
        }
        float[][] activations = rows.toArray(float[][]::new);
        return new Reference(activations, context.sae().encode(matrix(activations, d)), fromCorpus);
    }

    static Tensor matrix(float[][] rows, int width) {
        float[] values = new float[Math.multiplyExact(rows.length, width)];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(rows[row], 0, values, row * width, width);
        }
        return Tensor.of(values, rows.length, width);
    }

    double[] meanActivation() {
        double[] mean = new double[activations[0].length];
        for (float[] row : activations) {
            for (int i = 0; i < mean.length; i++) {
                mean[i] += row[i] / (double) activations.length;
            }
        }
        return mean;
    }

    double[] meanFeatures() {
        double[] mean = new double[features.columns()];
        for (int e = 0; e < features.entries(); e++) {
            mean[features.index(e)] += features.value(e) / (double) features.rows();
        }
        return mean;
    }

    /** The largest activation of each feature. */
    double[] maxFeatures() {
        double[] max = new double[features.columns()];
        for (int e = 0; e < features.entries(); e++) {
            max[features.index(e)] = Math.max(max[features.index(e)], features.value(e));
        }
        return max;
    }

    double[] features(int row) {
        double[] dense = new double[features.columns()];
        for (int e = features.start(row); e < features.start(row + 1); e++) {
            dense[features.index(e)] = features.value(e);
        }
        return dense;
    }
}
