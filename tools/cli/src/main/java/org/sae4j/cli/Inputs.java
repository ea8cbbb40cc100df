package org.sae4j.cli;

import java.util.Arrays;
import java.util.OptionalInt;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.store.ActivationPaths;

/** Reads activations that the user names. */
final class Inputs {
    private Inputs() {
    }

    /**
     * Activations from a file.
     *
     * @param file an open file; the tensor lives as long as it
     * @param name the tensor's name
     * @param width the expected length of a row, see {@link ActivationPaths#rowWidth}; 0 for any
     * @return shape [..., width]
     */
    static Tensor rows(SafetensorsFile file, String name, int width) {
        if (!file.names().contains(name)) {
            throw new Sae4jException("no tensor '" + name + "'", file.path().toString(), "use one of " + file.names());
        }
        Tensor x = file.tensor(name);
        String where = file.path() + " tensor " + name;
        int rowWidth = ActivationPaths.rowWidth(x.shape(), HookPoint.parse(name), width > 0 ? OptionalInt.of(width) : OptionalInt.empty(),
                where);
        if (rowWidth != x.dim(-1)) {
            int[] flat = Arrays.copyOf(x.shape(), x.rank() - 1);
            flat[flat.length - 1] = rowWidth;
            x = x.reshape(flat);
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
