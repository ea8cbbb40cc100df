package org.sae4j.core.internal.tokenizer.regex;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.sae4j.core.internal.tokenizer.regex.RegexNode.Kind;
import org.sae4j.core.internal.tokenizer.regex.RegexNode.Place;

/**
 * Reads Oniguruma's regular expressions with its syntax for Ruby, as Hugging Face's tokenizers use them: {@code ^} and {@code $} match at
 * lines, {@code (?m)} lets the dot match line breaks, {@code \h} is a hexadecimal digit, and {@code {1,3}+} is no possessive quantifier.
 * What would need more than a search without memory of groups (back references, recursion, absent operators) is refused.
 */
final class RegexParser {
    private static final int DEEPEST = 60;
    private static final int MOST_SETS = 500;

    private final RegexCursor in;
    private final Map<String, CodePointSet> sets = new HashMap<>();
    private int depth;
    private boolean ignoreCase;
    private boolean dotAll;
    private boolean extended;

    RegexParser(String pattern) {
        in = new RegexCursor(pattern);
    }

    /**
     * Reads the pattern.
     *
     * @throws IllegalArgumentException if it is malformed or not supported
     */
    RegexNode parse() {
        RegexNode node = alternatives();
        if (in.more()) {
            throw in.error("unmatched ')'");
        }
        return node;
    }

    private RegexNode alternatives() {
        if (++depth > DEEPEST) {
            throw in.error("groups are nested too deep");
        }
        List<RegexNode> choices = new ArrayList<>();
        do {
            choices.add(sequence());
        } while (in.take("|"));
        depth--;
        return choices.size() == 1 ? choices.getFirst() : new RegexNode.Alternatives(List.copyOf(choices));
    }

    private RegexNode sequence() {
        List<RegexNode> parts = new ArrayList<>();
        StringBuilder folded = new StringBuilder();
        while (in.more() && in.peek() != '|' && in.peek() != ')') {
            if (extended && skipped()) {
                continue;
            }
            int letter = in.peek() == '\\' || in.peek() == '[' || in.peek() == '.' ? -1 : in.peek();
            RegexNode atom = atom();
            refuseFoldedSequences(folded, atom, letter);
            parts.add(quantified(atom));
        }
        return parts.size() == 1 ? parts.getFirst() : new RegexNode.Sequence(List.copyOf(parts));
    }

    /** White space and comments of (?x). */
    private boolean skipped() {
        int c = in.peek();
        if (c == '#') {
            while (in.more() && in.peek() != '\n') {
                in.next();
            }
            return true;
        }
        if (c == ' ' || c >= '\t' && c <= '\r') {
            in.next();
            return true;
        }
        return false;
    }

    /** Without regard to case "ss" is also one character, the sharp s. */
    private void refuseFoldedSequences(StringBuilder folded, RegexNode atom, int letter) {
        if (!ignoreCase || letter < 0 || !(atom instanceof RegexNode.OneOf || atom instanceof RegexNode.Literal)) {
            folded.setLength(0);
            return;
        }
        folded.appendCodePoint(CaseFolding.fold(letter));
        if (CaseFolding.endsWithFoldedCharacter(folded)) {
            throw in.error("letters that are one character in another case are not supported in (?i)");
        }
    }

    private RegexNode quantified(RegexNode atom) {
        RegexNode node = atom;
        while (in.more()) {
            int begin = in.position();
            int c = in.peek();
            if (c == '*' || c == '+' || c == '?') {
                in.next();
                Kind kind = in.take("?") ? Kind.LAZY : in.take("+") ? Kind.POSSESSIVE : Kind.GREEDY;
                node = repeat(node, c == '+' ? 1 : 0, c == '?' ? 1 : RegexNode.UNBOUNDED, kind);
            } else if (c == '{') {
                int[] range = interval();
                if (range.length == 0) {
                    in.moveTo(begin);
                    return node;
                }
                boolean lazy = in.take("?");
                if (lazy && range[0] == range[1]) {
                    node = repeat(repeat(node, range[0], range[1], Kind.GREEDY), 0, 1, Kind.GREEDY);
                } else {
                    node = repeat(node, range[0], range[1], lazy ? Kind.LAZY : Kind.GREEDY);
                }
            } else {
                return node;
            }
        }
        return node;
    }

    private RegexNode repeat(RegexNode body, int min, int max, Kind kind) {
        if (body instanceof RegexNode.At || body instanceof RegexNode.LookAhead || body instanceof RegexNode.LookBehind) {
            throw in.error("a condition cannot be repeated");
        }
        if (max == RegexNode.UNBOUNDED && body.least() == 0) {
            throw in.error("repeating without limit what can be empty is not supported");
        }
        return new RegexNode.Repeat(body, min, max, kind);
    }

    /** Least and largest count, or nothing if the brace stands for itself. */
    private int[] interval() {
        in.next();
        int low = number();
        int high = low;
        if (in.take(",")) {
            high = number();
            if (low < 0 && high < 0) {
                return new int[0];
            }
            low = Math.max(low, 0);
            high = high < 0 ? RegexNode.UNBOUNDED : high;
        }
        if (low < 0 || !in.take("}")) {
            return new int[0];
        }
        if (high < low) {
            throw in.error("the limits of a repetition are reversed");
        }
        return new int[] {low, high};
    }

