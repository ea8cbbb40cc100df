package org.sae4j.engine.cpu.internal.memory;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.kernels.StoredRows;
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

    private record PanelKey(int depth, int columns, boolean transposed) {
        /** How a weight, as the right operand of a product, is packed. */
        static PanelKey of(Buffer weight, boolean transposed) {
            return new PanelKey(transposed ? weight.cols() : weight.rows(), transposed ? weight.rows() : weight.cols(), transposed);
        }

        long bytes(int width) {
            return (long) depth * ((columns + width - 1) / width) * width * Float.BYTES;
        }
    }

    /**
     * A form that a program needs of a weight.
     *
     * @param weight the weight
     * @param panels how it is packed, or null for its values in a row
     */
    private record Need(Buffer weight, @Nullable PanelKey panels) {}

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
                Memory.arrayLength(tensor.size(), "elements of a weight that is no matrix of products", where);
                values = tensor.toArray();
                forms.rowMajor = values;
            }
            return values;
        }
    }

    /** {@return a weight as the right operand of products} */
    RightPanels packed(Buffer weight, Tensor tensor, boolean transposed, String where) {
        Forms forms = forms(tensor);
        synchronized (forms) {
            return forms.panels.computeIfAbsent(PanelKey.of(weight, transposed), key -> {
                int width = kernels.panelWidth();
                Memory.require(key.bytes(width), where);
                float[][] panels = new float[RightPanels.count(key.depth(), key.columns(), width)][];
                int perBlock = panels.length / Math.max(1, Reduction.blocks(key.depth()));
                for (int i = 0; i < panels.length; i++) {
                    panels[i] = new float[Reduction.depth(key.depth(), i / perBlock) * width];
                }
                RightPanels packed = new RightPanels(key.depth(), key.columns(), width, panels);
                packed.pack(workers, tensor, transposed);
                return packed;
            });
        }
    }

    /** {@return bytes of the forms that operations need of their weights and that are not there yet} */
    long missing(List<Op> ops, Map<String, Tensor> tensors) {
        Set<Need> needs = new LinkedHashSet<>();
        for (Op op : ops) {
            for (Buffer buffer : Operands.of(op).reads()) {
                if (buffer.role() == Buffer.Role.WEIGHT) {
                    need(op, buffer, tensor(buffer, tensors)).ifPresent(needs::add);
                }
            }
        }
        return needs.stream().filter(need -> !has(need, tensor(need.weight(), tensors)))
                .mapToLong(need -> need.panels() == null ? need.weight().size() * Float.BYTES : need.panels().bytes(kernels.panelWidth())).sum();
    }

    private static Tensor tensor(Buffer weight, Map<String, Tensor> tensors) {
        return Objects.requireNonNull(tensors.get(weight.name()));
    }

    /** What an operation makes of a weight: nothing where it reads rows as they lie. */
    private static Optional<Need> need(Op op, Buffer weight, Tensor tensor) {
        return switch (op) {
            case Op.Gather o when o.table() == weight -> Optional.empty();
            case Op.MatMul o when o.b() == weight -> o.transposeB() && StoredRows.of(tensor, weight.rows(), weight.cols()) != null
                    ? Optional.empty() : Optional.of(new Need(weight, PanelKey.of(weight, o.transposeB())));
            default -> Optional.of(new Need(weight, null));
        };
    }

    private boolean has(Need need, Tensor tensor) {
        Forms forms = forms(tensor);
        synchronized (forms) {
            return need.panels() == null ? forms.rowMajor != null : forms.panels.containsKey(need.panels());
        }
    }

    public void clear() {
        synchronized (known) {
            known.clear();
        }
    }
}
