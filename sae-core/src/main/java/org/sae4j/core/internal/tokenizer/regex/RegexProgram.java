package org.sae4j.core.internal.tokenizer.regex;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.tokenizer.regex.RegexNode.Kind;

/** A regular expression as instructions of a machine that goes back to earlier choices, see {@link RegexSearch}. */
final class RegexProgram {
    /** The end of a match. */
    static final int MATCH = 0;
    /** One character: the code point. */
    static final int LITERAL = 1;
    /** One character of a set: its index. */
    static final int ONE_OF = 2;
    /** Go on elsewhere: the address. */
    static final int JUMP = 3;
    /** Several ways, the first that succeeds: index of the choice. */
    static final int CHOICE = 4;
    /** Characters of a set, as many as possible: index of the set, least, most, index among the spans. */
    static final int SPAN = 5;
    /** As few as possible: operands as those of a span. */
    static final int LAZY_SPAN = 6;
    /** As many as possible, never fewer: operands as those of a span. */
    static final int POSSESSIVE_SPAN = 7;
    /** A condition on what follows: index of the part, 1 if it must not match. */
    static final int LOOK_AHEAD = 8;
    /** A condition on what precedes: index of the part, 1 if it must not match. */
    static final int LOOK_BEHIND = 9;
    /** A part whose first match holds: its index. */
    static final int ATOMIC = 10;
    /** A condition on the place: its ordinal. */
    static final int PLACE = 11;
    /** Instructions have an operation and up to four operands. */
    static final int WIDTH = 5;

    private static final int MOST_INSTRUCTIONS = 20_000;
    private static final int MOST_CHOICES = 30;

    /**
     * Several ways to go on.
     *
     * @param number a number for the first way; each has another number, and so has the choice as a whole, after them
     * @param addresses where they begin, the preferred one first
     * @param first the characters that each can begin with, null where that is not known
     * @param ascii for each ASCII character the ways that it allows, as bits
     * @param always the ways that are allowed whatever follows
     */
    record Choice(int number, int[] addresses, @Nullable CodePointSet[] first, int[] ascii, int always) {
        int allowed(int codePoint) {
            if (codePoint < 0) {
                return always;
            }
            if (codePoint < ascii.length) {
                return ascii[codePoint];
            }
            int ways = always;
            for (int i = 0; i < first.length; i++) {
                CodePointSet set = first[i];
                if (set != null && set.contains(codePoint)) {
                    ways |= 1 << i;
                }
            }
            return ways;
        }
    }

    /**
     * A part that is matched for itself.
     *
     * @param address where it begins
     * @param least the least number of characters
     * @param most the largest number of characters
     */
    record Part(int address, int least, int most) {}

    final int[] code;
    final CodePointSet[] sets;
    final Choice[] choices;
    final Part[] parts;
    final int spans;
    private final int choiceWays;

    private RegexProgram(Compiler compiler) {
        code = Arrays.copyOf(compiler.code, compiler.length);
        sets = compiler.sets.toArray(CodePointSet[]::new);
        choices = compiler.choices.toArray(Choice[]::new);
        parts = compiler.parts.toArray(Part[]::new);
        spans = compiler.spans;
        choiceWays = compiler.ways;
    }

    /** {@return the number of ways of all choices; the spans are numbered after them} */
    int choiceWays() {
        return choiceWays;
    }

    /** {@return the number of ways in which a search can go on after a step back} */
    int ways() {
        return choiceWays + spans;
    }

    /**
     * Makes the instructions.
     *
     * @throws IllegalArgumentException if there are too many
     */
    static RegexProgram of(RegexNode node) {
        Compiler compiler = new Compiler();
        compiler.add(node);
        compiler.emit(MATCH);
        for (int i = 0; i < compiler.parts.size(); i++) {
            RegexNode body = compiler.bodies.get(i);
            compiler.parts.set(i, new Part(compiler.length, body.least(), body.most()));
            compiler.add(body);
            compiler.emit(MATCH);
        }
        return new RegexProgram(compiler);
    }

    private static final class Compiler {
        private int[] code = new int[64 * WIDTH];
        private int length;
        private int spans;
        private int ways;
        private final List<CodePointSet> sets = new ArrayList<>();
        private final List<Choice> choices = new ArrayList<>();
        private final List<Part> parts = new ArrayList<>();
        private final List<RegexNode> bodies = new ArrayList<>();

        int emit(int operation, int... operands) {
            if (length >= MOST_INSTRUCTIONS * WIDTH) {
                throw new IllegalArgumentException("the pattern is too large");
            }
            if (length == code.length) {
                code = Arrays.copyOf(code, 2 * length);
            }
            int at = length;
            code[at] = operation;
            System.arraycopy(operands, 0, code, at + 1, operands.length);
            length += WIDTH;
            return at;
        }

