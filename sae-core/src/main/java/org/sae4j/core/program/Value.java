package org.sae4j.core.program;

import java.util.Objects;
import org.sae4j.api.engine.Buffer;

/**
 * A named matrix of a form, which one operation writes, once, or which is given. A hook point is a value with a public name. Values are
 * equal if their names are.
 *
 * @param name unique in its form
 * @param role where it comes from, and whether it can be observed
 * @param type what its elements are
 * @param rows number of rows
 * @param cols number of columns
 * @param heads equal parts that a row falls into, which a reader sees as an axis of their own; 0 for none; negative if a
 *     reader sees each part as a row
 */
public record Value(String name, Role role, Buffer.Type type, Dim rows, Dim cols, int heads) {
    /** Where a value comes from, and whether it can be observed. */
    public enum Role {
        /** A parameter of the model. */
        WEIGHT,
        /** Kept from run to run: an operation of {@link Update} replaces it. */
        STATE,
        /** Given in every run. */
        INPUT,
        /** Computed, and can be observed and changed by its name. */
        HOOK,
        /** Computed. */
        INNER
    }

    /**
     * The axes that a reader of a hook point sees, as TransformerLens has them.
     *
     * @param counts the run's counts
     * @return the lengths of the axes
     */
    public int[] axes(Counts counts) {
        if (cols.count() == Dim.Count.LENGTH) {
            return new int[] {counts.batch(), rows.times(), counts.length(), counts.of(cols)};
        }
        int all = counts.of(rows);
        int width = counts.of(cols);
        if (heads < 0) {
            return new int[] {Math.multiplyExact(all, -heads), width / -heads};
        }
        if (rows.times() != 1) {
            return new int[] {all, width};
        }
        int positions = all / counts.batch();
        return heads == 0 ? new int[] {counts.batch(), positions, width}
                : new int[] {counts.batch(), positions, heads, width / heads};
    }

    /**
     * The same matrix under another name.
     *
     * @param newName unique in its form
     * @param newRole where it comes from, and whether it can be observed
     * @param newHeads as for {@link #heads()}
     * @return the value
     */
    public Value named(String newName, Role newRole, int newHeads) {
        return new Value(newName, newRole, type, rows, cols, newHeads);
    }

    @Override
    public boolean equals(Object other) {
        return this == other || other instanceof Value v && name.equals(v.name);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(name);
    }

    /** {@return name, type and shape, for messages} */
    @Override
    public String toString() {
        return name + " " + type + "[" + rows + ", " + cols + "]";
    }
}
