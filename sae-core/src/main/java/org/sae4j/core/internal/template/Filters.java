package org.sae4j.core.internal.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;

/** Jinja's filters, with {@code tojson} as transformers has it. */
// Values of templates are any objects or null, as the template says.
@NullUnmarked
final class Filters {
    /** A filter of a value. */
    private interface Rule {
        @Nullable Object apply(@Nullable Object value, Arguments arguments, Work work);
    }

    private static final Map<String, Rule> ALL = Map.ofEntries(
            Map.entry("trim", (v, a, w) -> Methods.stripped(Values.text(v, w), a.take("chars", null), true, true)),
            Map.entry("upper", (v, a, w) -> Values.text(v, w).toUpperCase(Locale.ROOT)),
            Map.entry("lower", (v, a, w) -> Values.text(v, w).toLowerCase(Locale.ROOT)),
            Map.entry("capitalize", (v, a, w) -> Strings.capitalized(Values.text(v, w))),
            Map.entry("title", (v, a, w) -> Strings.titled(Values.text(v, w))),
            Map.entry("string", (v, a, w) -> Values.text(v, w)), Map.entry("safe", (v, a, w) -> v),
            Map.entry("length", (v, a, w) -> Values.length(v)), Map.entry("count", (v, a, w) -> Values.length(v)),
            Map.entry("list", (v, a, w) -> Values.elements(v, w)),
            Map.entry("first", (v, a, w) -> end(v, true, w)), Map.entry("last", (v, a, w) -> end(v, false, w)),
            Map.entry("join", Filters::join), Map.entry("replace", Filters::replace),
            Map.entry("default", Filters::otherwise), Map.entry("d", Filters::otherwise),
            Map.entry("tojson", Filters::json), Map.entry("items", (v, a, w) -> v instanceof Undefined ? List.of() : Methods.items(v)),
            Map.entry("dictsort", (v, a, w) -> sorted(Methods.items(v), item -> lowered(((List<?>) item).getFirst()), w)),
            Map.entry("sort", Filters::sort), Map.entry("reverse", (v, a, w) -> reversed(v, w)),
            Map.entry("unique", (v, a, w) -> unique(Values.elements(v, w), w)),
            Map.entry("map", Filters::map), Map.entry("select", (v, a, w) -> selected(v, a, w, false, true)),
            Map.entry("reject", (v, a, w) -> selected(v, a, w, false, false)),
            Map.entry("selectattr", (v, a, w) -> selected(v, a, w, true, true)),
            Map.entry("rejectattr", (v, a, w) -> selected(v, a, w, true, false)),
            Map.entry("indent", Filters::indent), Map.entry("int", (v, a, w) -> integer(v, a.take("default", 0L))),
            Map.entry("float", (v, a, w) -> decimal(v, a.take("default", 0.0))),
            Map.entry("abs", (v, a, w) -> Values.isWhole(v) ? (Object) Math.abs(Values.whole(v)) : (Object) Math.abs(Values.decimal(v))),
            Map.entry("round", (v, a, w) -> new BigDecimal(Values.decimal(v)).setScale(Math.clamp(a.whole("precision", 0), -20, 20),
                    RoundingMode.HALF_EVEN).doubleValue()),
            Map.entry("min", (v, a, w) -> extreme(v, 1, w)), Map.entry("max", (v, a, w) -> extreme(v, -1, w)),
            Map.entry("sum", (v, a, w) -> sum(v, w)));

    private Filters() {}

    static boolean known(String name) {
        return ALL.containsKey(name);
    }

    static @Nullable Object apply(String name, @Nullable Object value, Arguments arguments, Work work) {
        Rule rule = ALL.get(name);
        if (rule == null) {
            throw new IllegalArgumentException("the filter \"" + name + "\" is not supported");
        }
        work.spend(value instanceof String s ? s.length() : 1);
        return rule.apply(value, arguments, work);
    }

    private static @Nullable Object end(@Nullable Object value, boolean first, Work work) {
        List<@Nullable Object> elements = Values.elements(value, work);
        return elements.isEmpty() ? new Undefined("the element of an empty list") : first ? elements.getFirst() : elements.getLast();
    }

    private static Object join(@Nullable Object value, Arguments arguments, Work work) {
        String between = Values.text(arguments.take("d", ""), work);
        Object attribute = arguments.take("attribute", null);
        StringBuilder joined = new StringBuilder();
        String before = "";
        for (Object element : Values.elements(value, work)) {
            String text = Values.text(attribute == null ? element : attribute(element, attribute, work), work);
            work.spend((long) before.length() + text.length());
            joined.append(before).append(text);
            before = between;
        }
        return joined.toString();
    }

    private static Object replace(@Nullable Object value, Arguments arguments, Work work) {
        return Methods.replaced(Values.text(value, work), arguments, work);
    }

    private static @Nullable Object otherwise(@Nullable Object value, Arguments arguments, Work work) {
        Object otherwise = arguments.take("default_value", "");
        boolean anyFalse = arguments.flag("boolean");
        return value instanceof Undefined || anyFalse && !Values.truth(value) ? otherwise : value;
    }

    private static Object json(@Nullable Object value, Arguments arguments, Work work) {
        if (Values.truth(arguments.take("ensure_ascii", false))) {
            throw new IllegalArgumentException("\"ensure_ascii\" of tojson is not supported");
        }
        Object indent = arguments.take("indent", null);
        if (arguments.take("separators", null) != null) {
            throw new IllegalArgumentException("\"separators\" of tojson is not supported");
        }
        boolean sorted = arguments.flag("sort_keys");
        arguments.end();
        return Values.json(value, indent == null ? -1 : Math.clamp(Values.whole(indent), 0, 100), sorted, work);
    }

