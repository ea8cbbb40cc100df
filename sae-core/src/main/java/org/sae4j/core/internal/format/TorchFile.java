package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.PickleReader.PickledTensor;

/** The files of {@code torch.save} since version 1.6: a zip archive of a pickle and the bytes of its storages. */
final class TorchFile {
    private static final String PICKLE = "/data.pkl";
    private static final long MAX_PICKLE = 64L << 20;
    /** Names under which training scripts put the state_dict. */
    private static final List<String> WRAPPERS = List.of("state_dict", "model_state_dict", "model");
    /** The magic number, as a pickled integer, that begins files of torch before 1.6. */
    private static final byte[] LEGACY = {(byte) 0x80, 2, (byte) 0x8a, 0x0a, 0x6c, (byte) 0xfc, (byte) 0x9c, 0x46, (byte) 0xf9};

    private final Path path;
    private final ZipArchive zip;
    private final Arena arena;
    private final boolean verify;
    private final String root;
    private final ByteOrder order;
    private final Map<String, MemorySegment> storages = new HashMap<>();
    /** Dictionaries that were read, since a pickle may refer to one many times. */
    private final IdentityHashMap<Map<?, ?>, TensorTable> tables = new IdentityHashMap<>();

    private TorchFile(Path path, ZipArchive zip, String root, Arena arena, boolean verify) {
        this.path = path;
        this.zip = zip;
        this.arena = arena;
        this.verify = verify;
        this.root = root;
        this.order = byteOrder();
    }

    /** {@return whether a file begins like one of torch before 1.6} */
    static boolean isLegacy(MemorySegment file) {
        return file.byteSize() >= LEGACY.length
                && file.asSlice(0, LEGACY.length).mismatch(MemorySegment.ofArray(LEGACY)) < 0;
    }

    static FormatException legacy(Path path) {
        return new FormatException("the file has the legacy format of torch before 1.6", path.toString(),
                "load and save it once with a newer torch, or convert it to safetensors");
    }

    /** {@return whether an archive was written by torch} */
    static boolean matches(ZipArchive zip) {
        return zip.names().stream().anyMatch(name -> name.endsWith(PICKLE));
    }

    /**
     * Reads the pickle; tensors become views of the archive.
     *
     * @param verify whether to check the storages' checksums, which reads all their bytes
     */
    static TensorTable open(Path path, ZipArchive zip, Arena arena, boolean verify) {
        List<String> pickles = zip.names().stream().filter(name -> name.endsWith(PICKLE)).toList();
        if (pickles.size() != 1 || zip.size(pickles.getFirst()) > MAX_PICKLE) {
            throw new FormatException("a torch file has one data.pkl of at most " + MAX_PICKLE + " bytes, found " + pickles.size(),
                    path.toString(),
                    "download or write the file again");
        }
        String pickle = pickles.getFirst();
        TorchFile file = new TorchFile(path, zip, pickle.substring(0, pickle.length() - PICKLE.length() + 1), arena, verify);
        Object value = PickleReader.read(path.toString(), zip.read(pickle, arena));
        if (!(value instanceof Map<?, ?> map)) {
            throw new FormatException("the file must hold a dictionary of tensors", path.toString(), "save the model's state_dict()");
        }
        for (String wrapper : WRAPPERS) {
            if (map.get(wrapper) instanceof Map<?, ?> inner && map.values().stream().noneMatch(PickledTensor.class::isInstance)) {
                return file.verified(file.table(inner, 0));
            }
        }
        return file.verified(file.table(map, 0));
    }

    /** {@return the table of a dictionary within the file; dictionaries directly in it are tables among the extras} */
    private TensorTable table(Map<?, ?> map, int depth) {
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        Map<String, Object> extras = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            String name = entry.getKey().toString();
            if (entry.getValue() instanceof PickledTensor tensor) {
                tensors.put(name, stored(path + ": " + name, tensor));
            } else if (entry.getValue() instanceof Map<?, ?> inner && depth == 0) {
                TensorTable known = tables.get(inner);
                TensorTable table = known == null ? table(inner, depth + 1) : known;
                tables.put(inner, table);
                extras.put(name, table);
            } else if (entry.getValue() instanceof String || entry.getValue() instanceof Number || entry.getValue() instanceof Boolean) {
                extras.put(name, entry.getValue());
            }
        }
        return new TensorTable(path, "torch", tensors, extras);
    }

    private StoredTensor stored(String where, PickledTensor tensor) {
        int[] shape = new int[tensor.size().size()];
        long[] strides = new long[tensor.stride().size()];
        for (int axis = 0; axis < shape.length; axis++) {
            if (!(tensor.size().get(axis) instanceof Long length) || length < 0 || length > Integer.MAX_VALUE) {
                throw new FormatException("a length of the tensor is not from 0 to 2^31-1", where, "download or write the file again");
            }
            shape[axis] = (int) (long) length;
        }
        for (int axis = 0; axis < strides.length; axis++) {
            if (!(tensor.stride().get(axis) instanceof Long stride)) {
                throw new FormatException("a stride of the tensor is not an integer", where, "download or write the file again");
            }
            strides[axis] = stride;
        }
        PickleReader.Storage storage = tensor.storage();
        MemorySegment bytes = storages.computeIfAbsent(storage.key(), key -> storage(where, key));
        int itemSize = storage.type().bytes();
        if (storage.elements() > bytes.byteSize() / itemSize || storage.elements() * itemSize != bytes.byteSize()) {
            throw new FormatException("storage " + storage.key() + " must have " + storage.elements() + " x " + itemSize + " bytes, found "
                    + bytes.byteSize(), where, "download or write the file again");
        }
        return StoredTensor.strided(where, storage.type(), order, bytes, tensor.offset(), shape, strides);
    }

    private MemorySegment storage(String where, String key) {
        String name = root + "data/" + key;
        if (!zip.has(name) || !zip.isStored(name)) {
            throw new FormatException("storage " + key + " is missing or compressed", where, "download or write the file again");
        }
        return zip.view(name);
    }

    /** Checks the storages that tensors refer to, large files on all cores. */
    private TensorTable verified(TensorTable table) {
        if (verify) {
            // No task throws: the caller would free the memory while others still read it.
            storages.keySet().parallelStream().map(key -> root + "data/" + key).filter(name -> !zip.isIntact(name))
                    .min(Comparator.naturalOrder()).ifPresent(name -> {
                        throw zip.damaged(name);
                    });
        }
        return table;
    }

    private ByteOrder byteOrder() {
        String name = root + "byteorder";
        if (!zip.has(name)) {
            return ByteOrder.LITTLE_ENDIAN;
        }
        String value = new String(zip.head(name, 16, arena).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        return switch (value) {
            case "little" -> ByteOrder.LITTLE_ENDIAN;
            case "big" -> ByteOrder.BIG_ENDIAN;
            default -> throw new FormatException("byteorder must be little or big", path.toString(), "download or write the file again");
        };
    }
}
