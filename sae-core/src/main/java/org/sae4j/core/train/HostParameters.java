package org.sae4j.core.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.sae.SparseRows;

/** Vectors trained outside the program because their gradients are products of vectors: JumpReLU's thresholds, a gate's vectors. */
sealed interface HostParameters {
    /** Hands the vectors to the program before its first step and after a change. */
    void write(CompiledProgram program);

    /** Updates and hands over the vectors after a step from 1. */
    void update(CompiledProgram program, long step);

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
            state.put("host." + name, vector.value);
            state.put("host.m." + name, vector.m);
            state.put("host.v." + name, vector.v);
        });
        return state;
    }

    /** log theta; dL/dtheta = -(1/eps) sum over the kernel's support of (theta g . d_i + lambda). */
    final class Thresholds implements HostParameters {
        private final Recipe recipe;
        private final HostAdam logTheta;

        Thresholds(Recipe recipe, Map<String, Tensor> init) {
            this.recipe = recipe;
            logTheta = new HostAdam(recipe.dSae());
            Tensor given = init.get("threshold");
            for (int i = 0; i < logTheta.value.length; i++) {
                logTheta.value[i] = (float) Math.log(given == null ? recipe.number(Setting.THRESHOLD_INIT) : given.get(i));
            }
        }

        private float[] theta() {
            float[] theta = new float[logTheta.value.length];
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
        public void update(CompiledProgram program, long step) {
            Tensor gradients = program.read(program.program().buffer("theta_gradients"));
            Tensor counts = program.read(program.program().buffer("theta_counts"));
            double lambda = recipe.penaltyOfOne(step);
            double eps = recipe.number(Setting.BANDWIDTH);
            float[] theta = theta();
            double[] gradient = new double[theta.length];
            Arrays.setAll(gradient, i -> -(theta[i] * (double) gradients.get(i) + lambda * counts.get(i)) / eps * theta[i]);
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
        private final Recipe recipe;
        private final HostAdam rMag;
        private final HostAdam bMag;

        Gate(Recipe recipe, Map<String, Tensor> init) {
            this.recipe = recipe;
            rMag = start(init.get("r_mag"));
            bMag = start(init.get("b_mag"));
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
            int n = recipe.dSae();
            program.write(program.program().buffer("r_mag"), rMag.value);
            program.write(program.program().buffer("b_mag"), bMag.value);
            float[] scale = new float[n];
            for (int i = 0; i < n; i++) {
                scale[i] = (float) Math.exp(rMag.value[i]);
            }
            program.write(program.program().buffer("exp_r_mag"),
                    new SparseRows(n, IntStream.rangeClosed(0, n).toArray(), IntStream.range(0, n).toArray(), scale));
            if (recipe.applyBDec()) {
                program.write(program.program().buffer("one"), new float[] {1});
            }
        }

        @Override
        public void update(CompiledProgram program, long step) {
            Tensor sums = program.read(program.program().buffer("mag_gradients"));
            Tensor products = program.read(program.program().buffer("mag_products"));
            double[] byR = new double[recipe.dSae()];
            double[] byB = new double[recipe.dSae()];
            Arrays.setAll(byR, i -> products.get(i) - bMag.value[i] * (double) sums.get(i));
            Arrays.setAll(byB, sums::get);
            rMag.step(byR, recipe, step);
            bMag.step(byB, recipe, step);
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
