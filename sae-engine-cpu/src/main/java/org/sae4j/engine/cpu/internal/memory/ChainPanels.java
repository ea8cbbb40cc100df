package org.sae4j.engine.cpu.internal.memory;

import org.sae4j.engine.cpu.internal.kernels.RowKernels;

/**
 * Rows packed for tiles of {@link RowKernels}: some rows each, cut along the depth, and the chains apart that a vector holds. Such a panel
 * is an array {@code [step * (rows * width) + row * width + chain]}; a step is 32 elements of a row. Rows beyond the last hold anything.
 */
public final class ChainPanels {
    /** Elements of rows in a panel at most, so that the panels of a tile stay in the first-level cache. */
    private static final int MOST_DEPTH = 1408;

    private final RowKernels kernels;
    private final int tileRows;
    private final int width;
    private final int padded;
    private final int cut;
    private final int cuts;
    private final int tiles;
    private final float[][] panels;

    public ChainPanels(int rows, int tileRows, int depth, RowKernels kernels) {
        this.tileRows = tileRows;
        this.kernels = kernels;
        this.width = kernels.width();
        this.padded = RowKernels.padded(depth);
        this.cuts = Math.ceilDiv(padded, MOST_DEPTH);
        this.cut = RowKernels.padded(Math.ceilDiv(padded, Math.max(1, cuts)));
        this.tiles = Math.ceilDiv(rows, tileRows);
        this.panels = new float[cuts * units() * tiles][];
        for (int i = 0; i < panels.length; i++) {
            panels[i] = new float[steps(i / (units() * tiles)) * tileRows * width];
        }
    }

    public int cuts() {
        return cuts;
    }

    /** {@return into how many panels the chains are divided} */
    public int units() {
        return RowKernels.CHAINS / width;
    }

    public int steps(int part) {
        return Math.min(cut, padded - part * cut) / RowKernels.CHAINS;
    }

    public float[] panel(int part, int unit, int tile) {
        return panels[(part * units() + unit) * tiles + tile];
    }

    /** Packs a row of padded elements. */
    public void put(int row, float[] from, int at) {
        int to = row % tileRows * width;
        for (int part = 0; part < cuts; part++) {
            for (int unit = 0; unit < units(); unit++) {
                kernels.scatter(from, at + part * cut + unit * width, panel(part, unit, row / tileRows), to, tileRows * width, steps(part));
            }
        }
    }
}
