package org.sae4j.core.internal.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A part of a template. */
sealed interface Statement {
    /** Text as it is. */
    record Text(String text) implements Statement {}

    /** {@code {{ expression }}}. */
    record Output(Expression value) implements Statement {}

    /** What a loop, an assignment or a macro sets: names, or one member of a namespace. */
    record Target(List<String> names, @Nullable String member) {}

    /** Branches by conditions; the last one may have none. */
    record If(List<Branch> branches) implements Statement {}

    /** Statements, run if the condition holds or is null. */
    record Branch(@Nullable Expression condition, List<Statement> body) {}

    /** A loop over the elements that a condition, if any, lets pass. */
    record For(Target target, Expression elements, @Nullable Expression condition, List<Statement> body, List<Statement> otherwise)
            implements Statement {}

    /** An assignment. */
    record Set(Target target, Expression value) implements Statement {}

    /** An assignment of what statements write. */
    record SetBlock(Target target, List<Statement> body) implements Statement {}

    /** A macro: names of parameters, and what those at the end are without an argument. */
    record Macro(String name, List<String> parameters, List<Expression> defaults, List<Statement> body) implements Statement {}

    /** {@code break} or {@code continue}. */
    record Jump(boolean ends) implements Statement {}

    /** Statements that write as if they stood there. */
    record Block(List<Statement> body) implements Statement {}
}
