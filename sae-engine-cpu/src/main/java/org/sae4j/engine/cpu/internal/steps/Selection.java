package org.sae4j.engine.cpu.internal.steps;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.Memory;
import org.sae4j.engine.cpu.internal.memory.SparseMatrix;
import org.sae4j.engine.cpu.internal.memory.Storage;

/** Makes sparse rows of rows of pre-activations, on several threads at a time. */
final class Selection {
    private final Context context;
    private final SparseMatrix out;
    private final SparseBuilder builder;
    private final Prepare prepare;
    private final Row rule;
    private final int limit;
    private final int[] counts = new int[256];

    /** Selects from one row: appends the kept entries by ascending column. */
    @FunctionalInterface
    private interface Row {
        void select(float[] pre, int at, SparseBuilder.Slot to);
    }

    /** Runs before the first row of a run. */
    @FunctionalInterface
    private interface Prepare {
        void run();
    }

    private Selection(Context context, SparseMatrix out, Prepare prepare, Row rule, int limit) {
        this.context = context;
        this.out = out;
        this.builder = new SparseBuilder(out, context.workers().threads());
        this.prepare = prepare;
        this.rule = rule;
        this.limit = limit;
    }

    static Selection of(Context context, Storage storage, Op.Select o) {
        SparseMatrix out = storage.sparse(o.out());
        int n = o.pre().cols();
        Kernels kernels = context.kernels();
        float @Nullable [] mask = o.mask() == null ? null : storage.floats(o.mask());
        float @Nullable [] threshold = o.threshold() == null ? null : storage.floats(o.threshold());
        Row rule = switch (o.rule()) {
            case RELU, BATCH_TOPK -> (pre, at, to) -> positive(kernels, pre, at, n, mask, null, to);
            case JUMP_RELU -> (pre, at, to) -> positive(kernels, pre, at, n, mask, threshold, to);
            case TOPK -> (pre, at, to) -> TopK.select(kernels, pre, at, n, o.k(), mask, to);
            case WINDOW -> {
                float half = o.width() / 2;
                float[] centre = Objects.requireNonNull(threshold);
                yield (pre, at, to) -> window(pre, at, n, centre, half, mask, to);
            }
            case EXP -> (pre, at, to) -> exp(pre, at, n, mask, to);
        };
        String where = "engine cpu, program " + context.program();
        int limit = o.rule() == Op.Rule.BATCH_TOPK ? Memory.arrayLength((long) o.k() * o.pre().rows(), "kept entries", where) : -1;
        return new Selection(context, out, () -> { }, rule, limit);
    }

    static Selection of(Context context, Storage storage, Op.GatedSelect o) {
        int n = o.pre().cols();
        Kernels kernels = context.kernels();
        float[] gate = storage.floats(o.bGate());
        float[] magnitude = storage.floats(o.rMag());
        float[] bias = storage.floats(o.bMag());
        float[] factor = new float[n];
        Prepare prepare = () -> {
            for (int c = 0; c < n; c++) {
                factor[c] = (float) Math.exp(magnitude[c]);
            }
        };
        return new Selection(context, storage.sparse(o.out()), prepare, (pre, at, to) -> {
            to.reserve(n + Kernels.ROOM);
            int end = kernels.above(pre, at, n, 0, to.columns, to.values, to.used);
            int kept = to.used;
            for (int e = to.used; e < end; e++) {
                int c = to.columns[e];
                float value = Math.fma(to.values[e] - gate[c], factor[c], bias[c]);
                if (value > 0) {
                    to.columns[kept] = c;
                    to.values[kept++] = value;
                }
            }
            to.used = kept;
        }, -1);
    }

    void begin() {
        prepare.run();
        builder.clear();
    }

    void row(int row, float[] pre, int at, int slot) {
        SparseBuilder.Slot to = builder.slot(slot);
        int start = to.used;
        rule.select(pre, at, to);
        builder.row(row, slot, start);
    }

    void end() {
        builder.finish(context.workers());
        if (limit >= 0) {
            TopK.prune(out, limit, counts);
        }
    }

    private static void positive(Kernels kernels, float[] pre, int at, int n, float @Nullable [] mask, float @Nullable [] threshold,
            SparseBuilder.Slot to) {
        to.reserve(n + Kernels.ROOM);
        int end = kernels.above(pre, at, n, 0, to.columns, to.values, to.used);
        if (mask != null || threshold != null) {
            int kept = to.used;
            for (int e = to.used; e < end; e++) {
                int c = to.columns[e];
                if ((mask == null || mask[c] != 0) && (threshold == null || to.values[e] > threshold[c])) {
                    to.columns[kept] = c;
                    to.values[kept++] = to.values[e];
                }
            }
            end = kept;
        }
        to.used = end;
    }

    private static void window(float[] pre, int at, int n, float[] threshold, float half, float @Nullable [] mask, SparseBuilder.Slot to) {
        to.reserve(n);
        int kept = to.used;
        for (int c = 0; c < n; c++) {
            float value = pre[at + c];
            if (Math.abs(value - threshold[c]) < half && (mask == null || mask[c] != 0)) {
                to.columns[kept] = c;
                to.values[kept++] = value;
            }
        }
        to.used = kept;
    }

    private static void exp(float[] pre, int at, int n, float @Nullable [] mask, SparseBuilder.Slot to) {
        to.reserve(n);
        for (int c = 0; c < n; c++) {
            if (mask == null || mask[c] != 0) {
                to.columns[to.used] = c;
                to.values[to.used++] = (float) Math.exp(pre[at + c]);
            }
        }
    }
}
