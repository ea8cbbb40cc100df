package org.sae4j.testkit;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/** Attention, one query after the other. */
final class ReferenceAttention {
    private final ReferenceProgram memory;

    ReferenceAttention(ReferenceProgram memory) {
        this.memory = memory;
    }

    /** Keys or values of a sequence: earlier positions, then those of the pass. */
    private record Rows(double[] past, int pastAt, int earlier, double[] own, int ownAt, int cols) {
        double at(int position, int column) {
            return position < earlier ? past[pastAt + position * cols + column]
                    : own[ownAt + (position - earlier) * cols + column];
        }
    }

    private Rows rows(Buffer own, @Nullable Buffer past, int room, int earlier, int batch, int sequence) {
        int cols = own.cols();
        boolean shared = past != null && past.rows() == room;
        return new Rows(past == null ? new double[0] : memory.doubles(past), shared ? 0 : sequence * room * cols, earlier,
                memory.doubles(own), sequence * (own.rows() / batch) * cols, cols);
    }

    private Rows[] sequences(Buffer own, int batch) {
        Rows[] sequences = new Rows[batch];
        Arrays.setAll(sequences, sequence -> rows(own, null, 0, 0, batch, sequence));
        return sequences;
    }

    void attention(Op.Attention op) {
        int earlier = op.pastLength() == null ? op.past() : memory.ints(op.pastLength())[0];
        int length = op.q().rows() / op.batch();
        double[] queries = memory.doubles(op.q());
        double[] out = new double[(int) op.out().size()];
        for (int sequence = 0; sequence < op.batch(); sequence++) {
            Rows keys = rows(op.k(), op.pastK(), op.past(), earlier, op.batch(), sequence);
            Rows values = rows(op.v(), op.pastV(), op.past(), earlier, op.batch(), sequence);
            for (int head = 0; head < op.heads().count(); head++) {
                for (int i = 0; i < length; i++) {
                    int row = sequence * length + i;
                    double[] scores = scores(queries, op.q().cols(), row, head, op.heads(), keys, earlier + i, earlier + length);
                    mix(ReferenceDense.softmax(scores, scores.length), values, row, head, op.heads(), op.out(), out);
                }
            }
        }
        memory.store(op.out(), out);
    }

    void scores(Op.AttentionScores op) {
        int length = op.q().rows() / op.batch();
        double[] queries = memory.doubles(op.q());
        Rows[] sequences = sequences(op.k(), op.batch());
        double[] out = new double[(int) op.out().size()];
        for (int row = 0; row < op.q().rows(); row++) {
            Rows keys = sequences[row / length];
            for (int head = 0; head < op.heads().count(); head++) {
                double[] scores = scores(queries, op.q().cols(), row, head, op.heads(), keys, row % length, length);
                System.arraycopy(scores, 0, out, pattern(row, head, length, op.heads()), length);
            }
        }
        memory.store(op.out(), out);
    }

    void mix(Op.AttentionMix op) {
        int length = op.v().rows() / op.batch();
        double[] pattern = memory.doubles(op.pattern());
        Rows[] sequences = sequences(op.v(), op.batch());
        double[] out = new double[(int) op.out().size()];
        for (int row = 0; row < op.out().rows(); row++) {
            Rows values = sequences[row / length];
            for (int head = 0; head < op.heads().count(); head++) {
                int at = pattern(row, head, length, op.heads());
                mix(Arrays.copyOfRange(pattern, at, at + length), values, row, head, op.heads(), op.out(), out);
            }
        }
        memory.store(op.out(), out);
    }

    void gradient(Op.AttentionGradient op) {
        int earlier = op.pastLength() == null ? op.past() : memory.ints(op.pastLength())[0];
        Op.Heads heads = op.heads();
        int length = op.q().rows() / op.batch();
        int cols = op.q().cols();
        int dHead = cols / heads.count();
        double[] q = memory.doubles(op.q());
        double[] g = memory.doubles(op.g());
        double[] dq = new double[q.length];
        double[] dk = new double[(int) op.k().size()];
        double[] dv = new double[dk.length];
        for (int row = 0; row < op.q().rows(); row++) {
            int sequence = row / length;
            int query = earlier + row % length;
            Rows keys = rows(op.k(), op.pastK(), op.past(), earlier, op.batch(), sequence);
            Rows values = rows(op.v(), op.pastV(), op.past(), earlier, op.batch(), sequence);
            for (int head = 0; head < heads.count(); head++) {
                int keyColumn = head / (heads.count() / heads.keyValues()) * dHead;
                int at = row * cols + head * dHead;
                double[] scores = scores(q, cols, row, head, heads, keys, query, earlier + length);
                double[] pattern = ReferenceDense.softmax(scores, scores.length);
                double[] slopes = new double[pattern.length];
                double mean = 0;
                for (int key = 0; key <= query; key++) {
                    for (int e = 0; e < dHead; e++) {
                        slopes[key] += g[at + e] * values.at(key, keyColumn + e);
                    }
                    mean += pattern[key] * slopes[key];
                }
                for (int key = heads.first(query); key <= query; key++) {
                    double slope = pattern[key] * (slopes[key] - mean) * unscaled(heads, scores[key]);
                    int own = (sequence * length + key - earlier) * keys.cols() + keyColumn;
                    for (int e = 0; e < dHead; e++) {
                        dq[at + e] += slope * keys.at(key, keyColumn + e);
                        if (key >= earlier) {
                            dk[own + e] += slope * q[at + e];
                            dv[own + e] += pattern[key] * g[at + e];
                        }
                    }
                }
            }
        }
        storeIfWanted(op.queryGradient(), dq);
        storeIfWanted(op.keyGradient(), dk);
        storeIfWanted(op.valueGradient(), dv);
    }

