package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.ElementType;
import org.sae4j.core.format.FormatException;

/**
 * Reads the pickles that {@code torch.save} makes of tensors, numbers, strings, lists, tuples and dictionaries. No class is ever looked up
 * by its name and no code runs: the few globals that such files need are known here, and every other one is refused.
 */
final class PickleReader {
    private static final Object MARK = new Object();
    /** Python's None. */
    static final Object NONE = new Object();
    private static final int MAX_STRING = 1 << 20;
    private static final int MAX_AXES = 16;
    /** Values that a pickle may make: more than any checkpoint needs, and 200 MB at most. */
    private static final long MAX_VALUES = 2_000_000;
    /** Values for each byte of a pickle; what is made once and recalled often is copied where it is used. */
    private static final long VALUES_PER_BYTE = 8;
    private static final long VALUES_FREELY = 10_000;
    private static final String UNTRUSTED = "do not load this file elsewhere if you do not trust it; save the plain state_dict() again";

    /** A tensor as torch rebuilds it: a view of a storage, counted in elements. */
    record PickledTensor(Storage storage, long offset, List<?> size, List<?> stride) {}

    /** A storage by its key in the archive. */
    record Storage(ElementType type, String key, long elements) {}

    private enum Global { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER }

    private static final Map<String, Object> GLOBALS = globals();

    private final String where;
    private final MemorySegment pickle;
    private final List<Object> stack = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();
    private long budget;
    private long at;

    private PickleReader(String where, MemorySegment pickle) {
        this.where = where;
        this.pickle = pickle;
        budget = Math.min(MAX_VALUES, VALUES_FREELY + VALUES_PER_BYTE * pickle.byteSize());
    }

    private static Map<String, Object> globals() {
        Map<String, Object> globals = new HashMap<>();
        globals.put("collections.OrderedDict", Global.ORDERED_DICT);
        globals.put("torch._utils._rebuild_tensor_v2", Global.REBUILD_TENSOR);
        globals.put("torch._utils._rebuild_parameter", Global.REBUILD_PARAMETER);
        globals.put("torch.FloatStorage", ElementType.F32);
        globals.put("torch.DoubleStorage", ElementType.F64);
        globals.put("torch.HalfStorage", ElementType.F16);
        globals.put("torch.BFloat16Storage", ElementType.BF16);
        globals.put("torch.LongStorage", ElementType.I64);
        globals.put("torch.IntStorage", ElementType.I32);
        globals.put("torch.ShortStorage", ElementType.I16);
        globals.put("torch.CharStorage", ElementType.I8);
        globals.put("torch.ByteStorage", ElementType.U8);
        globals.put("torch.BoolStorage", ElementType.BOOL);
        return Map.copyOf(globals);
    }

    /**
     * Reads one value.
     *
     * @return maps, lists (also for tuples and sets), strings, {@link Long}, {@link Double}, {@link Boolean}, {@link #NONE}, {@link
     *         PickledTensor}; lists and maps may contain themselves
     */
    static Object read(String where, MemorySegment pickle) {
        try {
            return new PickleReader(where, pickle).run();
        } catch (IndexOutOfBoundsException e) {
            throw new FormatException("the pickle ends early", where, "download or write the file again", e);
        }
    }

