package org.sae4j.engine.cpu.internal.memory;

import org.sae4j.api.engine.EngineException;

/** The limits of the Java heap. */
public final class Memory {
    /** The longest array that every JVM can make. */
    static final int MAX_LENGTH = Integer.MAX_VALUE - 8;

    static final String SMALLER = "use a smaller batch, or a larger heap (-Xmx)";
    /** What helps where the weights alone are much. */
    static final String LARGER = "give a larger heap (-Xmx), or a smaller model";

    private Memory() {}

    /**
     * Checks that bytes are free.
     *
     * @throws EngineException if they are not
     */
    static void require(long bytes, String where) {
        require(bytes, where, SMALLER);
    }

    static void require(long bytes, String where, String remedy) {
        if (bytes > available()) {
            // What is used includes garbage: only a collection tells.
            System.gc();
            if (bytes > available()) {
                throw new EngineException("needs " + bytes + " bytes of Java heap, available are " + available(), where, remedy);
            }
        }
    }

    static long available() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
    }

    /** {@return the length of an array, if it can be that long} */
    public static int arrayLength(long length, String what, String where) {
        if (length > MAX_LENGTH) {
            throw new EngineException(length + " " + what + " (" + length * Float.BYTES + " bytes) do not fit in one Java array of at most "
                    + MAX_LENGTH + ", available are " + available() + " bytes", where, "use a smaller batch");
        }
        return (int) length;
    }

    public static EngineException exhausted(String where, OutOfMemoryError cause) {
        return new EngineException("the Java heap is exhausted (available are " + available() + " bytes): " + cause.getMessage(), where,
                SMALLER, cause);
    }
}
