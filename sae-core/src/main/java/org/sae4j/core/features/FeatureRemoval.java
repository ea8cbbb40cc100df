package org.sae4j.core.features;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.internal.Normalizer;

/** Predictions of a model with and without a feature. What the autoencoder does not explain, its error, stays as it is. */
final class FeatureRemoval {
    private static final int BATCH_TOKENS = 4096;
    private static final int BATCH_LOGITS = 1 << 23;

    private final Transformer model;
    private final SparseAutoencoder sae;
    /** What the autoencoder reads. */
    private final HookPoint input;
    /** Where its features write. */
    private final HookPoint hook;
    private final Progress progress;

    FeatureRemoval(Transformer model, SparseAutoencoder sae, HookPoint input, HookPoint hook, Progress progress) {
        this.model = model;
        this.sae = sae;
        this.input = input;
        this.hook = hook;
        this.progress = progress;
    }

    /**
     * One prediction.
     *
     * @param tokens the context, its last token makes the prediction
     * @param positions where the feature is removed
     * @param activations its activation at each of these positions
     * @param target the token whose probability is asked for
     */
    record Case(int[] tokens, int[] positions, float[] activations, int target) {}

    /**
     * What removal changes.
     *
     * @param before probability of the target with the feature, by case
     * @param after probability of the target without it, by case
     * @param lossChange change of the target's negative log-likelihood in nats, by case
     * @param kl divergence in nats of the prediction without from that with the feature, by case
     * @param meanBefore mean probability of each token of the vocabulary with the feature
     * @param meanAfter mean probability of each token of the vocabulary without it
     */
    record Outcome(double[] before, double[] after, double[] lossChange, double[] kl, double[] meanBefore, double[] meanAfter) {}

    /** {@return whether features of a site can be taken out: logits are computed at few positions alone, the others cannot be edited} */
    static boolean possible(HookPoint.Site site) {
        return site.isEditable() && !site.isPattern() && !site.equals(HookPoint.Site.UNEMBED_OUT) && !site.equals(HookPoint.Site.LOGITS);
    }

    Outcome run(int feature, List<Case> cases) {
        int n = cases.size();
        int vocabulary = model.config().dVocab();
        Outcome outcome = new Outcome(new double[n], new double[n], new double[n], new double[n], new double[vocabulary],
                new double[vocabulary]);
        // By length, so that little is padded; the order of equal lengths is kept.
        int[] order = IntStream.range(0, n).boxed().sorted(Comparator.comparingInt(i -> cases.get(i).tokens().length))
                .mapToInt(Integer::intValue).toArray();
        float[] direction = Objects.requireNonNull(sae.parameters().get("W_dec")).row(feature);
        for (int from = 0; from < n;) {
            progress.checkCancelled();
            int to = from + 1;
            while (to < n && fits(to + 1 - from, lengths(cases, order, from, to + 1), vocabulary)) {
                to++;
            }
            batch(cases, Arrays.copyOfRange(order, from, to), lengths(cases, order, from, to), direction, outcome);
            from = to;
        }
        for (int i = 0; i < vocabulary; i++) {
            outcome.meanBefore[i] /= n;
            outcome.meanAfter[i] /= n;
        }
        return outcome;
    }

    private static int[] lengths(List<Case> cases, int[] order, int from, int to) {
        return IntStream.range(from, to).map(i -> cases.get(order[i]).tokens().length).distinct().toArray();
    }

    private static boolean fits(int rows, int[] lengths, int vocabulary) {
        return (long) rows * lengths[lengths.length - 1] <= BATCH_TOKENS && (long) rows * lengths.length * vocabulary <= BATCH_LOGITS;
    }

    private void batch(List<Case> cases, int[] batch, int[] lengths, float[] direction, Outcome outcome) {
        int length = lengths[lengths.length - 1];
        int[][] padded = IntStream.of(batch).mapToObj(i -> Arrays.copyOf(cases.get(i).tokens(), length)).toArray(int[][]::new);
        int[] predicting = IntStream.of(lengths).map(l -> l - 1).toArray();
        Activations with = model.forward(padded, ForwardPlan.builder().capture(input, hook, HookPoint.LOGITS).logitsAt(predicting).build());
        int edits = IntStream.of(batch).map(i -> cases.get(i).positions().length).sum();
        int[] rows = new int[edits];
        float[] values = new float[edits * direction.length];
        int n = 0;
        for (int b = 0; b < batch.length; b++) {
            Case c = cases.get(batch[b]);
            for (int k = 0; k < c.positions().length; k++) {
                rows[n] = b * length + c.positions()[k];
                double amount = -c.activations()[k] * outputScale(with.get(input), rows[n]);
                for (int i = 0; i < direction.length; i++) {
                    values[n * direction.length + i] = (float) (amount * direction[i]);
                }
                n++;
            }
        }
        // The same captures and edits at the same places, so that nothing but the edit changes the bits.
        Activations without = model.forward(padded, ForwardPlan.builder().capture(input, hook, HookPoint.LOGITS).logitsAt(predicting)
                .add(hook, rows, Tensor.of(values, edits, direction.length)).build());
        int vocabulary = model.config().dVocab();
        for (int b = 0; b < batch.length; b++) {
            Case c = cases.get(batch[b]);
            long row = (long) b * predicting.length + Arrays.binarySearch(predicting, c.tokens().length - 1);
            double[] p = logProbabilities(with.logits(), row, vocabulary);
            double[] q = logProbabilities(without.logits(), row, vocabulary);
            int i = batch[b];
            outcome.before[i] = Math.exp(p[c.target()]);
            outcome.after[i] = Math.exp(q[c.target()]);
            outcome.lossChange[i] = p[c.target()] - q[c.target()];
            for (int token = 0; token < vocabulary; token++) {
                double before = Math.exp(p[token]);
                outcome.kl[i] += before * (p[token] - q[token]);
                outcome.meanBefore[token] += before;
                outcome.meanAfter[token] += Math.exp(q[token]);
            }
        }
    }

    private double outputScale(Tensor captured, int row) {
        int width = sae.config().dIn();
        float[] x = new float[width];
        captured.copyTo((long) row * width, x, 0, width);
        Normalizer normalizer = new Normalizer(sae.config(), 1);
        normalizer.apply(x, 1);
        return normalizer.outputScale(0);
    }

    private static double[] logProbabilities(Tensor logits, long row, int width) {
        float[] values = new float[width];
        logits.copyTo(row * width, values, 0, width);
        double max = Double.NEGATIVE_INFINITY;
        for (float value : values) {
            max = Math.max(max, value);
        }
        double sum = 0;
        for (float value : values) {
            sum += Math.exp(value - max);
        }
        double normalizer = max + Math.log(sum);
        double[] log = new double[width];
        Arrays.setAll(log, i -> values[i] - normalizer);
        return log;
    }
}
