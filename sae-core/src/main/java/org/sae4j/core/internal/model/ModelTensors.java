package org.sae4j.core.internal.model;

import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.model.TransformerConfig.Activation;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.program.Description;

/**
 * A transformer's description and its tensors in TransformerLens names and layouts.
 *
 * @param description what it computes
 * @param parameters tensors by name
 */
public record ModelTensors(Description description, Map<String, Tensor> parameters) {
    private static final Pattern BLOCK = Pattern.compile("(?:transformer\\.)?(?:h|blocks)\\.(0|[1-9][0-9]{0,5})\\..*");

    /** Collects tensors, and remembers which names of the file were read. */
    static final class Builder {
        private final TensorTable table;
        private final Arena arena;
        private final Map<String, Tensor> parameters = new LinkedHashMap<>();
        private final Set<String> used = new HashSet<>();

        Builder(TensorTable table, Arena arena) {
            this.table = table;
            this.arena = arena;
        }

        /** {@return a tensor of the file that must have the given shape} */
        StoredTensor stored(String name, String rule, int... shape) {
            used.add(name);
            return table.get(name).expect(rule, shape);
        }

        boolean has(String name) {
            return table.find(name) != null;
        }

        /** Adds a parameter, refusing values that are not finite. */
        void put(String name, StoredTensor stored) {
            parameters.put(name, Finite.check(stored.where(), stored.read(arena)));
        }

        /** Adds the rearranged values of a parameter that was checked before. */
        void putChecked(String name, StoredTensor stored) {
            parameters.put(name, stored.read(arena));
        }

        void put(String name, Tensor tensor) {
            parameters.put(name, tensor);
        }

        Set<String> used() {
            return used;
        }

        ModelTensors build(Description description) {
            return new ModelTensors(description, parameters);
        }
    }

    /** {@return the number of blocks, which the config and the tensors' names must agree on} */
    static int layers(OptionalInt declared, TensorTable table, JsonFile config) {
        int found = 0;
        for (String name : table.tensors().keySet()) {
            Matcher matcher = BLOCK.matcher(name);
            if (matcher.matches()) {
                found = Math.max(found, Integer.parseInt(matcher.group(1)) + 1);
            }
        }
        if (declared.isPresent() && declared.getAsInt() != found) {
            throw new FormatException("the config has " + declared.getAsInt() + " blocks, but the weights have " + found, config.where(),
                    "check that the config belongs to these weights and that all of them were downloaded");
        }
        return found;
    }

    /** Notes a size of the config that the tensors contradict; the tensors' size is used. */
    static void compare(JsonFile config, String key, OptionalInt declared, int actual, List<String> notes) {
        if (declared.isPresent() && declared.getAsInt() != actual) {
            notes.add(config.at(key) + " says " + declared.getAsInt() + ", but the tensors have " + actual + ": their size is used");
        }
    }

    static Activation activation(JsonFile config, String key, String name) {
        return switch (name) {
            case "gelu", "gelu_python" -> Activation.GELU;
            case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_accurate" -> Activation.GELU_TANH;
            case "relu" -> Activation.RELU;
            default -> throw new FormatException("activation function \"" + name + "\" is not supported (gelu, gelu_new, gelu_fast, "
                    + "gelu_pytorch_tanh, gelu_accurate, gelu_python and relu are)", config.at(key), "use a model with one of these");
        };
    }

    /** Ends a configuration, whose faults are those of a file. */
    static TransformerConfig config(JsonFile file, TransformerConfig.Builder builder) {
        try {
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new FormatException(String.valueOf(e.getMessage()), file.where(), "check that the config belongs to these weights", e);
        }
    }

    /** {@return the epsilon of norms, checked} */
    static float eps(JsonFile file, double eps) {
        if (!(eps >= 0 && eps < 1)) {
            throw new FormatException("the epsilon of LayerNorm must be from 0 to 1, found " + eps, file.where(), "correct the config");
        }
        return (float) eps;
    }
}
