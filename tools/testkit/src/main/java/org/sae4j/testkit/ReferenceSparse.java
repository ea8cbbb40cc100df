package org.sae4j.testkit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.sae.SparseRows;

/** The operations that read or write sparse rows. */
final class ReferenceSparse {
    private final ReferenceProgram memory;

    ReferenceSparse(ReferenceProgram memory) {
        this.memory = memory;
    }

    void run(Op op) {
        switch (op) {
            case Op.Select o -> select(o);
            case Op.GatedSelect o -> gatedSelect(o);
            case Op.Decode o -> decode(o);
            case Op.FeatureGradient o -> featureGradient(o);
            case Op.SparseOuter o -> sparseOuter(o);
            case Op.SparseColumnSum o -> sparseColumnSum(o);
            case Op.ScaleColumns o -> scaleColumns(o);
            case Op.SparsitySums o -> sparsitySums(o);
            case Op.DecoderNormGradient o -> decoderNormGradient(o);
            case Op.TrackFiring o -> trackFiring(o);
            default -> throw new IllegalArgumentException("the reference engine does not know " + op);
        }
    }

    /** What to do with an entry. */
    private interface Visitor {
        void visit(int row, int column, double value);
    }

    private static void forEach(SparseRows rows, Visitor visitor) {
        for (int row = 0; row < rows.rows(); row++) {
            for (int e = rows.start(row); e < rows.start(row + 1); e++) {
                visitor.visit(row, rows.index(e), rows.value(e));
            }
        }
    }

    /** Builds sparse rows from left to right and top to bottom. */
    private static final class Collector {
        private final int columns;
        private final int[] offsets;
        private final List<Integer> indices = new ArrayList<>();
        private final List<Float> values = new ArrayList<>();

        Collector(Buffer out) {
            columns = out.cols();
            offsets = new int[out.rows() + 1];
        }

        void add(int row, int column, double value) {
            indices.add(column);
            values.add((float) value);
            offsets[row + 1] = indices.size();
        }

        SparseRows rows() {
            for (int row = 1; row < offsets.length; row++) {
                offsets[row] = Math.max(offsets[row], offsets[row - 1]);
            }
            float[] array = new float[values.size()];
            IntStream.range(0, array.length).forEach(i -> array[i] = values.get(i));
            return new SparseRows(columns, offsets, indices.stream().mapToInt(i -> i).toArray(), array);
        }
    }

    private void select(Op.Select op) {
        float[] pre = memory.floats(op.pre());
        float[] mask = op.mask() == null ? null : memory.floats(op.mask());
        float[] threshold = op.threshold() == null ? new float[0] : memory.floats(op.threshold());
        int cols = op.pre().cols();
        int[] eligible = IntStream.range(0, pre.length).filter(i -> mask == null || mask[i % cols] != 0).toArray();
        Set<Integer> kept = new HashSet<>();
        switch (op.rule()) {
            case RELU -> IntStream.of(eligible).filter(i -> pre[i] > 0).forEach(kept::add);
            case EXP -> IntStream.of(eligible).forEach(kept::add);
            case JUMP_RELU -> IntStream.of(eligible).filter(i -> pre[i] > 0 && pre[i] > threshold[i % cols]).forEach(kept::add);
            case WINDOW -> IntStream.of(eligible)
                    .filter(i -> Math.abs((double) pre[i] - threshold[i % cols]) < op.width() / 2.0).forEach(kept::add);
            case BATCH_TOPK -> largest(pre, eligible, (long) op.k() * op.pre().rows(), kept);
            case TOPK -> {
                for (int row = 0; row < op.pre().rows(); row++) {
                    int start = row * cols;
                    largest(pre, IntStream.of(eligible).filter(i -> i >= start && i < start + cols).toArray(), op.k(), kept);
                }
            }
        }
        Collector collector = new Collector(op.out());
        kept.stream().sorted().forEach(i -> collector.add(i / cols, i % cols, op.rule() == Op.Rule.EXP ? Math.exp(pre[i]) : pre[i]));
        memory.store(op.out(), collector.rows());
    }

    /** Stable sorting lets the lower position win a tie. */
    private static void largest(float[] pre, int[] eligible, long count, Set<Integer> kept) {
        IntStream.of(eligible).filter(i -> pre[i] > 0).boxed()
                .sorted(Comparator.comparingDouble(i -> -pre[i])).limit(count).forEach(kept::add);
    }

