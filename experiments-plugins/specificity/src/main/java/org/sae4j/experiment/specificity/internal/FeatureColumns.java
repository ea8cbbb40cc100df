package org.sae4j.experiment.specificity.internal;

import java.util.Arrays;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.sae.SparseRows;

/** Activations by feature: for each feature the cases (tokens or documents) where it is active, ascending. */
public final class FeatureColumns {
    private final int cases;
    private final int[] starts;
    private final int[] caseOf;
    private final float[] values;

    private FeatureColumns(int cases, int[] starts, int[] caseOf, float[] values) {
        this.cases = cases;
        this.starts = starts;
        this.caseOf = caseOf;
        this.values = values;
    }

    /**
     * The transpose of feature activations: cases are rows (tokens).
     *
     * @param rows one row for each token
     * @return the columns
     */
    public static FeatureColumns byToken(SparseRows rows) {
        int[] starts = new int[rows.columns() + 1];
        for (int e = 0; e < rows.entries(); e++) {
            starts[rows.index(e) + 1]++;
        }
        Arrays.parallelPrefix(starts, Integer::sum);
        int[] next = starts.clone();
        int[] caseOf = new int[rows.entries()];
        float[] values = new float[rows.entries()];
        for (int row = 0; row < rows.rows(); row++) {
            for (int e = rows.start(row); e < rows.start(row + 1); e++) {
                int at = next[rows.index(e)]++;
                caseOf[at] = row;
                values[at] = rows.value(e);
            }
        }
        return new FeatureColumns(rows.rows(), starts, caseOf, values);
    }

    /**
     * The largest activation in each document, as {@link EncodedCorpus#maxByDocument()}, of the columns of its tokens.
     *
     * @param corpus the corpus that this holds the tokens of
     * @return columns whose cases are documents
     */
    public FeatureColumns maxByDocument(EncodedCorpus corpus) {
        int[] documentStarts = new int[starts.length];
        int[] documentOf = new int[caseOf.length];
        float[] max = new float[caseOf.length];
        int n = 0;
        for (int feature = 0; feature < features(); feature++) {
            int document = 0;
            for (int e = starts[feature]; e < starts[feature + 1]; e++) {
                if (values[e] <= 0) {
                    continue;
                }
                while (corpus.start(document + 1) <= caseOf[e]) {
                    document++;
                }
                if (n > documentStarts[feature] && documentOf[n - 1] == document) {
                    max[n - 1] = Math.max(max[n - 1], values[e]);
                } else {
                    documentOf[n] = document;
                    max[n++] = values[e];
                }
            }
            documentStarts[feature + 1] = n;
        }
        return new FeatureColumns(corpus.documents().size(), documentStarts, Arrays.copyOf(documentOf, n), Arrays.copyOf(max, n));
    }

    /** {@return the number of features} */
    public int features() {
        return starts.length - 1;
    }

    /** {@return the number of cases} */
    public int cases() {
        return cases;
    }

    /**
     * The first entry of a feature; its entries end where the next feature's start.
     *
     * @param feature from 0 to the number of features
     * @return the entry
     */
    public int start(int feature) {
        return starts[feature];
    }

    /**
     * The case of an entry.
     *
     * @param entry the entry
     * @return the case
     */
    public int caseOf(int entry) {
        return caseOf[entry];
    }

    /**
     * The activation of an entry.
     *
     * @param entry the entry
     * @return the activation
     */
    public float value(int entry) {
        return values[entry];
    }

    /**
     * One feature over all cases.
     *
     * @param feature the feature
     * @return one activation for each case
     */
    public double[] dense(int feature) {
        double[] dense = new double[cases];
        for (int e = starts[feature]; e < starts[feature + 1]; e++) {
            dense[caseOf[e]] = values[e];
        }
        return dense;
    }
}
