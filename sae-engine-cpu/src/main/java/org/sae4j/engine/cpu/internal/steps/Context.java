package org.sae4j.engine.cpu.internal.steps;

import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.memory.PanelPool;
import org.sae4j.engine.cpu.internal.threads.Workers;

/**
 * What the steps of one compiled program work with.
 *
 * @param kernels inner loops
 * @param workers threads
 * @param products dense products
 * @param panels panels for operations that use all threads
 * @param slots panels for each thread
 * @param denseFrom share of active entries above which sparse rows are multiplied as a dense matrix
 * @param program name, for messages
 */
public record Context(Kernels kernels, Workers workers, Products products, PanelPool panels, PanelPool[] slots, double denseFrom,
        String program) {
    /** Elements that are worth a task of their own. */
    static final int CHUNK = 1 << 14;

    /** Computes on a range; no other thread that works on the same has the slot. */
    @FunctionalInterface
    interface Range {
        void run(int from, int to, int slot);
    }

    /** Computes on a range, with a result. */
    @FunctionalInterface
    interface Reduction {
        double run(int from, int to);
    }

    public static Context of(Kernels kernels, Workers workers, double denseFrom, String program) {
        String where = "engine cpu, program " + program;
        PanelPool[] slots = new PanelPool[workers.threads()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new PanelPool(kernels, where);
        }
        return new Context(kernels, workers, new Products(kernels, workers), new PanelPool(kernels, where), slots, denseFrom,
                program);
    }

    /** Splits ranges over the threads. Made once for each step: a run allocates nothing. */
    final class Split {
        private final Range range;
        private final Workers.Task task = this::part;
        private int chunk;
        private int n;

        private Split(Range range) {
            this.range = range;
        }

        private void part(int index, int slot) {
            range.run(index * chunk, Math.min(index * chunk + chunk, n), slot);
        }

        /** Computes {@code items} items of about {@code width} elements each. */
        void run(int items, int width) {
            n = items;
            chunk = chunk(width);
            workers.forEach((n + chunk - 1) / chunk, task);
        }
    }

    /** Splits as {@link Split} and adds the results in order. */
    final class Sum {
        private final Reduction reduction;
        private final Workers.Task task = this::part;
        private double[] parts = new double[0];
        private int chunk;
        private int n;

        private Sum(Reduction reduction) {
            this.reduction = reduction;
        }

        private void part(int index, int slot) {
            parts[index] = reduction.run(index * chunk, Math.min(index * chunk + chunk, n));
        }

        /** {@return the sum over {@code items} items of about {@code width} elements each} */
        double of(int items, int width) {
            n = items;
            chunk = chunk(width);
            int count = (n + chunk - 1) / chunk;
            if (parts.length < count) {
                parts = new double[count + count / 4];
            }
            workers.forEach(count, task);
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += parts[i];
            }
            return sum;
        }
    }

    private static int chunk(int width) {
        return Math.max(1, CHUNK / Math.max(1, width));
    }

    Split split(Range range) {
        return new Split(range);
    }

    Sum sum(Reduction reduction) {
        return new Sum(reduction);
    }
}