        void add(RegexNode node) {
            switch (node) {
                case RegexNode.Literal literal -> emit(LITERAL, literal.codePoint());
                case RegexNode.OneOf oneOf -> emit(ONE_OF, set(oneOf.set()));
                case RegexNode.Sequence sequence -> sequence.parts().forEach(this::add);
                case RegexNode.Alternatives alternatives -> alternatives(alternatives.choices());
                case RegexNode.Repeat repeat -> repeat(repeat);
                case RegexNode.Atomic atomic -> emit(ATOMIC, part(atomic.body()));
                case RegexNode.LookAhead look -> emit(LOOK_AHEAD, part(look.body()), look.negative() ? 1 : 0);
                case RegexNode.LookBehind look -> emit(LOOK_BEHIND, part(look.body()), look.negative() ? 1 : 0);
                case RegexNode.At at -> emit(PLACE, at.place().ordinal());
            }
        }

        private int set(CodePointSet set) {
            int known = sets.indexOf(set);
            if (known >= 0) {
                return known;
            }
            sets.add(set);
            return sets.size() - 1;
        }

        private int part(RegexNode body) {
            bodies.add(body);
            parts.add(new Part(0, 0, 0));
            return parts.size() - 1;
        }

        private void alternatives(List<RegexNode> nodes) {
            if (nodes.size() > MOST_CHOICES) {
                List<RegexNode> head = new ArrayList<>(nodes.subList(0, MOST_CHOICES - 1));
                head.add(new RegexNode.Alternatives(nodes.subList(MOST_CHOICES - 1, nodes.size())));
                alternatives(head);
                return;
            }
            int choice = emit(CHOICE);
            int[] addresses = new int[nodes.size()];
            int[] jumps = new int[nodes.size()];
            for (int i = 0; i < addresses.length; i++) {
                addresses[i] = length;
                add(nodes.get(i));
                jumps[i] = emit(JUMP);
            }
            for (int jump : jumps) {
                code[jump + 1] = length;
            }
            code[choice + 1] = choice(addresses, nodes.stream().map(RegexNode::first).toArray(CodePointSet[]::new));
        }

        private int choice(int[] addresses, @Nullable CodePointSet[] first) {
            int[] ascii = new int[128];
            int always = 0;
            for (int i = 0; i < first.length; i++) {
                CodePointSet set = first[i];
                always |= set == null ? 1 << i : 0;
                for (int c = 0; c < ascii.length; c++) {
                    ascii[c] |= set == null || set.contains(c) ? 1 << i : 0;
                }
            }
            choices.add(new Choice(ways, addresses, first, ascii, always));
            ways += addresses.length + 1;
            return choices.size() - 1;
        }

        private void repeat(RegexNode.Repeat repeat) {
            CodePointSet single = single(repeat.body());
            if (single != null) {
                int operation = switch (repeat.kind()) {
                    case GREEDY -> SPAN;
                    case LAZY -> LAZY_SPAN;
                    case POSSESSIVE -> POSSESSIVE_SPAN;
                };
                emit(operation, set(single), repeat.min(), repeat.max(), spans++);
            } else if (repeat.kind() == Kind.POSSESSIVE) {
                add(new RegexNode.Atomic(new RegexNode.Repeat(repeat.body(), repeat.min(), repeat.max(), Kind.GREEDY)));
            } else {
                copies(repeat);
            }
        }

        private void copies(RegexNode.Repeat repeat) {
            for (int i = 0; i < repeat.min(); i++) {
                add(repeat.body());
            }
            boolean lazy = repeat.kind() == Kind.LAZY;
            if (repeat.max() == RegexNode.UNBOUNDED) {
                int choice = emit(CHOICE);
                add(repeat.body());
                emit(JUMP, choice);
                onOrOut(choice, repeat.body(), lazy);
                return;
            }
            List<Integer> open = new ArrayList<>();
            for (int i = repeat.min(); i < repeat.max(); i++) {
                open.add(emit(CHOICE));
                add(repeat.body());
            }
            open.forEach(choice -> onOrOut(choice, repeat.body(), lazy));
        }

        /** The choice between another repetition, which begins after it, and what comes here. */
        private void onOrOut(int choice, RegexNode body, boolean lazy) {
            int on = choice + WIDTH;
            CodePointSet first = body.first();
            code[choice + 1] = lazy ? choice(new int[] {length, on}, new @Nullable CodePointSet[] {null, first})
                    : choice(new int[] {on, length}, new @Nullable CodePointSet[] {first, null});
        }

        /** {@return the set of a part that is always one character, or null} */
        private static @Nullable CodePointSet single(RegexNode node) {
            return switch (node) {
                case RegexNode.Literal literal -> CodePointSet.single(literal.codePoint());
                case RegexNode.OneOf oneOf -> oneOf.set();
                case RegexNode.Sequence sequence when sequence.parts().size() == 1 -> single(sequence.parts().getFirst());
                case RegexNode.Alternatives alternatives when alternatives.choices().stream().allMatch(c -> single(c) != null) ->
                    alternatives.first();
                default -> null;
            };
        }
    }
}
