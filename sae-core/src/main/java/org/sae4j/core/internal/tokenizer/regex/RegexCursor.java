package org.sae4j.core.internal.tokenizer.regex;

/** A place in the text of a pattern, which readers of its parts share. */
final class RegexCursor {
    private final String pattern;
    private int at;

    RegexCursor(String pattern) {
        this.pattern = pattern;
    }

    int position() {
        return at;
    }

    void moveTo(int position) {
        at = position;
    }

    boolean more() {
        return at < pattern.length();
    }

    /** {@return the unit that comes next, or -1 at the end} */
    int peek() {
        return more() ? pattern.charAt(at) : -1;
    }

    /** {@return the unit after that which comes next, or -1 if there is none} */
    int peekSecond() {
        return at + 1 < pattern.length() ? pattern.charAt(at + 1) : -1;
    }

    boolean take(String text) {
        if (pattern.startsWith(text, at)) {
            at += text.length();
            return true;
        }
        return false;
    }

    int next() {
        if (!more()) {
            throw error("the pattern ends early");
        }
        int codePoint = pattern.codePointAt(at);
        at += Character.charCount(codePoint);
        return codePoint;
    }

    /** {@return what comes before the next place of a text, which is passed too} */
    String until(String end) {
        int found = pattern.indexOf(end, at);
        if (found < 0) {
            throw error("\"" + end + "\" is missing");
        }
        String before = pattern.substring(at, found);
        at = found + end.length();
        return before;
    }

    boolean comesLater(String text, int offset) {
        return pattern.indexOf(text, at + offset) >= 0;
    }

    String since(int begin) {
        return pattern.substring(begin, at);
    }

    IllegalArgumentException error(String what) {
        return new IllegalArgumentException(what + " (position " + at + ")");
    }
}
