package org.sae4j.engine.cpu.internal.memory;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.kernels.RowKernels;

/** Packed panels that operations use in turn. Not for several threads. */
public final class PanelPool {
    private final Kernels kernels;
    private final String where;
    private float[][] left = new float[0][];
    private float[][] right = new float[0][];
    private final Map<ChainShape, ChainPanels> chains = new HashMap<>();
    private float[] room = new float[0];

    private record ChainShape(int rows, int tileRows, int depth) {}

    public PanelPool(Kernels kernels, String where) {
        this.kernels = kernels;
        this.where = where;
    }

    /** {@return room for a left operand; valid until the next call} */
    public LeftPanels left(int rows, int depth) {
        Groups groups = new Groups(rows, kernels.groupRows());
        left = grow(left, LeftPanels.count(groups, depth), kernels.groupRows());
        return new LeftPanels(groups, depth, left);
    }

    /** {@return room for a right operand; valid until the next call} */
    public RightPanels right(int depth, int columns) {
        right = grow(right, RightPanels.count(depth, columns, kernels.panelWidth()), kernels.panelWidth());
        return new RightPanels(depth, columns, kernels.panelWidth(), right);
    }

    /** {@return room for rows of a product with a stored weight; valid until the next call for the same shape} */
    public ChainPanels chains(int rows, int tileRows, int depth) {
        return chains.computeIfAbsent(new ChainShape(rows, tileRows, depth), shape -> {
            Memory.require((rows + (long) tileRows) * RowKernels.padded(depth) * Float.BYTES, where);
            return new ChainPanels(rows, tileRows, depth, kernels.rows());
        });
    }

    /** {@return at least so many elements that hold anything; valid until the next call} */
    public float[] room(int length) {
        if (room.length < length) {
            room = new float[length];
        }
        return room;
    }

    private float[][] grow(float[][] panels, int count, int width) {
        if (panels.length >= count) {
            return panels;
        }
        Memory.require((long) (count - panels.length) * Reduction.DEPTH * width * Float.BYTES, where);
        float[][] grown = Arrays.copyOf(panels, count);
        for (int i = panels.length; i < count; i++) {
            grown[i] = new float[Reduction.DEPTH * width];
        }
        return grown;
    }
}
