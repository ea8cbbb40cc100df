package org.sae4j.core.experiment;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Guesses what a mistyped name was meant to be. */
final class Nearest {
    private Nearest() {}

    /** {@return a question that ends with a space, or nothing if no name is near} */
    static String hint(String name, Collection<String> names) {
        return of(name, names).map(n -> "did you mean '" + n + "'? ").orElse("");
    }

    private static Optional<String> of(String name, Collection<String> names) {
        return names.stream().min(Comparator.comparingInt(n -> distance(name.toLowerCase(Locale.ROOT), n.toLowerCase(Locale.ROOT))))
                .filter(n -> distance(name.toLowerCase(Locale.ROOT), n.toLowerCase(Locale.ROOT)) <= Math.max(2, n.length() / 3));
    }

    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(substituted, 1 + Math.min(row[j - 1], above));
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
