package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's values: null for None, Boolean, Long, Double, String, List, Map, {@link Undefined}, {@link Callable} and namespaces. Whoever does
 * with a value what it is not for gets an IllegalArgumentException, which {@link Template} makes a fault of the template.
 */
final class Values {
    private Values() {}

    /**
     * A value of JSON as one of Python's.
     *
     * @throws IllegalArgumentException if it is neither null nor a Boolean, a number of 64 bits, a string, a list or a map of these
     */
    static @Nullable Object of(@Nullable Object given, Work work) {
        work.enter();
        work.spend(1);
        Object value = switch (given) {
            case null -> null;
            case Boolean b -> b;
            case String s -> s;
            case Integer i -> (long) i;
            case Long l -> l;
            case Float f -> (double) f;
            case Double d -> d;
            case List<?> list -> {
                List<@Nullable Object> elements = new ArrayList<>();
                list.forEach(element -> elements.add(of(element, work)));
                yield elements;
            }
            case Map<?, ?> map -> {
                Map<@Nullable Object, @Nullable Object> members = new LinkedHashMap<>();
                map.forEach((key, member) -> members.put(key(of(key, work)), of(member, work)));
                yield members;
            }
            case Callable function -> function;
            default -> throw new IllegalArgumentException("a variable of " + given.getClass().getSimpleName() + " is not supported");
        };
        work.leave();
        return value;
    }

    /** A mutable bag of values, which alone outlives a loop. */
    record Namespace(Map<String, @Nullable Object> members) {}

    static String kind(@Nullable Object value) {
        return switch (value) {
            case null -> "none";
            case Boolean b -> "a truth value";
            case Long l -> "an integer";
            case Double d -> "a number";
            case String s -> "a string";
            case List<?> l -> "a list";
            case Map<?, ?> m -> "a dictionary";
            case Undefined u -> "undefined (" + u.name() + ")";
            case Namespace n -> "a namespace";
            default -> "a function";
        };
    }

