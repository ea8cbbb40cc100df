package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonNode;

/** Opens a file of tensors of any supported kind, by its first bytes. */
public final class WeightFiles {
    private WeightFiles() {}

    /**
     * Opens a safetensors, torch, npz or GGUF file, the index of a sharded model, or one part of a GGUF model.
     *
     * @param path the file
     * @param arena owns the mapping
     * @throws FormatException if it is none of these, or not sound
     */
    public static TensorTable open(Path path, Arena arena) {
        return open(path, arena, true);
    }

    /**
     * Opens a file of tensors.
     *
     * @param verify whether to check checksums, which reads all bytes; not needed to look at names and shapes
     * @throws FormatException if it is of no supported kind, or not sound
     */
    public static TensorTable open(Path path, Arena arena, boolean verify) {
        if (path.getFileName().toString().endsWith(".index.json")) {
            return sharded(path, arena, verify);
        }
        MemorySegment file = MappedFile.map(path, arena);
        if (TorchFile.isLegacy(file)) {
            throw TorchFile.legacy(path);
        }
        if (GgufFile.matches(file)) {
            return GgufFile.open(path, file, arena);
        }
        if (!ZipArchive.matches(file)) {
            return Safetensors.parse(path, file);
        }
        ZipArchive zip = ZipArchive.open(path, file);
        return TorchFile.matches(zip) ? TorchFile.open(path, zip, arena, verify) : NumpyFile.open(path, zip, arena, verify);
    }

    /**
     * Whether a file begins as GGUF files do.
     *
     * @throws FormatException if it cannot be read
     */
    public static boolean isGguf(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            return GgufFile.matches(MappedFile.map(path, arena));
        }
    }

    private static TensorTable sharded(Path index, Arena arena, boolean verify) {
        JsonFile json = JsonFile.read(index);
        JsonFile map = json.object("weight_map").orElseThrow(
                () -> new FormatException("weight_map is missing", index.toString(), "download the index again"));
        Map<String, TensorTable> shards = new TreeMap<>();
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : map.node().properties()) {
            if (!entry.getValue().isString()) {
                throw map.mismatch(entry.getKey(), "a file name", entry.getValue());
            }
            String name = entry.getValue().stringValue();
            if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,200}") || name.endsWith(".index.json")) {
                throw new FormatException("a shard must be a plain file name in the same folder, found \"" + name + '"',
                        map.at(entry.getKey()), "do not use this model: its index points elsewhere");
            }
            TensorTable shard = shards.get(name);
            if (shard == null) {
                Path file = index.resolveSibling(name);
                if (!Files.isRegularFile(file)) {
                    throw new FormatException("shard " + name + " is missing", index.toString(), "download it into the same folder");
                }
                shard = open(file, arena, verify);
                shards.put(name, shard);
            }
            tensors.put(entry.getKey(), shard.get(entry.getKey()));
        }
        return new TensorTable(index, "sharded", tensors, Map.of());
    }
}
