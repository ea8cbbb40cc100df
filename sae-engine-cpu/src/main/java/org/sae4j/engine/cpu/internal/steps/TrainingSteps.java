package org.sae4j.engine.cpu.internal.steps;

import java.util.List;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/** Steps of losses, projections and Adam. */
public final class TrainingSteps {
    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public TrainingSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    public Step squaredError(Op.SquaredError o) {
        float[] xHat = storage.floats(o.xHat());
        float[] x = storage.floats(o.x());
        float[] gradient = storage.floats(o.gradient());
        float[] loss = storage.floats(o.loss());
        int rows = o.x().rows();
        int width = o.x().cols();
        boolean byNorm = o.reduction() == Op.Reduction.MEAN_OVER_NORM;
        double[] normalizer = new double[1];
        Context.Sum sums = context.sum((from, to) -> {
            double part = 0;
            for (int row = from; row < to; row++) {
                double factor = o.coefficient() / (byNorm ? normalizer[0] * norm(x, row * width, width) : normalizer[0]);
                float slope = (float) (2 * factor);
                double squares = 0;
                for (int i = row * width; i < (row + 1) * width; i++) {
                    float e = xHat[i] - x[i];
                    squares += (double) e * e;
                    gradient[i] = slope * e;
                }
                part += factor * squares;
            }
            return part;
        });
        Deviation deviation = new Deviation(x, rows, width);
        return () -> {
            double variance = o.reduction() == Op.Reduction.NORMALIZED ? deviation.meanSquare() : 1;
            normalizer[0] = switch (o.reduction()) {
                case SUM -> rows;
                case MEAN, MEAN_OVER_NORM -> (double) rows * width;
                case NORMALIZED -> rows * width * variance;
            };
            double sum = sums.of(rows, width);
            if (o.reduction() == Op.Reduction.NORMALIZED && (variance == 0 || !Double.isFinite(sum))) {
                sum = 0;
                java.util.Arrays.fill(gradient, 0, rows * width, 0);
            }
            loss[0] = (float) sum;
        };
    }

    private double norm(float[] x, int at, int width) {
        return Math.sqrt(kernels.dot(x, at, x, at, width));
    }

    /** Squared distances of rows to their mean. */
    private final class Deviation {
        private final int rows;
        private final double[] columns;
        private final Context.Split split;

        Deviation(float[] x, int rows, int width) {
            this.rows = rows;
            columns = new double[width];
            split = context.split((from, to, slot) -> {
                for (int c = from; c < to; c++) {
                    double sum = 0;
                    for (int row = 0; row < rows; row++) {
                        sum += x[row * width + c];
                    }
                    double mean = sum / rows;
                    double squares = 0;
                    for (int row = 0; row < rows; row++) {
                        double d = x[row * width + c] - mean;
                        squares += d * d;
                    }
                    columns[c] = squares;
                }
            });
        }

        double meanSquare() {
            split.run(columns.length, rows);
            double sum = 0;
            for (double column : columns) {
                sum += column;
            }
            return sum / ((double) rows * columns.length);
        }
    }

    public Step ghostError(Op.GhostError o) {
        float[] ghost = storage.floats(o.ghost());
        float[] residual = storage.floats(o.residual());
        float[] x = storage.floats(o.x());
        float[] gradient = storage.floats(o.gradient());
        float[] loss = storage.floats(o.loss());
        int rows = o.x().rows();
        int width = o.x().cols();
        double count = (double) rows * width;
        Context.Sum sums = context.sum((from, to) -> {
            double part = 0;
            for (int row = from; row < to; row++) {
                int at = row * width;
                double scale = norm(residual, at, width) / (2 * norm(ghost, at, width) + 1e-6);
                double normalizer = o.reduction() == Op.Reduction.MEAN_OVER_NORM ? norm(x, at, width) : 1;
                for (int i = at; i < at + width; i++) {
                    double r = residual[i];
                    double difference = ghost[i] * scale - r;
                    double c = r * r / normalizer / (difference * difference + 1e-6);
                    part += c * difference * difference / count;
                    gradient[i] = (float) (2 * c * difference * scale / count);
                }
            }
            return part;
        });
        return () -> loss[0] = (float) sums.of(rows, width);
    }

    /** An operation on one row of a parameter, at {@code wAt}, and its gradient, at {@code gAt}. */
    @FunctionalInterface
    private interface RowStep {
        void run(int wAt, float[] g, int gAt);
    }

