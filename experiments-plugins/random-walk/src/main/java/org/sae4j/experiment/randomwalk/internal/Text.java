package org.sae4j.experiment.randomwalk.internal;

import java.util.Locale;

/** Numbers in sentences. */
final class Text {
    private Text() {}

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    /** Three significant digits. */
    static String number(double value) {
        double size = Math.abs(value);
        return Double.isNaN(value) ? "undefined" : size == 0 ? "0" : size >= 1000 || size < 1e-3 ? format("%.2e", value)
                : format("%." + Math.max(0, 2 - (int) Math.floor(Math.log10(size))) + "f", value);
    }

    static String percent(double share) {
        return Double.isNaN(share) ? "undefined" : format("%.1f%%", 100 * share);
    }
}
