package org.sae4j.core.internal.tokenizer.regex;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.tokenizer.regex.RegexNode.Place;

/**
 * Finds the matches of a regular expression in a part of a text, one after the other. Choices that are left are kept on a stack of its own,
 * not of the thread. Ways that have failed are remembered once a search becomes long, so that patterns like {@code (a+)+b} take time in
 * proportion to the text; what is slow all the same ends with an exception. An interrupt ends a search as well.
 */
public final class RegexSearch {
    private static final int FRAME = 3;
    /** After so many steps back, ways that failed are remembered. */
    private static final int PATIENCE = 2_000;
    private static final int CHECK = 1 << 16;
    /** Runs up to this length are not worth remembering. */
    private static final int SHORT = 16;
    private static final long MOST_BITS = 1L << 30;

    private final Regex regex;
    private final RegexProgram program;
    private final int[] code;
    private final String text;
    private final int from;
    private final int to;
    private final long limit;
    private long steps;
    private long checked;

    private int[] stack = new int[32 * FRAME];
    private int used;
    private int returns;

    /** For each span the run of characters whose beginning is known to fail with all its ends. */
    private final int[] failedFrom;
    private final int[] failedTo;
    /** For each span the run of characters that was found last. */
    private final int[] runFrom;
    private final int[] runTo;
    private long[] failed = {};
    private int touchedFrom;
    private int touchedTo;

    private int start;
    private int end;
    private int searchFrom;
    private int lastEnd = -1;

    RegexSearch(Regex regex, String text, int from, int to) {
        this.regex = regex;
        this.program = regex.program();
        this.code = program.code;
        this.text = text;
        this.from = from;
        this.to = to;
        limit = 50_000_000L + 100L * (to - from);
        failedFrom = new int[program.spans];
        failedTo = new int[program.spans];
        runFrom = new int[program.spans];
        runTo = new int[program.spans];
        searchFrom = from;
        forget();
    }

    /** {@return where the match begins} */
    public int start() {
        return start;
    }

    /** {@return where the match ends} */
    public int end() {
        return end;
    }

    /**
     * Goes on to the next match. An empty one right after another match is passed over.
     *
     * @return whether there is one
     * @throws Sae4jException if the pattern takes too long for this text
     * @throws CancellationException if the thread is interrupted
     */
    public boolean next() {
        while (searchFrom <= to) {
            int found = search(searchFrom);
            if (found < 0) {
                searchFrom = to + 1;
                return false;
            }
            if (end != start || end != lastEnd) {
                lastEnd = end;
                searchFrom = end;
                return true;
            }
            searchFrom = end < to ? end + Character.charCount(text.codePointAt(end)) : to + 1;
        }
        return false;
    }

    private int search(int begin) {
        returns = 0;
        for (int at = begin; at <= to; at += at < to ? Character.charCount(text.codePointAt(at)) : 1) {
            int found = run(0, at, -1, true);
            if (found >= 0) {
                start = at;
                end = found;
                forget();
                return found;
            }
        }
        forget();
        return -1;
    }