    private Object run() {
        while (true) {
            long position = at;
            int opcode = unsigned();
            switch (opcode) {
                case 0x80 -> protocol();
                case 'c' -> push(global(line(), line()));
                case 0x81, 'R' -> reduce();
                case 'b' -> build();
                case 'a' -> {
                    Object value = pop();
                    list(top()).add(value);
                }
                case 'e' -> {
                    List<Object> values = popToMark();
                    list(top()).addAll(values);
                }
                case 's' -> {
                    Object value = pop();
                    Object key = pop();
                    put(map(top()), key, value);
                }
                case 'u' -> setItems(popToMark());
                case '(' -> push(MARK);
                case 't' -> push(popToMark());
                case 0x85 -> push(popList(1));
                case 0x86 -> push(popList(2));
                case 0x87 -> push(popList(3));
                case 'N' -> push(NONE);
                case 0x88 -> push(true);
                case 0x89 -> push(false);
                case ')', ']', 0x8f -> push(new ArrayList<>());
                case '}' -> push(new LinkedHashMap<>());
                case 'J' -> push((long) int32());
                case 'K' -> push((long) unsigned());
                case 'M' -> push((long) (unsigned() | unsigned() << 8));
                case 0x8a -> push(long1());
                case 'G' -> push(float64());
                case 'X' -> push(string(int32() & 0xffffffffL));
                case 'U' -> push(string(unsigned()));
                case 'Q' -> push(storage(pop()));
                case 'q' -> memo.put(unsigned(), top());
                case 'r' -> memo.put(int32(), top());
                case 'h' -> push(recall(unsigned()));
                case 'j' -> push(recall(int32()));
                case '.' -> {
                    return result();
                }
                default -> throw refuse("pickle opcode 0x%02x at byte %d is not one that torch.save needs".formatted(opcode, position));
            }
        }
    }

    private Object result() {
        Object value = pop();
        if (!stack.isEmpty() || at != pickle.byteSize()) {
            throw refuse("the pickle does not end where it should");
        }
        return value;
    }

    private void protocol() {
        int version = unsigned();
        if (version != 2) {
            throw new FormatException("pickle protocol " + version + " is not supported (2 is)", where,
                    "save with torch.save's default protocol");
        }
    }

    private Object global(String module, String name) {
        Object known = GLOBALS.get(module + '.' + name);
        if (known == null) {
            throw refuse("the pickle refers to " + module + '.' + name + ", which tensors do not need");
        }
        return known;
    }

    private void reduce() {
        List<Object> arguments = list(pop());
        Object callable = pop();
        if (callable == Global.REBUILD_TENSOR && arguments.size() >= 4 && arguments.get(0) instanceof Storage storage
                && arguments.get(1) instanceof Long offset && arguments.get(2) instanceof List<?> size
                && arguments.get(3) instanceof List<?> stride) {
            if (size.size() > MAX_AXES || stride.size() > MAX_AXES) {
                throw refuse("a tensor has " + Math.max(size.size(), stride.size()) + " axes");
            }
            push(new PickledTensor(storage, offset, List.copyOf(size), List.copyOf(stride)));
        } else if (callable == Global.REBUILD_PARAMETER && !arguments.isEmpty() && arguments.getFirst() instanceof PickledTensor tensor) {
            push(tensor);
        } else if (callable == Global.ORDERED_DICT && arguments.size() <= 1) {
            Map<Object, Object> map = new LinkedHashMap<>();
            if (!arguments.isEmpty()) {
                for (Object pair : list(arguments.getFirst())) {
                    spend(1);
                    List<Object> keyAndValue = list(pair);
                    if (keyAndValue.size() != 2) {
                        throw refuse("an OrderedDict is not made of pairs");
                    }
                    put(map, keyAndValue.get(0), keyAndValue.get(1));
                }
            }
            push(map);
        } else {
            throw refuse("the pickle calls " + (callable instanceof Global ? callable : "something") + " with unexpected arguments");
        }
    }

    /** An OrderedDict's attributes, such as _metadata, mean nothing for the tensors. */
    private void build() {
        pop();
        map(top());
    }

    private void setItems(List<Object> items) {
        if (items.size() % 2 != 0) {
            throw refuse("a dictionary has a key without a value");
        }
        Map<Object, Object> map = map(top());
        for (int i = 0; i < items.size(); i += 2) {
            put(map, items.get(i), items.get(i + 1));
        }
    }

    private void put(Map<Object, Object> map, Object key, Object value) {
        if (!(key instanceof String || key instanceof Long)) {
            throw refuse("a dictionary's key is neither a string nor an integer");
        }
        if (map.put(key, value) != null) {
            throw refuse("a dictionary has a key twice");
        }
    }