    private RowStep project(Op.ProjectRows o) {
        float[] w = storage.floats(o.w());
        int width = o.w().cols();
        return (wAt, g, gAt) -> {
            double square = kernels.dot(w, wAt, w, wAt, width);
            if (square > 0) {
                float along = (float) (-kernels.dot(g, gAt, w, wAt, width) / square);
                kernels.add(g, gAt, w, wAt, along, g, gAt, width);
            }
        };
    }

    private RowStep normalize(Op.NormalizeRows o) {
        float[] w = storage.floats(o.w());
        int width = o.w().cols();
        return (wAt, g, gAt) -> {
            double norm = norm(w, wAt, width);
            if (norm > 0) {
                kernels.scale(w, wAt, (float) (1 / norm), width);
            }
        };
    }

    public Step projectRows(Op.ProjectRows o) {
        return rows(o.w(), storage.floats(o.gradient()), project(o));
    }

    public Step normalizeRows(Op.NormalizeRows o) {
        return rows(o.w(), storage.floats(o.w()), normalize(o));
    }

    private Step rows(Buffer w, float[] g, RowStep step) {
        int width = w.cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int row = from; row < to; row++) {
                step.run(row * width, g, row * width);
            }
        });
        return () -> split.run(w.rows(), width);
    }

    public Step clipNorm(Op.ClipNorm o) {
        List<float[]> gradients = o.gradients().stream().map(storage::floats).toList();
        int[] sizes = o.gradients().stream().mapToInt(b -> (int) b.size()).toArray();
        float[] factor = new float[1];
        List<Context.Sum> squares = gradients.stream()
                .map(g -> context.sum((from, to) -> kernels.dot(g, from, g, from, to - from))).toList();
        List<Context.Split> scales = gradients.stream()
                .map(g -> context.split((from, to, slot) -> kernels.scale(g, from, factor[0], to - from))).toList();
        return () -> {
            double square = 0;
            for (int i = 0; i < sizes.length; i++) {
                square += squares.get(i).of(sizes[i], 1);
            }
            factor[0] = (float) Math.min(1, o.limit() / (Math.sqrt(square) + 1e-6));
            for (int i = 0; i < sizes.length && factor[0] != 1; i++) {
                scales.get(i).run(sizes[i], 1);
            }
        };
    }

    private static void set(Kernels.AdamFactors factors, float[] hyper) {
        factors.set(hyper[0], hyper[1], hyper[2], hyper[3], hyper[4]);
    }

    public Step adam(Op.Adam o) {
        float[] w = storage.floats(o.w());
        float[] g = storage.floats(o.gradient());
        float[] m = storage.floats(o.m());
        float[] v = storage.floats(o.v());
        float[] hyper = storage.floats(o.hyper());
        int size = (int) o.w().size();
        Kernels.AdamFactors factors = new Kernels.AdamFactors();
        Context.Split split = context.split((from, to, slot) -> kernels.adam(w, m, v, from, g, from, to - from, factors));
        return () -> {
            set(factors, hyper);
            split.run(size, 1);
        };
    }

    /** Everything that is done with a row of a parameter in one pass. */
    public Step update(Updates updates, SparseSteps sparse) {
        Op.Adam adam = updates.adam();
        int width = adam.w().cols();
        float[] w = storage.floats(adam.w());
        float[] m = storage.floats(adam.m());
        float[] v = storage.floats(adam.v());
        float[] hyper = storage.floats(adam.hyper());
        Kernels.AdamFactors factors = new Kernels.AdamFactors();
        RowStep[] steps = updates.rows().stream().map(op -> switch (op) {
            case Op.ProjectRows o -> project(o);
            case Op.NormalizeRows o -> normalize(o);
            default -> (RowStep) (wAt, g, gAt) -> kernels.adam(w, m, v, wAt, g, gAt, width, factors);
        }).toArray(RowStep[]::new);
        RowStep all = (wAt, g, gAt) -> {
            for (RowStep step : steps) {
                step.run(wAt, g, gAt);
            }
        };
        Step rows = updates.outer() == null ? rows(adam.w(), storage.floats(adam.gradient()), all)
                : sparse.outer(updates.outer(), null, (row, g, at) -> all.run(row * width, g, at));
        return () -> {
            set(factors, hyper);
            rows.run();
        };
    }
}
