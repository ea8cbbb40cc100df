package org.sae4j.core.train;

/**
 * A source whose rows depend on their positions alone: it counts the position, a subclass says what rows there are. The simplest way to
 * write a source.
 */
public abstract class PositionedSource implements ActivationSource {
    private final int width;
    private long position;

    /**
     * A source at its start.
     *
     * @param width the width of a row, d_in
     * @throws IllegalArgumentException if it is less than 1
     */
    protected PositionedSource(int width) {
        if (width < 1) {
            throw new IllegalArgumentException("the width of a row is at least 1, found " + width);
        }
        this.width = width;
    }

    /**
     * Computes or copies rows; the same for the same positions, whatever was asked before. If it throws, the position stays.
     *
     * @param first the position of the first row, at least 0
     * @param target to be filled with the rows of that position and the next ones, row-major, {@code target.length / width()} of them
     */
    protected abstract void rows(long first, float[] target);

    @Override
    public final int width() {
        return width;
    }

    @Override
    public final long position() {
        return position;
    }

    @Override
    public final void seek(long newPosition) {
        if (newPosition < 0) {
            throw new IllegalArgumentException("a position is at least 0, found " + newPosition);
        }
        position = newPosition;
    }

    @Override
    public final void next(float[] target) {
        if (target.length % width != 0) {
            throw new IllegalArgumentException("expected whole rows of width " + width + ", found " + target.length + " elements");
        }
        rows(position, target);
        position += target.length / width;
    }
}
