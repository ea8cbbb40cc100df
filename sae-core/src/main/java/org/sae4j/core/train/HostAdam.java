package org.sae4j.core.train;

/** A vector of parameters that is trained outside the program, with its moments. */
final class HostAdam {
    final float[] value;
    final float[] m;
    final float[] v;

    HostAdam(int size) {
        value = new float[size];
        m = new float[size];
        v = new float[size];
    }

    /** One step of Adam (Kingma and Ba 2015, algorithm 1). */
    void step(double[] gradient, Recipe recipe, long step) {
        double lr = recipe.learningRate(step);
        double beta1 = recipe.number(Setting.BETA1);
        double beta2 = recipe.number(Setting.BETA2);
        double correction1 = 1 - Math.pow(beta1, (double) step);
        double correction2 = 1 - Math.pow(beta2, (double) step);
        for (int i = 0; i < value.length; i++) {
            m[i] = (float) (beta1 * m[i] + (1 - beta1) * gradient[i]);
            v[i] = (float) (beta2 * v[i] + (1 - beta2) * gradient[i] * gradient[i]);
            value[i] -= (float) (lr * m[i] / correction1 / (Math.sqrt(v[i] / correction2) + recipe.number(Setting.EPS)));
        }
    }
}
