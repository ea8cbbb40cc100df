package org.sae4j.core.evaluate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/** Evaluates autoencoders. Results do not depend on how inputs are cut into batches, but for the engine's rounding. */
public final class Evaluator {
    private static final int BATCH_ROWS = 4096;
    private static final int BATCH_LOGITS = 1 << 24;

    private Evaluator() {}

    /**
     * Evaluates over stored activations.
     *
     * @param sae the autoencoder
     * @param rows activations [..., d_in], at least one row
     * @param progress told of every batch
     * @return the evaluation, without recovered losses
     * @throws Sae4jException if there is no row, the width is not d_in, a value is not finite, or it is a transcoder
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static Evaluation evaluate(SparseAutoencoder sae, Tensor rows, Progress progress) {
        return evaluate(sae, rows, BATCH_ROWS, progress);
    }

    static Evaluation evaluate(SparseAutoencoder sae, Tensor rows, int batchRows, Progress progress) {
        int d = sae.config().dIn();
        if (rows.rank() == 0 || rows.size() == 0 || rows.dim(-1) != d) {
            throw new Sae4jException("expected activations of width " + d + " and at least one row, found " + rows, "evaluation",
                    "give the activations of the autoencoder's hook point");
        }
        long[] at = {0};
        return evaluate(sae, values -> {
            rows.copyTo(at[0], values, 0, values.length);
            at[0] += values.length;
        }, rows.size() / d, Double.POSITIVE_INFINITY, batchRows, progress);
    }

    /** Gives activations one after the other. */
    @FunctionalInterface
    public interface Rows {
        /**
         * Takes the next rows.
         *
         * @param target filled with whole rows, row-major
         */
        void next(float[] target);
    }

    /**
     * Evaluates over activations that come one after the other, such as those of a store.
     *
     * @param sae the autoencoder
     * @param rows gives activations of width d_in
     * @param count how many to take, at least 1
     * @param normLimit rows with a larger norm are left out and counted; positive infinity for no limit
     * @param progress told of every batch
     * @return the evaluation, without recovered losses
     * @throws Sae4jException if there is no row within the limit, or a value is not finite, or it is a transcoder
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static Evaluation evaluate(SparseAutoencoder sae, Rows rows, long count, double normLimit, Progress progress) {
        return evaluate(sae, rows, count, normLimit, BATCH_ROWS, progress);
    }

    private static Evaluation evaluate(SparseAutoencoder sae, Rows rows, long count, double normLimit, int batchRows,
            Progress progress) {
        if (sae.config().transcoder()) {
            throw new Sae4jException("a transcoder does not reconstruct what it reads, so its output cannot be compared with its input",
                    sae.config().toString(), "evaluate an autoencoder");
        }
        if (count < 1) {
            throw new Sae4jException("there is no activation to evaluate on", "evaluation", "give at least one row");
        }
        int d = sae.config().dIn();
        Accumulator accumulator = new Accumulator(d, sae.config().dSae(), normLimit);
        for (long from = 0; from < count; from += batchRows) {
            progress.checkCancelled();
            int size = (int) Math.min(batchRows, count - from);
            float[] values = new float[size * d];
            rows.next(values);
            add(accumulator, sae, Tensor.of(values, size, d));
            progress.update("evaluating", from + size, count);
        }
        return accumulator.result(Optional.empty());
    }

    private static Tensor add(Accumulator accumulator, SparseAutoencoder sae, Tensor x) {
        SparseRows features = sae.encode(x);
        boolean featuresAlone = sae.config().normalization() == SaeConfig.Normalization.NONE && !sae.config().skip();
        Tensor reconstruction = featuresAlone ? sae.decode(features) : sae.reconstruct(x);
        accumulator.add(x, reconstruction, features);
        return reconstruction;
    }

    /**
     * Evaluates within a model: reconstruction and firing at the autoencoder's hook point, and how well the model predicts when the
     * reconstruction, or zeros, replace the activations there.
     *
     * @param model the model
     * @param sae an autoencoder that knows its hook point
     * @param tokens rows of token ids, each from 1 to n_ctx
     * @param keepFirst whether the first token of every row (BOS) is neither evaluated nor replaced
     * @param progress told of every batch
     * @return the evaluation
     * @throws Sae4jException if the autoencoder does not fit the model or is a transcoder, or there is no token to evaluate or to predict
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static Evaluation evaluate(Transformer model, SparseAutoencoder sae, int[][] tokens, boolean keepFirst, Progress progress) {
        return evaluate(model, sae, tokens, keepFirst, BATCH_LOGITS, progress);
    }

    static Evaluation evaluate(Transformer model, SparseAutoencoder sae, int[][] tokens, boolean keepFirst, int batchLogits,
            Progress progress) {
        HookPoint hook = EncodedCorpus.hookOf(model, sae);
        int first = keepFirst ? 1 : 0;
        if (Arrays.stream(tokens).noneMatch(row -> row.length > Math.max(1, first))) {
            throw new Sae4jException("there is no token to predict", tokens.length + " rows of tokens", "give longer texts");
        }
        // By length, so that little is padded; the order of equal lengths is kept.
        Integer[] order = IntStream.range(0, tokens.length).filter(row -> tokens[row].length > first).boxed()
                .sorted(Comparator.comparingInt(row -> tokens[row].length)).toArray(Integer[]::new);
        Accumulator accumulator = new Accumulator(sae.config().dIn(), sae.config().dSae(), Double.POSITIVE_INFINITY);
        Losses losses = new Losses();
        int done = 0;
        while (done < order.length) {
            progress.checkCancelled();
            int end = done + 1;
            while (end < order.length && (end + 1L - done) * tokens[order[end]].length * model.config().dVocab() <= batchLogits) {
                end++;
            }
            int[][] batch = IntStream.range(done, end).mapToObj(i -> tokens[order[i]]).toArray(int[][]::new);
            new Patched(model, sae, hook, batch, first).add(accumulator, losses);
            done = end;
            progress.update("evaluating", done, order.length);
        }
        return accumulator.result(Optional.of(losses.result(keepFirst)));
    }

    /** One batch of rows through the model, untouched and replaced. */
    private record Patched(Transformer model, SparseAutoencoder sae, HookPoint hook, int[][] batch, int first) {
        void add(Accumulator accumulator, Losses losses) {
            int length = batch[batch.length - 1].length;
            int d = sae.config().dIn();
            int[][] padded = Arrays.stream(batch).map(row -> Arrays.copyOf(row, length)).toArray(int[][]::new);
            boolean resume = hook.layer() > 0 && !hook.site().equals(HookPoint.Site.RESID_PRE);
            HookPoint before = resume ? HookPoint.residPre(hook.layer()) : hook;
            Activations clean = model.forward(padded, ForwardPlan.capture(before, hook, HookPoint.LOGITS));
            int[] rows = IntStream.range(0, batch.length).flatMap(b -> IntStream.range(first, batch[b].length).map(p -> b * length + p))
                    .toArray();
            float[] x = new float[rows.length * d];
            for (int i = 0; i < rows.length; i++) {
                clean.get(hook).copyTo((long) rows[i] * d, x, i * d, d);
            }
            Tensor reconstruction = Evaluator.add(accumulator, sae, Tensor.of(x, rows.length, d));
            Tensor logits = clean.logits();
            Tensor withSae = patched(padded, resume, clean, before, rows, reconstruction);
            Tensor withZeros = patched(padded, resume, clean, before, rows, Tensor.zeros(rows.length, d));
            int vocabulary = model.config().dVocab();
            int[] predictions = IntStream.range(0, batch.length)
                    .flatMap(b -> IntStream.range(b * length, b * length + batch[b].length - 1)).toArray();
            Loss[] each = IntStream.of(predictions).parallel().mapToObj(at -> Loss.of(row(logits, at, vocabulary),
                    row(withSae, at, vocabulary), row(withZeros, at, vocabulary), batch[at / length][at % length + 1]))
                    .toArray(Loss[]::new);
            // Added in the order of the tokens, whatever the threads did.
            for (Loss loss : each) {
                losses.add(loss);
            }
        }

