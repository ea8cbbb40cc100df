package org.sae4j.core.evaluate;

import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Context;

/** Sums of losses over predictions, in their order: of the untouched model, and of the same with activations replaced in four ways. */
final class PredictionLosses {
    /** The ways: reconstruction and zeros at the tokens that count, reconstruction and zeros at all. */
    private static final int WAYS = 4;

    private final double[] crossEntropy = new double[WAYS];
    private final double[] divergence = new double[WAYS];
    private final double[] lastDivergence = new double[WAYS];
    private double clean;
    private long predictions;
    private long positions;
    private long kept;

    /** The losses at one position: of its prediction, and how far the others are from it. */
    private record Loss(boolean last, double clean, double[] crossEntropy, double[] divergence) {
        static Loss of(Tensor logits, List<Tensor> patched, long row, int width, int target) {
            float[] untouched = row(logits, row, width);
            double normalizer = logSumExp(untouched);
            boolean last = target < 0;
            double[] crossEntropy = new double[WAYS];
            double[] divergence = new double[WAYS];
            for (int way = 0; way < WAYS; way++) {
                if (way >= 2 && patched.get(way) == patched.get(way - 2)) {
                    crossEntropy[way] = crossEntropy[way - 2];
                    divergence[way] = divergence[way - 2];
                    continue;
                }
                float[] other = row(patched.get(way), row, width);
                double otherNormalizer = logSumExp(other);
                for (int i = 0; i < width; i++) {
                    double logP = untouched[i] - normalizer;
                    divergence[way] += Math.exp(logP) * (logP - (other[i] - otherNormalizer));
                }
                crossEntropy[way] = last ? 0 : otherNormalizer - other[target];
            }
            return new Loss(last, last ? 0 : normalizer - untouched[target], crossEntropy, divergence);
        }

        private static float[] row(Tensor logits, long row, int width) {
            float[] values = new float[width];
            logits.copyTo(row * width, values, 0, width);
            return values;
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

    /**
     * Adds a batch.
     *
     * @param batch the contexts, padded to a length
     * @param rows the positions of all tokens in the padded batch
     * @param logits of the untouched model
     * @param patched logits in the four ways
     */
    void add(List<Context> batch, int length, int[] rows, Tensor logits, List<Tensor> patched) {
        int width = logits.dim(-1);
        Loss[] each = IntStream.of(rows).parallel().mapToObj(row -> {
            Context context = batch.get(row / length);
            int next = row % length + 1;
            return Loss.of(logits, patched, row, width, next < context.size() ? context.token(next) : -1);
        }).toArray(Loss[]::new);
        // Added in the order of the tokens, whatever the threads did.
        for (Loss loss : each) {
            positions++;
            predictions += loss.last ? 0 : 1;
            clean += loss.clean;
            for (int way = 0; way < WAYS; way++) {
                crossEntropy[way] += loss.crossEntropy[way];
                (loss.last ? lastDivergence : divergence)[way] += loss.divergence[way];
            }
        }
    }

    void kept(long tokens) {
        kept += tokens;
    }

    Evaluation.Recovered result(boolean firstKept) {
        double n = predictions;
        return new Evaluation.Recovered(predictions, kept, firstKept, clean / n, crossEntropy[0] / n, crossEntropy[1] / n, divergence[0] / n,
                divergence[1] / n, new Evaluation.SaeLens(clean / n, crossEntropy[2] / n, crossEntropy[3] / n,
                (divergence[2] + lastDivergence[2]) / positions, (divergence[3] + lastDivergence[3]) / positions));
    }
}
