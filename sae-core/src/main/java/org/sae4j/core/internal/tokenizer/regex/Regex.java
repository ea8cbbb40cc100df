package org.sae4j.core.internal.tokenizer.regex;

/** A regular expression of a tokenizer, in Oniguruma's dialect; immutable. */
public final class Regex {
    private static final int LONGEST = 20_000;

    private final String description;
    private final RegexProgram program;

    private Regex(String description, RegexNode node) {
        this.description = description;
        this.program = RegexProgram.of(node);
    }

    /**
     * Reads a pattern.
     *
     * @param pattern a pattern
     * @return the expression
     * @throws IllegalArgumentException if it is malformed or uses what is not supported; the message says what and where
     */
    public static Regex of(String pattern) {
        if (pattern.length() > LONGEST) {
            throw new IllegalArgumentException("the pattern is longer than " + LONGEST + " characters");
        }
        return new Regex(pattern, new RegexParser(pattern).parse());
    }

    /**
     * An expression that matches a text itself.
     *
     * @param text the text; an empty one matches nothing
     * @return the expression
     */
    public static Regex literal(String text) {
        return new Regex(text, text.isEmpty() ? new RegexNode.Alternatives(java.util.List.of())
                : new RegexNode.Sequence(text.codePoints().<RegexNode>mapToObj(RegexNode.Literal::new).toList()));
    }

    RegexProgram program() {
        return program;
    }

    /**
     * Searches a part of a text as if there were nothing around it.
     *
     * @param text a text without unpaired surrogates
     * @param from the first unit
     * @param to the unit after the last
     * @return the search, before its first match
     */
    public RegexSearch search(String text, int from, int to) {
        return new RegexSearch(this, text, from, to);
    }

    @Override
    public String toString() {
        return description;
    }
}
