package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.ElementType;
import org.sae4j.core.format.FormatException;

/** NumPy's npz: a zip archive of npy arrays, of versions 1 to 3. */
final class NumpyFile {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final long MAX_HEADER = 64 << 10;
    private static final String SUFFIX = ".npy";
    private static final Pattern HEADER = Pattern.compile("\\{ *+'descr' *+: *+'([<>|=])([a-zA-Z]\\d++)' *+,"
            + " *+'fortran_order' *+: *+(True|False) *+, *+'shape' *+: *+\\(([0-9, ]*+)\\) *+,? *+\\}[ \\n]*+");
    private static final Map<String, ElementType> TYPES = Map.of("f8", ElementType.F64, "f4", ElementType.F32, "f2", ElementType.F16, "i8",
            ElementType.I64, "i4", ElementType.I32, "i2", ElementType.I16, "i1", ElementType.I8, "u1", ElementType.U8, "b1",
            ElementType.BOOL);
    private static final String AGAIN = "save the array again with numpy.savez";

    private NumpyFile() {}

    static TensorTable open(Path path, ZipArchive zip, Arena arena, boolean verify) {
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (String entry : zip.names()) {
            if (!entry.endsWith(SUFFIX)) {
                throw new FormatException("the archive is neither torch's (data.pkl) nor NumPy's (.npy): it has " + entry, path.toString(),
                        "give a file of torch.save or numpy.savez");
            }
            String name = entry.substring(0, entry.length() - SUFFIX.length());
            tensors.put(name, array(path + ": " + name, zip, entry, arena, verify));
        }
        return new TensorTable(path, "npz", tensors, Map.of());
    }

    private static StoredTensor array(String where, ZipArchive zip, String entry, Arena arena, boolean verify) {
        MemorySegment head = zip.head(entry, MAX_HEADER, arena);
        if (head.byteSize() < 12 || head.asSlice(0, MAGIC.length).mismatch(MemorySegment.ofArray(MAGIC)) >= 0) {
            throw new FormatException("not an npy array", where, AGAIN);
        }
        int version = head.get(ValueLayout.JAVA_BYTE, 6);
        if (version < 1 || version > 3) {
            throw new FormatException("npy version " + version + " is not supported (1 to 3 are)", where, AGAIN);
        }
        int begin = version == 1 ? 10 : 12;
        long length = version == 1 ? Short.toUnsignedInt(head.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 8))
                : Integer.toUnsignedLong(head.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 8));
        if (length > head.byteSize() - begin) {
            throw new FormatException("the array's header of " + length + " bytes is too long or truncated", where, AGAIN);
        }
        String text = new String(head.asSlice(begin, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        Matcher header = HEADER.matcher(text);
        if (!header.matches()) {
            throw new FormatException("the array's header is not one of a plain array: " + text.strip().lines().findFirst().orElse(""),
                    where, AGAIN);
        }
        ElementType type = TYPES.get(header.group(2));
        if (type == null) {
            throw new FormatException("dtype " + header.group(2) + " is not supported ("
                    + String.join(", ", TYPES.keySet().stream().sorted().toList())
                    + " are)", where, "save the array as float32");
        }
        ByteOrder order = switch (header.group(1)) {
            case "<", "|" -> ByteOrder.LITTLE_ENDIAN;
            case ">" -> ByteOrder.BIG_ENDIAN;
            default -> ByteOrder.nativeOrder();
        };
        int[] shape = shape(where, header.group(4));
        if (!verify) {
            return StoredTensor.described(where, type, zip.size(entry) - begin - length, shape);
        }
        MemorySegment data = zip.read(entry, arena).asSlice(begin + length);
        StoredTensor tensor = StoredTensor.contiguous(where, type, order, data, header.group(3).equals("True") ? reversed(shape) : shape);
        return header.group(3).equals("True") ? tensor.permuted(reversedAxes(shape.length)) : tensor;
    }

    private static int[] shape(String where, String text) {
        String[] parts = text.isBlank() ? new String[0] : text.split(",");
        int count = parts.length > 0 && parts[parts.length - 1].isBlank() ? parts.length - 1 : parts.length;
        int[] shape = new int[count];
        for (int axis = 0; axis < count; axis++) {
            String length = parts[axis].strip();
            if (!length.matches("[0-9]{1,9}")) {
                throw new FormatException("a length of the shape (" + text + ") is not from 0 to 10^9", where, AGAIN);
            }
            shape[axis] = Integer.parseInt(length);
        }
        return shape;
    }

    private static int[] reversed(int[] values) {
        int[] result = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[values.length - 1 - i];
        }
        return result;
    }

    private static int[] reversedAxes(int rank) {
        int[] axes = new int[rank];
        for (int i = 0; i < rank; i++) {
            axes[i] = rank - 1 - i;
        }
        return axes;
    }
}