    /**
     * Matches from a place.
     *
     * @param address the first instruction
     * @param begin the place
     * @param onlyEnd where the match must end, or -1
     * @param remember whether ways that failed may be remembered: not within a part, which may succeed and be tried again
     * @return where the match ends, or -1
     */
    private int run(int address, int begin, int onlyEnd, boolean remember) {
        int base = used;
        int pc = address;
        int at = begin;
        while (true) {
            if (++steps - checked > CHECK) {
                check();
            }
            boolean ok;
            switch (code[pc]) {
                case RegexProgram.MATCH -> {
                    if (onlyEnd < 0 || at == onlyEnd) {
                        used = base;
                        return at;
                    }
                    ok = false;
                }
                case RegexProgram.LITERAL -> {
                    int c = code[pc + 1];
                    ok = at < to && (c < Character.MIN_SUPPLEMENTARY_CODE_POINT ? text.charAt(at) == c : text.codePointAt(at) == c);
                    at += ok ? Character.charCount(c) : 0;
                    pc += RegexProgram.WIDTH;
                }
                case RegexProgram.ONE_OF -> {
                    int c = at < to ? text.codePointAt(at) : -1;
                    ok = c >= 0 && program.sets[code[pc + 1]].contains(c);
                    at += ok ? Character.charCount(c) : 0;
                    pc += RegexProgram.WIDTH;
                }
                case RegexProgram.JUMP -> {
                    pc = code[pc + 1];
                    ok = true;
                }
                case RegexProgram.CHOICE -> {
                    RegexProgram.Choice choice = program.choices[code[pc + 1]];
                    int ways = choice.allowed(at < to ? text.codePointAt(at) : -1);
                    ok = ways != 0 && !(remember && hasFailed(choice.number() + choice.addresses().length, at));
                    if (ok) {
                        int way = Integer.numberOfTrailingZeros(ways);
                        int others = ways & ways - 1;
                        if (others != 0) {
                            push(pc, at, others);
                        }
                        pc = choice.addresses()[way];
                    }
                }
                case RegexProgram.SPAN -> {
                    boolean unbounded = code[pc + 3] == RegexNode.UNBOUNDED && onlyEnd < 0;
                    int span = code[pc + 4];
                    int runEnd = unbounded && at >= failedFrom[span] && at < failedTo[span] ? -1 : span(pc, at);
                    ok = runEnd >= 0;
                    if (ok) {
                        int least = code[pc + 2] == 0 ? at : code[pc + 2] == 1 ? at + width(at)
                                : text.offsetByCodePoints(at, code[pc + 2]);
                        if (unbounded && runEnd - least > SHORT) {
                            push(~pc, at, runEnd);
                            runEnd = Math.max(least, notFailed(span, runEnd, code[pc + 2]));
                        }
                        if (runEnd > least) {
                            push(pc, runEnd, least);
                        }
                        at = runEnd;
                        pc += RegexProgram.WIDTH;
                    }
                }
                case RegexProgram.POSSESSIVE_SPAN -> {
                    at = span(pc, at);
                    ok = at >= 0;
                    pc += RegexProgram.WIDTH;
                }
                case RegexProgram.LAZY_SPAN -> {
                    int least = code[pc + 2];
                    int reached = at;
                    for (int i = 0; i < least && reached >= 0; i++) {
                        reached = one(program.sets[code[pc + 1]], reached);
                    }
                    ok = reached >= 0;
                    if (ok) {
                        at = reached;
                        push(pc, at, least);
                        pc += RegexProgram.WIDTH;
                    }
                }
                case RegexProgram.LOOK_AHEAD -> {
                    ok = run(program.parts[code[pc + 1]].address(), at, -1, false) >= 0 == (code[pc + 2] == 0);
                    pc += RegexProgram.WIDTH;
                }
                case RegexProgram.LOOK_BEHIND -> {
                    ok = endsHere(program.parts[code[pc + 1]], at) == (code[pc + 2] == 0);
                    pc += RegexProgram.WIDTH;
                }
                case RegexProgram.ATOMIC -> {
                    int reached = run(program.parts[code[pc + 1]].address(), at, -1, false);
                    ok = reached >= 0;
                    at = ok ? reached : at;
                    pc += RegexProgram.WIDTH;
                }
                case RegexProgram.PLACE -> {
                    ok = isAt(Place.values()[code[pc + 1]], at);
                    pc += RegexProgram.WIDTH;
                }
                default -> throw new IllegalStateException("unknown operation " + code[pc]);
            }
            while (!ok) {
                if (used == base) {
                    return -1;
                }
                returns++;
                if (++steps - checked > CHECK) {
                    check();
                }
                used -= FRAME;
                pc = stack[used];
                at = stack[used + 1];
                int rest = stack[used + 2];
                if (pc < 0) {
                    // All ends of a span have failed, and so do those of spans that begin later in the same run.
                    failedFrom[code[~pc + 4]] = at;
                    failedTo[code[~pc + 4]] = rest;
                    continue;
                }
                switch (code[pc]) {
                    case RegexProgram.CHOICE -> {
                        RegexProgram.Choice choice = program.choices[code[pc + 1]];
                        int way = Integer.numberOfTrailingZeros(rest);
                        if ((rest & rest - 1) != 0) {
                            push(pc, at, rest & rest - 1);
                        }
                        ok = !remember || !hasFailed(choice.number() + way, at);
                        pc = choice.addresses()[way];
                    }
                    case RegexProgram.SPAN -> {
                        at -= Character.isLowSurrogate(text.charAt(at - 1)) ? 2 : 1;
                        if (at > rest) {
                            push(pc, at, rest);
                        }
                        ok = !remember || !hasFailed(program.choiceWays() + code[pc + 4], at);
                        pc += RegexProgram.WIDTH;
                    }
                    default -> {
                        at = rest < code[pc + 3] ? one(program.sets[code[pc + 1]], at) : -1;
                        ok = at >= 0;
                        if (ok) {
                            push(pc, at, rest + 1);
                            pc += RegexProgram.WIDTH;
                        }
                    }
                }
            }
        }
    }

