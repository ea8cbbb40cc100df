package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/** What Python does with strings. */
final class Strings {
    private Strings() {}

    /** Python's {@code str.isspace}. */
    static boolean isSpace(int c) {
        return c >= 0x09 && c <= 0x0D || c >= 0x1C && c <= 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || c >= 0x2000 && c <= 0x200A
                || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
    }

    static String rightStripped(String text) {
        return stripped(text, false, true, Strings::isSpace);
    }

    static String stripped(String text, boolean left, boolean right, IntPredicate drop) {
        int from = 0;
        int to = text.length();
        while (left && from < to && drop.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && to > from && drop.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    /** Words between white space, the last one with the rest once {@code most} splits are made. */
    static List<Object> words(String text, long most) {
        List<Object> words = new ArrayList<>();
        String rest = stripped(text, true, false, Strings::isSpace);
        while (!rest.isEmpty()) {
            int end = 0;
            while (end < rest.length() && !isSpace(rest.codePointAt(end))) {
                end += Character.charCount(rest.codePointAt(end));
            }
            if (most >= 0 && words.size() == most) {
                words.add(rightStripped(rest));
                return words;
            }
            words.add(rest.substring(0, end));
            rest = stripped(rest.substring(end), true, false, Strings::isSpace);
        }
        return words;
    }

    /** Parts between separators. */
    static List<Object> split(String text, String separator, long most) {
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int i = text.indexOf(separator); i >= 0 && (most < 0 || parts.size() < most); i = text.indexOf(separator, from)) {
            parts.add(text.substring(from, i));
            from = i + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    /** As {@link #split}, from the right. */
    static List<Object> splitFromRight(String text, String separator, long most) {
        List<Object> parts = new ArrayList<>();
        int to = text.length();
        int i = text.lastIndexOf(separator);
        while (i >= 0 && (most < 0 || parts.size() < most)) {
            parts.addFirst(text.substring(i + separator.length(), to));
            to = i;
            i = to == 0 ? -1 : text.lastIndexOf(separator, to - separator.length());
        }
        parts.addFirst(text.substring(0, to));
        return parts;
    }

    static List<String> lines(String text) {
        List<String> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x0A && c <= 0x0D || c >= 0x1C && c <= 0x1E || c == 0x85 || c == 0x2028 || c == 0x2029) {
                lines.add(text.substring(from, i));
                i += c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? 1 : 0;
                from = i + 1;
            }
        }
        if (from < text.length()) {
            lines.add(text.substring(from));
        }
        return lines;
    }

    static String capitalized(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        int size = Character.charCount(first);
        return new String(Character.toChars(Character.toTitleCase(first))) + text.substring(size).toLowerCase(java.util.Locale.ROOT);
    }

    /** Python's {@code title}: every letter after a character that is none is a capital. */
    static String titled(String text) {
        StringBuilder titled = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            titled.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return titled.toString();
    }

    static String replaced(String text, String old, String fresh, long count) {
        if (old.isEmpty()) {
            throw new IllegalArgumentException("replace needs a text to look for");
        }
        StringBuilder out = new StringBuilder();
        int from = 0;
        long left = count < 0 ? Long.MAX_VALUE : count;
        for (int i = text.indexOf(old); i >= 0 && left-- > 0; i = text.indexOf(old, from)) {
            out.append(text, from, i).append(fresh);
            from = i + old.length();
        }
        return out.append(text, from, text.length()).toString();
    }
}
