package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.LeftPanels;
import org.sae4j.engine.cpu.internal.memory.PanelPool;
import org.sae4j.engine.cpu.internal.memory.RightPanels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/**
 * Steps of causal attention. Scores and mixtures are chains of fused multiply-adds over the same elements in the same order in the fused
 * and in the separate operations, and a masked key adds a zero: the results agree to the bit, whatever the length of the sequence.
 */
public final class AttentionSteps {
    /** Queries of a task. */
    private static final int QUERIES = 48;

    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public AttentionSteps(Context context, Storage storage) {
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
    record Shape(int batch, Op.Heads heads, int length, int width) {
        static Shape of(Buffer q, int batch, Op.Heads heads) {
            return new Shape(batch, heads, q.rows() / batch, q.cols() / heads.count());
        }

        /** Distance of two positions of queries. */
        int stride() {
            return heads.count() * width;
        }

        /** Distance of two positions of keys or values. */
        int keyStride() {
            return heads.keyValues() * width;
        }

        /** Where the first query of a head of a sequence lies. */
        int at(int head) {
            return head / heads.count() * length * stride() + head % heads.count() * width;
        }

        /** Where the first key or value that a head of queries reads lies. */
        int keyAt(int head) {
            return head / heads.count() * length * keyStride()
                    + head % heads.count() / (heads.count() / heads.keyValues()) * width;
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
         * @param from first query
         * @param to after the last query
         * @param slot thread
         */
        void run(int head, int from, int to, int slot);
    }

    private void parallel(Shape s, Block block) {
        int perHead = s.perHead();
        context.workers().forEach(s.batch * s.heads.count() * perHead, (task, slot) -> {
            int head = task / perHead;
            int from = task % perHead * QUERIES;
            block.run(head, from, Math.min(from + QUERIES, s.length), slot);
        });
    }

    public Step attention(Op.Attention o) {
        float[] q = storage.floats(o.q());
        float[] k = storage.floats(o.k());
        float[] v = storage.floats(o.v());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.q(), o.batch(), o.heads());
        float[][] scratch = new float[context.workers().threads()][];
        return () -> parallel(s, (head, from, to, slot) -> {
            if (scratch[slot] == null) {
                scratch[slot] = new float[Math.min(QUERIES, s.length) * s.length];
            }
            float[] scores = scratch[slot];
            scores(s, q, k, head, from, to, slot, scores, 0, to);
            for (int query = from; query < to; query++) {
                int row = (query - from) * to;
                kernels.softmax(scores, row, scores, row, query + 1);
                Arrays.fill(scores, row + query + 1, row + to, 0);
            }
            mix(s, scores, 0, to, to - from, to, v, out, head, from, slot);
        });
    }

    public Step scores(Op.AttentionScores o) {
        float[] q = storage.floats(o.q());
        float[] k = storage.floats(o.k());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.q(), o.batch(), o.heads());
        return () -> parallel(s, (head, from, to, slot) -> {
            int first = (head * s.length + from) * s.length;
            scores(s, q, k, head, from, to, slot, out, first, s.length);
            for (int query = from; query < to; query++) {
                int row = first + (query - from) * s.length;
                Arrays.fill(out, row + query + 1, row + s.length, Float.NEGATIVE_INFINITY);
            }
        });
    }

    public Step mix(Op.AttentionMix o) {
        float[] pattern = storage.floats(o.pattern());
        float[] v = storage.floats(o.v());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.out(), o.batch(), o.heads());
        return () -> parallel(s, (head, from, to, slot) -> mix(s, pattern, (head * s.length + from) * s.length, s.length, to - from,
                s.length, v, out, head, from, slot));
    }

    /** Scores of queries against keys 0 to {@code to - 1}; each row is right up to its own query. */
    private void scores(Shape s, float[] q, float[] k, int head, int from, int to, int slot, float[] out, int outAt, int stride) {
        PanelPool pool = context.slots()[slot];
        LeftPanels left = pool.left(to - from, s.width);
        left.pack(LeftPanels.dense(q, s.at(head) + from * s.stride(), s.stride()));
        RightPanels right = pool.right(s.width, to);
        right.pack(k, s.keyAt(head), s.keyStride(), true);
        context.products().chain(left, 0, left.groups().count(), right, 0, right.perBlock(), out, outAt, stride, to, false);
        for (int query = from; query < to; query++) {
            finish(kernels, s.heads, out, outAt + (query - from) * stride, query);
        }
    }

    /** Scales and caps the scores of a query against the positions up to its own, and hides those that it does not see. */
    static void finish(Kernels kernels, Op.Heads heads, float[] scores, int at, int query) {
        if (heads.cap() > 0) {
            kernels.scale(scores, at, heads.scale() / heads.cap(), query + 1);
            kernels.apply(Op.Function.TANH, scores, at, scores, at, query + 1);
            kernels.scale(scores, at, heads.cap(), query + 1);
        } else {
            kernels.scale(scores, at, heads.scale(), query + 1);
        }
        Arrays.fill(scores, at, at + heads.first(query), Float.NEGATIVE_INFINITY);
    }

    /** Weighted sums of the values 0 to {@code keys - 1}. */
    private void mix(Shape s, float[] weights, int weightsAt, int stride, int queries, int keys, float[] v, float[] out, int head,
            int from, int slot) {
        PanelPool pool = context.slots()[slot];
        LeftPanels left = pool.left(queries, keys);
        left.pack(LeftPanels.dense(weights, weightsAt, stride));
        RightPanels right = pool.right(keys, s.width);
        right.pack(v, s.keyAt(head), s.keyStride(), false);
        context.products().chain(left, 0, left.groups().count(), right, 0, right.perBlock(), out, s.at(head) + from * s.stride(),
                s.stride(), s.width, false);
    }
}
