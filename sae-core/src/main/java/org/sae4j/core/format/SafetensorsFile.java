package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.core.internal.format.MappedFile;
import org.sae4j.core.internal.format.Safetensors;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;

/**
 * A safetensors file, mapped into memory. F32 tensors are views of the file; others are converted at each call. Safe for use by several
 * threads.
 *
 * <p>After {@link #close()}, {@link #tensor} and every access to a tensor's values throw {@link IllegalStateException}; the rest still
 * works. The file must not be truncated while it is open.
 */
public final class SafetensorsFile implements AutoCloseable {
    private final Arena arena;
    private final TensorTable table;

    private SafetensorsFile(Arena arena, TensorTable table) {
        this.arena = arena;
        this.table = table;
    }

    /**
     * Opens a file and checks its header against its bytes.
     *
     * @param path the file
     * @return the open file; the caller closes it
     * @throws FormatException if the file cannot be read, or is not a sound safetensors file: header too large, not JSON, duplicate names,
     *         unknown dtype, shape that does not match the bytes, gaps, overlaps, missing or trailing bytes
     */
    public static SafetensorsFile open(Path path) {
        Arena arena = Arena.ofShared();
        try {
            return new SafetensorsFile(arena, Safetensors.parse(path, MappedFile.map(path, arena)));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** {@return the file} */
    public Path path() {
        return table.path();
    }

    /** {@return the tensors' names in the order of their bytes, unmodifiable} */
    public Set<String> names() {
        return Collections.unmodifiableSet(table.tensors().keySet());
    }

    /** {@return the header's metadata, unmodifiable; empty if there is none} */
    public Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        table.extras().forEach((key, value) -> metadata.put(key, (String) value));
        return Collections.unmodifiableMap(metadata);
    }

    /**
     * The type of a tensor's stored elements.
     *
     * @param name the tensor's name
     * @return the type
     * @throws FormatException if there is no such tensor
     */
    public ElementType type(String name) {
        return table.get(name).type();
    }

    /**
     * The shape of a tensor.
     *
     * @param name the tensor's name
     * @return a new array of the lengths of the axes; empty for a scalar
     * @throws FormatException if there is no such tensor
     */
    public int[] shape(String name) {
        return table.get(name).shape();
    }

    /**
     * A tensor's values as float32. They are not checked: NaN and infinities come as they are.
     *
     * @param name the tensor's name
     * @return the tensor, usable until this file is closed
     * @throws FormatException if there is no such tensor
     * @throws IllegalStateException after close
     */
    public Tensor tensor(String name) {
        StoredTensor stored = table.get(name);
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException(path() + " is closed");
        }
        // Converted values are freed when nobody uses the tensor any more, not kept until close.
        return stored.read(Arena.ofAuto());
    }

    /** Unmaps the file. Closing twice has no effect. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
