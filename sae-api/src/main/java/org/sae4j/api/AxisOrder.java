package org.sae4j.api;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** How a permuted tensor's elements, row-major over its own axes, lie among elements that are row-major over the stored axes. */
final class AxisOrder {
    /** Elements that are converted at a time. */
    private static final int CHUNK = 4096;

    /** For each axis, its number among the stored axes. */
    private final int[] axes;
    private final int[] shape;
    /** For each axis, how far its neighbors lie apart. */
    private final long[] strides;
    /** The axis whose neighbors lie side by side. */
    private final int near;
    /** Elements of the axes behind {@link #near}. */
    private final long inner;

    /**
     * An order.
     *
     * @param axes for each axis, its number among the stored axes
     * @param shape the lengths of the axes
     */
    AxisOrder(int[] axes, int[] shape) {
        this.axes = axes;
        this.shape = shape;
        strides = new long[axes.length];
        int[] stored = storedShape();
        int last = 0;
        for (int axis = 0; axis < axes.length; axis++) {
            strides[axis] = 1;
            for (int later = axes[axis] + 1; later < stored.length; later++) {
                strides[axis] *= stored[later];
            }
            last = axes[axis] == axes.length - 1 ? axis : last;
        }
        near = last;
        inner = product(near + 1, shape.length);
    }

    int[] axes() {
        return axes;
    }

    int[] storedShape() {
        int[] stored = new int[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            stored[axes[axis]] = shape[axis];
        }
        return stored;
    }

    private long product(int from, int to) {
        long product = 1;
        for (int axis = from; axis < to; axis++) {
            product *= shape[axis];
        }
        return product;
    }

    /** {@return the stored position of some position among the axes from {@code from} to {@code to - 1}} */
    private long offset(long index, int from, int to) {
        long offset = 0;
        long rest = index;
        for (int axis = to - 1; axis >= from; axis--) {
            offset += rest % shape[axis] * strides[axis];
            rest /= shape[axis];
        }
        return offset;
    }

    long position(long index) {
        return offset(index, 0, shape.length);
    }

    /** Copies a run of elements in this order: stored runs are read as such, and their elements put where they belong. */
    void copy(ElementType type, MemorySegment data, long from, float[] target, int at, int count) {
        if (count == 0) {
            return;
        }
        long end = from + count;
        long plane = shape[near] * inner;
        float[] run = inner == 1 ? target : new float[Math.min(CHUNK, shape[near])];
        for (long outer = from / plane; outer <= (end - 1) / plane; outer++) {
            long begin = Math.max(from - outer * plane, 0);
            long stop = Math.min(end - outer * plane, plane);
            long base = offset(outer, 0, near);
            long first = stop - begin >= inner ? 0 : begin % inner;
            for (long step = 0; step < Math.min(inner, stop - begin); step++) {
                long column = (first + step) % inner;
                long low = column >= begin ? 0 : Math.ceilDiv(begin - column, inner);
                long high = Math.ceilDiv(stop - column, inner);
                long source = base + offset(column, near + 1, shape.length);
                long to = at + outer * plane + column - from;
                if (inner == 1) {
                    StoredElements.copy(type, data, source + low, target, (int) (to + low), (int) (high - low));
                    continue;
                }
                for (long k = low; k < high; k += CHUNK) {
                    int n = (int) Math.min(CHUNK, high - k);
                    StoredElements.copy(type, data, source + k, run, 0, n);
                    for (int i = 0; i < n; i++) {
                        target[(int) (to + (k + i) * inner)] = run[i];
                    }
                }
            }
        }
    }

    /** {@return the order after another permutation} */
    int[] then(int[] next) {
        int[] composed = new int[next.length];
        Arrays.setAll(composed, axis -> axes[next[axis]]);
        return composed;
    }
}
