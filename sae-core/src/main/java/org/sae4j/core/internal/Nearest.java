package org.sae4j.core.internal;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Guesses what a mistyped name was meant to be. */
public final class Nearest {
    /** Names that differ in a larger share of their letters are not near. */
    private static final double FAR = 0.5;
    private static final int PREFIX = 4;

    private Nearest() {}

    /**
     * A question about the nearest of some names.
     *
     * @param name what was given
     * @param names what could have been meant
     * @return a question that ends with a space, or nothing if no name is near
     */
    public static String hint(String name, Collection<String> names) {
        return of(name, names).map(n -> "did you mean '" + n + "'? ").orElse("");
    }

    /**
     * The nearest of some names, whatever the case, and hyphens for underscores.
     *
     * @param name what was given
     * @param names what could have been meant; the first of equally near ones is taken
     * @return the nearest, or empty if none is near
     */
    public static Optional<String> of(String name, Collection<String> names) {
        String given = plain(name);
        return names.stream().min(Comparator.comparingDouble(n -> difference(given, plain(n))))
                .filter(n -> difference(given, plain(n)) <= FAR);
    }

    private static String plain(String name) {
        return name.strip().toLowerCase(Locale.ROOT).replace('-', '_');
    }

    /**
     * The share of the longer name that differs, so that a shortened long name is nearer than a short name of other letters; less by a
     * tenth for each of the first letters that agree, as in Winkler's variant of Jaro's similarity.
     */
    private static double difference(String a, String b) {
        int prefix = 0;
        while (prefix < Math.min(PREFIX, Math.min(a.length(), b.length())) && a.charAt(prefix) == b.charAt(prefix)) {
            prefix++;
        }
        return distance(a, b) / (double) Math.max(1, Math.max(a.length(), b.length())) * (1 - prefix / 10.0);
    }

    /** Letters to be changed, left out, put in, or swapped with their neighbour (Damerau's distance, no letter twice). */
    private static int distance(String a, String b) {
        int[][] rows = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    rows[i][j] = i + j;
                    continue;
                }
                int changed = rows[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                rows[i][j] = Math.min(changed, 1 + Math.min(rows[i - 1][j], rows[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
                }
            }
        }
        return rows[a.length()][b.length()];
    }
}