    private Storage storage(Object id) {
        if (id instanceof List<?> parts && parts.size() == 5 && "storage".equals(parts.get(0)) && parts.get(1) instanceof ElementType type
                && parts.get(2) instanceof String key && key.matches("[0-9]{1,18}") && parts.get(4) instanceof Long elements
                && elements >= 0) {
            return new Storage(type, key, elements);
        }
        throw refuse("a persistent id is not that of a storage");
    }

    /** Counts what is made: one for every value pushed, from which lists and dictionaries are, and one for every copy of a recalled one. */
    private void spend(int values) {
        budget -= values;
        if (budget < 0) {
            throw refuse("the pickle of " + pickle.byteSize() + " bytes makes more values than tensors need");
        }
    }

    private void push(Object value) {
        spend(1);
        stack.add(value);
    }

    private Object pop() {
        if (stack.isEmpty() || stack.getLast() == MARK) {
            throw refuse("the pickle takes a value that is not there");
        }
        return stack.removeLast();
    }

    private Object top() {
        if (stack.isEmpty() || stack.getLast() == MARK) {
            throw refuse("the pickle takes a value that is not there");
        }
        return stack.getLast();
    }

    private List<Object> popList(int count) {
        List<Object> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.addFirst(pop());
        }
        return values;
    }

    private List<Object> popToMark() {
        int mark = stack.size() - 1;
        while (mark >= 0 && stack.get(mark) != MARK) {
            mark--;
        }
        if (mark < 0) {
            throw refuse("the pickle takes values up to a mark that is not there");
        }
        List<Object> values = new ArrayList<>(stack.subList(mark + 1, stack.size()));
        stack.subList(mark, stack.size()).clear();
        return values;
    }

    @SuppressWarnings("unchecked")
    private List<Object> list(Object value) {
        if (value instanceof ArrayList<?> list) {
            return (List<Object>) list;
        }
        throw refuse("expected a list or tuple");
    }

    @SuppressWarnings("unchecked")
    private Map<Object, Object> map(Object value) {
        if (value instanceof LinkedHashMap<?, ?> map) {
            return (Map<Object, Object>) map;
        }
        throw refuse("expected a dictionary");
    }

    private Object recall(int index) {
        Object value = memo.get(index);
        if (value == null) {
            throw refuse("the memo has no entry " + index);
        }
        return value;
    }

    private int unsigned() {
        return pickle.get(ValueLayout.JAVA_BYTE, at++) & 0xff;
    }

    private int int32() {
        int value = pickle.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), at);
        at += Integer.BYTES;
        return value;
    }

    private double float64() {
        double value = pickle.get(ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), at);
        at += Double.BYTES;
        return value;
    }

    private long long1() {
        byte[] bytes = bytes(unsigned());
        byte[] bigEndian = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            bigEndian[i] = bytes[bytes.length - 1 - i];
        }
        BigInteger value = bytes.length == 0 ? BigInteger.ZERO : new BigInteger(bigEndian);
        if (value.bitLength() > 63) {
            throw refuse("an integer has more than 64 bits");
        }
        return value.longValue();
    }

    private byte[] bytes(long length) {
        if (length > MAX_STRING || length > pickle.byteSize() - at) {
            throw refuse("a string of " + length + " bytes is too long");
        }
        byte[] bytes = pickle.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
        at += length;
        return bytes;
    }

    private String string(long length) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(length))).toString();
        } catch (CharacterCodingException e) {
            throw refuse("a string is not UTF-8");
        }
    }

    private String line() {
        StringBuilder line = new StringBuilder();
        for (int c = unsigned(); c != '\n'; c = unsigned()) {
            if (c < ' ' || c > '~' || line.length() > 200) {
                throw refuse("a global's name is not sound");
            }
            line.append((char) c);
        }
        return line.toString();
    }

    private FormatException refuse(String what) {
        return new FormatException(what, where, UNTRUSTED);
    }
}
