package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.LeftPanels;
import org.sae4j.engine.cpu.internal.memory.PanelPool;
import org.sae4j.engine.cpu.internal.memory.RightPanels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.steps.AttentionSteps.Shape;
import org.sae4j.engine.cpu.internal.threads.Step;

/**
 * Steps of the gradients of causal attention. A task is one head of keys and values: what its heads of queries add comes in their order.
 */
public final class AttentionGradients {
    /** Queries, or keys, that are computed at once. */
    private static final int ROWS = 48;

    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public AttentionGradients(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    public Step attention(Op.AttentionGradient o) {
        return new Run(o)::run;
    }

    /** One gradient of a whole attention. */
    private final class Run {
        private final float[] q;
        private final float[] k;
        private final float[] v;
        private final float @Nullable [] pastK;
        private final float @Nullable [] pastV;
        private final int @Nullable [] pastLength;
        private final float[] g;
        private final float @Nullable [] dq;
        private final float @Nullable [] dk;
        private final float @Nullable [] dv;
        private final Shape s;
        /** Heads of queries that share one of keys and values. */
        private final int shared;
        private final int room;
        /** Whether earlier positions are the same for all sequences. */
        private final boolean samePast;
        private final Scratch[] scratch;

        Run(Op.AttentionGradient o) {
            q = storage.floats(o.q());
            k = storage.floats(o.k());
            v = storage.floats(o.v());
            pastK = orNull(o.pastK());
            pastV = orNull(o.pastV());
            pastLength = o.pastLength() == null ? null : storage.ints(o.pastLength());
            g = storage.floats(o.g());
            dq = orNull(o.queryGradient());
            dk = orNull(o.keyGradient());
            dv = orNull(o.valueGradient());
            s = Shape.of(o.q(), o.batch(), o.heads());
            shared = s.heads().count() / s.heads().keyValues();
            room = o.past();
            samePast = o.pastK() != null && o.pastK().rows() == room;
            scratch = new Scratch[context.workers().threads()];
        }

        void run() {
            int past = pastLength == null ? room : pastLength[0];
            context.workers().forEach(s.batch() * s.heads().keyValues(), (task, slot) -> {
                Scratch own = scratch[slot];
                if (own == null) {
                    own = new Scratch(s, room, s.heads().cap() > 0);
                    scratch[slot] = own;
                }
                keyHead(task / s.heads().keyValues(), task % s.heads().keyValues(), past, own, slot);
            });
        }

        private void keyHead(int sequence, int keyHead, int past, Scratch own, int slot) {
            gather(own.keys, k, pastK, sequence, keyHead, past);
            gather(own.values, v, pastV, sequence, keyHead, past);
            int size = (past + s.length()) * s.width();
            Arrays.fill(own.keyGradient, 0, size, 0);
            Arrays.fill(own.valueGradient, 0, size, 0);
            for (int head = keyHead * shared; head < (keyHead + 1) * shared; head++) {
                for (int from = 0; from < s.length(); from += ROWS) {
                    block(s.at(sequence * s.heads().count() + head), from, Math.min(from + ROWS, s.length()), past, own, slot);
                }
            }
            scatter(own.keyGradient, dk, sequence, keyHead, past);
            scatter(own.valueGradient, dv, sequence, keyHead, past);
        }

        /** What some queries of a head contribute. {@code origin} is where the head's first query lies. */
        private void block(int origin, int from, int to, int past, Scratch own, int slot) {
            int queries = to - from;
            int keys = past + to;
            int width = s.width();
            int at = origin + from * s.stride();
            float[] pattern = own.pattern;
            byTransposed(q, at, s.stride(), queries, own.keys, width, width, keys, pattern, slot);
            for (int i = 0; i < queries; i++) {
                int row = i * keys;
                int seen = past + from + i + 1;
                AttentionSteps.finish(kernels, s.heads(), pattern, row, seen - 1);
                if (own.scores != null) {
                    System.arraycopy(pattern, row, own.scores, row, seen);
                }
                kernels.softmax(pattern, row, pattern, row, seen);
                Arrays.fill(pattern, row + seen, row + keys, 0);
            }
            if (dv != null) {
                transposedBy(pattern, queries, keys, g, at, own.valueGradient, slot);
            }
            if (dq == null && dk == null) {
                return;
            }
            float[] products = own.products;
            byTransposed(g, at, s.stride(), queries, own.values, width, width, keys, products, slot);
            for (int i = 0; i < queries; i++) {
                int row = i * keys;
                int seen = past + from + i + 1;
                float mean = (float) kernels.dot(pattern, row, products, row, seen);
                kernels.softmaxGradient(pattern, row, products, row, mean, products, row, seen);
                unscale(s.heads(), own.scores, row, products, row, seen);
                Arrays.fill(products, row + seen, row + keys, 0);
            }
            if (dq != null) {
                multiply(LeftPanels.dense(products, 0, keys), queries, keys, own.keys, 0, width, false, width, dq, at, s.stride(), false,
                        slot);
            }
            if (dk != null) {
                transposedBy(products, queries, keys, q, at, own.keyGradient, slot);
            }
        }

        /** {@code to += weights^T rows}, of rows of queries. */
        private void transposedBy(float[] weights, int queries, int keys, float[] rows, int at, float[] to, int slot) {
            multiply(LeftPanels.transposed(weights, 0, keys), keys, queries, rows, at, s.stride(), false, s.width(), to, 0, s.width(), true,
                    slot);
        }

        /** The rows of a head of keys or values one after the other, those of earlier positions first. */
        private void gather(float[] to, float[] own, float @Nullable [] earlier, int sequence, int keyHead, int past) {
            int column = keyHead * s.width();
            for (int position = 0; position < past; position++) {
                int row = (samePast ? 0 : sequence * room) + position;
                System.arraycopy(Objects.requireNonNull(earlier), row * s.keyStride() + column, to, position * s.width(), s.width());
            }
            for (int position = 0; position < s.length(); position++) {
                System.arraycopy(own, (sequence * s.length() + position) * s.keyStride() + column, to, (past + position) * s.width(),
                        s.width());
            }
        }

        private void scatter(float[] from, float @Nullable [] to, int sequence, int keyHead, int past) {
            if (to != null) {
                for (int position = 0; position < s.length(); position++) {
                    System.arraycopy(from, (past + position) * s.width(), to,
                            (sequence * s.length() + position) * s.keyStride() + keyHead * s.width(), s.width());
                }
            }
        }
    }

    /** Room of a thread for one head of keys and values. */
    private static final class Scratch {
        private final float[] keys;
        private final float[] values;
        private final float[] keyGradient;
        private final float[] valueGradient;
        private final float[] pattern;
        private final float[] products;
        /** The scores, which only a cap needs beside the pattern. */
        private final float @Nullable [] scores;

        Scratch(Shape s, int room, boolean capped) {
            int positions = room + s.length();
            keys = new float[positions * s.width()];
            values = keys.clone();
            keyGradient = keys.clone();
            valueGradient = keys.clone();
            pattern = new float[Math.min(ROWS, s.length()) * positions];
            products = pattern.clone();
            scores = capped ? pattern.clone() : null;
        }
    }

    private float @Nullable [] orNull(@Nullable Buffer buffer) {
        return buffer == null ? null : storage.floats(buffer);
    }

    public Step scores(Op.AttentionScoresGradient o) {
        float @Nullable [] scores = o.heads().cap() > 0 ? orNull(o.scores()) : null;
        float[] g = storage.floats(o.g());
        float[] out = storage.floats(o.out());
        int length = o.out().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                int at = r * length;
                int query = r % length;
                if (g != out) {
                    System.arraycopy(g, at, out, at, length);
                }
                Arrays.fill(out, at, at + o.heads().first(query), 0);
                unscale(o.heads(), scores, at, out, at, query + 1);
                Arrays.fill(out, at + query + 1, at + length, 0);
            }
        });
        return () -> split.run(o.out().rows(), length);
    }

    /** From gradients by scores to gradients by products of queries and keys. Scores that are not seen have gradients of 0. */
    private void unscale(Op.Heads heads, float @Nullable [] scores, int scoresAt, float[] g, int at, int n) {
        if (scores != null) {
            for (int i = 0; i < n; i++) {
                float tanh = scores[scoresAt + i] / heads.cap();
                // Not seen, and so -infinity: 0 times anything finite.
                g[at + i] *= Math.abs(tanh) > 1 ? 0 : 1 - tanh * tanh;
            }
        }
        kernels.scale(g, at, heads.scale(), n);
    }

    /** Every query with every key. */
    public Step mix(Op.AttentionMixGradient o) {
        float[] g = storage.floats(o.g());
        float[] v = storage.floats(o.v());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.g(), o.batch(), o.heads());
        int parts = (s.length() + ROWS - 1) / ROWS;
        return () -> context.workers().forEach(s.batch() * s.heads().count() * parts, (task, slot) -> {
            int head = task / parts;
            int from = task % parts * ROWS;
            int rows = Math.min(ROWS, s.length() - from);
            multiply(LeftPanels.dense(g, s.at(head) + from * s.stride(), s.stride()), rows, s.width(), v, s.keyAt(head), s.keyStride(),
                    true,
                    s.length(), out, (head * s.length() + from) * s.length(), s.length(), false, slot);
        });
    }

    public Step mixTransposed(Op.AttentionMixTransposed o) {
        float[] pattern = storage.floats(o.pattern());
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        Shape s = Shape.of(o.x(), o.batch(), o.heads());
        int shared = s.heads().count() / s.heads().keyValues();
        int parts = (s.length() + ROWS - 1) / ROWS;
        return () -> context.workers().forEach(s.batch() * s.heads().keyValues() * parts, (task, slot) -> {
            int first = task / parts * shared;
            int from = task % parts * ROWS;
            int rows = Math.min(ROWS, s.length() - from);
            for (int head = first; head < first + shared; head++) {
                multiply(LeftPanels.transposed(pattern, head * s.length() * s.length() + from, s.length()), rows, s.length(), x, s.at(head),
                        s.stride(), false, s.width(), out, s.keyAt(head) + from * s.keyStride(), s.keyStride(), head > first, slot);
            }
        });
    }

    /** {@code c = a b^T} for rows of a that are {@code stride} apart and all rows of b, with the rows of c one after the other. */
    private void byTransposed(float[] a, int at, int stride, int rows, float[] b, int bStride, int depth, int columns, float[] c,
            int slot) {
        multiply(LeftPanels.dense(a, at, stride), rows, depth, b, 0, bStride, true, columns, c, 0, columns, false, slot);
    }

    /** {@code c = a b} or {@code c += a b}. */
    private void multiply(LeftPanels.Source a, int rows, int depth, float[] b, int bAt, int bStride, boolean transposed, int columns,
            float[] c, int cAt, int cStride, boolean accumulate, int slot) {
        PanelPool pool = context.slots()[slot];
        LeftPanels left = pool.left(rows, depth);
        left.pack(a);
        RightPanels right = pool.right(depth, columns);
        right.pack(b, bAt, bStride, transposed);
        context.products().chain(left, 0, left.groups().count(), right, 0, right.perBlock(), c, cAt, cStride, columns, accumulate);
    }
}
