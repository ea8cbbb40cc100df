package org.sae4j.experiment.randomwalk.internal;

/** Steps of a fixed length that stay in a box: the projection of {@code x + c u} onto the box, with c such that it is that far from x. */
final class BoundedStep {
    private final double[] upper;
    private final boolean[] saturated;

    /**
     * Prepares steps.
     *
     * @param upper largest value of each coordinate, possibly infinite; the smallest is 0
     */
    BoundedStep(double[] upper) {
        this.upper = upper;
        saturated = new boolean[upper.length];
    }

    /**
     * Takes a step. The distance to the projection grows with c, and is quadratic in c as long as the same coordinates end at a bound;
     * each round adds those that the last c moved beyond theirs.
     *
     * @param x where the step starts, in the box
     * @param direction where it goes, not normalised
     * @param length of the step
     * @param target receives the point
     * @return whether there is such a point
     */
    boolean take(double[] x, double[] direction, double length, double[] target) {
        java.util.Arrays.fill(saturated, false);
        double c = 0;
        boolean grew = true;
        while (grew) {
            double free = 0;
            double bound = 0;
            for (int i = 0; i < x.length; i++) {
                double part = saturated[i] ? room(x, direction, i) : direction[i];
                if (saturated[i]) {
                    bound += part * part;
                } else {
                    free += part * part;
                }
            }
            if (free == 0) {
                return false;
            }
            c = Math.sqrt(Math.max(0, length * length - bound) / free);
            grew = false;
            for (int i = 0; i < x.length; i++) {
                if (!saturated[i] && c * Math.abs(direction[i]) > room(x, direction, i)) {
                    saturated[i] = true;
                    grew = true;
                }
            }
        }
        for (int i = 0; i < x.length; i++) {
            double bound = direction[i] > 0 ? upper[i] : 0;
            target[i] = saturated[i] ? bound : Math.clamp(x[i] + c * direction[i], 0, upper[i]);
        }
        return true;
    }

    private double room(double[] x, double[] direction, int i) {
        return direction[i] > 0 ? upper[i] - x[i] : x[i];
    }
}
