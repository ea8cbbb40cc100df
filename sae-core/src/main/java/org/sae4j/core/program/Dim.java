package org.sae4j.core.program;

/**
 * A length: a count of the run times a constant. So a form is written once for every batch, length and cache.
 *
 * @param count what is counted
 * @param times how often
 */
public record Dim(Count count, int times) {
    /** What a run decides. */
    public enum Count {
        /** One. */
        ONE,
        /** Rows of the pass: batch times length. */
        ROWS,
        /** Positions of a sequence of the pass. */
        LENGTH,
        /** Rows of earlier positions. */
        PAST,
        /** Rows whose logits are wanted. */
        PICKED
    }

    /** Rows of the pass. */
    public static final Dim ROWS = new Dim(Count.ROWS, 1);
    /** Positions of a sequence. */
    public static final Dim LENGTH = new Dim(Count.LENGTH, 1);
    /** Rows of earlier positions. */
    public static final Dim PAST = new Dim(Count.PAST, 1);
    /** Rows whose logits are wanted. */
    public static final Dim PICKED = new Dim(Count.PICKED, 1);
    /** One row or column. */
    public static final Dim ONE = new Dim(Count.ONE, 1);

    /**
     * A constant.
     *
     * @param n the constant, at least 0
     * @return the length
     */
    public static Dim of(int n) {
        return new Dim(Count.ONE, n);
    }

    /**
     * A multiple.
     *
     * @param n how often
     * @return this length n times
     */
    public Dim times(int n) {
        return new Dim(count, Math.multiplyExact(times, n));
    }

    /** {@return the length for messages, such as {@code 3 * rows}} */
    @Override
    public String toString() {
        return count == Count.ONE ? "" + times : (times == 1 ? "" : times + " * ") + count.name().toLowerCase(java.util.Locale.ROOT);
    }
}
