package org.sae4j.core.internal.template;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Jinja's tests. */
final class Tests {
    /** A test of a value. */
    private interface Rule {
        boolean holds(@Nullable Object value, Arguments arguments, Work work);
    }

    private static final Map<String, Rule> ALL = Map.ofEntries(
            Map.entry("defined", (v, a, w) -> !(v instanceof Undefined)), Map.entry("undefined", (v, a, w) -> v instanceof Undefined),
            Map.entry("none", (v, a, w) -> v == null), Map.entry("string", (v, a, w) -> v instanceof String),
            Map.entry("mapping", (v, a, w) -> v instanceof Map<?, ?>),
            Map.entry("sequence", (v, a, w) -> v instanceof String || v instanceof List<?> || v instanceof Map<?, ?>
                    || v instanceof Undefined),
            Map.entry("iterable", (v, a, w) -> v instanceof String || v instanceof List<?> || v instanceof Map<?, ?>
                    || v instanceof Undefined),
            Map.entry("number", (v, a, w) -> Values.isNumber(v)), Map.entry("integer", (v, a, w) -> v instanceof Long),
            Map.entry("float", (v, a, w) -> v instanceof Double), Map.entry("boolean", (v, a, w) -> v instanceof Boolean),
            Map.entry("true", (v, a, w) -> Boolean.TRUE.equals(v)), Map.entry("false", (v, a, w) -> Boolean.FALSE.equals(v)),
            Map.entry("callable", (v, a, w) -> v instanceof Callable),
            Map.entry("odd", (v, a, w) -> Math.floorMod(Values.whole(v), 2) == 1),
            Map.entry("even", (v, a, w) -> Math.floorMod(Values.whole(v), 2) == 0),
            Map.entry("divisibleby", (v, a, w) -> Operators.modulo(Values.whole(v), Values.whole(a.need("num"))) == 0),
            Map.entry("lower", (v, a, w) -> Values.text(v, w).equals(Values.text(v, w).toLowerCase(Locale.ROOT))),
            Map.entry("upper", (v, a, w) -> Values.text(v, w).equals(Values.text(v, w).toUpperCase(Locale.ROOT))),
            Map.entry("in", (v, a, w) -> Values.contains(a.need("seq"), v, w)),
            Map.entry("eq", Tests::equal), Map.entry("equalto", Tests::equal), Map.entry("==", Tests::equal),
            Map.entry("ne", (v, a, w) -> !equal(v, a, w)),
            Map.entry("lt", (v, a, w) -> Values.compare(v, a.need("other"), w) < 0),
            Map.entry("lessthan", (v, a, w) -> Values.compare(v, a.need("other"), w) < 0),
            Map.entry("le", (v, a, w) -> Values.compare(v, a.need("other"), w) <= 0),
            Map.entry("gt", (v, a, w) -> Values.compare(v, a.need("other"), w) > 0),
            Map.entry("greaterthan", (v, a, w) -> Values.compare(v, a.need("other"), w) > 0),
            Map.entry("ge", (v, a, w) -> Values.compare(v, a.need("other"), w) >= 0));

    private Tests() {}

    private static boolean equal(@Nullable Object value, Arguments arguments, Work work) {
        return Values.same(value, arguments.need("other"), work);
    }

    static boolean known(String name) {
        return ALL.containsKey(name);
    }

    static boolean holds(String name, @Nullable Object value, Arguments arguments, Work work) {
        Rule rule = ALL.get(name);
        if (rule == null) {
            throw new IllegalArgumentException("the test \"" + name + "\" is not supported");
        }
        return rule.holds(value, arguments, work);
    }
}
