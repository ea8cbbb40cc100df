package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.core.format.FormatException;

/**
 * Cuts a template into tokens, as Jinja does with {@code trim_blocks} and {@code lstrip_blocks}: the line break after a statement is dropped,
 * and so are the spaces before one that begins a line; a minus sign drops all white space on its side.
 */
final class Lexer {
    private static final int LONGEST = 1 << 20;
    private static final Set<String> LONG_OPERATORS = Set.of("==", "!=", "<=", ">=", "//", "**");
    private static final String OPERATORS = "+-*/%~()[]{}<>=.:|,;";
    private static final Pattern NUMBER = Pattern.compile("[0-9][0-9_]*(\\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?");
    private static final String END_OF_RAW = "endraw";

    private final String where;
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    /** Whether what came before ended with a line break. */
    private boolean atLineStart = true;

    private Lexer(String where, String source) {
        this.where = where;
        this.source = source;
    }

    static List<Token> tokens(String where, String source) {
        if (source.length() > LONGEST) {
            throw new FormatException("the chat template has " + source.length() + " characters, more than " + LONGEST, where,
                    "use another template");
        }
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        Lexer lexer = new Lexer(where, text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        lexer.run();
        return List.copyOf(lexer.tokens);
    }

    private FormatException fault(String what) {
        return new FormatException("the chat template is broken: " + what, where + ", line " + line, "correct it");
    }

    private void add(Token.Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private void run() {
        while (at < source.length()) {
            int open = nextTag(at);
            char sort = open < source.length() ? source.charAt(open + 1) : 0;
            char sign = open + 2 < source.length() ? source.charAt(open + 2) : 0;
            text(source.substring(at, open), sort, sign);
            if (open == source.length()) {
                break;
            }
            at = open + 2;
            boolean signed = sign == '-' || sign == '+' && sort != '{';
            if (sort == '#') {
                comment();
            } else if (!raw()) {
                at += signed ? 1 : 0;
                add(sort == '%' ? Token.Kind.OPEN : Token.Kind.OPEN_OUTPUT, "");
                atLineStart = false;
                inside(sort == '%');
            }
        }
        add(Token.Kind.END, "end of the template");
    }

    private int nextTag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            if ("{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return source.length();
    }

    /** Text before a tag: {@code sort} is the second character of what opens the tag, 0 at the end. */
    private void text(String text, char sort, char sign) {
        String kept = text;
        if (sort != 0 && sign == '-') {
            kept = Strings.rightStripped(text);
        } else if (sort != 0 && sort != '{' && sign != '+') {
            int start = text.lastIndexOf('\n') + 1;
            if ((start > 0 || atLineStart) && start < text.length() && text.substring(start).codePoints().allMatch(Strings::isSpace)) {
                kept = text.substring(0, start);
            }
        }
        if (!kept.isEmpty()) {
            add(Token.Kind.TEXT, kept);
        }
        countLines(text);
    }

    private void countLines(String passed) {
        line += (int) passed.chars().filter(c -> c == '\n').count();
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw fault("a comment does not end");
        }
        char sign = end > at ? source.charAt(end - 1) : 0;
        countLines(source.substring(at, end));
        at = end + 2;
        afterTag(sign, true);
    }

    /** What a tag's end takes with it. */
    private void afterTag(char sign, boolean statement) {
        int from = at;
        if (sign == '-') {
            while (at < source.length() && Strings.isSpace(source.codePointAt(at))) {
                at += Character.charCount(source.codePointAt(at));
            }
        } else if (statement && sign != '+' && at < source.length() && source.charAt(at) == '\n') {
            at++;
        }
        atLineStart = at > from && source.charAt(at - 1) == '\n';
        countLines(source.substring(from, at));
    }

    /** {@code {% raw %}}: what follows is text up to its end. */
    private boolean raw() {
        int i = skipSpace(source.startsWith("-", at) || source.startsWith("+", at) ? at + 1 : at);
        if (source.charAt(at - 1) != '%' || !source.startsWith("raw", i)) {
            return false;
        }
        int close = skipSpace(i + 3);
        boolean minus = source.startsWith("-", close);
        if (!source.startsWith("%}", minus ? close + 1 : close)) {
            return false;
        }
        at = close + (minus ? 3 : 2);
        afterTag(minus ? '-' : 0, false);
        for (int open = source.indexOf("{%", at); open >= 0; open = source.indexOf("{%", open + 2)) {
            char sign = open + 2 < source.length() ? source.charAt(open + 2) : 0;
            int word = skipSpace(sign == '-' || sign == '+' ? open + 3 : open + 2);
            int end = word + END_OF_RAW.length();
            if (source.startsWith(END_OF_RAW, word)) {
                end = skipSpace(end);
                char last = end < source.length() ? source.charAt(end) : 0;
                text(source.substring(at, open), '%', sign);
                at = source.indexOf("%}", end) + 2;
                if (at < 2 || at > end + 3) {
                    throw fault("endraw does not end");
                }
                afterTag(last, true);
                return true;
            }
        }
        throw fault("raw does not end");
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && Strings.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    private void inside(boolean statement) {
        String close = statement ? "%}" : "}}";
        int depth = 0;
        while (true) {
            int from = at;
            at = skipSpace(at);
            countLines(source.substring(from, at));
            if (at >= source.length()) {
                throw fault("a tag does not end");
            }
            char c = source.charAt(at);
            boolean signed = (c == '-' || c == '+' && statement) && source.startsWith(close, at + 1);
            if (depth == 0 && (signed || source.startsWith(close, at))) {
                add(statement ? Token.Kind.CLOSE : Token.Kind.CLOSE_OUTPUT, "");
                at += signed ? 3 : 2;
                afterTag(signed ? c : 0, statement);
                return;
            }
            if (c == '\'' || c == '"') {
                string(c);
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (Character.isLetter(c) || c == '_') {
                int end = at;
                while (end < source.length() && (Character.isLetterOrDigit(source.charAt(end)) || source.charAt(end) == '_')) {
                    end++;
                }
                add(Token.Kind.NAME, source.substring(at, end));
                at = end;
            } else {
                depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
                operator(c);
            }
        }
    }

    private void operator(char c) {
        String two = source.substring(at, Math.min(source.length(), at + 2));
        String found = LONG_OPERATORS.contains(two) ? two : String.valueOf(c);
        if (found.length() == 1 && OPERATORS.indexOf(c) < 0) {
            throw fault("unexpected character '" + c + "'");
        }
        add(Token.Kind.OPERATOR, found);
        at += found.length();
    }

    private void number() {
        Matcher matcher = NUMBER.matcher(source).region(at, source.length());
        if (!matcher.lookingAt() || matcher.end() < source.length() && Character.isLetter(source.charAt(matcher.end()))) {
            throw fault("a number is broken");
        }
        boolean decimal = matcher.group(1) != null || matcher.group(2) != null;
        add(decimal ? Token.Kind.DECIMAL : Token.Kind.INTEGER, matcher.group().replace("_", ""));
        at = matcher.end();
    }

    private void string(char quote) {
        StringBuilder value = new StringBuilder();
        int i = at + 1;
        while (i < source.length() && source.charAt(i) != quote) {
            char c = source.charAt(i++);
            i = c == '\\' ? escaped(i, value) : append(value, c, i);
        }
        if (i >= source.length()) {
            throw fault("a string does not end");
        }
        add(Token.Kind.STRING, value.toString());
        countLines(source.substring(at, i));
        at = i + 1;
    }

    private static int append(StringBuilder value, char c, int next) {
        value.append(c);
        return next;
    }

    /** Python's escapes. */
    private int escaped(int i, StringBuilder value) {
        char c = i < source.length() ? source.charAt(i) : 0;
        int plain = "\n\\'\"abfnrtv".indexOf(c);
        if (plain >= 0 && c != 0) {
            value.append(c == '\n' ? "" : "\n\\'\"\u0007\b\f\n\r\t\u000B".substring(plain, plain + 1));
            return i + 1;
        }
        int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (digits > 0) {
            String hex = source.substring(i + 1, Math.min(source.length(), i + 1 + digits));
            if (!hex.matches("[0-9a-fA-F]{" + digits + "}") || Long.parseLong(hex, 16) > Character.MAX_CODE_POINT) {
                throw fault("an escape in a string is broken");
            }
            value.appendCodePoint(Integer.parseInt(hex, 16));
            return i + 1 + digits;
        }
        if (c >= '0' && c <= '7' || c == 'N') {
            throw fault("escapes by octal number or by name are not supported");
        }
        value.append('\\');
        return i;
    }
}
