package org.sae4j.core.internal.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An expression of a template. */
sealed interface Expression {
    /** What a call gets: values by place, then by name. */
    record Arguments(List<Expression> places, Map<String, Expression> names) {
        static final Arguments NONE = new Arguments(List.of(), Map.of());
    }

    /** A string, a number, a truth value or none. */
    record Literal(@Nullable Object value) implements Expression {}

    /** A variable. */
    record Name(String name) implements Expression {}

    /** A list, or a tuple. */
    record Sequence(boolean tuple, List<Expression> elements) implements Expression {}

    /** A dictionary: keys, and as many values. */
    record Dictionary(List<Expression> keys, List<Expression> values) implements Expression {}

    /** {@code not x} or {@code -x} or {@code +x}. */
    record Unary(String operator, Expression x) implements Expression {}

    /** {@code a operator b} of arithmetic, {@code ~}, {@code and} and {@code or}. */
    record Binary(String operator, Expression a, Expression b) implements Expression {}

    /** {@code first op b op c}: each neighbor is compared. */
    record Comparison(Expression first, List<String> operators, List<Expression> others) implements Expression {}

    /** {@code then if condition else otherwise}. */
    record Conditional(Expression condition, Expression then, @Nullable Expression otherwise) implements Expression {}

    /** {@code x.name}. */
    record Attribute(Expression x, String name) implements Expression {}

    /** {@code x[index]}. */
    record Item(Expression x, Expression index) implements Expression {}

    /** {@code x[from:to:step]}. */
    record Slice(Expression x, @Nullable Expression from, @Nullable Expression to, @Nullable Expression step) implements Expression {}

    /** {@code callee(arguments)}. */
    record Call(Expression callee, Arguments arguments) implements Expression {}

    /** {@code x | filter(arguments)}. */
    record Filter(Expression x, String name, Arguments arguments) implements Expression {}

    /** {@code x is test(arguments)}. */
    record Test(Expression x, String name, Arguments arguments) implements Expression {}
}
