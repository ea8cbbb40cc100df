package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/** Steps of dense operations but products and attention. */
public final class DenseSteps {
    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public DenseSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    public Step gather(Op.Gather o) {
        int[] indices = storage.ints(o.indices());
        Storage.Rows table = storage.rows(o.table());
        float[] out = storage.floats(o.out());
        int width = o.out().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                table.copy(indices[r], out, r * width);
            }
        });
        return () -> split.run(o.out().rows(), width);
    }

    public Step add(Op.Add o) {
        float[] a = storage.floats(o.a());
        float[] b = storage.floats(o.b());
        float[] out = storage.floats(o.out());
        int width = o.out().cols();
        boolean broadcast = o.b().rows() == 1;
        Context.Split split = context.split((from, to, slot) -> {
            if (broadcast) {
                for (int r = from; r < to; r++) {
                    kernels.add(a, r * width, b, 0, o.scale(), out, r * width, width);
                }
            } else {
                kernels.add(a, from * width, b, from * width, o.scale(), out, from * width, (to - from) * width);
            }
        });
        return () -> split.run(o.out().rows(), width);
    }

    public Step multiply(Op.Multiply o) {
        float[] a = storage.floats(o.a());
        float[] b = storage.floats(o.b());
        float[] out = storage.floats(o.out());
        int width = o.out().cols();
        int part = o.b().cols();
        boolean broadcast = o.b().rows() == 1;
        Context.Split split = context.split((from, to, slot) -> {
            if (broadcast) {
                for (int at = from * width; at < to * width; at += part) {
                    kernels.multiply(a, at, b, 0, out, at, part);
                }
            } else {
                kernels.multiply(a, from * width, b, from * width, out, from * width, (to - from) * width);
            }
        });
        return () -> split.run(o.out().rows(), width);
    }

    public Step scale(Op.Scale o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split((from, to, slot) -> {
            if (x != out) {
                System.arraycopy(x, from * width, out, from * width, (to - from) * width);
            }
            kernels.scale(out, from * width, o.factor(), (to - from) * width);
        });
        return () -> split.run(o.x().rows(), width);
    }

    public Step rotary(Op.Rotary o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        float[] cos = storage.floats(o.cos());
        float[] sin = storage.floats(o.sin());
        int n = o.cos().cols();
        int width = o.x().cols();
        int dHead = width / o.heads();
        Context.Split split = context.split((from, to, slot) -> {
            if (x != out) {
                System.arraycopy(x, from * width, out, from * width, (to - from) * width);
            }
            for (int r = from; r < to; r++) {
                for (int at = r * width; at < (r + 1) * width; at += dHead) {
                    rotate(out, at, cos, sin, r * n, n);
                }
            }
        });
        return () -> split.run(o.x().rows(), width);
    }

    private static void rotate(float[] x, int at, float[] cos, float[] sin, int angle, int n) {
        for (int i = 0; i < n; i++) {
            float c = cos[angle + i];
            float s = sin[angle + i];
            float a = x[at + i];
            float b = x[at + n + i];
            x[at + i] = a * c - b * s;
            x[at + n + i] = b * c + a * s;
        }
    }

    public Step map(Op.Map o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split(
                (from, to, slot) -> kernels.apply(o.function(), x, from * width, out, from * width, (to - from) * width));
        return () -> split.run(o.x().rows(), width);
    }

    public Step exceeds(Op.Exceeds o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int n = (int) o.x().size();
        Context.Split split = context.split((from, to, slot) -> kernels.exceeds(x, from, o.limit(), out, from, to - from));
        return () -> split.run(n, 1);
    }

    public Step exp(Op.Exp o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int n = (int) o.x().size();
        Context.Split split = context.split((from, to, slot) -> {
            for (int i = from; i < to; i++) {
                out[i] = (float) Math.exp(x[i]);
            }
        });
        return () -> split.run(n, 8);
    }

    public Step softmax(Op.Softmax o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                kernels.softmax(x, r * width, out, r * width, width);
            }
        });
        return () -> split.run(o.x().rows(), 4 * width);
    }

    public Step patch(Op.Patch o) {
        float[] target = storage.floats(o.target());
        int[] rows = storage.ints(o.rows());
        float[] values = storage.floats(o.values());
        int width = o.target().cols();
        return () -> {
            for (int i = 0; i < rows.length; i++) {
                if (rows[i] < 0) {
                    continue;
                }
                if (o.add()) {
                    kernels.add(target, rows[i] * width, values, i * width, 1, target, rows[i] * width, width);
                } else {
                    System.arraycopy(values, i * width, target, rows[i] * width, width);
                }
            }
        };
    }

    public Step columnSum(Op.ColumnSum o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int rows = o.x().rows();
        int width = o.x().cols();
        double[][] slots = new double[context.workers().threads()][Math.min(width, Context.CHUNK)];
        Context.Split split = context.split((from, to, slot) -> {
            double[] sums = slots[slot];
            Arrays.fill(sums, 0, to - from, 0);
            for (int r = 0; r < rows; r++) {
                int at = r * width + from;
                for (int c = 0; c < to - from; c++) {
                    sums[c] += x[at + c];
                }
            }
            for (int c = 0; c < to - from; c++) {
                out[from + c] = (float) sums[c];
            }
        });
        return () -> split.run(width, rows);
    }

    public Step logSoftmax(Op.LogSoftmax o) {
        float[] x = storage.floats(o.x());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int at = from * width; at < to * width; at += width) {
                int top = at;
                for (int i = at; i < at + width; i++) {
                    top = x[i] > x[top] ? i : top;
                }
                kernels.softmax(x, at, out, at, width);
                // The largest probability is 1 / (sum of exp(x - largest)).
                double total = x[top] - Math.log(out[top]);
                for (int i = at; i < at + width; i++) {
                    out[i] = (float) (x[i] - total);
                }
            }
        });
        return () -> split.run(o.x().rows(), 4 * width);
    }

    public Step softmaxGradient(Op.SoftmaxGradient o) {
        float[] y = storage.floats(o.y());
        float[] g = storage.floats(o.g());
        float[] out = storage.floats(o.out());
        int width = o.y().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int at = from * width; at < to * width; at += width) {
                kernels.softmaxGradient(y, at, g, at, (float) kernels.dot(y, at, g, at, width), out, at, width);
            }
        });
        return () -> split.run(o.y().rows(), 2 * width);
    }

    public Step logSoftmaxGradient(Op.LogSoftmaxGradient o) {
        float[] y = storage.floats(o.y());
        float[] g = storage.floats(o.g());
        float[] out = storage.floats(o.out());
        int width = o.y().cols();
        Context.Split split = context.split((from, to, slot) -> {
            for (int at = from * width; at < to * width; at += width) {
                kernels.logSoftmaxGradient(y, at, g, at, (float) kernels.sum(g, at, width), out, at, width);
            }
        });
        return () -> split.run(o.y().rows(), 2 * width);
    }

    public Step mapGradient(Op.MapGradient o) {
        float[] x = storage.floats(o.x());
        float[] g = storage.floats(o.g());
        float[] out = storage.floats(o.out());
        int width = o.x().cols();
        Context.Split split = context.split((from, to, slot) -> kernels.slope(o.function(), x, from * width, g, from * width, out,
                from * width, (to - from) * width));
        return () -> split.run(o.x().rows(), width);
    }

    /** Threads share the columns, so that every row of the table is summed in the order of the indices. */
    public Step gatherGradient(Op.GatherGradient o) {
        int[] indices = storage.ints(o.indices());
        float[] g = storage.floats(o.g());
        float[] out = storage.floats(o.out());
        int width = o.g().cols();
        Context.Split clear = context.split((from, to, slot) -> Arrays.fill(out, from * width, to * width, 0));
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = 0; r < indices.length; r++) {
                int at = indices[r] * width + from;
                kernels.add(out, at, g, r * width + from, 1, out, at, to - from);
            }
        });
        return () -> {
            clear.run(o.out().rows(), width);
            split.run(width, indices.length);
        };
    }

    public Step patchGradient(Op.PatchGradient o) {
        int[] rows = storage.ints(o.rows());
        float[] g = storage.floats(o.g());
        float[] out = storage.floats(o.out());
        int width = o.g().cols();
        return () -> {
            for (int i = 0; i < rows.length; i++) {
                if (rows[i] < 0) {
                    Arrays.fill(out, i * width, (i + 1) * width, 0);
                } else {
                    System.arraycopy(g, rows[i] * width, out, i * width, width);
                }
            }
        };
    }
}
