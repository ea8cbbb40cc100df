package org.sae4j.engine.cpu.internal;

import java.util.List;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/** Steps of losses, projections and Adam. */
final class TrainingSteps {
    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    TrainingSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    Step squaredError(Op.SquaredError o) {
        float[] xHat = storage.floats(o.xHat());
        float[] x = storage.floats(o.x());
        float[] gradient = storage.floats(o.gradient());
        float[] loss = storage.floats(o.loss());
        int rows = o.x().rows();
        int width = o.x().cols();
        return () -> {
            double variance = o.reduction() == Op.Reduction.NORMALIZED ? meanSquaredDeviation(x, rows, width) : 1;
            double normalizer = switch (o.reduction()) {
                case SUM -> rows;
                case MEAN, MEAN_OVER_NORM -> (double) rows * width;
                case NORMALIZED -> rows * width * variance;
            };
            boolean byNorm = o.reduction() == Op.Reduction.MEAN_OVER_NORM;
            double sum = context.sum(rows, width, (from, to) -> {
                double part = 0;
                for (int row = from; row < to; row++) {
                    double factor = o.coefficient() / (byNorm ? normalizer * norm(x, row * width, width) : normalizer);
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

    private double meanSquaredDeviation(float[] x, int rows, int width) {
        double[] columns = new double[width];
        context.parallel(width, rows, (from, to) -> {
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
        double sum = 0;
        for (double column : columns) {
            sum += column;
        }
        return sum / ((double) rows * width);
    }

    Step ghostError(Op.GhostError o) {
        float[] ghost = storage.floats(o.ghost());
        float[] residual = storage.floats(o.residual());
        float[] x = storage.floats(o.x());
        float[] gradient = storage.floats(o.gradient());
        float[] loss = storage.floats(o.loss());
        int rows = o.x().rows();
        int width = o.x().cols();
        double count = (double) rows * width;
        return () -> loss[0] = (float) context.sum(rows, width, (from, to) -> {
            double part = 0;
            for (int row = from; row < to; row++) {
                int at = row * width;
                double scale = norm(residual, at, width) / (2 * norm(ghost, at, width) + 1e-6);
                double normalizer = o.reduction() == Op.Reduction.MEAN_OVER_NORM ? norm(x, at, width) : 1;
                for (int i = at; i < at + width; i++) {
                    double r = residual[i];
                    double difference = ghost[i] * scale - r;
                    double c = r * r / normalizer / (difference * difference / normalizer + 1e-6);
                    part += c * difference * difference / count;
                    gradient[i] = (float) (2 * c * difference * scale / count);
                }
            }
            return part;
        });
    }

    Step projectRows(Op.ProjectRows o) {
        float[] gradient = storage.floats(o.gradient());
        float[] w = storage.floats(o.w());
        int width = o.w().cols();
        return () -> context.parallel(o.w().rows(), width, (from, to) -> {
            for (int row = from; row < to; row++) {
                double square = kernels.dot(w, row * width, w, row * width, width);
                if (square > 0) {
                    float along = (float) (-kernels.dot(gradient, row * width, w, row * width, width) / square);
                    kernels.add(gradient, row * width, w, row * width, along, gradient, row * width, width);
                }
            }
        });
    }

    Step normalizeRows(Op.NormalizeRows o) {
        float[] w = storage.floats(o.w());
        int width = o.w().cols();
        return () -> context.parallel(o.w().rows(), width, (from, to) -> {
            for (int row = from; row < to; row++) {
                double norm = norm(w, row * width, width);
                if (norm > 0) {
                    kernels.scale(w, row * width, (float) (1 / norm), width);
                }
            }
        });
    }

    Step clipNorm(Op.ClipNorm o) {
        List<float[]> gradients = o.gradients().stream().map(storage::floats).toList();
        int[] sizes = o.gradients().stream().mapToInt(b -> (int) b.size()).toArray();
        return () -> {
            double squares = 0;
            for (int i = 0; i < sizes.length; i++) {
                float[] g = gradients.get(i);
                squares += context.sum(sizes[i], 1, (from, to) -> kernels.dot(g, from, g, from, to - from));
            }
            float factor = (float) Math.min(1, o.limit() / (Math.sqrt(squares) + 1e-6));
            if (factor == 1) {
                return;
            }
            for (int i = 0; i < sizes.length; i++) {
                float[] g = gradients.get(i);
                context.parallel(sizes[i], 1, (from, to) -> kernels.scale(g, from, factor, to - from));
            }
        };
    }

    Step adam(Op.Adam o) {
        float[] w = storage.floats(o.w());
        float[] g = storage.floats(o.gradient());
        float[] m = storage.floats(o.m());
        float[] v = storage.floats(o.v());
        float[] hyper = storage.floats(o.hyper());
        Buffer parameter = o.w();
        return () -> {
            Kernels.AdamFactors factors = Kernels.AdamFactors.of(hyper[0], hyper[1], hyper[2], hyper[3], hyper[4]);
            context.parallel((int) parameter.size(), 1, (from, to) -> kernels.adam(w, g, m, v, from, to, factors));
        };
    }
}
