package org.sae4j.engine.cpu.internal.memory;

import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** The forms that weights are used in, shared by the programs of an engine for as long as the tensor is reachable. */
public final class Weights {
    private final Kernels kernels;
    private final Workers workers;
    /** Tensors are equal only if they are the same object. The forms do not refer to their tensor. */
    private final Map<Tensor, Forms> known = new WeakHashMap<>();

    /** The forms of one tensor. */
    private static final class Forms {
        private float @Nullable [] rowMajor;
        private final Map<PanelKey, RightPanels> panels = new HashMap<>();
    }

    private record PanelKey(int depth, int columns, boolean transposed) {}

    public Weights(Kernels kernels, Workers workers) {
        this.kernels = kernels;
        this.workers = workers;
    }

    private Forms forms(Tensor tensor) {
        synchronized (known) {
            return known.computeIfAbsent(tensor, t -> new Forms());
        }
    }

    /** {@return the values; not to be written} */
    float[] rowMajor(Tensor tensor, String where) {
        Forms forms = forms(tensor);
        synchronized (forms) {
            float[] values = forms.rowMajor;
            if (values == null) {
                Memory.require(tensor.size() * Float.BYTES, where);
                values = tensor.toArray();
                forms.rowMajor = values;
            }
            return values;
        }
    }

    /** {@return the tensor as the right operand of products} */
    RightPanels packed(Tensor tensor, int depth, int columns, boolean transposed, String where) {
        Forms forms = forms(tensor);
        synchronized (forms) {
            return forms.panels.computeIfAbsent(new PanelKey(depth, columns, transposed), key -> {
                int width = kernels.panelWidth();
                float[][] panels = new float[RightPanels.count(depth, columns, width)][];
                Memory.require((long) panels.length * Math.min(depth, Reduction.DEPTH) * width * Float.BYTES, where);
                int perBlock = panels.length / Math.max(1, Reduction.blocks(depth));
                for (int i = 0; i < panels.length; i++) {
                    panels[i] = new float[Reduction.depth(depth, i / perBlock) * width];
                }
                RightPanels packed = new RightPanels(depth, columns, width, panels);
                packed.pack(workers, tensor, transposed);
                return packed;
            });
        }
    }

    public void clear() {
        synchronized (known) {
            known.clear();
        }
    }
}
