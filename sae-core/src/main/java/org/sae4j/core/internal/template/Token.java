package org.sae4j.core.internal.template;

/**
 * A token of a template.
 *
 * @param kind what it is
 * @param text text outside of tags, a name, an operator, the value of a string, or the digits of a number
 * @param line where it begins, from 1
 */
record Token(Kind kind, String text, int line) {
    /** Kinds of tokens. */
    enum Kind {
        /** Text outside of tags. */
        TEXT,
        /** Begins a tag of a statement. */
        OPEN,
        /** Ends it. */
        CLOSE,
        /** Begins an output. */
        OPEN_OUTPUT,
        /** Ends it. */
        CLOSE_OUTPUT,
        /** A word. */
        NAME,
        /** A string. */
        STRING,
        /** An integer. */
        INTEGER,
        /** A number with a point or an exponent. */
        DECIMAL,
        /** An operator or a bracket. */
        OPERATOR,
        /** The end of the template. */
        END
    }

    boolean is(Kind other, String value) {
        return kind == other && text.equals(value);
    }

    boolean isName(String value) {
        return is(Kind.NAME, value);
    }

    boolean isOperator(String value) {
        return is(Kind.OPERATOR, value);
    }
}
