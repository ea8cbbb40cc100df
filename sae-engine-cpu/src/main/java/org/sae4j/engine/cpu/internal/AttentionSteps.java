package org.sae4j.engine.cpu.internal;

import java.util.Arrays;
import org.sae4j.api.engine.Op;

/**
 * Steps of causal attention. Scores and mixtures are chains of fused multiply-adds over the same elements in the same order in the fused
 * and in the separate operations, and a masked key adds a zero: the results agree to the bit, whatever the length of the sequence.
 */
final class AttentionSteps {
    /** Queries of a task. */
    private static final int QUERIES = 48;

    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    AttentionSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    /**
     * The shape of an attention.
     *
     * @param batch sequences
     * @param heads heads
     * @param length positions of a sequence
     * @param width d_head
     */
    private record Shape(int batch, int heads, int length, int width) {
        static Shape of(int rows, int cols, int batch, int heads) {
            return new Shape(batch, heads, rows / batch, cols / heads);
        }

        int stride() {
            return heads * width;
        }

        int perHead() {
            return (length + QUERIES - 1) / QUERIES;
        }
    }

    /** Computes some queries of one head. */
    @FunctionalInterface
    private interface Block {
        /**
         * Computes some queries of one head.
         *
         * @param head {@code batch row * heads + head}
         * @param at position in q, k, v of the head's first element
         * @param from first query
         * @param to after the last query
         * @param slot thread
         */
        void run(int head, int at, int from, int to, int slot);
    }

    private void parallel(Shape s, Block block) {
        int perHead = s.perHead();
        context.workers().forEach(s.batch * s.heads * perHead, (task, slot) -> {
            int head = task / perHead;
            int from = task % perHead * QUERIES;
            int at = head / s.heads * s.length * s.stride() + head % s.heads * s.width;
            block.run(head, at, from, Math.min(from + QUERIES, s.length), slot);
        });
    }

    Step attention(Op.Attention o) {
        float[] q = storage.floats(o.q());
        float[] k = storage.floats(o.k());
        float[] v = storage.floats(o.v());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.q().rows(), o.q().cols(), o.batch(), o.heads());
        float[][] scratch = new float[context.workers().threads()][];
        return () -> parallel(s, (head, at, from, to, slot) -> {
            if (scratch[slot] == null) {
                scratch[slot] = new float[Math.min(QUERIES, s.length) * s.length];
            }
            float[] scores = scratch[slot];
            scores(s, q, k, at, from, to, slot, scores, 0, to);
            for (int query = from; query < to; query++) {
                int row = (query - from) * to;
                kernels.softmax(scores, row, scores, row, query + 1);
                Arrays.fill(scores, row + query + 1, row + to, 0);
            }
            mix(s, scores, 0, to, to - from, to, v, out, at, from, slot);
        });
    }

    Step scores(Op.AttentionScores o) {
        float[] q = storage.floats(o.q());
        float[] k = storage.floats(o.k());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.q().rows(), o.q().cols(), o.batch(), o.heads());
        return () -> parallel(s, (head, at, from, to, slot) -> {
            int first = (head * s.length + from) * s.length;
            scores(s, q, k, at, from, to, slot, out, first, s.length);
            for (int query = from; query < to; query++) {
                int row = first + (query - from) * s.length;
                Arrays.fill(out, row + query + 1, row + s.length, Float.NEGATIVE_INFINITY);
            }
        });
    }

    Step mix(Op.AttentionMix o) {
        float[] pattern = storage.floats(o.pattern());
        float[] v = storage.floats(o.v());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.v().rows(), o.v().cols(), o.batch(), o.heads());
        return () -> parallel(s, (head, at, from, to, slot) -> mix(s, pattern, (head * s.length + from) * s.length, s.length, to - from,
                s.length, v, out, at, from, slot));
    }

    /** Scaled scores of queries against keys 0 to {@code to - 1}; each row is right up to its own query. */
    private void scores(Shape s, float[] q, float[] k, int at, int from, int to, int slot, float[] out, int outAt, int stride) {
        PanelPool pool = context.slots()[slot];
        LeftPanels left = pool.left(to - from, s.width);
        left.pack(LeftPanels.dense(q, at + from * s.stride(), s.stride()));
        RightPanels right = pool.right(s.width, to);
        right.pack(k, at, s.stride(), true);
        context.products().chain(left, 0, left.groups().count(), right, 0, right.perBlock(), out, outAt, stride, to, false);
        float scale = (float) (1 / Math.sqrt(s.width));
        for (int query = from; query < to; query++) {
            kernels.scale(out, outAt + (query - from) * stride, scale, query + 1);
        }
    }

    /** Weighted sums of the values 0 to {@code keys - 1}. */
    private void mix(Shape s, float[] weights, int weightsAt, int stride, int queries, int keys, float[] v, float[] out, int at, int from,
            int slot) {
        PanelPool pool = context.slots()[slot];
        LeftPanels left = pool.left(queries, keys);
        left.pack(LeftPanels.dense(weights, weightsAt, stride));
        RightPanels right = pool.right(keys, s.width);
        right.pack(v, at, s.stride(), false);
        context.products().chain(left, 0, left.groups().count(), right, 0, right.perBlock(), out, at + from * s.stride(), s.stride(),
                s.width, false);
    }
}
