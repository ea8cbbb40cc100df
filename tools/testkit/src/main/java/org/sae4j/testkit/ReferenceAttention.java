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
