package org.sae4j.engine.cpu.internal.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.engine.Op;

class KernelsTest {
    private static final int[] LENGTHS = {0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 300};

    private final CounterRandom random = new CounterRandom(7);

    static List<Kernels> kernels() {
        return List.of(VectorSupport.kernels(), new ScalarKernels());
    }

    private float[] normal(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    /** The Gaussian's lower tail: a series near 0, Laplace's continued fraction beyond. */
    private static double phi(double x) {
        double a = Math.abs(x);
        double density = Math.exp(-a * a / 2) / Math.sqrt(2 * Math.PI);
        double upper;
        if (a < 3) {
            double term = a;
            double sum = a;
            for (int i = 3; i < 120; i += 2) {
                term *= a * a / i;
                sum += term;
            }
            upper = 0.5 - density * sum;
        } else {
            double fraction = a;
            for (int i = 200; i > 0; i--) {
                fraction = a + i / fraction;
            }
            upper = density / fraction;
        }
        return x < 0 ? upper : 1 - upper;
    }

    private static void expectAccuracy(Kernels kernels, Op.Function f, DoubleUnaryOperator reference, double tolerance) {
        int n = 26_001;
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (i - 13_000) / 1000f;
        }
        float[] y = new float[n];
        kernels.apply(f, x, 0, y, 0, n);
        for (int i = 0; i < n; i++) {
            double expected = reference.applyAsDouble(x[i]);
            assertThat(Math.abs(y[i] - expected)).as("%s(%s) = %s, expected %s", f, x[i], y[i], expected)
                    .isLessThanOrEqualTo(tolerance * Math.abs(expected) + 1e-37);
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void geluIsAccurateRelativeToItself(Kernels kernels) {
        expectAccuracy(kernels, Op.Function.GELU, x -> x * phi(x), 6e-7);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void geluTanhIsAccurate(Kernels kernels) {
        int n = 16_001;
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (i - 8000) / 1000f;
        }
        float[] y = new float[n];
        kernels.apply(Op.Function.GELU_TANH, x, 0, y, 0, n);
        for (int i = 0; i < n; i++) {
            double v = x[i];
            double expected = v / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
            assertThat((double) y[i]).isCloseTo(expected, offset(1e-5 * Math.abs(expected) + 1e-20));
            assertThat((double) y[i]).isCloseTo(expected, offset(2e-7 * Math.max(1, Math.abs(v))));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void functionsTreatSpecialValues(Kernels kernels) {
        for (Op.Function f : Op.Function.values()) {
            float[] x = new float[40];
            Arrays.fill(x, Float.NaN);
            x[1] = Float.POSITIVE_INFINITY;
            x[37] = 1e30f;
            x[38] = 0;
            kernels.apply(f, x, 0, x, 0, 40);
            assertThat(x[0]).as("%s of NaN in a vector", f).isNaN();
            assertThat(x[39]).as("%s of NaN in the rest", f).isNaN();
            assertThat(x[1]).as("%s of infinity", f).isEqualTo(f == Op.Function.TANH ? 1 : Float.POSITIVE_INFINITY);
            assertThat(x[37]).as("%s of a large value", f).isEqualTo(f == Op.Function.TANH ? 1 : 1e30f);
            assertThat(x[38]).as("%s of 0", f).isEqualTo(0);
        }
        float[] low = {Float.NEGATIVE_INFINITY, -1e30f, -40};
        kernels.apply(Op.Function.GELU, low, 0, low, 0, 3);
        assertThat(low).containsOnly(0);
    }

    @ParameterizedTest
    @EnumSource(Op.Function.class)
    void functionsHaveTheSameBitsOnVectorsAndScalars(Op.Function f) {
        float[] x = normal(1003);
        for (int i = 0; i < x.length; i++) {
            x[i] *= 4;
        }
        float[] vector = new float[x.length];
        float[] scalar = new float[x.length];
        VectorSupport.kernels().apply(f, x, 0, vector, 0, x.length);
        new ScalarKernels().apply(f, x, 0, scalar, 0, x.length);
        assertThat(Arrays.mismatch(vector, scalar)).as("first difference").isEqualTo(-1);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void softmaxIgnoresWhatIsMaskedBehindIt(Kernels kernels) {
        for (int n : LENGTHS) {
            if (n > 0) {
                float[] x = normal(n);
                float[] longer = Arrays.copyOf(x, n + 37);
                Arrays.fill(longer, n, n + 37, Float.NEGATIVE_INFINITY);
                kernels.softmax(x, 0, x, 0, n);
                kernels.softmax(longer, 0, longer, 0, n + 37);
                assertThat(Arrays.mismatch(x, 0, n, longer, 0, n)).as("first difference of %d", n).isEqualTo(-1);
                assertThat(Arrays.copyOfRange(longer, n, n + 37)).containsOnly(0);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void reductionsAgreeWithPlainSums(Kernels kernels) {
        for (int n : LENGTHS) {
            float[] a = normal(n + 3);
            float[] b = normal(n + 5);
            double sum = 0;
            double dot = 0;
            double deviation = 0;
            for (int i = 0; i < n; i++) {
                sum += a[i + 3];
                dot += (double) a[i + 3] * b[i + 5];
                deviation += (a[i + 3] - 0.25) * (a[i + 3] - 0.25);
            }
            Offset<Double> tiny = offset(1e-11);
            assertThat(kernels.sum(a, 3, n)).isCloseTo(sum, tiny);
            assertThat(kernels.dot(a, 3, b, 5, n)).isCloseTo(dot, tiny);
            assertThat(kernels.deviation(a, 3, 0.25, n)).isCloseTo(deviation, tiny);
            assertThat((double) kernels.product(a, 3, b, 5, n)).isCloseTo(dot, offset(1e-5 * Math.sqrt(n + 1)));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void searchesFindWhatIsGreater(Kernels kernels) {
        for (int n : LENGTHS) {
            float[] x = normal(n + 2);
            if (n > 4) {
                x[4] = Float.NaN;
            }
            int[] columns = new int[n + 1 + Kernels.ROOM];
            float[] values = new float[n + 1 + Kernels.ROOM];
            int end = kernels.above(x, 2, n, 0.5f, columns, values, 1);
            int next = 1;
            for (int i = 0; i < n; i++) {
                if (x[i + 2] > 0.5f) {
                    assertThat(columns[next]).isEqualTo(i);
                    assertThat(values[next++]).isEqualTo(x[i + 2]);
                }
            }
            assertThat(end).isEqualTo(next);
        }
    }
}
