package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Methods of Python's strings, lists and dictionaries that change nothing. */
final class Methods {
    private static final Set<String> OF_STRINGS = Set.of("strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith",
            "endswith", "upper", "lower", "title", "capitalize", "replace", "join", "find", "rfind", "count", "removeprefix", "removesuffix",
            "partition", "rpartition", "isdigit", "isspace", "isupper", "islower", "isalpha", "isalnum", "index", "format", "encode", "zfill",
            "center", "ljust", "rjust");
    private static final Set<String> OF_DICTIONARIES = Set.of("get", "items", "keys", "values", "copy", "update", "pop");
    private static final Set<String> OF_LISTS = Set.of("index", "count", "append", "insert", "extend", "pop", "copy", "remove", "reverse",
            "sort", "clear");

    private Methods() {}

    /** Whether {@code value.name} is a method, even if it is not supported. */
    static boolean has(@Nullable Object value, String name) {
        return value instanceof String && OF_STRINGS.contains(name) || value instanceof Map<?, ?> && OF_DICTIONARIES.contains(name)
                || value instanceof List<?> && OF_LISTS.contains(name);
    }

    static @Nullable Object call(@Nullable Object value, String name, Arguments arguments, Work work) {
        work.spend(value instanceof String s ? s.length() : 1);
        Object result = switch (value) {
            case String s -> ofString(s, name, arguments, work);
            case Map<?, ?> map -> ofDictionary(map, name, arguments);
            case List<?> list -> ofList(list, name, arguments, work);
            case null, default -> throw unsupported(name);
        };
        arguments.end();
        return result;
    }

    private static IllegalArgumentException unsupported(String name) {
        return new IllegalArgumentException("the method \"" + name + "\" is not supported");
    }

    static String stripped(String text, @Nullable Object characters, boolean left, boolean right) {
        if (characters == null) {
            return Strings.stripped(text, left, right, Strings::isSpace);
        }
        String dropped = Values.string(characters);
        return Strings.stripped(text, left, right, c -> dropped.indexOf(c) >= 0);
    }

    static String replaced(String text, Arguments arguments, Work work) {
        String old = Values.text(arguments.need("old"), work);
        String fresh = Values.text(arguments.need("new"), work);
        Object count = arguments.take("count", null);
        work.spend((long) text.length() + (long) (text.length() / Math.max(1, old.length())) * fresh.length());
        return Strings.replaced(text, old, fresh, count == null ? -1 : Values.whole(count));
    }

    private static @Nullable Object ofString(String s, String name, Arguments a, Work work) {
        return switch (name) {
            case "strip" -> stripped(s, a.take("chars", null), true, true);
            case "lstrip" -> stripped(s, a.take("chars", null), true, false);
            case "rstrip" -> stripped(s, a.take("chars", null), false, true);
            case "upper" -> s.toUpperCase(Locale.ROOT);
            case "lower" -> s.toLowerCase(Locale.ROOT);
            case "title" -> Strings.titled(s);
            case "capitalize" -> Strings.capitalized(s);
            case "replace" -> replaced(s, a, work);
            case "split", "rsplit" -> split(s, name, a);
            case "splitlines" -> new ArrayList<Object>(Strings.lines(s));
            case "startswith" -> starts(s, a.need("prefix"), true);
            case "endswith" -> starts(s, a.need("suffix"), false);
            case "removeprefix" -> without(s, a.text("prefix"), true);
            case "removesuffix" -> without(s, a.text("suffix"), false);
            case "find" -> place(s, s.indexOf(a.text("sub")));
            case "rfind" -> place(s, s.lastIndexOf(a.text("sub")));
            case "count" -> count(s, a.text("sub"));
            case "partition", "rpartition" -> parts(s, a.text("sep"), name.equals("partition"));
            case "isdigit" -> !s.isEmpty() && s.codePoints().allMatch(Character::isDigit);
            case "isspace" -> !s.isEmpty() && s.codePoints().allMatch(Strings::isSpace);
            case "isalpha" -> !s.isEmpty() && s.codePoints().allMatch(Character::isLetter);
            case "isalnum" -> !s.isEmpty() && s.codePoints().allMatch(Character::isLetterOrDigit);
            case "isupper" -> s.equals(s.toUpperCase(Locale.ROOT)) && !s.equals(s.toLowerCase(Locale.ROOT));
            case "islower" -> s.equals(s.toLowerCase(Locale.ROOT)) && !s.equals(s.toUpperCase(Locale.ROOT));
            case "join" -> Filters.apply("join", a.need("iterable"), new Arguments(List.of(s), Map.of()), work);
            default -> throw unsupported(name);
        };
    }

