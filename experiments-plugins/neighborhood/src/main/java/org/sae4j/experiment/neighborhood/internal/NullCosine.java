package org.sae4j.experiment.neighborhood.internal;

/**
 * The distribution of the cosine of two independent random directions in {@code width} dimensions. The angle has density proportional to
 * {@code sin(angle)^(width - 2)}; the standard deviation of the cosine is {@code 1 / sqrt(width)}.
 */
public final class NullCosine {
    private static final int STEPS = 1 << 16;

    private final int width;
    private final double[] tail = new double[STEPS + 1];

    /**
     * Integrates the density.
     *
     * @param width number of dimensions, at least 1
     */
    public NullCosine(int width) {
        this.width = width;
        double before = density(0);
        for (int i = 1; i <= STEPS; i++) {
            double middle = density((i - 0.5) * Math.PI / STEPS);
            double after = density(i * Math.PI / STEPS);
            tail[i] = tail[i - 1] + before + 4 * middle + after;
            before = after;
        }
    }

    private double density(double angle) {
        return width <= 2 ? 1 : Math.exp((width - 2) * Math.log(Math.sin(angle)));
    }

    /**
     * The probability of a larger cosine.
     *
     * @param cosine from -1 to 1
     * @return from 0 to 1
     */
    public double above(double cosine) {
        if (width == 1) {
            return cosine >= 1 ? 0 : cosine >= -1 ? 0.5 : 1;
        }
        double at = Math.acos(cosine) / Math.PI * STEPS;
        int below = Math.min((int) at, STEPS - 1);
        return (tail[below] + (at - below) * (tail[below + 1] - tail[below])) / tail[STEPS];
    }

    /**
     * The median of the largest cosine to several independent random directions.
     *
     * @param directions how many, at least 1
     * @return from -1 to 1
     */
    public double medianOfLargest(int directions) {
        // All stay below t with probability (1 - above(t))^directions.
        double target = -Math.expm1(Math.log(0.5) / directions);
        double low = -1;
        double high = 1;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            if (above(middle) > target) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }
}
