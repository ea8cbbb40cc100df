package org.sae4j.api.engine;

import java.util.Objects;

/**
 * A named matrix of a program. Vectors are matrices of one row. Buffers belong to the {@link Program} whose builder made them.
 *
 * @param name unique in its program
 * @param role who writes and reads it, and how long it lives
 * @param type what its elements are
 * @param rows number of rows, at least 0
 * @param cols number of columns, at least 0
 */
public record Buffer(String name, Role role, Type type, int rows, int cols) {
    /** Who writes and reads a buffer, and how long it lives. */
    public enum Role {
        /** Bound when the program is compiled, immutable. */
        WEIGHT,
        /** Written before a run. */
        INPUT,
        /** Mutable state that lives from run to run, such as trained weights: zero at first, written and read at will. */
        PARAMETER,
        /** Lives within a run. */
        INTERMEDIATE,
        /** Written by a run and read after it. */
        OUTPUT
    }

    /** What the elements are. */
    public enum Type {
        /** float32, row-major. */
        F32,
        /** int32, row-major. */
        I32,
        /** Rows of entries that are not zero; the engine chooses the storage. */
        SPARSE
    }

    /** Refuses null. */
    public Buffer {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(type, "type");
    }

    /** {@return rows times columns} */
    public long size() {
        return (long) rows * cols;
    }

    /** {@return name, type and shape, for messages} */
    @Override
    public String toString() {
        return name + " " + type + "[" + rows + ", " + cols + "]";
    }
}
