package org.sae4j.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsFile;

/** Reads activations that the user names. */
final class Inputs {
    private Inputs() {
    }

    /**
     * Activations from a file.
     *
     * @param file an open file; the tensor lives as long as it
     * @param name the tensor's name
     * @param width the expected length of the last axis, or of the last two together, as heads have them ([..., n_heads, d_head]); 0 for
     *     any
     * @return shape [..., width]
     */
    static Tensor rows(SafetensorsFile file, String name, int width) {
        if (!file.names().contains(name)) {
            throw new Sae4jException("there is no tensor '" + name + "'", file.path().toString(), "use one of " + file.names());
        }
        Tensor x = file.tensor(name);
        String where = file.path() + " tensor " + name;
        if (x.rank() < 2 || x.size() == 0) {
            throw new Sae4jException("activations need at least two axes and one row, found " + x, where, "store them as [rows, d_in]");
        }
        if (x.rank() > 2 && x.dim(-1) != width && (long) x.dim(-1) * x.dim(-2) == width) {
            int[] flat = Arrays.copyOf(x.shape(), x.rank() - 1);
            flat[flat.length - 1] = width;
            x = x.reshape(flat);
        }
        if (width > 0 && x.dim(-1) != width) {
            throw new Sae4jException("expected rows of width " + width + ", found " + x, where, "use activations of the autoencoder's "
                    + "hook point");
        }
        float[] row = new float[x.dim(-1)];
        for (long r = 0; r < x.size() / row.length; r++) {
            x.copyTo(r * row.length, row, 0, row.length);
            for (float value : row) {
                if (!Float.isFinite(value)) {
                    throw new Sae4jException("activation " + value + " in row " + r, where, "remove rows that are NaN or infinite");
                }
            }
        }
        return x;
    }

    /**
     * What identifies activations, and how far their mean is from 0.
     *
     * @param x finite rows
     * @return {@code sha256} of the values as little-endian float32, and {@code gamma}, the norm of the mean over the norm of the standard
     *         deviations
     */
    static Map<String, Object> summary(Tensor x) {
        int width = x.dim(-1);
        long count = x.size() / width;
        double[] sum = new double[width];
        double[] squares = new double[width];
        float[] row = new float[width];
        ByteBuffer bytes = ByteBuffer.allocate(width * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        MessageDigest digest = sha256();
        for (long r = 0; r < count; r++) {
            x.copyTo(r * width, row, 0, width);
            bytes.asFloatBuffer().put(row);
            digest.update(bytes.array());
            for (int c = 0; c < width; c++) {
                sum[c] += row[c];
                squares[c] += (double) row[c] * row[c];
            }
        }
        double mean = 0;
        double variance = 0;
        for (int c = 0; c < width; c++) {
            double mu = sum[c] / count;
            mean += mu * mu;
            variance += Math.max(0, squares[c] / count - mu * mu);
        }
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("sha256", HexFormat.of().formatHex(digest.digest()));
        summary.put("gamma", String.format(Locale.ROOT, "%.4f (norm of the mean over norm of the standard deviations)",
                Math.sqrt(mean / variance)));
        return summary;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
