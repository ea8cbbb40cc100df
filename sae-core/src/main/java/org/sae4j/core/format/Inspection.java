package org.sae4j.core.format;

import java.util.List;
import java.util.Map;
import org.sae4j.api.ElementType;

/**
 * What a file or folder holds, from its headers only.
 *
 * @param kind the kind, such as "Hugging Face GPT-2" or "safetensors file"
 * @param summary lines for people: what it is, sizes, and why it could not be used if that is so
 * @param tensors the tensors in the file's order
 * @param metadata strings and numbers from headers and configs, by key
 */
public record Inspection(String kind, List<String> summary, List<TensorInfo> tensors, Map<String, String> metadata) {
    /**
     * One tensor.
     *
     * @param name its name
     * @param type the type of its stored elements
     * @param shape the lengths of its axes
     */
    public record TensorInfo(String name, ElementType type, List<Integer> shape) {
        /** {@return the number of elements} */
        public long size() {
            return shape.stream().mapToLong(Integer::longValue).reduce(1, (a, b) -> a * b);
        }

        /** {@return the size of the elements in bytes} */
        public long bytes() {
            return type.bytes(size());
        }
    }
}