    private static Object split(String s, String name, Arguments a) {
        Object separator = a.take("sep", null);
        long most = a.whole("maxsplit", -1);
        if (separator == null) {
            if (name.equals("rsplit") && most >= 0) {
                throw new IllegalArgumentException("rsplit at white space a number of times is not supported");
            }
            return Strings.words(s, most);
        }
        String by = Values.string(separator);
        if (by.isEmpty()) {
            throw new IllegalArgumentException(name + " needs a separator that is not empty");
        }
        return name.equals("split") ? Strings.split(s, by, most) : Strings.splitFromRight(s, by, most);
    }

    private static boolean starts(String s, @Nullable Object what, boolean start) {
        if (what instanceof List<?> several) {
            return several.stream().anyMatch(one -> starts(s, one, start));
        }
        String part = Values.string(what);
        return start ? s.startsWith(part) : s.endsWith(part);
    }

    private static String without(String s, String part, boolean start) {
        if (!starts(s, part, start)) {
            return s;
        }
        return start ? s.substring(part.length()) : s.substring(0, s.length() - part.length());
    }

    private static Object place(String s, int index) {
        return index < 0 ? -1L : (long) s.codePointCount(0, index);
    }

    private static Object count(String s, String part) {
        return part.isEmpty() ? (Object) (Values.length(s) + 1) : (Object) (long) (Strings.split(s, part, -1).size() - 1);
    }

    private static Object parts(String s, String separator, boolean first) {
        int at = separator.isEmpty() ? -1 : first ? s.indexOf(separator) : s.lastIndexOf(separator);
        if (at < 0) {
            return first ? Tuple.of(s, "", "") : Tuple.of("", "", s);
        }
        return Tuple.of(s.substring(0, at), separator, s.substring(at + separator.length()));
    }

    private static @Nullable Object ofDictionary(Map<?, ?> map, String name, Arguments a) {
        return switch (name) {
            case "get" -> {
                Object key = Values.key(a.need("key"));
                Object otherwise = a.take("default", null);
                yield map.containsKey(key) ? map.get(key) : otherwise;
            }
            case "items" -> items(map);
            case "keys" -> new ArrayList<@Nullable Object>(map.keySet());
            case "values" -> new ArrayList<@Nullable Object>(map.values());
            default -> throw unsupported(name);
        };
    }

    static List<@Nullable Object> items(@Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new IllegalArgumentException("expected a dictionary, found " + Values.kind(value));
        }
        List<@Nullable Object> items = new ArrayList<>();
        map.forEach((key, member) -> items.add(Tuple.of(key, member)));
        return items;
    }

    private static @Nullable Object ofList(List<?> list, String name, Arguments a, Work work) {
        Object wanted = name.equals("index") || name.equals("count") ? a.need("value") : null;
        long count = 0;
        for (int i = 0; i < list.size() && (name.equals("index") || name.equals("count")); i++) {
            if (Values.same(list.get(i), wanted, work)) {
                if (name.equals("index")) {
                    return (long) i;
                }
                count++;
            }
        }
        if (name.equals("count")) {
            return count;
        }
        throw name.equals("index") ? new IllegalArgumentException("the list does not have the element") : unsupported(name);
    }
}
