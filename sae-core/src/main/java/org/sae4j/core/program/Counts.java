package org.sae4j.core.program;

/**
 * The counts of one run.
 *
 * @param batch number of sequences
 * @param length positions of a sequence
 * @param past room for earlier positions of a sequence, 0 for none
 * @param pastRows sequences that earlier positions are given of: {@code batch}, or 1 if all share them
 * @param picked rows whose logits are wanted
 */
public record Counts(int batch, int length, int past, int pastRows, int picked) {
    /**
     * The counts of a pass from the first position that gives all logits.
     *
     * @param batch number of sequences
     * @param length positions of a sequence
     * @return the counts
     */
    public static Counts of(int batch, int length) {
        return new Counts(batch, length, 0, batch, Math.multiplyExact(batch, length));
    }

    /**
     * A length in this run.
     *
     * @param dim the length
     * @return its number
     * @throws ArithmeticException if it is more than an {@code int} holds
     */
    public int of(Dim dim) {
        int count = switch (dim.count()) {
            case ONE -> 1;
            case ROWS -> Math.multiplyExact(batch, length);
            case LENGTH -> length;
            case PAST -> Math.multiplyExact(pastRows, past);
            case PICKED -> picked;
        };
        return Math.multiplyExact(count, dim.times());
    }
}
