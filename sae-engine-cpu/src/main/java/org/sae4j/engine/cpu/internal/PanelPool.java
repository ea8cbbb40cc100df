package org.sae4j.engine.cpu.internal;

import java.util.Arrays;

/** Packed panels that operations use in turn. Not for several threads. */
final class PanelPool {
    private final Kernels kernels;
    private final String where;
    private float[][] left = new float[0][];
    private float[][] right = new float[0][];

    PanelPool(Kernels kernels, String where) {
        this.kernels = kernels;
        this.where = where;
    }

    /** {@return room for a left operand; valid until the next call} */
    LeftPanels left(int rows, int depth) {
        Groups groups = new Groups(rows, kernels.groupRows());
        left = grow(left, LeftPanels.count(groups, depth), kernels.groupRows());
        return new LeftPanels(groups, depth, left);
    }

    /** {@return room for a right operand; valid until the next call} */
    RightPanels right(int depth, int columns) {
        right = grow(right, RightPanels.count(depth, columns, kernels.panelWidth()), kernels.panelWidth());
        return new RightPanels(depth, columns, kernels.panelWidth(), right);
    }

    private float[][] grow(float[][] panels, int count, int width) {
        if (panels.length >= count) {
            return panels;
        }
        Memory.require((long) (count - panels.length) * Products.DEPTH * width * Float.BYTES, where);
        float[][] grown = Arrays.copyOf(panels, count);
        for (int i = panels.length; i < count; i++) {
            grown[i] = new float[Products.DEPTH * width];
        }
        return grown;
    }
}
