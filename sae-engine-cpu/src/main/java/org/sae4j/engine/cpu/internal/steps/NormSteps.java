package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/** Steps of norms. */
public final class NormSteps {
    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public NormSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    public Step layerNorm(Op.LayerNorm o) {
        float[] x = storage.floats(o.x());
        int width = o.x().cols();
        float[] weight = orElse(o.weight(), width, 1);
        float[] bias = orElse(o.bias(), width, 0);
        float[] out = storage.floats(o.out());
        float @Nullable [] scale = o.scale() == null ? null : storage.floats(o.scale());
        Context.Split split = context.split((from, to, slot) -> {
            for (int r = from; r < to; r++) {
                double mean = kernels.sum(x, r * width, width) / width;
                double deviation = Math.sqrt(kernels.deviation(x, r * width, mean, width) / width + o.eps());
                kernels.normalize(x, r * width, mean, deviation, weight, bias, out, r * width, width);
                if (scale != null) {
                    scale[r] = (float) deviation;
                }
            }
        });
        return () -> split.run(o.x().rows(), width);
    }

    public Step rmsNorm(Op.RmsNorm o) {
        float[] x = storage.floats(o.x());
        int width = o.x().cols() / o.groups();
        float[] weight = orElse(o.weight(), width, 1);
        float[] bias = new float[width];
        float[] out = storage.floats(o.out());
        float @Nullable [] scale = o.scale() == null ? null : storage.floats(o.scale());
        Context.Split split = context.split((from, to, slot) -> {
            for (int group = from * o.groups(); group < to * o.groups(); group++) {
                int at = group * width;
                double root = Math.sqrt(kernels.dot(x, at, x, at, width) / width + o.eps());
                kernels.normalize(x, at, 0, root, weight, bias, out, at, width);
                if (scale != null) {
                    scale[group] = (float) root;
                }
            }
        });
        return () -> split.run(o.x().rows(), o.x().cols());
    }

    private float[] orElse(@Nullable Buffer row, int width, float value) {
        if (row != null) {
            return storage.floats(row);
        }
        float[] same = new float[width];
        Arrays.fill(same, value);
        return same;
    }
}
