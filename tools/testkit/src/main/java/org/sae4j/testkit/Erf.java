package org.sae4j.testkit;

/** The error function in double precision. */
final class Erf {
    private static final int SERIES_TERMS = 120;
    private static final int FRACTION_TERMS = 80;

    private Erf() {}

    /** Taylor series near 0, continued fraction of the complement elsewhere (Abramowitz and Stegun 7.1.5 and 7.1.14). */
    static double of(double x) {
        double a = Math.abs(x);
        if (Double.isNaN(x) || a > 6) {
            return a > 6 ? Math.signum(x) : x;
        }
        if (a < 2.5) {
            double power = x;
            double sum = x;
            for (int n = 1; n < SERIES_TERMS; n++) {
                power *= -x * x / n;
                sum += power / (2 * n + 1);
            }
            return 2 / Math.sqrt(Math.PI) * sum;
        }
        double fraction = 0;
        for (int n = FRACTION_TERMS; n > 0; n--) {
            fraction = n / 2.0 / (a + fraction);
        }
        return Math.signum(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
    }
}
