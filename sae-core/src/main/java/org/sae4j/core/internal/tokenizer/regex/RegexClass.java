package org.sae4j.core.internal.tokenizer.regex;

import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Reads sets of characters: brackets with ranges, negation, nesting and intersection, and escapes that stand for a set. */
final class RegexClass {
    private static final int DEEPEST = 20;
    private static final IntPredicate NONE = c -> false;

    private final RegexCursor in;
    private final boolean ignoreCase;
    private int character = -1;
    private int depth;

    RegexClass(RegexCursor in, boolean ignoreCase) {
        this.in = in;
        this.ignoreCase = ignoreCase;
    }

    /** {@return the character that the last escape stands for, where it stands for no set} */
    int character() {
        return character;
    }

    /** {@return the set after an opening bracket} */
    IntPredicate bracket() {
        if (++depth > DEEPEST) {
            throw in.error("sets are nested too deep");
        }
        boolean negated = in.take("^");
        if (in.peek() == ']' && !in.comesLater("]", 1)) {
            throw in.error("a set is empty");
        }
        IntPredicate left = null;
        IntPredicate set = NONE;
        boolean first = true;
        while (first || in.peek() != ']') {
            first = false;
            if (in.take("&&")) {
                left = left == null ? set : left.and(set);
                set = NONE;
                continue;
            }
            set = set.or(item());
        }
        in.next();
        depth--;
        IntPredicate whole = left == null ? set : left.and(set);
        return negated ? whole.negate() : whole;
    }

    private IntPredicate item() {
        int c = in.next();
        if (c == '[') {
            if (in.peek() == ':' && in.comesLater(":]", 1)) {
                in.next();
                boolean not = in.take("^");
                IntPredicate set = posix(in.until(":]"));
                return cased(not ? set.negate() : set);
            }
            return bracket();
        }
        int low = c;
        if (c == '\\') {
            IntPredicate set = escaped(true);
            if (set != null) {
                return set;
            }
            low = character;
        }
        if (in.peek() == '-' && in.peekSecond() >= 0 && in.peekSecond() != ']') {
            in.next();
            int high = in.next();
            if (high == '\\') {
                if (escaped(true) != null) {
                    throw in.error("a set ends a range");
                }
                high = character;
            } else if (high == '[') {
                throw in.error("a set ends a range");
            }
            if (high < low) {
                throw in.error("a range is reversed");
            }
            int from = low;
            int to = high;
            return explicit(p -> p >= from && p <= to);
        }
        int only = low;
        return explicit(p -> p == only);
    }

    /** Characters that are named one by one: in another case they may be two. */
    private IntPredicate explicit(IntPredicate set) {
        if (ignoreCase && CaseFolding.foldsToSeveral(set)) {
            throw in.error("characters that are several in another case are not supported in (?i)");
        }
        return cased(set);
    }

    private IntPredicate cased(IntPredicate set) {
        return ignoreCase ? CaseFolding.anyCase(set) : set;
    }

    private IntPredicate posix(String name) {
        try {
            return CodePointProperties.posix(name);
        } catch (IllegalArgumentException e) {
            throw in.error(String.valueOf(e.getMessage()));
        }
    }

    /** {@return the set that an escape stands for, or null if it stands for {@link #character()}; the backslash is read} */
    @Nullable IntPredicate escaped(boolean inBracket) {
        int c = in.next();
        switch (c) {
            case 'd':
                return CodePointProperties.DIGIT;
            case 'D':
                return CodePointProperties.DIGIT.negate();
            case 's':
                return CodePointProperties.WHITE_SPACE;
            case 'S':
                return CodePointProperties.WHITE_SPACE.negate();
            case 'w':
                return word(inBracket);
            case 'W':
                return word(inBracket).negate();
            case 'h':
                return CodePointProperties.HEX_DIGIT;
            case 'H':
                return CodePointProperties.HEX_DIGIT.negate();
            case 'p', 'P':
                return property(inBracket, c == 'P');
            case 't':
                character = '\t';
                return null;
            case 'n':
                character = '\n';
                return null;
            case 'r':
                character = '\r';
                return null;
            case 'f':
                character = '\f';
                return null;
            case 'v':
                character = 0x0b;
                return null;
            case 'a':
                character = 0x07;
                return null;
            case 'e':
                character = 0x1b;
                return null;
            case 'x':
                character = hexadecimal();
                return null;
            case 'u':
                character = digits(16, 4, 4);
                return null;
            case '0':
                in.moveTo(in.position() - 1);
                character = digits(8, 1, 3);
                return null;
            default:
                if (inBracket && c == 'b') {
                    character = '\b';
                    return null;
                }
                if (c < 0x80 && Character.isLetterOrDigit(c)) {
                    throw in.error("\\" + (char) c + " is not supported");
                }
                character = c;
                return null;
        }
    }

    private static IntPredicate word(boolean inBracket) {
        return inBracket ? CodePointProperties.posix("word") : CodePointProperties.WORD;
    }

    private IntPredicate property(boolean inBracket, boolean negated) {
        if (!in.take("{")) {
            throw in.error("a property is not in braces");
        }
        boolean not = in.take("^");
        String name = in.until("}");
        try {
            IntPredicate known = CodePointProperties.named(name);
            IntPredicate set = cased(known == CodePointProperties.WORD ? word(inBracket) : known);
            return negated != not ? set.negate() : set;
        } catch (IllegalArgumentException e) {
            throw in.error(String.valueOf(e.getMessage()));
        }
    }

    private int hexadecimal() {
        if (in.take("{")) {
            int value = digits(16, 1, 8);
            if (in.next() != '}') {
                throw in.error("a code point does not end");
            }
            return value;
        }
        return digits(16, 1, 2);
    }

    private int digits(int radix, int least, int most) {
        int begin = in.position();
        while (in.position() - begin < most && in.peek() >= 0 && in.peek() < 0x80 && Character.digit(in.peek(), radix) >= 0) {
            in.next();
        }
        String digits = in.since(begin);
        if (digits.length() < least) {
            throw in.error("a code point has too few digits");
        }
        long value = Long.parseLong(digits, radix);
        if (value > Character.MAX_CODE_POINT || radix == 16 && most == 2 && value > 0x7f) {
            throw in.error("the code point is not supported");
        }
        return (int) value;
    }
}
