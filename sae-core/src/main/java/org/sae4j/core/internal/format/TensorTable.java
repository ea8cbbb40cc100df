package org.sae4j.core.internal.format;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;

/**
 * The tensors of a checkpoint by name, in the file's order, and what else it holds.
 *
 * @param path the file, for messages
 * @param kind the container: safetensors, sharded, torch, npz, gguf
 * @param tensors tensors by name
 * @param extras values that are not tensors (numbers, strings, lists, maps), by name; strings for safetensors' metadata,
 * what {@link GgufMetadata} reads for GGUF's
 */
public record TensorTable(Path path, String kind, Map<String, StoredTensor> tensors, Map<String, Object> extras) {
    /** {@return the tensor's view} */
    public @Nullable StoredTensor find(String name) {
        return tensors.get(name);
    }

    /**
     * A tensor that must be there.
     *
     * @throws FormatException if it is missing
     */
    public StoredTensor get(String name) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new FormatException("tensor is missing (found " + sample() + ")", path + ": " + name,
                    "check that the file is complete and of the expected kind");
        }
        return tensor;
    }

    /**
     * Demands that every tensor is understood.
     *
     * @param known names that were read
     * @param ignorable names that may be skipped
     * @throws FormatException if another is left
     */
    public void refuseUnknown(Set<String> known, Predicate<String> ignorable) {
        for (String name : tensors.keySet()) {
            if (!known.contains(name) && !ignorable.test(name)) {
                throw new FormatException("tensor is not part of this kind of checkpoint", path + ": " + name,
                        "use a checkpoint of a supported kind (see `sae inspect`)");
            }
        }
    }

    /** {@return some names, for messages} */
    public String sample() {
        Set<String> names = new TreeSet<>(tensors.keySet());
        String some = String.join(", ", names.stream().limit(6).map(TensorTable::shorten).toList());
        return names.isEmpty() ? "no tensors" : names.size() > 6 ? some + ", ... (" + names.size() + " tensors)" : some;
    }

    private static String shorten(String name) {
        return name.length() <= 60 ? name : name.substring(0, 60) + "...";
    }
}
