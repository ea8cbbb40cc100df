package org.sae4j.core.internal.tokenizer.regex;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A regular expression as a tree. */
sealed interface RegexNode {
    /** How often a part is tried first. */
    enum Kind {
        /** As often as possible, then less. */
        GREEDY,
        /** As seldom as possible, then more. */
        LAZY,
        /** As often as possible, and no less. */
        POSSESSIVE
    }

    /** A place between characters. */
    enum Place {
        /** The beginning of the text. */
        TEXT_START,
        /** The end of the text. */
        TEXT_END,
        /** The end of the text, or before a line break that ends it. */
        TEXT_END_BEFORE_LINE_BREAK,
        /** The beginning of a line. */
        LINE_START,
        /** The end of a line. */
        LINE_END,
        /** Between a character of a word and another. */
        WORD_BOUNDARY,
        /** Anywhere else. */
        NO_WORD_BOUNDARY
    }

    /** One character. */
    record Literal(int codePoint) implements RegexNode {}

    /** One character of a set. */
    record OneOf(CodePointSet set) implements RegexNode {}

    /** Parts one after the other. */
    record Sequence(List<RegexNode> parts) implements RegexNode {}

    /** The first alternative that lets the rest match. */
    record Alternatives(List<RegexNode> choices) implements RegexNode {}

    /** A part several times; {@code max} is {@link #UNBOUNDED} if there is no limit. */
    record Repeat(RegexNode body, int min, int max, Kind kind) implements RegexNode {}

    /** A part whose first match is not given up. */
    record Atomic(RegexNode body) implements RegexNode {}

    /** A condition on what follows. */
    record LookAhead(RegexNode body, boolean negative) implements RegexNode {}

    /** A condition on what precedes. */
    record LookBehind(RegexNode body, boolean negative) implements RegexNode {}

    /** A condition on the place. */
    record At(Place place) implements RegexNode {}

    /** No limit. */
    int UNBOUNDED = Integer.MAX_VALUE;

    /** {@return the least number of characters that it matches} */
    default int least() {
        return switch (this) {
            case Literal l -> 1;
            case OneOf o -> 1;
            case Sequence s -> s.parts.stream().mapToInt(RegexNode::least).reduce(0, RegexNode::sum);
            case Alternatives a -> a.choices.stream().mapToInt(RegexNode::least).min().orElse(0);
            case Repeat r -> product(r.body.least(), r.min);
            case Atomic a -> a.body.least();
            case LookAhead l -> 0;
            case LookBehind l -> 0;
            case At a -> 0;
        };
    }

    /** {@return the largest number of characters that it matches, or {@link #UNBOUNDED}} */
    default int most() {
        return switch (this) {
            case Literal l -> 1;
            case OneOf o -> 1;
            case Sequence s -> s.parts.stream().mapToInt(RegexNode::most).reduce(0, RegexNode::sum);
            case Alternatives a -> a.choices.stream().mapToInt(RegexNode::most).max().orElse(0);
            case Repeat r -> product(r.body.most(), r.max);
            case Atomic a -> a.body.most();
            case LookAhead l -> 0;
            case LookBehind l -> 0;
            case At a -> 0;
        };
    }

    /** {@return the characters that it can begin with, or null if it can match none or that is not known} */
    default @Nullable CodePointSet first() {
        return switch (this) {
            case Literal l -> CodePointSet.single(l.codePoint);
            case OneOf o -> o.set;
            case Sequence s -> firstOf(s.parts);
            case Alternatives a -> {
                CodePointSet all = null;
                for (RegexNode choice : a.choices) {
                    CodePointSet set = choice.first();
                    if (set == null) {
                        yield null;
                    }
                    all = all == null ? set : all.or(set);
                }
                yield all;
            }
            case Repeat r -> r.min == 0 ? null : r.body.first();
            case Atomic a -> a.body.first();
            case LookAhead l -> null;
            case LookBehind l -> null;
            case At a -> null;
        };
    }

    private static @Nullable CodePointSet firstOf(List<RegexNode> parts) {
        CodePointSet all = null;
        for (RegexNode part : parts) {
            CodePointSet set = part instanceof Repeat repeat ? repeat.body.first() : part.first();
            if (set == null) {
                return null;
            }
            all = all == null ? set : all.or(set);
            if (part.least() > 0) {
                return all;
            }
        }
        return null;
    }

    private static int sum(int a, int b) {
        return (int) Math.min(UNBOUNDED, (long) a + b);
    }

    private static int product(int a, int b) {
        return (int) Math.min(UNBOUNDED, (long) a * b);
    }
}