    static boolean truth(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case Boolean b -> b;
            case Long l -> l != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case List<?> l -> !l.isEmpty();
            case Map<?, ?> m -> !m.isEmpty();
            case Undefined u -> false;
            default -> true;
        };
    }

    /** Python's {@code str}. */
    static String text(@Nullable Object value, Work work) {
        if (value instanceof String string) {
            return string;
        }
        if (value instanceof Undefined) {
            return "";
        }
        StringBuilder out = new StringBuilder();
        represent(value, out, work);
        return out.toString();
    }

    /** Python's {@code repr}. */
    private static void represent(@Nullable Object value, StringBuilder out, Work work) {
        work.enter();
        written(value, out, work);
        work.leave();
    }

    private static void written(@Nullable Object value, StringBuilder out, Work work) {
        work.spend(1);
        switch (value) {
            case null -> out.append("None");
            case Boolean b -> out.append(b ? "True" : "False");
            case Long l -> out.append(l);
            case Double d -> out.append(number(d));
            case String s -> quote(s, out, work);
            case List<?> list -> {
                boolean tuple = list instanceof Tuple;
                out.append(tuple ? '(' : '[');
                String before = "";
                for (Object element : list) {
                    out.append(before);
                    represent(element, out, work);
                    before = ", ";
                }
                out.append(tuple ? list.size() == 1 ? ",)" : ")" : "]");
            }
            case Map<?, ?> map -> {
                out.append('{');
                String before = "";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(before);
                    represent(entry.getKey(), out, work);
                    out.append(": ");
                    represent(entry.getValue(), out, work);
                    before = ", ";
                }
                out.append('}');
            }
            case Undefined u -> out.append("Undefined");
            default -> throw new IllegalArgumentException(kind(value) + " cannot be written as text");
        }
    }

    private static void quote(String s, StringBuilder out, Work work) {
        work.spend(s.length());
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        s.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (c < 0x20 || c == 0x7F) {
                        out.append(String.format("\\x%02x", c));
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        out.append(quote);
    }

    /** Python's shortest decimal: an exponent from 1e16 on and below 1e-4. */
    static String number(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(value);
        java.math.BigDecimal exact = new java.math.BigDecimal(Double.toString(value));
        if (size != 0 && (size >= 1e16 || size < 1e-4)) {
            String digits = exact.unscaledValue().abs().toString();
            int exponent = digits.length() - 1 - exact.scale();
            String kept = digits.replaceAll("0+$", "");
            kept = kept.isEmpty() ? "0" : kept;
            return (value < 0 ? "-" : "") + kept.charAt(0) + (kept.length() > 1 ? "." + kept.substring(1) : "") + "e"
                    + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        }
        String plain = exact.toPlainString();
        return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }

    static boolean same(@Nullable Object a, @Nullable Object b, Work work) {
        work.enter();
        boolean same = equal(a, b, work);
        work.leave();
        return same;
    }

    private static boolean equal(@Nullable Object a, @Nullable Object b, Work work) {
        work.spend(a instanceof String s ? s.length() : 1);
        if (isNumber(a) && isNumber(b)) {
            return isWhole(a) && isWhole(b) ? whole(a) == whole(b) : decimal(a) == decimal(b);
        }
        if (a instanceof List<?> left && b instanceof List<?> right) {
            boolean same = left.size() == right.size();
            for (int i = 0; same && i < left.size(); i++) {
                same = same(left.get(i), right.get(i), work);
            }
            return same;
        }
        if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
            boolean same = left.size() == right.size();
            for (Object key : left.keySet()) {
                same = same && right.containsKey(key) && same(left.get(key), right.get(key), work);
            }
            return same;
        }
        if (a instanceof List<?> || a instanceof Map<?, ?>) {
            return false;
        }
        return a == null ? b == null : a.equals(b);
    }

    /** A value that can be a key of a dictionary. */
    static @Nullable Object key(@Nullable Object value) {
        if (value == null || value instanceof String || isNumber(value)) {
            return value instanceof Boolean b ? (Object) (b ? 1L : 0L) : value;
        }
        throw new IllegalArgumentException(kind(value) + " cannot be a key");
    }

    static boolean isNumber(@Nullable Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static boolean isWhole(@Nullable Object value) {
        return value instanceof Long || value instanceof Boolean;
    }

    /** An integer. */
    static long whole(@Nullable Object value) {
        return switch (value) {
            case Long l -> l;
            case Boolean b -> b ? 1 : 0;
            case null, default -> throw new IllegalArgumentException("expected an integer, found " + kind(value));
        };
    }

    /** A number. */
    static double decimal(@Nullable Object value) {
        return value instanceof Double d ? d : whole(value);
    }

    static String string(@Nullable Object value) {
        if (value instanceof String s) {
            return s;
        }
        throw new IllegalArgumentException("expected a string, found " + kind(value));
    }

    static int compare(@Nullable Object a, @Nullable Object b, Work work) {
        work.enter();
        int order = ordered(a, b, work);
        work.leave();
        return order;
    }

    private static int ordered(@Nullable Object a, @Nullable Object b, Work work) {
        work.spend(1);
        if (isNumber(a) && isNumber(b)) {
            return isWhole(a) && isWhole(b) ? Long.compare(whole(a), whole(b)) : Double.compare(decimal(a), decimal(b));
        }
        if (a instanceof String left && b instanceof String right) {
            work.spend(left.length());
            int[] one = left.codePoints().toArray();
            int[] other = right.codePoints().toArray();
            return java.util.Arrays.compare(one, other);
        }
        if (a instanceof List<?> left && b instanceof List<?> right) {
            for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
                if (!same(left.get(i), right.get(i), work)) {
                    return compare(left.get(i), right.get(i), work);
                }
            }
            return Integer.compare(left.size(), right.size());
        }
        throw new IllegalArgumentException(kind(a) + " and " + kind(b) + " have no order");
    }

    static boolean contains(@Nullable Object all, @Nullable Object one, Work work) {
        return switch (all) {
            case String text -> {
                String part = string(one);
                work.spend(text.length());
                yield text.contains(part);
            }
            case List<?> list -> {
                boolean found = false;
                for (Object element : list) {
                    found = found || same(element, one, work);
                }
                yield found;
            }
            case Map<?, ?> map -> map.containsKey(key(one));
            case Undefined u -> false;
            case null, default -> throw new IllegalArgumentException("nothing is in " + kind(all));
        };
    }

    /** What a loop goes over. */
    static List<@Nullable Object> elements(@Nullable Object value, Work work) {
        List<@Nullable Object> elements = switch (value) {
            case List<?> list -> new ArrayList<>(list);
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            case String text -> {
                work.spend(text.length());
                List<@Nullable Object> characters = new ArrayList<>();
                text.codePoints().forEach(c -> characters.add(Character.toString(c)));
                yield characters;
            }
            case Undefined u -> new ArrayList<>();
            case null, default -> throw new IllegalArgumentException(kind(value) + " has no elements");
        };
        work.spend(elements.size());
        return elements;
    }

    static long length(@Nullable Object value) {
        return switch (value) {
            case String s -> s.codePointCount(0, s.length());
            case List<?> l -> l.size();
            case Map<?, ?> m -> m.size();
            case Undefined u -> 0;
            case null, default -> throw new IllegalArgumentException(kind(value) + " has no length");
        };
    }

    /** {@code value[index]}: undefined where there is nothing. */
    static @Nullable Object item(@Nullable Object value, @Nullable Object index, Work work) {
        if (value instanceof Undefined u) {
            throw new IllegalArgumentException(u.name() + " is undefined");
        }
        if (value instanceof Map<?, ?> map) {
            Object key = key(index);
            return map.containsKey(key) ? map.get(key) : new Undefined(String.valueOf(key));
        }
        if (isWhole(index) && (value instanceof List<?> || value instanceof String)) {
            List<?> elements = value instanceof List<?> list ? list : elements(value, work);
            long at = whole(index) < 0 ? whole(index) + elements.size() : whole(index);
            return at >= 0 && at < elements.size() ? elements.get((int) at) : new Undefined("element " + index);
        }
        return new Undefined("element " + (index instanceof String || index instanceof Number ? index : kind(index)));
    }

    static Object slice(@Nullable Object value, @Nullable Object from, @Nullable Object to, @Nullable Object step, Work work) {
        if (!(value instanceof List<?>) && !(value instanceof String)) {
            throw new IllegalArgumentException("only strings and lists have slices, found " + kind(value));
        }
        List<@Nullable Object> elements = elements(value, work);
        long by = step == null ? 1 : whole(step);
        if (by == 0) {
            throw new IllegalArgumentException("a slice cannot have step 0");
        }
        int size = elements.size();
        long start = bound(from, by > 0 ? 0 : size - 1, by > 0 ? 0 : -1, by > 0 ? size : size - 1, size);
        long end = bound(to, by > 0 ? size : -1, by > 0 ? 0 : -1, by > 0 ? size : size - 1, size);
        List<@Nullable Object> taken = new ArrayList<>();
        for (long i = start; by > 0 ? i < end : i > end; i += by) {
            taken.add(elements.get((int) i));
            if (Math.abs(by) > size) {
                break;
            }
        }
        return value instanceof String ? String.join("", taken.stream().map(Values::string).toList()) : taken;
    }

    private static long bound(@Nullable Object given, long otherwise, long least, long most, int size) {
        if (given == null) {
            return otherwise;
        }
        long value = Math.clamp(whole(given), -(1L << 40), 1L << 40);
        return Math.clamp(value < 0 ? value + size : value, least, most);
    }

    /** Python's {@code json.dumps} with {@code ensure_ascii=False}. */
    static String json(@Nullable Object value, int indent, boolean sorted, Work work) {
        StringBuilder out = new StringBuilder();
        json(value, indent, sorted, 0, out, work);
        return out.toString();
    }

    private static void json(@Nullable Object value, int indent, boolean sorted, int depth, StringBuilder out, Work work) {
        work.enter();
        jsonValue(value, indent, sorted, depth, out, work);
        work.leave();
    }

    private static void jsonValue(@Nullable Object value, int indent, boolean sorted, int depth, StringBuilder out, Work work) {
        work.spend(1);
        switch (value) {
            case null -> out.append("null");
            case Boolean b -> out.append(b);
            case Long l -> out.append(l);
            case Double d -> out.append(Double.isNaN(d) ? "NaN" : Double.isInfinite(d) ? d > 0 ? "Infinity" : "-Infinity" : number(d));
            case String s -> jsonString(s, out, work);
            case List<?> list -> {
                out.append('[');
                Iterator<?> elements = list.iterator();
                while (elements.hasNext()) {
                    newLine(indent, depth + 1, out, work);
                    json(elements.next(), indent, sorted, depth + 1, out, work);
                    out.append(!elements.hasNext() ? "" : indent < 0 ? ", " : ",");
                }
                newLine(list.isEmpty() ? -1 : indent, depth, out, work);
                out.append(']');
            }
            case Map<?, ?> map -> {
                out.append('{');
                List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
                if (sorted) {
                    entries.sort((a, b) -> compare(a.getKey(), b.getKey(), work));
                }
                for (int i = 0; i < entries.size(); i++) {
                    newLine(indent, depth + 1, out, work);
                    Object key = entries.get(i).getKey();
                    jsonString(key instanceof String s ? s : json(key, -1, false, work), out, work);
                    out.append(": ");
                    json(entries.get(i).getValue(), indent, sorted, depth + 1, out, work);
                    out.append(i == entries.size() - 1 ? "" : indent < 0 ? ", " : ",");
                }
                newLine(map.isEmpty() ? -1 : indent, depth, out, work);
                out.append('}');
            }
            default -> throw new IllegalArgumentException(kind(value) + " cannot be written as JSON");
        }
    }

    private static void newLine(int indent, int depth, StringBuilder out, Work work) {
        if (indent >= 0) {
            work.spend((long) indent * depth);
            out.append('\n').append(" ".repeat(indent * depth));
        }
    }

    private static void jsonString(String s, StringBuilder out, Work work) {
        work.spend(s.length());
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            int at = "\"\\\n\r\t\b\f".indexOf(c);
            if (at >= 0) {
                out.append('\\').append("\"\\nrtbf".charAt(at));
            } else if (c < 0x20) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
