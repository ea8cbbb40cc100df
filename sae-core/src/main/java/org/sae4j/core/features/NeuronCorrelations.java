package org.sae4j.core.features;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.lab.FeatureColumns;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.sae.TextEncoder;

/**
 * How the features of an autoencoder go with the single coordinates of what it reads, which are neurons at {@code mlp.hook_post}: Pearson's
 * correlation and the cosine over the tokens of a corpus, as SAEDashboard lists them. Immutable.
 */
public final class NeuronCorrelations {
    private static final int BATCH_TOKENS = 4096;

    /**
     * A coordinate beside a feature.
     *
     * @param neuron its number
     * @param correlation Pearson's, from -1 to 1
     * @param cosine of the two as vectors over tokens, from -1 to 1
     */
    public record Correlated(int neuron, double correlation, double cosine) {}

    private final FeatureColumns columns;
    private final double[] sums;
    private final double[] squares;
    /** By feature the sums of products; null for one that is never active. */
    private final float[] @Nullable [] products;

    private NeuronCorrelations(FeatureColumns columns, int width) {
        this.columns = columns;
        sums = new double[width];
        squares = new double[width];
        products = new float[columns.features()][];
        for (int f = 0; f < products.length; f++) {
            products[f] = columns.active(f) > 0 ? new float[width] : null;
        }
    }

    /**
     * The memory that the correlations take.
     *
     * @param columns the features over the corpus
     * @param sae their autoencoder
     * @return bytes, most of them for products of features that are active and coordinates
     */
    public static long bytes(FeatureColumns columns, SparseAutoencoder sae) {
        long alive = IntStream.range(0, columns.features()).filter(f -> columns.active(f) > 0).count();
        return alive * sae.config().dIn() * Float.BYTES;
    }

    /**
     * Runs the model over a corpus once more.
     *
     * @param model the model
     * @param sae its autoencoder
     * @param corpus the documents that model and autoencoder encoded
     * @param columns its features
     * @param progress told of every batch, asked for cancellation before it
     * @return the correlations; see {@link #bytes} for the memory
     * @throws org.sae4j.api.Sae4jException if model and autoencoder do not fit
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static NeuronCorrelations compute(Transformer model, SparseAutoencoder sae, EncodedCorpus corpus, FeatureColumns columns,
            Progress progress) {
        HookPoint hook = TextEncoder.hookOf(model, sae);
        NeuronCorrelations correlations = new NeuronCorrelations(columns, sae.config().dIn());
        int rows = corpus.features().rows();
        List<Context> contexts = new ArrayList<>();
        List<Integer> starts = new ArrayList<>();
        int longest = 0;
        for (int row = 0; row <= rows; row++) {
            Optional<Context> context = row < rows ? Optional.of(corpus.context(row)) : Optional.empty();
            boolean next = context.isPresent() && (contexts.isEmpty() || context.get() != contexts.getLast());
            int length = context.map(Context::size).orElse(0);
            if (!contexts.isEmpty() && (context.isEmpty()
                    || next && (contexts.size() + 1) * Math.max(longest, length) > BATCH_TOKENS)) {
                progress.checkCancelled();
                starts.add(row);
                correlations.add(model, hook, corpus, contexts, starts, longest);
                progress.update("correlating features with neurons", row, rows);
                contexts.clear();
                starts.clear();
                longest = 0;
            }
            if (next) {
                contexts.add(context.orElseThrow());
                starts.add(row);
                longest = Math.max(longest, length);
            }
        }
        return correlations;
    }

    private void add(Transformer model, HookPoint hook, EncodedCorpus corpus, List<Context> contexts, List<Integer> starts, int length) {
        // Later tokens do not influence earlier ones, so any token will do as padding.
        int[][] padded = contexts.stream().map(c -> Arrays.copyOf(c.tokens(), length)).toArray(int[][]::new);
        Tensor x = model.forward(padded, ForwardPlan.capture(hook)).get(hook);
        SparseRows features = corpus.features();
        float[] line = new float[sums.length];
        for (int c = 0; c < padded.length; c++) {
            for (int row = starts.get(c); row < starts.get(c + 1); row++) {
                x.copyTo(((long) c * length + corpus.position(row)) * line.length, line, 0, line.length);
                for (int i = 0; i < line.length; i++) {
                    sums[i] += line[i];
                    squares[i] += (double) line[i] * line[i];
                }
                for (int e = features.start(row); e < features.start(row + 1); e++) {
                    float[] product = products[features.index(e)];
                    float value = features.value(e);
                    if (product != null && value > 0) {
                        for (int i = 0; i < line.length; i++) {
                            product[i] += value * line[i];
                        }
                    }
                }
            }
        }
    }

    /**
     * The coordinates that go most with a feature.
     *
     * @param feature the feature
     * @param count how many at most
     * @return by descending correlation; none for a feature that is never active; coordinates that do not vary are left out
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public List<Correlated> of(int feature, int count) {
        float[] product = products[feature];
        if (product == null) {
            return List.of();
        }
        int n = columns.rows();
        double sum = 0;
        double square = 0;
        for (double value : columns.values(feature)) {
            sum += value;
            square += value * value;
        }
        double ownSum = sum;
        double ownSquare = square;
        return IntStream.range(0, product.length).mapToObj(i -> {
            double variances = (ownSquare - ownSum * ownSum / n) * (squares[i] - sums[i] * sums[i] / n);
            return new Correlated(i, variances <= 0 ? Double.NaN
                    : Math.clamp((product[i] - ownSum * sums[i] / n) / Math.sqrt(variances), -1.0, 1.0),
                    Math.clamp(product[i] / Math.sqrt(ownSquare * squares[i]), -1.0, 1.0));
        }).filter(c -> !Double.isNaN(c.correlation())).sorted(Comparator.comparingDouble(c -> -c.correlation())).limit(count).toList();
    }
}
