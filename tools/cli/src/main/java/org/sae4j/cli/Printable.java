package org.sae4j.cli;

import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;
import java.util.regex.Pattern;

/**
 * Text for a terminal. Files, folders, tensors, tokens and metadata may be named anything, and a terminal obeys control characters: what is
 * none of a line's own characters is shown as a question mark.
 */
final class Printable {
    /** Control characters, formats such as those that turn the direction of text, and what is no character. */
    private static final Pattern CONTROL = Pattern.compile("\\r(?!\\n)|[\\p{C}&&[^\\r\\n\\t]]");
    private static final Pattern CONTROL_OR_END = Pattern.compile("\\p{C}");

    private Printable() {
    }

    /** {@return lines that are safe to print} */
    static String lines(String text) {
        return CONTROL.matcher(text).replaceAll("?");
    }

    /** {@return a text that is safe to print and stays in its line} */
    static String line(String text) {
        return CONTROL_OR_END.matcher(text).replaceAll("?");
    }

    /** {@return a writer that passes on what is safe} */
    static Writer writer(Writer out) {
        return new FilterWriter(out) {
            @Override
            public void write(int c) throws IOException {
                write(String.valueOf((char) c));
            }

            @Override
            public void write(char[] text, int from, int length) throws IOException {
                write(new String(text, from, length));
            }

            @Override
            public void write(String text, int from, int length) throws IOException {
                out.write(lines(text.substring(from, from + length)));
            }
        };
    }
}
