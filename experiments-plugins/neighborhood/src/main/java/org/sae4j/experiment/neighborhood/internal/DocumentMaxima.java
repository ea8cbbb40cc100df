package org.sae4j.experiment.neighborhood.internal;

import java.util.Arrays;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.sae.SparseRows;

/** The largest activation of every feature in every document, as {@link EncodedCorpus#maxByDocument()}, by feature from high to low. */
public final class DocumentMaxima {
    private final int documents;
    private final int[][] order;
    private final float[][] values;

    /**
     * Collects and sorts.
     *
     * @param corpus the corpus
     */
    public DocumentMaxima(EncodedCorpus corpus) {
        SparseRows rows = corpus.features();
        int n = rows.columns();
        documents = corpus.documents().size();
        long[][] entries = new long[n][4];
        int[] counts = new int[n];
        float[] max = new float[n];
        for (int d = 0; d < documents; d++) {
            int first = rows.start(corpus.start(d));
            int last = rows.start(corpus.start(d + 1));
            for (int e = first; e < last; e++) {
                max[rows.index(e)] = Math.max(max[rows.index(e)], rows.value(e));
            }
            for (int e = first; e < last; e++) {
                int f = rows.index(e);
                if (max[f] > 0) {
                    if (counts[f] == entries[f].length) {
                        entries[f] = Arrays.copyOf(entries[f], 2 * counts[f]);
                    }
                    // Bits of positive floats ascend with them; negated, the largest comes first, and of equal ones the first document.
                    entries[f][counts[f]++] = (long) -Float.floatToIntBits(max[f]) << 32 | d;
                    max[f] = 0;
                }
            }
        }
        order = new int[n][];
        values = new float[n][];
        for (int f = 0; f < n; f++) {
            Arrays.sort(entries[f], 0, counts[f]);
            order[f] = new int[counts[f]];
            values[f] = new float[counts[f]];
            for (int i = 0; i < counts[f]; i++) {
                order[f][i] = (int) entries[f][i];
                values[f][i] = Float.intBitsToFloat(-(int) (entries[f][i] >> 32));
            }
        }
    }

    /** {@return the number of features} */
    public int features() {
        return order.length;
    }

    /**
     * The highest F1 of deciding for a set of documents where the feature exceeds a threshold of at least 0.
     *
     * @param feature the feature
     * @param member whether each document is in the set
     * @param size number of documents in the set
     * @return from 0 to 1
     */
    public double bestF1(int feature, boolean[] member, int size) {
        float[] v = values[feature];
        double best = 0;
        int hits = 0;
        for (int i = 0; i < v.length; i++) {
            hits += member[order[feature][i]] ? 1 : 0;
            if (i + 1 == v.length || v[i + 1] != v[i]) {
                best = Math.max(best, 2.0 * hits / (i + 1 + size));
            }
        }
        return best;
    }
}