        private Tensor patched(int[][] padded, boolean resume, Activations clean, HookPoint before, int[] rows, Tensor values) {
            ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS).set(hook, rows, values);
            if (resume) {
                plan.startAt(hook.layer(), clean.get(before));
            }
            return model.forward(padded, plan.build()).logits();
        }

        private static float[] row(Tensor logits, long row, int width) {
            float[] values = new float[width];
            logits.copyTo(row * width, values, 0, width);
            return values;
        }
    }

    /** The losses of one prediction. */
    private record Loss(double ceClean, double ceSae, double ceZero, double klSae, double klZero) {
        static Loss of(float[] clean, float[] sae, float[] zero, int target) {
            double cleanNormalizer = logSumExp(clean);
            double saeNormalizer = logSumExp(sae);
            double zeroNormalizer = logSumExp(zero);
            double klSae = 0;
            double klZero = 0;
            for (int i = 0; i < clean.length; i++) {
                double logP = clean[i] - cleanNormalizer;
                double p = Math.exp(logP);
                klSae += p * (logP - (sae[i] - saeNormalizer));
                klZero += p * (logP - (zero[i] - zeroNormalizer));
            }
            return new Loss(cleanNormalizer - clean[target], saeNormalizer - sae[target], zeroNormalizer - zero[target], klSae, klZero);
        }

        private static double logSumExp(float[] logits) {
            double max = Double.NEGATIVE_INFINITY;
            for (float logit : logits) {
                max = Math.max(max, logit);
            }
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit - max);
            }
            return max + Math.log(sum);
        }
    }

    /** Sums of losses over predictions. */
    private static final class Losses {
        private long predictions;
        private double ceClean;
        private double ceSae;
        private double ceZero;
        private double klSae;
        private double klZero;

        void add(Loss loss) {
            ceClean += loss.ceClean;
            ceSae += loss.ceSae;
            ceZero += loss.ceZero;
            klSae += loss.klSae;
            klZero += loss.klZero;
            predictions++;
        }

        Evaluation.Recovered result(boolean firstKept) {
            double n = predictions;
            return new Evaluation.Recovered(predictions, firstKept, ceClean / n, ceSae / n, ceZero / n, klSae / n, klZero / n);
        }
    }
}
