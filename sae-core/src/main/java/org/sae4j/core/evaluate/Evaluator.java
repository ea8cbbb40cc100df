package org.sae4j.core.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.sae.TextEncoder;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.activations.TokenActivations;

/** Evaluates autoencoders. Results do not depend on how inputs are cut into batches, but for the engine's rounding. */
public final class Evaluator {
    private static final int BATCH_ROWS = 4096;
    private static final int BATCH_LOGITS = 1 << 24;
    /** About so many tokens are measured to know the median of their norms. */
    private static final int SAMPLE_TOKENS = 1 << 13;

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
                    sae.config().toString(), "evaluate it within its model, where what it predicts is read too");
        }
        if (count < 1) {
            throw new Sae4jException("no activation to evaluate on", "evaluation", "give at least one row");
        }
        int d = sae.config().dIn();
        Accumulator accumulator = new Accumulator(d, sae.config().dSae(), normLimit);
        for (long from = 0; from < count; from += batchRows) {
            progress.checkCancelled();
            int size = (int) Math.min(batchRows, count - from);
            float[] values = new float[size * d];
            rows.next(values);
            Tensor x = Tensor.of(values, size, d);
            add(accumulator, sae, x, x);
            progress.update("evaluating", from + size, count);
        }
        return accumulator.result(Optional.empty());
    }

    private static Tensor add(Accumulator accumulator, SparseAutoencoder sae, Tensor x, Tensor target) {
        SparseRows features = sae.encode(x);
        boolean featuresAlone = sae.config().normalization() == SaeConfig.Normalization.NONE && !sae.config().skip();
        Tensor reconstruction = featuresAlone ? sae.decode(features) : sae.reconstruct(x);
        accumulator.add(x, target, reconstruction, features);
        return reconstruction;
    }

    /**
     * Evaluates within a model: reconstruction and firing at the autoencoder's hook point, and how well the model predicts when the
     * reconstruction, or zeros, replace the activations there. A transcoder reads one hook point; its output is compared with, and replaces,
     * the values at the other.
     *
     * @param model the model
     * @param sae an autoencoder that knows its hook point, or a transcoder that knows both of its
     * @param contexts what the model reads; tokens that do not count are neither evaluated nor replaced
     * @param keepFirst whether the first token of every context is neither evaluated nor replaced even where it counts
     * @param maxNorm rows whose norm is more than this multiple of the median are left out of what is not about predictions, and counted;
     *     the median is that of a sample of at most some thousand tokens. Positive infinity for no limit
     * @param progress told of every batch
     * @return the evaluation
     * @throws Sae4jException if the autoencoder does not fit the model, or there is no token to evaluate or to predict
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static Evaluation evaluate(Transformer model, SparseAutoencoder sae, List<Context> contexts, boolean keepFirst, double maxNorm,
            Progress progress) {
        return evaluate(model, sae, contexts, keepFirst, maxNorm, BATCH_LOGITS, progress);
    }

    static Evaluation evaluate(Transformer model, SparseAutoencoder sae, List<Context> contexts, boolean keepFirst, double maxNorm,
            int batchLogits, Progress progress) {
        HookPoint hook = TextEncoder.hookOf(model, sae);
        HookPoint target = TextEncoder.outputOf(model, sae);
        List<Context> read = contexts.stream().filter(context -> context.size() > 1 && counted(context, keepFirst).length > 0).toList();
        if (read.isEmpty()) {
            throw new Sae4jException("no token to predict", contexts.size() + " contexts", "give longer texts");
        }
        // By length, so that little is padded; the order of equal lengths is kept.
        List<Context> order = read.stream().sorted(Comparator.comparingInt(Context::size)).toList();
        double limit = maxNorm == Double.POSITIVE_INFINITY ? maxNorm : sampleNorms(model, hook, read, progress).limit(maxNorm);
        Accumulator accumulator = new Accumulator(sae.config().dOut(), sae.config().dSae(), limit);
        PredictionLosses losses = new PredictionLosses();
        int done = 0;
        while (done < order.size()) {
            progress.checkCancelled();
            int end = done + 1;
            while (end < order.size() && (end + 1L - done) * order.get(end).size() * model.config().dVocab() <= batchLogits) {
                end++;
            }
            new Patched(model, sae, hook, target, order.subList(done, end), keepFirst).add(accumulator, losses);
            done = end;
            progress.update("evaluating", done, order.size());
        }
        return accumulator.result(Optional.of(losses.result(read.stream().allMatch(c -> keepFirst || !c.counts(0)))));
    }

    private static int[] counted(Context context, boolean keepFirst) {
        return IntStream.of(context.positions()).filter(position -> position > 0 || !keepFirst).toArray();
    }

    /** Norms of the tokens that count of some contexts, spread evenly over all. */
    private static RowNorms sampleNorms(Transformer model, HookPoint hook, List<Context> contexts, Progress progress) {
        long tokens = contexts.stream().mapToLong(Context::size).sum();
        int step = (int) Math.max(1, (tokens + SAMPLE_TOKENS - 1) / SAMPLE_TOKENS);
        TokenActivations sample = new TokenActivations(model, List.of(hook), IntStream.range(0, contexts.size())
                .filter(c -> c % step == 0).mapToObj(contexts::get).toList());
        float[] norms = new float[(int) sample.size()];
        float[] row = new float[sample.width()];
        sample.each(progress, (number, activation) -> {
            activation.copyTo(row, 0);
            norms[number] = RowNorms.norm(row, 0, row.length);
        });
        return new RowNorms(norms);
    }

    /** One batch of contexts through the model, untouched and replaced. */
    private record Patched(Transformer model, SparseAutoencoder sae, HookPoint hook, HookPoint target, List<Context> batch,
            boolean keepFirst) {
        void add(Accumulator accumulator, PredictionLosses losses) {
            int length = batch.getLast().size();
            int dIn = sae.config().dIn();
            int dOut = sae.config().dOut();
            int[][] padded = batch.stream().map(context -> Arrays.copyOf(context.tokens(), length)).toArray(int[][]::new);
            boolean resume = target.layer() > 0 && !target.site().equals(HookPoint.Site.RESID_PRE);
            HookPoint before = resume ? HookPoint.residPre(target.layer()) : target;
            Activations clean = model.forward(padded, ForwardPlan.capture(before, hook, target, HookPoint.LOGITS));
            int[] rows = rows(b -> IntStream.of(counted(batch.get(b), keepFirst)), length);
            int[] all = rows(b -> IntStream.range(0, batch.get(b).size()), length);
            Tensor x = select(clean.get(hook), rows, dIn);
            Tensor reconstruction = Evaluator.add(accumulator, sae, x, hook.equals(target) ? x : select(clean.get(target), rows, dOut));
            List<Tensor> patched = new ArrayList<>();
            patched.add(patched(padded, resume, clean, before, rows, reconstruction));
            patched.add(patched(padded, resume, clean, before, rows, Tensor.zeros(rows.length, dOut)));
            if (rows.length == all.length) {
                patched.addAll(List.copyOf(patched));
            } else {
                patched.add(patched(padded, resume, clean, before, all, sae.reconstruct(select(clean.get(hook), all, dIn))));
                patched.add(patched(padded, resume, clean, before, all, Tensor.zeros(all.length, dOut)));
            }
            losses.add(batch, length, all, clean.logits(), patched);
            losses.kept(all.length - rows.length);
        }

        private int[] rows(IntFunction<IntStream> positions, int length) {
            return IntStream.range(0, batch.size()).flatMap(b -> positions.apply(b).map(p -> b * length + p)).toArray();
        }

        private static Tensor select(Tensor values, int[] rows, int d) {
            float[] x = new float[rows.length * d];
            for (int i = 0; i < rows.length; i++) {
                values.copyTo((long) rows[i] * d, x, i * d, d);
            }
            return Tensor.of(x, rows.length, d);
        }

        private Tensor patched(int[][] padded, boolean resume, Activations clean, HookPoint before, int[] rows, Tensor values) {
            ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS).set(target, rows, values);
            if (resume) {
                plan.startAt(target.layer(), clean.get(before));
            }
            return model.forward(padded, plan.build()).logits();
        }
    }
}