    private int number() {
        int begin = in.position();
        while (in.peek() >= '0' && in.peek() <= '9') {
            in.next();
        }
        String digits = in.since(begin);
        if (digits.length() > 5) {
            throw in.error("the number of a repetition is too large");
        }
        return digits.isEmpty() ? -1 : Integer.parseInt(digits);
    }

    private RegexNode atom() {
        int c = in.next();
        return switch (c) {
            case '(' -> group();
            case '[' -> oneOf("[" + in.position(), new RegexClass(in, ignoreCase).bracket());
            case '.' -> dotAll ? oneOf("(?m:.)", any -> true) : oneOf(".", any -> any != '\n');
            case '^' -> new RegexNode.At(Place.LINE_START);
            case '$' -> new RegexNode.At(Place.LINE_END);
            case '\\' -> escape();
            case '*', '+', '?' -> throw in.error("nothing precedes '" + (char) c + "'");
            default -> literal(c);
        };
    }

    private RegexNode literal(int c) {
        if (ignoreCase && CaseFolding.hasOtherCases(c)) {
            return oneOf("(?i)" + c, CaseFolding.anyCase(only -> only == c));
        }
        return new RegexNode.Literal(c);
    }

    private RegexNode oneOf(String key, IntPredicate predicate) {
        if (sets.size() >= MOST_SETS) {
            throw in.error("the pattern has too many sets of characters");
        }
        return new RegexNode.OneOf(sets.computeIfAbsent(key, _ -> new CodePointSet(predicate)));
    }

    private RegexNode group() {
        if (!in.take("?")) {
            return closed(alternatives());
        }
        if (in.take(":")) {
            return scoped();
        }
        if (in.take("=")) {
            return new RegexNode.LookAhead(scoped(), false);
        }
        if (in.take("!")) {
            return new RegexNode.LookAhead(scoped(), true);
        }
        if (in.take(">")) {
            return new RegexNode.Atomic(scoped());
        }
        if (in.take("<=")) {
            return behind(false);
        }
        if (in.take("<!")) {
            return behind(true);
        }
        if (in.take("#")) {
            in.until(")");
            return new RegexNode.Sequence(List.of());
        }
        if (in.take("<")) {
            in.until(">");
            return scoped();
        }
        if (in.take("'")) {
            in.until("'");
            return scoped();
        }
        return options();
    }

    private RegexNode behind(boolean negative) {
        RegexNode body = scoped();
        if (body.most() == RegexNode.UNBOUNDED) {
            throw in.error("a look-behind without limit is not supported");
        }
        return new RegexNode.LookBehind(body, negative);
    }

    private RegexNode scoped() {
        boolean i = ignoreCase;
        boolean m = dotAll;
        boolean x = extended;
        RegexNode node = closed(alternatives());
        ignoreCase = i;
        dotAll = m;
        extended = x;
        return node;
    }

    private RegexNode closed(RegexNode node) {
        if (!in.take(")")) {
            throw in.error("a group does not end");
        }
        return node;
    }

    private RegexNode options() {
        boolean i = ignoreCase;
        boolean m = dotAll;
        boolean x = extended;
        boolean on = true;
        while (true) {
            int c = in.next();
            switch (c) {
                case '-' -> on = false;
                case 'i' -> ignoreCase = on;
                case 'm' -> dotAll = on;
                case 'x' -> extended = on;
                case ':' -> {
                    RegexNode node = closed(alternatives());
                    ignoreCase = i;
                    dotAll = m;
                    extended = x;
                    return node;
                }
                // Options that stand alone hold to the end of the group, across its alternatives.
                case ')' -> {
                    RegexNode rest = alternatives();
                    ignoreCase = i;
                    dotAll = m;
                    extended = x;
                    return rest;
                }
                default -> throw in.error("the group (?" + Character.toString(c) + " is not supported");
            }
        }
    }

    private RegexNode escape() {
        int begin = in.position();
        int c = in.next();
        switch (c) {
            case 'b':
                return new RegexNode.At(Place.WORD_BOUNDARY);
            case 'B':
                return new RegexNode.At(Place.NO_WORD_BOUNDARY);
            case 'A':
                return new RegexNode.At(Place.TEXT_START);
            case 'Z':
                return new RegexNode.At(Place.TEXT_END_BEFORE_LINE_BREAK);
            case 'z':
                return new RegexNode.At(Place.TEXT_END);
            case 'R':
                return new RegexNode.Atomic(new RegexNode.Alternatives(List.of(
                        new RegexNode.Sequence(List.of(new RegexNode.Literal('\r'), new RegexNode.Literal('\n'))),
                        oneOf("\\R", CodePointProperties.LINE_BREAK))));
            default:
                in.moveTo(begin);
                RegexClass reader = new RegexClass(in, ignoreCase);
                IntPredicate predicate = reader.escaped(false);
                return predicate == null ? literal(reader.character()) : oneOf("\\" + in.since(begin) + ignoreCase, predicate);
        }
    }
}
