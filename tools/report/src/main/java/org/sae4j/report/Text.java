package org.sae4j.report;

import java.util.Locale;

/** Makes texts and numbers safe and readable. Texts of tokens are anything: markup, control characters, halves of characters. */
final class Text {
    /** Line separators, and embeddings, overrides and isolates of direction. */
    private static final String TURNING = "\u2028\u2029\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069";
    private static final double SMALL = 1e-3;
    private static final double BIG = 1e6;

    private Text() {}

    /** {@return the text for HTML, both between tags and in a quoted attribute; characters that have no shape, that change the
     * direction of what follows, or that are half of one, are shown by their number} */
    static String html(String text) {
        var out = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                case '\t', '\n' -> out.append(c);
                default -> {
                    if (loneSurrogate(text, i) || Character.isISOControl(c) || TURNING.indexOf(c) >= 0) {
                        out.append(String.format(Locale.ROOT, "⟨U+%04X⟩", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.toString();
    }

    /**
     * {@return the JSON with every character that could end a script element or a line of a script or change the direction of what
     * follows, and every half of a surrogate pair, as an escape} Such characters stand in strings alone, so the value stays the same.
     */
    static String scriptJson(String json) {
        return escape(json, "<>&" + TURNING);
    }

    /** {@return the JSON with every half of a surrogate pair, which UTF-8 cannot hold, as an escape} */
    static String wellFormedJson(String json) {
        return escape(json, "");
    }

    private static String escape(String json, String others) {
        var out = new StringBuilder(json.length() + 16);
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (others.indexOf(c) >= 0 || loneSurrogate(json, i)) {
                out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static boolean loneSurrogate(String text, int i) {
        char c = text.charAt(i);
        if (Character.isHighSurrogate(c)) {
            return i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
        }
        return Character.isLowSurrogate(c) && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)));
    }

    /** {@return the number with four significant digits; whole numbers below a million with all} */
    static String number(double value) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "not defined" : value > 0 ? "∞" : "−∞";
        }
        double size = Math.abs(value);
        String text;
        if (value == Math.rint(value) && size < BIG) {
            text = String.format(Locale.ROOT, "%,d", (long) size);
        } else if (size < SMALL || size >= BIG) {
            String[] parts = String.format(Locale.ROOT, "%.3e", size).split("e");
            text = trimZeros(parts[0]) + " × 10" + superscript(Integer.parseInt(parts[1]));
        } else {
            int decimals = Math.clamp(3 - (int) Math.floor(Math.log10(size)), 0, 6);
            text = decimals == 0 ? String.format(Locale.ROOT, "%,d", Math.round(size))
                    : trimZeros(String.format(Locale.ROOT, "%,." + decimals + "f", size));
        }
        return value < 0 ? "−" + text : text;
    }

    private static String trimZeros(String decimal) {
        return decimal.replaceFirst("\\.?0+$", "");
    }

    private static String superscript(int exponent) {
        var out = new StringBuilder();
        for (char c : Integer.toString(exponent).toCharArray()) {
            out.append(c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(c - '0'));
        }
        return out.toString();
    }
}