    private void push(int pc, int at, int rest) {
        if (used == stack.length) {
            stack = Arrays.copyOf(stack, 2 * used);
        }
        stack[used] = pc;
        stack[used + 1] = at;
        stack[used + 2] = rest;
        used += FRAME;
    }

    /** {@return the last end in a run that may succeed, where the later ones failed from a place further on} */
    private int notFailed(int span, int runEnd, int least) {
        if (failedTo[span] != runEnd || least > 1) {
            return runEnd;
        }
        int place = failedFrom[span];
        return least == 1 ? place : place - (Character.isLowSurrogate(text.charAt(place - 1)) ? 2 : 1);
    }

    private int width(int at) {
        return Character.isHighSurrogate(text.charAt(at)) ? 2 : 1;
    }

    /** {@return the end of the run of characters of a span, or -1 if it is too short} */
    private int span(int pc, int begin) {
        CodePointSet set = program.sets[code[pc + 1]];
        int most = code[pc + 3];
        int span = code[pc + 4];
        boolean whole = most == RegexNode.UNBOUNDED && code[pc + 2] <= 1;
        int at = begin;
        int count = 0;
        while (at < to && count < most) {
            // What was a run before is one now.
            if (whole && at >= runFrom[span] && at < runTo[span]) {
                at = runTo[span];
                count++;
                break;
            }
            char unit = text.charAt(at);
            int c = Character.isHighSurrogate(unit) ? text.codePointAt(at) : unit;
            if (!set.contains(c)) {
                break;
            }
            at += c < Character.MIN_SUPPLEMENTARY_CODE_POINT ? 1 : 2;
            count++;
        }
        steps += count >> 3;
        if (whole && at - begin > SHORT) {
            runFrom[span] = begin;
            runTo[span] = at;
        }
        return count < code[pc + 2] ? -1 : at;
    }

    /** {@return where a character of a set ends, or -1 if there is none} */
    private int one(CodePointSet set, int at) {
        int c = at < to ? text.codePointAt(at) : -1;
        return c >= 0 && set.contains(c) ? at + Character.charCount(c) : -1;
    }

    private boolean endsHere(RegexProgram.Part part, int at) {
        int begin = at;
        for (int i = 0; i < part.least() && begin >= from; i++) {
            begin = begin > from ? text.offsetByCodePoints(begin, -1) : -1;
        }
        for (int length = part.least(); length <= part.most() && begin >= from; length++) {
            if (run(part.address(), begin, at, false) == at) {
                return true;
            }
            begin = begin > from ? text.offsetByCodePoints(begin, -1) : -1;
        }
        return false;
    }

    private boolean isAt(Place place, int at) {
        return switch (place) {
            case TEXT_START -> at == from;
            case TEXT_END -> at == to;
            case TEXT_END_BEFORE_LINE_BREAK -> at == to || at == to - 1 && text.charAt(at) == '\n';
            case LINE_START -> at == from || at < to && text.charAt(at - 1) == '\n';
            case LINE_END -> at == to || text.charAt(at) == '\n';
            case WORD_BOUNDARY -> isWordBoundary(at);
            case NO_WORD_BOUNDARY -> !isWordBoundary(at);
        };
    }

    private boolean isWordBoundary(int at) {
        boolean before = at > from && CodePointProperties.WORD.test(text.codePointBefore(at));
        boolean after = at < to && CodePointProperties.WORD.test(text.codePointAt(at));
        return before != after;
    }

    /** Whether a way has been tried here in this search, which has not ended, so that it failed; it counts as tried from now on. */
    private boolean hasFailed(int way, int at) {
        long bits = (long) (to - from + 1) * program.ways();
        if (returns <= PATIENCE || bits > MOST_BITS) {
            return false;
        }
        if (failed.length == 0) {
            failed = new long[(int) (bits + Long.SIZE - 1 >> 6)];
        }
        int bit = (at - from) * program.ways() + way;
        int word = bit >> 6;
        touchedFrom = Math.min(touchedFrom, word);
        touchedTo = Math.max(touchedTo, word + 1);
        boolean known = (failed[word] >>> bit & 1) != 0;
        failed[word] |= 1L << bit;
        return known;
    }

    private void forget() {
        if (touchedFrom < touchedTo) {
            Arrays.fill(failed, touchedFrom, touchedTo, 0);
        }
        touchedFrom = Integer.MAX_VALUE;
        touchedTo = 0;
    }

    private void check() {
        checked = steps;
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted while a text was split");
        }
        if (steps > limit) {
            throw new Sae4jException("the pattern takes too long for a text of " + (to - from) + " characters", regex.toString(),
                    "split the text, or use a tokenizer with a simpler pattern");
        }
    }
}