    private static @Nullable Object lowered(@Nullable Object value) {
        return value instanceof String s ? s.toLowerCase(Locale.ROOT) : value;
    }

    private static List<@Nullable Object> sorted(List<@Nullable Object> elements, java.util.function.Function<@Nullable Object,
            @Nullable Object> by, Work work) {
        List<@Nullable Object> sorted = new ArrayList<>(elements);
        Comparator<@Nullable Object> order = (a, b) -> Values.compare(by.apply(a), by.apply(b), work);
        sorted.sort(order);
        return sorted;
    }

    private static Object sort(@Nullable Object value, Arguments arguments, Work work) {
        boolean down = arguments.flag("reverse");
        boolean exact = arguments.flag("case_sensitive");
        Object attribute = arguments.take("attribute", null);
        List<@Nullable Object> sorted = Values.elements(value, work);
        Comparator<@Nullable Object> order = (a, b) -> {
            Object left = attribute == null ? a : attribute(a, attribute, work);
            Object right = attribute == null ? b : attribute(b, attribute, work);
            return Values.compare(exact ? left : lowered(left), exact ? right : lowered(right), work);
        };
        sorted.sort(down ? order.reversed() : order);
        return sorted;
    }

    private static Object reversed(@Nullable Object value, Work work) {
        if (value instanceof String) {
            return Values.slice(value, null, null, -1L, work);
        }
        return Values.elements(value, work).reversed();
    }

    private static Object unique(List<@Nullable Object> elements, Work work) {
        List<@Nullable Object> unique = new ArrayList<>();
        for (Object element : elements) {
            boolean there = false;
            for (Object other : unique) {
                there = there || Values.same(lowered(other), lowered(element), work);
            }
            if (!there) {
                unique.add(element);
            }
        }
        return unique;
    }

    /** A member of a member: names and places between points. */
    static @Nullable Object attribute(@Nullable Object value, @Nullable Object path, Work work) {
        Object found = value;
        for (String part : Values.text(path, work).split("\\.", -1)) {
            found = part.matches("[0-9]{1,9}") ? Values.item(found, Long.parseLong(part), work) : Values.item(found, part, work);
        }
        return found;
    }

    private static Object map(@Nullable Object value, Arguments arguments, Work work) {
        List<@Nullable Object> mapped = new ArrayList<>();
        Object attribute = arguments.more() ? null : arguments.take("attribute", null);
        Object otherwise = attribute == null ? null : arguments.take("default", null);
        String filter = attribute == null ? arguments.text("filter") : "";
        for (Object element : Values.elements(value, work)) {
            if (attribute == null) {
                mapped.add(apply(filter, element, arguments.rest(), work));
            } else {
                Object found = attribute(element, attribute, work);
                mapped.add(found instanceof Undefined && otherwise != null ? otherwise : found);
            }
        }
        return mapped;
    }

    private static Object selected(@Nullable Object value, Arguments arguments, Work work, boolean byAttribute, boolean keep) {
        Object attribute = byAttribute ? arguments.need("attr") : null;
        String test = arguments.more() ? arguments.text("test") : "";
        List<@Nullable Object> kept = new ArrayList<>();
        for (Object element : Values.elements(value, work)) {
            Object tested = byAttribute ? attribute(element, attribute, work) : element;
            boolean holds = test.isEmpty() ? Values.truth(tested) : Tests.holds(test, tested, arguments.rest(), work);
            if (holds == keep) {
                kept.add(element);
            }
        }
        return kept;
    }

    private static Object indent(@Nullable Object value, Arguments arguments, Work work) {
        Object width = arguments.take("width", 4L);
        String space = width instanceof String s ? s : " ".repeat(Math.clamp(Values.whole(width), 0, 1000));
        boolean first = arguments.flag("first");
        boolean blank = arguments.flag("blank");
        // With a line break more, so that an empty last line is kept.
        List<String> lines = Strings.lines(Values.text(value, work) + "\n");
        work.spend((long) lines.size() * space.length());
        StringBuilder out = new StringBuilder(first ? space : "");
        for (int i = 0; i < lines.size(); i++) {
            boolean indented = i > 0 && (blank || !lines.get(i).isEmpty());
            out.append(i > 0 ? "\n" : "").append(indented ? space : "").append(lines.get(i));
        }
        return out.toString();
    }

    private static @Nullable Object integer(@Nullable Object value, @Nullable Object otherwise) {
        Object number = decimal(value, null);
        if (value instanceof String s && s.strip().matches("[+-]?[0-9]{1,18}")) {
            return Long.parseLong(s.strip());
        }
        return Values.isWhole(value) ? (Object) Values.whole(value) : number instanceof Double d && Double.isFinite(d) ? (Object) d.longValue()
                : otherwise;
    }

    private static @Nullable Object decimal(@Nullable Object value, @Nullable Object otherwise) {
        if (value instanceof String s) {
            return s.strip().matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?") ? (Object) Double.parseDouble(s.strip()) : otherwise;
        }
        return Values.isNumber(value) ? (Object) Values.decimal(value) : otherwise;
    }

    private static @Nullable Object extreme(@Nullable Object value, int sign, Work work) {
        Object best = new Undefined("the element of an empty list");
        for (Object element : Values.elements(value, work)) {
            best = best instanceof Undefined || sign * Values.compare(lowered(element), lowered(best), work) < 0 ? element : best;
        }
        return best;
    }

    private static @Nullable Object sum(@Nullable Object value, Work work) {
        Object sum = 0L;
        for (Object element : Values.elements(value, work)) {
            sum = Operators.apply("+", sum, element, work);
        }
        return sum;
    }
}
