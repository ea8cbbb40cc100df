package org.sae4j.core.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.train.ActivationSource;

/**
 * What one look at rows tells of them.
 *
 * @param norms their norms, in order
 * @param sha256 SHA-256 of the values as little-endian float32, in hexadecimal
 * @param gamma the norm of the mean over the norm of the standard deviations: how far the mean is from 0
 */
public record RowSummary(RowNorms norms, String sha256, double gamma) {
    private static final int BATCH = 1024;

    /**
     * Reads rows.
     *
     * @param source gives them; its position moves on by their number
     * @param rows how many, at least 1
     * @param where the rows' origin, for messages
     * @param progress told of every batch
     * @return the summary
     * @throws Sae4jException if there are more than 2^31-9 rows, or a value is NaN or infinite
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static RowSummary of(ActivationSource source, long rows, String where, Progress progress) {
        if (rows > Integer.MAX_VALUE - 8) {
            throw new Sae4jException("norms of " + rows + " rows do not fit in one Java array", where, "give fewer rows");
        }
        int width = source.width();
        float[] norms = new float[(int) rows];
        double[] sum = new double[width];
        double[] squares = new double[width];
        MessageDigest digest = Shards.sha256();
        float[] values = {};
        ByteBuffer bytes = ByteBuffer.allocate(BATCH * width * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < norms.length; from += BATCH) {
            progress.checkCancelled();
            int some = Math.min(BATCH, norms.length - from);
            values = values.length == some * width ? values : new float[some * width];
            source.next(values);
            bytes.asFloatBuffer().put(values);
            digest.update(bytes.array(), 0, values.length * Float.BYTES);
            for (int row = 0; row < some; row++) {
                norms[from + row] = RowNorms.norm(values, row * width, width);
                for (int c = 0; c < width; c++) {
                    double value = values[row * width + c];
                    if (!Double.isFinite(value)) {
                        throw new Sae4jException("activation " + value + " in row " + (from + row), where,
                                "remove rows that are NaN or infinite");
                    }
                    sum[c] += value;
                    squares[c] += value * value;
                }
            }
            progress.update("reading activations", from + some, rows);
        }
        double mean = 0;
        double variance = 0;
        for (int c = 0; c < width; c++) {
            double mu = sum[c] / rows;
            mean += mu * mu;
            variance += Math.max(0, squares[c] / rows - mu * mu);
        }
        return new RowSummary(new RowNorms(norms), HexFormat.of().formatHex(digest.digest()), Math.sqrt(mean / variance));
    }
}