    private void storeIfWanted(@Nullable Buffer to, double[] values) {
        if (to != null) {
            memory.store(to, values);
        }
    }

    /** The slope of a score by the product of query and key. */
    private static double unscaled(Op.Heads heads, double score) {
        double tanh = heads.cap() > 0 ? score / heads.cap() : 0;
        return heads.scale() * (1 - tanh * tanh);
    }

    void scoresGradient(Op.AttentionScoresGradient op) {
        int length = op.out().cols();
        double[] g = memory.doubles(op.g());
        double[] scores = op.scores() == null ? new double[g.length] : memory.doubles(op.scores());
        for (int i = 0; i < g.length; i++) {
            int query = i / length % length;
            int key = i % length;
            g[i] = key < op.heads().first(query) || key > query ? 0 : g[i] * unscaled(op.heads(), scores[i]);
        }
        memory.store(op.out(), g);
    }

    void mixGradient(Op.AttentionMixGradient op) {
        int length = op.g().rows() / op.batch();
        int cols = op.g().cols();
        int dHead = cols / op.heads().count();
        double[] g = memory.doubles(op.g());
        Rows[] sequences = sequences(op.v(), op.batch());
        double[] out = new double[(int) op.out().size()];
        for (int row = 0; row < op.g().rows(); row++) {
            for (int head = 0; head < op.heads().count(); head++) {
                int valueColumn = head / (op.heads().count() / op.heads().keyValues()) * dHead;
                for (int key = 0; key < length; key++) {
                    double sum = 0;
                    for (int e = 0; e < dHead; e++) {
                        sum += g[row * cols + head * dHead + e] * sequences[row / length].at(key, valueColumn + e);
                    }
                    out[pattern(row, head, length, op.heads()) + key] = sum;
                }
            }
        }
        memory.store(op.out(), out);
    }

    void mixTransposed(Op.AttentionMixTransposed op) {
        int length = op.x().rows() / op.batch();
        int cols = op.x().cols();
        int dHead = cols / op.heads().count();
        double[] pattern = memory.doubles(op.pattern());
        double[] x = memory.doubles(op.x());
        double[] out = new double[(int) op.out().size()];
        for (int row = 0; row < op.x().rows(); row++) {
            for (int head = 0; head < op.heads().count(); head++) {
                int keyColumn = head / (op.heads().count() / op.heads().keyValues()) * dHead;
                for (int key = 0; key < length; key++) {
                    double weight = pattern[pattern(row, head, length, op.heads()) + key];
                    for (int e = 0; e < dHead; e++) {
                        out[(row / length * length + key) * op.out().cols() + keyColumn + e] += weight * x[row * cols + head * dHead + e];
                    }
                }
            }
        }
        memory.store(op.out(), out);
    }

    /** Where the scores of a query and a head begin. */
    private static int pattern(int row, int head, int length, Op.Heads heads) {
        return ((row / length * heads.count() + head) * length + row % length) * length;
    }

    private static double[] scores(double[] queries, int cols, int row, int head, Op.Heads heads, Rows keys, int query, int length) {
        int dHead = cols / heads.count();
        int keyHead = head / (heads.count() / heads.keyValues());
        double[] scores = new double[length];
        Arrays.fill(scores, Double.NEGATIVE_INFINITY);
        for (int key = heads.first(query); key <= query; key++) {
            double sum = 0;
            for (int e = 0; e < dHead; e++) {
                sum += queries[row * cols + head * dHead + e] * keys.at(key, keyHead * dHead + e);
            }
            double scaled = sum * heads.scale();
            scores[key] = heads.cap() > 0 ? heads.cap() * Math.tanh(scaled / heads.cap()) : scaled;
        }
        return scores;
    }

    private static void mix(double[] pattern, Rows values, int row, int head, Op.Heads heads, Buffer to, double[] out) {
        int dHead = to.cols() / heads.count();
        int valueHead = head / (heads.count() / heads.keyValues());
        for (int e = 0; e < dHead; e++) {
            double sum = 0;
            for (int key = 0; key < pattern.length; key++) {
                sum += pattern[key] == 0 ? 0 : pattern[key] * values.at(key, valueHead * dHead + e);
            }
            out[row * to.cols() + head * dHead + e] = sum;
        }
    }
}
