package org.sae4j.core.internal;

import org.sae4j.api.Sae4jException;

/** Looks at the Java heap before work starts that would exhaust it later. */
public final class Heap {
    /** The longest array that every JVM can make. */
    private static final int MAX_LENGTH = Integer.MAX_VALUE - 8;
    /** Below this it is not worth looking. */
    private static final long SMALL = 1 << 20;

    private Heap() {}

    /**
     * Demands free heap.
     *
     * @param bytes how much
     * @param purpose what for, as in "for a buffer of 4 rows"
     * @param where whose demand it is
     * @param remedy what to make smaller, as an imperative
     * @throws Sae4jException if there is less; the message says bytes needed and available
     */
    public static void require(long bytes, String purpose, String where, String remedy) {
        if (bytes <= SMALL || bytes <= available()) {
            return;
        }
        // What is used includes garbage: only a collection tells.
        System.gc();
        long available = available();
        if (bytes > available) {
            throw new Sae4jException("needs " + bytes + " bytes of Java heap " + purpose + ", available are " + available, where,
                    remedy + ", or give a larger heap (-Xmx)");
        }
    }

    /**
     * The length of an array of floats for rows, if one can be that long and there is room for it.
     *
     * @param rows how many
     * @param width floats of each
     * @param purpose as for {@link #require}
     * @param where as for {@link #require}
     * @param remedy as for {@link #require}
     * @return rows times width
     * @throws Sae4jException if it is too long or there is too little room
     */
    public static int floats(long rows, long width, String purpose, String where, String remedy) {
        if (rows > MAX_LENGTH / width) {
            throw new Sae4jException("needs one array of " + rows + " x " + width + " floats " + purpose + ", the longest has " + MAX_LENGTH,
                    where, remedy);
        }
        require(rows * width * Float.BYTES, purpose, where, remedy);
        return Math.toIntExact(rows * width);
    }

    private static long available() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
    }
}
