package org.sae4j.engine.cpu.internal;

/**
 * What the steps of one compiled program work with.
 *
 * @param kernels inner loops
 * @param workers threads
 * @param products dense products
 * @param panels panels for operations that use all threads
 * @param slots panels for each thread
 * @param program name, for messages
 */
record Context(Kernels kernels, Workers workers, Products products, PanelPool panels, PanelPool[] slots, String program) {
    /** Elements that are worth a task of their own. */
    private static final int CHUNK = 1 << 14;

    /** Computes on a range. */
    @FunctionalInterface
    interface Range {
        void run(int from, int to);
    }

    /** Computes on a range, with a result. */
    @FunctionalInterface
    interface Reduction {
        double run(int from, int to);
    }

    static Context of(Kernels kernels, Workers workers, String program) {
        String where = "engine cpu, program " + program;
        PanelPool[] slots = new PanelPool[workers.threads()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new PanelPool(kernels, where);
        }
        return new Context(kernels, workers, new Products(kernels, workers), new PanelPool(kernels, where), slots, program);
    }

    private static int chunk(int width) {
        return Math.max(1, CHUNK / Math.max(1, width));
    }

    /** Splits {@code n} items of about {@code width} elements each over the threads. */
    void parallel(int n, int width, Range range) {
        int chunk = chunk(width);
        workers.forEach((n + chunk - 1) / chunk, (task, slot) -> range.run(task * chunk, Math.min(task * chunk + chunk, n)));
    }

    /** Splits as {@link #parallel} and adds the results in order. */
    double sum(int n, int width, Reduction reduction) {
        int chunk = chunk(width);
        double[] parts = new double[(n + chunk - 1) / chunk];
        workers.forEach(parts.length, (task, slot) -> parts[task] = reduction.run(task * chunk, Math.min(task * chunk + chunk, n)));
        double sum = 0;
        for (double part : parts) {
            sum += part;
        }
        return sum;
    }
}
