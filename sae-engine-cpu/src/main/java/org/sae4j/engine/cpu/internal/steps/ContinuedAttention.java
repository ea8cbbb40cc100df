package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.LeftPanels;
import org.sae4j.engine.cpu.internal.memory.RightPanels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/**
 * Causal attention of positions that come after others whose keys and values are given. Every score and every mixture is the chain of fused
 * multiply-adds that {@link AttentionSteps} computes for the whole sequence: the results agree to the bit.
 */
public final class ContinuedAttention {
    /** Queries of a task. */
    private static final int QUERIES = 48;
    /** Own positions up to which packing them costs more than it saves. */
    private static final int FEW = 4;

    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public ContinuedAttention(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    public Step attention(Op.Attention o) {
        return new Run(o)::run;
    }

    /** One operation. */
    private final class Run {
        private final float[] q;
        private final float[] k;
        private final float[] v;
        private final float[] pastK;
        private final float[] pastV;
        private final float[] out;
        /** Room for earlier positions. */
        private final int room;
        /** Holds how many earlier positions there are, or null for as many as there is room for. */
        private final int @Nullable [] pastLength;
        private final int batch;
        private final Op.Heads heads;
        private final int length;
        private final int width;
        /** Distance of two positions of queries. */
        private final int stride;
        /** Distance of two positions of keys or values. */
        private final int keyStride;
        /** Sequences of a task: those that share their earlier positions can be taken together. */
        private final int together;
        /** Whether earlier positions are the same for all sequences. */
        private final boolean shared;
        /** Heads of a task: with few queries all that read the same keys and values, which are then packed once for them. */
        private final int share;
        private final float[][] scratch;

        Run(Op.Attention o) {
            q = storage.floats(o.q());
            k = storage.floats(o.k());
            v = storage.floats(o.v());
            pastK = storage.floats(Objects.requireNonNull(o.pastK(), "pastK"));
            pastV = storage.floats(Objects.requireNonNull(o.pastV(), "pastV"));
            out = storage.floats(o.out());
            room = o.past();
            pastLength = o.pastLength() == null ? null : storage.ints(o.pastLength());
            batch = o.batch();
            heads = o.heads();
            length = o.q().rows() / batch;
            stride = o.q().cols();
            keyStride = o.k().cols();
            width = stride / heads.count();
            shared = o.pastK().rows() == room;
            together = shared ? Math.clamp(QUERIES / Math.max(1, length), 1, batch) : 1;
            share = together * Math.min(QUERIES, length) <= FEW ? heads.count() / heads.keyValues() : 1;
            scratch = new float[context.workers().threads()][];
        }

        void run() {
            int groups = (batch + together - 1) / together;
            int parts = (length + QUERIES - 1) / QUERIES;
            int past = pastLength == null ? room : pastLength[0];
            int perPart = heads.count() / share;
            context.workers().forEach(perPart * groups * parts, (task, slot) -> {
                int head = task % perPart * share;
                int first = task / perPart / parts * together;
                int from = task / perPart % parts * QUERIES;
                block(past, head, first, Math.min(first + together, batch), from, Math.min(from + QUERIES, length), slot);
            });
        }

        /** The head of keys and values that a head of queries reads. */
        private int keyHead(int head) {
            return head / (heads.count() / heads.keyValues());
        }

        /** Queries {@code from} to {@code to - 1} of some sequences, which are all queries if there are several, and of {@link #share} heads. */
        private void block(int past, int firstHead, int first, int last, int from, int to, int slot) {
            int queries = to - from;
            int rows = (last - first) * queries;
            int columns = past + to;
            if (scratch[slot] == null) {
                scratch[slot] = new float[share * together * Math.min(QUERIES, length) * (room + length)];
            }
            float[] scores = scratch[slot];
            int start = (first * length + from) * stride + firstHead * width;
            int before = (shared ? 0 : first * room * keyStride) + keyHead(firstHead) * width;
            if (past > 0) {
                RightPanels keys = packed(width, past, pastK, before, true, slot);
                for (int h = 0; h < share; h++) {
                    multiply(q, start + h * width, stride, rows, keys, scores, h * rows * columns, columns, false, slot);
                }
            }
            for (int h = 0; h < share; h++) {
                for (int sequence = first; sequence < last; sequence++) {
                    ownScores(past, sequence, firstHead + h, from, to, scores, (h * rows + (sequence - first) * queries) * columns, slot);
                }
            }
            for (int row = 0; row < share * rows; row++) {
                int query = past + from + row % queries;
                AttentionSteps.finish(kernels, heads, scores, row * columns, query);
                kernels.softmax(scores, row * columns, scores, row * columns, query + 1);
                Arrays.fill(scores, row * columns + query + 1, (row + 1) * columns, 0);
            }
            if (past > 0) {
                RightPanels values = packed(past, width, pastV, before, false, slot);
                for (int h = 0; h < share; h++) {
                    multiply(scores, h * rows * columns, columns, rows, values, out, start + h * width, stride, false, slot);
                }
            } else {
                for (int row = 0; row < rows; row++) {
                    Arrays.fill(out, start + row * stride, start + row * stride + share * width, 0);
                }
            }
            for (int h = 0; h < share; h++) {
                for (int sequence = first; sequence < last; sequence++) {
                    ownMixture(past, sequence, firstHead + h, from, to, scores, (h * rows + (sequence - first) * queries) * columns, slot);
                }
            }
        }

        private void ownScores(int past, int sequence, int head, int from, int to, float[] scores, int at, int slot) {
            int columns = past + to;
            int own = sequence * length * stride + head * width;
            int ownKeys = sequence * length * keyStride + keyHead(head) * width;
            if (to > FEW) {
                multiply(q, own + from * stride, stride, to - from, packed(width, to, k, ownKeys, true, slot), scores, at + past, columns,
                        false, slot);
                return;
            }
            for (int query = from; query < to; query++) {
                for (int key = 0; key <= query; key++) {
                    int a = own + query * stride;
                    int b = ownKeys + key * keyStride;
                    float sum = 0;
                    for (int e = 0; e < width; e++) {
                        sum = Math.fma(q[a + e], k[b + e], sum);
                    }
                    scores[at + (query - from) * columns + past + key] = sum;
                }
            }
        }

        private void ownMixture(int past, int sequence, int head, int from, int to, float[] weights, int at, int slot) {
            int columns = past + to;
            int own = sequence * length * stride + head * width;
            int ownValues = sequence * length * keyStride + keyHead(head) * width;
            if (to > FEW) {
                multiply(weights, at + past, columns, to - from, packed(to, width, v, ownValues, false, slot), out, own + from * stride,
                        stride, true, slot);
                return;
            }
            for (int query = from; query < to; query++) {
                int target = own + query * stride;
                for (int key = 0; key <= query; key++) {
                    float weight = weights[at + (query - from) * columns + past + key];
                    kernels.add(out, target, v, ownValues + key * keyStride, weight, out, target, width);
                }
            }
        }

        /** Keys or values of a head, which lie {@link #keyStride} apart, as a right operand; valid until the next call for the slot. */
        private RightPanels packed(int depth, int columns, float[] b, int at, boolean transposed, int slot) {
            RightPanels right = context.slots()[slot].right(depth, columns);
            right.pack(b, at, keyStride, transposed);
            return right;
        }

        /** {@code c = a b}, or {@code c += a b}, of parts of matrices. */
        private void multiply(float[] a, int aAt, int aStride, int rows, RightPanels b, float[] c, int cAt, int cStride, boolean accumulate,
                int slot) {
            LeftPanels left = context.slots()[slot].left(rows, b.depth());
            left.pack(LeftPanels.dense(a, aAt, aStride));
            context.products().chain(left, 0, left.groups().count(), b, 0, b.perBlock(), c, cAt, cStride, b.columns(), accumulate);
        }
    }
}