    private void gatedSelect(Op.GatedSelect op) {
        double[] pre = memory.doubles(op.pre());
        double[] bGate = memory.doubles(op.bGate());
        double[] rMag = memory.doubles(op.rMag());
        double[] bMag = memory.doubles(op.bMag());
        Collector collector = new Collector(op.out());
        int cols = op.pre().cols();
        for (int i = 0; i < pre.length; i++) {
            int c = i % cols;
            double magnitude = (pre[i] - bGate[c]) * Math.exp(rMag[c]) + bMag[c];
            if (pre[i] > 0 && magnitude > 0) {
                collector.add(i / cols, c, magnitude);
            }
        }
        memory.store(op.out(), collector.rows());
    }

    private void decode(Op.Decode op) {
        int d = op.w().cols();
        double[] w = memory.doubles(op.w());
        double[] out = new double[op.s().rows() * d];
        for (int i = 0; op.bias() != null && i < out.length; i++) {
            out[i] = memory.floats(op.bias())[i % d];
        }
        forEach(memory.sparse(op.s()), (b, i, s) -> {
            for (int j = 0; j < d; j++) {
                out[b * d + j] += s * w[i * d + j];
            }
        });
        memory.store(op.out(), out);
    }

    private void featureGradient(Op.FeatureGradient op) {
        int d = op.w().cols();
        double[] w = memory.doubles(op.w());
        double[] g = memory.doubles(op.g());
        double[] norms = memory.rowNorms(op.w());
        double penalty = op.hyper() == null ? 0 : memory.floats(op.hyper())[op.slot()];
        Collector collector = new Collector(op.out());
        forEach(memory.sparse(op.s()), (b, i, s) -> {
            double sum = penalty * (op.decoderNorm() ? norms[i] : 1);
            for (int j = 0; j < d; j++) {
                sum += g[b * d + j] * w[i * d + j];
            }
            collector.add(b, i, sum * (op.exponential() ? s : 1));
        });
        memory.store(op.out(), collector.rows());
    }

    private void sparseOuter(Op.SparseOuter op) {
        int d = op.y().cols();
        double[] y = memory.doubles(op.y());
        double[] out = op.accumulate() ? memory.doubles(op.out()) : new double[(int) op.out().size()];
        forEach(memory.sparse(op.s()), (b, i, s) -> {
            for (int j = 0; j < d; j++) {
                out[i * d + j] += s * y[b * d + j];
            }
        });
        memory.store(op.out(), out);
    }

    private void sparseColumnSum(Op.SparseColumnSum op) {
        double[] out = op.accumulate() ? memory.doubles(op.out()) : new double[op.out().cols()];
        forEach(memory.sparse(op.s()), (b, i, s) -> out[i] += s);
        memory.store(op.out(), out);
    }

    private void scaleColumns(Op.ScaleColumns op) {
        double[] row = memory.doubles(op.row());
        Collector collector = new Collector(op.out());
        forEach(memory.sparse(op.s()), (b, i, s) -> collector.add(b, i, s * row[i]));
        memory.store(op.out(), collector.rows());
    }

    private void sparsitySums(Op.SparsitySums op) {
        double[] norms = memory.rowNorms(op.w());
        double[] out = new double[3];
        forEach(memory.sparse(op.s()), (b, i, s) -> {
            out[0]++;
            out[1] += Math.abs(s);
            out[2] += Math.abs(s) * norms[i];
        });
        memory.store(op.out(), out);
    }

    private void decoderNormGradient(Op.DecoderNormGradient op) {
        int d = op.w().cols();
        double coefficient = memory.floats(op.hyper())[op.slot()];
        double[] w = memory.doubles(op.w());
        double[] norms = memory.rowNorms(op.w());
        double[] gradient = memory.doubles(op.gradient());
        forEach(memory.sparse(op.s()), (b, i, s) -> {
            for (int j = 0; norms[i] > 0 && j < d; j++) {
                gradient[i * d + j] += coefficient * Math.abs(s) * w[i * d + j] / norms[i];
            }
        });
        memory.store(op.gradient(), gradient);
    }

    private void trackFiring(Op.TrackFiring op) {
        SparseRows rows = memory.sparse(op.s());
        double[] since = memory.doubles(op.since());
        for (int i = 0; i < since.length; i++) {
            since[i] += rows.rows();
        }
        forEach(rows, (b, i, s) -> since[i] = 0);
        memory.store(op.since(), since);
    }
}
