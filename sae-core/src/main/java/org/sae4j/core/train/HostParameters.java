package org.sae4j.core.train;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.internal.format.TrainingCheckpoint;

/** Vectors trained outside the program because their gradients are products of vectors: JumpReLU's thresholds, a gate's vectors. */
sealed interface HostParameters {
    /** Hands the vectors to the program before its first step and after a change. */
    void write(CompiledProgram program);

    /** Updates and hands over the vectors after a step from 1 with a coefficient of the penalty. */
    void update(CompiledProgram program, long step, double coefficient);

    /** The vectors that a result has, by SAELens name. */
    Map<String, float[]> parameters();

    /** All state by name, as the arrays in use. */
    Map<String, float[]> state();

    /** The vectors of a recipe, if it has any; {@code init} may hold starts by SAELens name. */
    static Optional<HostParameters> of(Recipe recipe, Map<String, Tensor> init) {
        return switch (recipe.activation()) {
            case JUMP_RELU -> Optional.of(new Thresholds(recipe, init));
            case GATED -> Optional.of(new Gate(recipe, init));
            case RELU, TOPK, BATCH_TOPK -> Optional.empty();
        };
    }

    private static Map<String, float[]> state(Map<String, HostAdam> vectors) {
        Map<String, float[]> state = new LinkedHashMap<>();
        vectors.forEach((name, vector) -> {
            state.put(TrainingCheckpoint.HOST + name, vector.value);
            state.put(TrainingCheckpoint.HOST + "m." + name, vector.m);
            state.put(TrainingCheckpoint.HOST + "v." + name, vector.v);
        });
        return state;
    }

    /** log theta; dL/dtheta = -(1/eps) sum over the kernel's support of (theta g . d_i + lambda). */
    final class Thresholds implements HostParameters {
        private final Recipe recipe;
        private final HostAdam logTheta;
        private final float[] theta;
        private final float[] sums;
        private final float[] counts;
        private final double[] gradient;

        Thresholds(Recipe recipe, Map<String, Tensor> init) {
            this.recipe = recipe;
            int n = recipe.dSae();
            logTheta = new HostAdam(n);
            theta = new float[n];
            sums = new float[n];
            counts = new float[n];
            gradient = new double[n];
            Tensor given = init.get("threshold");
            for (int i = 0; i < logTheta.value.length; i++) {
                logTheta.value[i] = (float) Math.log(given == null ? recipe.number(Setting.THRESHOLD_INIT) : given.get(i));
            }
        }

        private float[] theta() {
            for (int i = 0; i < theta.length; i++) {
                theta[i] = (float) Math.exp(logTheta.value[i]);
            }
            return theta;
        }

        @Override
        public void write(CompiledProgram program) {
            program.write(program.program().buffer("theta"), theta());
        }

        @Override
        public void update(CompiledProgram program, long step, double coefficient) {
            program.read(program.program().buffer("theta_gradients"), sums);
            program.read(program.program().buffer("theta_counts"), counts);
            double lambda = recipe.penaltyOfOne(coefficient);
            double eps = recipe.number(Setting.BANDWIDTH);
            theta();
            for (int i = 0; i < theta.length; i++) {
                gradient[i] = -(theta[i] * (double) sums[i] + lambda * counts[i]) / eps * theta[i];
            }
            logTheta.step(gradient, recipe, step);
            write(program);
        }

        @Override
        public Map<String, float[]> parameters() {
            return Map.of("threshold", theta());
        }

        @Override
        public Map<String, float[]> state() {
            return HostParameters.state(Map.of("log_theta", logTheta));
        }
    }

    /** r_mag and b_mag; with G the gradients by magnitudes f = (pi - b_gate) e^r_mag + b_mag: dL/dr = sum G (f - b_mag), dL/db = sum G. */
    final class Gate implements HostParameters {
        private static final float[] ONE = {1};

        private final Recipe recipe;
        private final HostAdam rMag;
        private final HostAdam bMag;
        private final int[] offsets;
        private final int[] diagonal;
        private final float[] scale;
        private final float[] sums;
        private final float[] products;
        private final double[] gradient;

        Gate(Recipe recipe, Map<String, Tensor> init) {
            this.recipe = recipe;
            int n = recipe.dSae();
            rMag = start(init.get("r_mag"));
            bMag = start(init.get("b_mag"));
            offsets = IntStream.rangeClosed(0, n).toArray();
            diagonal = IntStream.range(0, n).toArray();
            scale = new float[n];
            sums = new float[n];
            products = new float[n];
            gradient = new double[n];
        }

        private HostAdam start(@Nullable Tensor given) {
            HostAdam vector = new HostAdam(recipe.dSae());
            if (given != null) {
                given.copyTo(0, vector.value, 0, vector.value.length);
            }
            return vector;
        }

        @Override
        public void write(CompiledProgram program) {
            program.write(program.program().buffer("r_mag"), rMag.value);
            program.write(program.program().buffer("b_mag"), bMag.value);
            for (int i = 0; i < scale.length; i++) {
                scale[i] = (float) Math.exp(rMag.value[i]);
            }
            // The rows written before are no longer used, so that their arrays can be used again.
            program.write(program.program().buffer("exp_r_mag"), new SparseRows(scale.length, offsets, diagonal, scale));
            if (recipe.applyBDec()) {
                program.write(program.program().buffer("one"), ONE);
            }
        }

        @Override
        public void update(CompiledProgram program, long step, double coefficient) {
            program.read(program.program().buffer("mag_gradients"), sums);
            program.read(program.program().buffer("mag_products"), products);
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = products[i] - bMag.value[i] * (double) sums[i];
            }
            rMag.step(gradient, recipe, step);
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = sums[i];
            }
            bMag.step(gradient, recipe, step);
            write(program);
        }

        @Override
        public Map<String, float[]> parameters() {
            return Map.of("r_mag", rMag.value, "b_mag", bMag.value);
        }

        @Override
        public Map<String, float[]> state() {
            return HostParameters.state(Map.of("r_mag", rMag, "b_mag", bMag));
        }
    }
}
