package org.sae4j.cli;

import java.util.Arrays;
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
}
