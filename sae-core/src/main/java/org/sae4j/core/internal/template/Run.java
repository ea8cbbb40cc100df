package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.template.Statement.Target;

/** One run of a template. */
// Values of templates are any objects or null, as the template says.
@NullUnmarked
final class Run {
    private static final int LONGEST_RANGE = 100_000;

    private final Work work = new Work();
    private StringBuilder out = new StringBuilder();

    /** Variables of a part of the template; those of the parts around it are seen, and hidden by its own. */
    private static final class Scope {
        private final @Nullable Scope around;
        private final Map<String, @Nullable Object> variables = new HashMap<>();

        Scope(@Nullable Scope around) {
            this.around = around;
        }

        @Nullable Object get(String name) {
            for (Scope scope = this; scope != null; scope = scope.around) {
                if (scope.variables.containsKey(name)) {
                    return scope.variables.get(name);
                }
            }
            return new Undefined(name);
        }
    }

    /** How statements ended. */
    private enum Outcome {
        NORMAL, BREAK, CONTINUE
    }

    /** A method and the value it is of. */
    private record Bound(@Nullable Object value, String name) {}

    String run(List<Statement> statements, Map<String, @Nullable Object> variables) {
        Scope scope = new Scope(null);
        scope.variables.put("range", (Callable) (places, names) -> range(places));
        scope.variables.put("namespace", (Callable) (places, names) -> new Values.Namespace(new HashMap<>(dictionary(places, names))));
        scope.variables.put("dict", (Callable) this::dictionary);
        variables.forEach((name, value) -> scope.variables.put(name, Values.of(value, work)));
        // Assignments of the template hide what it was given.
        run(statements, new Scope(scope));
        return out.toString();
    }

