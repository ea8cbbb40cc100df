package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;

/** The uncentred second moment {@code E[k k^T]} of MLP keys over the tokens of texts, in double precision. */
public final class KeyCovariance {
    private static final int BLOCK = 8;

    private final double[][] sum;
    private final List<float[]> waiting = new ArrayList<>();
    private long n;

    private KeyCovariance(int width) {
        sum = new double[width][width];
    }

    /**
     * Collects keys. Position 0 of each text is left out, whatever token stands there: its keys can be hundreds of times as long as all
     * others, and would be most of the sum.
     *
     * @param runs runs of the model
     * @param texts tokens of texts
     * @param layers the layers whose keys are wanted
     * @param width d_mlp
     * @param ridge added to the diagonal, relative to its mean
     * @return lower triangles of the covariance by layer
     */
    public static Map<Integer, double[][]> collect(BatchedRuns runs, List<int[]> texts, List<Integer> layers, int width,
            double ridge) {
        Map<Integer, KeyCovariance> covariances = new LinkedHashMap<>();
        layers.forEach(layer -> covariances.put(layer, new KeyCovariance(width)));
        List<HookPoint> hooks = layers.stream().map(HookPoint::mlpPost).toList();
        runs.forEach(0, texts.stream().map(BatchedRuns.Run::of).toList(), hooks, false, (_, batch, row) -> {
            for (int layer : layers) {
                Tensor keys = batch.get(HookPoint.mlpPost(layer)).slice(row);
                for (int position = 1; position < keys.dim(0); position++) {
                    Objects.requireNonNull(covariances.get(layer)).add(keys.row(position));
                }
            }
        });
        Map<Integer, double[][]> result = new LinkedHashMap<>();
        covariances.forEach((layer, covariance) -> result.put(layer, covariance.finish(ridge)));
        return result;
    }

    private void add(float[] key) {
        n++;
        waiting.add(key);
        if (waiting.size() == BLOCK) {
            flush();
        }
    }

    /** Adds several keys at a time, as every pass over the sum costs more than its arithmetic. Rows are independent of each other. */
    private void flush() {
        List<float[]> keys = List.copyOf(waiting);
        waiting.clear();
        IntStream.range(0, sum.length).parallel().forEach(i -> {
            double[] row = sum[i];
            for (float[] key : keys) {
                double factor = key[i];
                for (int j = 0; j <= i; j++) {
                    row[j] += factor * key[j];
                }
            }
        });
    }

    private double[][] finish(double ridge) {
        flush();
        double trace = 0;
        for (int i = 0; i < sum.length; i++) {
            for (int j = 0; j <= i; j++) {
                sum[i][j] /= Math.max(1, n);
            }
            trace += sum[i][i];
        }
        for (int i = 0; i < sum.length; i++) {
            sum[i][i] += ridge * trace / sum.length;
        }
        return sum;
    }
}
