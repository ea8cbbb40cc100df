package org.sae4j.experiment.randomwalk.internal;

import java.util.Locale;

/** Numbers in sentences. */
final class Text {
    private Text() {}

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    static String percent(double share) {
        return Double.isNaN(share) ? "undefined" : format("%.1f%%", 100 * share);
    }
}