    private Map<String, @Nullable Object> dictionary(List<@Nullable Object> places, Map<String, @Nullable Object> names) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        for (Object place : places) {
            for (Object item : Methods.items(place)) {
                List<?> pair = (List<?>) item;
                members.put(Values.string(pair.get(0)), pair.get(1));
            }
        }
        members.putAll(names);
        return members;
    }

    private List<@Nullable Object> range(List<@Nullable Object> places) {
        if (places.isEmpty() || places.size() > 3) {
            throw new IllegalArgumentException("range takes one to three integers");
        }
        long from = places.size() == 1 ? 0 : Values.whole(places.get(0));
        long to = Values.whole(places.get(places.size() == 1 ? 0 : 1));
        long step = places.size() < 3 ? 1 : Values.whole(places.get(2));
        List<@Nullable Object> numbers = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            if (step == 0 || numbers.size() == LONGEST_RANGE || Math.abs(i) > 1L << 60 || Math.abs(step) > 1L << 60) {
                throw new IllegalArgumentException("range gives at most " + LONGEST_RANGE + " integers, and no step of 0");
            }
            numbers.add(i);
        }
        work.spend(numbers.size());
        return numbers;
    }

    private Outcome run(List<Statement> statements, Scope scope) {
        work.enter();
        Outcome outcome = Outcome.NORMAL;
        for (int i = 0; i < statements.size() && outcome == Outcome.NORMAL; i++) {
            work.step();
            outcome = run(statements.get(i), scope);
        }
        work.leave();
        return outcome;
    }

    private Outcome run(Statement statement, Scope scope) {
        switch (statement) {
            case Statement.Text text -> write(text.text());
            case Statement.Output output -> write(Values.text(value(output.value(), scope), work));
            case Statement.Set set -> assign(set.target(), value(set.value(), scope), scope);
            case Statement.SetBlock set -> assign(set.target(), written(set.body(), new Scope(scope)), scope);
            case Statement.Macro macro -> scope.variables.put(macro.name(), macro(macro, scope));
            case Statement.Block block -> {
                return run(block.body(), scope);
            }
            case Statement.Jump jump -> {
                return jump.ends() ? Outcome.BREAK : Outcome.CONTINUE;
            }
            case Statement.If conditional -> {
                for (Statement.Branch branch : conditional.branches()) {
                    Expression condition = branch.condition();
                    if (condition == null || Values.truth(value(condition, scope))) {
                        return run(branch.body(), scope);
                    }
                }
            }
            case Statement.For loop -> loop(loop, scope);
        }
        return Outcome.NORMAL;
    }

    private void write(String text) {
        work.spend(text.length());
        out.append(text);
    }

    private String written(List<Statement> body, Scope scope) {
        StringBuilder outer = out;
        out = new StringBuilder();
        run(body, scope);
        String text = out.toString();
        out = outer;
        return text;
    }

    private void assign(Target target, @Nullable Object value, Scope scope) {
        String member = target.member();
        if (member != null) {
            String name = target.names().getFirst();
            if (!(scope.get(name) instanceof Values.Namespace namespace)) {
                throw new IllegalArgumentException("\"" + name + "\" is no namespace, so \"" + member + "\" cannot be set");
            }
            namespace.members().put(member, value);
        } else if (target.names().size() == 1) {
            scope.variables.put(target.names().getFirst(), value);
        } else {
            List<@Nullable Object> values = Values.elements(value, work);
            if (values.size() != target.names().size()) {
                throw new IllegalArgumentException(target.names().size() + " names cannot take " + values.size() + " values");
            }
            for (int i = 0; i < values.size(); i++) {
                scope.variables.put(target.names().get(i), values.get(i));
            }
        }
    }

    private Callable macro(Statement.Macro macro, Scope scope) {
        return (places, names) -> {
            work.enter();
            Scope inner = new Scope(scope);
            Arguments arguments = new Arguments(places, names);
            int required = macro.parameters().size() - macro.defaults().size();
            for (int i = 0; i < macro.parameters().size(); i++) {
                String parameter = macro.parameters().get(i);
                Object given = arguments.take(parameter, new Undefined(parameter));
                boolean missing = given instanceof Undefined && i >= required;
                inner.variables.put(parameter, missing ? value(macro.defaults().get(i - required), inner) : given);
            }
            arguments.end();
            String text = written(macro.body(), inner);
            work.leave();
            return text;
        };
    }

    private void loop(Statement.For loop, Scope scope) {
        List<@Nullable Object> elements = Values.elements(value(loop.elements(), scope), work);
        Expression condition = loop.condition();
        if (condition != null) {
            List<@Nullable Object> passed = new ArrayList<>();
            for (Object element : elements) {
                Scope inner = new Scope(scope);
                assign(loop.target(), element, inner);
                if (Values.truth(value(condition, inner))) {
                    passed.add(element);
                }
            }
            elements = passed;
        }
        for (int i = 0; i < elements.size(); i++) {
            work.round();
            Scope inner = new Scope(scope);
            inner.variables.put("loop", loopVariable(elements, i));
            assign(loop.target(), elements.get(i), inner);
            if (run(loop.body(), inner) == Outcome.BREAK) {
                return;
            }
        }
        if (elements.isEmpty()) {
            run(loop.otherwise(), new Scope(scope));
        }
    }

    private Map<String, @Nullable Object> loopVariable(List<@Nullable Object> elements, int i) {
        int count = elements.size();
        Map<String, @Nullable Object> loop = new HashMap<>();
        loop.put("index0", (long) i);
        loop.put("index", i + 1L);
        loop.put("first", i == 0);
        loop.put("last", i == count - 1);
        loop.put("length", (long) count);
        loop.put("revindex0", count - i - 1L);
        loop.put("revindex", (long) count - i);
        loop.put("previtem", i == 0 ? new Undefined("previtem") : elements.get(i - 1));
        loop.put("nextitem", i == count - 1 ? new Undefined("nextitem") : elements.get(i + 1));
        loop.put("cycle", (Callable) (places, names) -> places.get(i % places.size()));
        return loop;
    }

    // Expressions

    private @Nullable Object value(Expression expression, Scope scope) {
        work.step();
        work.enter();
        Object value = computed(expression, scope);
        work.leave();
        return value;
    }

    private @Nullable Object computed(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Literal literal -> literal.value();
            case Expression.Name name -> scope.get(name.name());
            case Expression.Sequence sequence -> {
                List<@Nullable Object> elements = new ArrayList<>();
                sequence.elements().forEach(element -> elements.add(value(element, scope)));
                yield sequence.tuple() ? Tuple.of(elements.toArray()) : elements;
            }
            case Expression.Dictionary dictionary -> {
                Map<@Nullable Object, @Nullable Object> members = new LinkedHashMap<>();
                for (int i = 0; i < dictionary.keys().size(); i++) {
                    members.put(Values.key(value(dictionary.keys().get(i), scope)), value(dictionary.values().get(i), scope));
                }
                yield members;
            }
            case Expression.Unary unary -> unary(unary.operator(), value(unary.x(), scope));
            case Expression.Binary binary -> binary(binary, scope);
            case Expression.Comparison comparison -> comparison(comparison, scope);
            case Expression.Conditional conditional -> {
                Expression otherwise = conditional.otherwise();
                yield Values.truth(value(conditional.condition(), scope)) ? value(conditional.then(), scope)
                        : otherwise == null ? new Undefined("the value of a condition that does not hold") : value(otherwise, scope);
            }
            case Expression.Attribute attribute -> attribute(value(attribute.x(), scope), attribute.name());
            case Expression.Item item -> {
                Object of = value(item.x(), scope);
                Object index = value(item.index(), scope);
                Object found = index instanceof String name && of instanceof Values.Namespace ? attribute(of, name) : Values.item(of, index, work);
                yield found instanceof Undefined && index instanceof String name && Methods.has(of, name) ? new Bound(of, name) : found;
            }
            case Expression.Slice slice -> Values.slice(value(slice.x(), scope), optional(slice.from(), scope), optional(slice.to(), scope),
                    optional(slice.step(), scope), work);
            case Expression.Call call -> call(value(call.callee(), scope), call.arguments(), scope);
            case Expression.Filter filter -> Filters.apply(filter.name(), value(filter.x(), scope), arguments(filter.arguments(), scope), work);
            case Expression.Test test -> Tests.holds(test.name(), value(test.x(), scope), arguments(test.arguments(), scope), work);
        };
    }

    private @Nullable Object optional(@Nullable Expression expression, Scope scope) {
        return expression == null ? null : value(expression, scope);
    }

    private static Object unary(String operator, @Nullable Object x) {
        if (operator.equals("not")) {
            return !Values.truth(x);
        }
        if (!Values.isNumber(x)) {
            throw new IllegalArgumentException(operator + Values.kind(x) + " has no meaning");
        }
        int sign = operator.equals("-") ? -1 : 1;
        return Values.isWhole(x) ? (Object) (sign * Values.whole(x)) : (Object) (sign * Values.decimal(x));
    }

    private @Nullable Object binary(Expression.Binary binary, Scope scope) {
        Object a = value(binary.a(), scope);
        return switch (binary.operator()) {
            case "and" -> Values.truth(a) ? value(binary.b(), scope) : a;
            case "or" -> Values.truth(a) ? a : value(binary.b(), scope);
            case "~" -> {
                String joined = Values.text(a, work) + Values.text(value(binary.b(), scope), work);
                work.spend(joined.length());
                yield joined;
            }
            default -> Operators.apply(binary.operator(), a, value(binary.b(), scope), work);
        };
    }

    private Object comparison(Expression.Comparison comparison, Scope scope) {
        Object left = value(comparison.first(), scope);
        for (int i = 0; i < comparison.operators().size(); i++) {
            Object right = value(comparison.others().get(i), scope);
            boolean holds = switch (comparison.operators().get(i)) {
                case "==" -> Values.same(left, right, work);
                case "!=" -> !Values.same(left, right, work);
                case "in" -> Values.contains(right, left, work);
                case "not in" -> !Values.contains(right, left, work);
                case "<" -> Values.compare(left, right, work) < 0;
                case "<=" -> Values.compare(left, right, work) <= 0;
                case ">" -> Values.compare(left, right, work) > 0;
                default -> Values.compare(left, right, work) >= 0;
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private @Nullable Object attribute(@Nullable Object value, String name) {
        return switch (value) {
            case Values.Namespace namespace -> namespace.members().containsKey(name) ? namespace.members().get(name) : new Undefined(name);
            case Undefined undefined -> throw new IllegalArgumentException(undefined.name() + " is undefined, so it has no \"" + name + "\"");
            case null, default -> {
                if (Methods.has(value, name)) {
                    yield new Bound(value, name);
                }
                yield value instanceof Map<?, ?> ? Values.item(value, name, work) : new Undefined(name);
            }
        };
    }

    private Arguments arguments(Expression.Arguments given, Scope scope) {
        List<@Nullable Object> places = new ArrayList<>();
        given.places().forEach(each -> places.add(value(each, scope)));
        Map<String, @Nullable Object> names = new LinkedHashMap<>();
        given.names().forEach((name, each) -> names.put(name, value(each, scope)));
        return new Arguments(places, names);
    }

    private @Nullable Object call(@Nullable Object callee, Expression.Arguments given, Scope scope) {
        Arguments arguments = arguments(given, scope);
        return switch (callee) {
            case Bound bound -> Methods.call(bound.value(), bound.name(), arguments, work);
            case Callable function -> arguments.pass(function);
            case null, default -> throw new IllegalArgumentException(Values.kind(callee) + " cannot be called");
        };
    }
}
