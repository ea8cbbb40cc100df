package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.testkit.ReferenceEngine;

/**
 * The gradient of every recipe's loss against central finite differences of the loss that it reports, parameter by parameter. The gradient
 * is read from Adam's first moment after one step, which is (1 - beta1) times it. Terms with frozen parts (ghost, auxiliary and gated
 * losses), whose gradient is no derivative of the loss, are left out here; PyTorchReferenceTest holds them against autograd.
 */
class GradientTest {
    private static final int D = 5;
    private static final int N = 8;
    private static final int BATCH = 6;
    private static final float H = 1f / 512;
    private static final Tensor DATA = Planted.rows(Planted.dictionary(9, D, 1), BATCH, 3, 0.2f, 4);

    private static Recipe recipe(String name, String settings) {
        Map<String, String> map = new LinkedHashMap<>(Map.of("d_sae", Integer.toString(N), "batch", Integer.toString(BATCH), "lr", "0",
                "lr_warm_up", "0"));
        for (String pair : settings.split(";")) {
            map.put(pair.split("=")[0].strip(), pair.split("=")[1].strip());
        }
        return Recipes.get(name).with(map);
    }

    private static Map<String, Tensor> start(Recipe recipe) {
        boolean gated = recipe.activation() == Recipe.Activation.GATED;
        Map<String, Tensor> start = new LinkedHashMap<>();
        start.put("W_enc", random("W_enc", 0.6, D, N));
        start.put("W_dec", random("W_dec", 0.6, N, D));
        start.put("b_dec", random("b_dec", 0.3, D));
        start.put(TrainingStep.encoderBias(recipe), random("b_enc", 0.2, N));
        if (gated) {
            start.put("r_mag", random("r_mag", 0.2, N));
            start.put("b_mag", random("b_mag", 0.2, N));
        }
        if (recipe.isJumpRelu()) {
            float[] theta = new float[N];
            // So small that no jump shows in the differences.
            java.util.Arrays.fill(theta, 1e-5f);
            start.put("threshold", Tensor.of(theta, N));
        }
        if (recipe.unitNorm() != Recipe.UnitNorm.NONE) {
            float[] decoder = start.get("W_dec").toArray();
            for (int row = 0; row < N; row++) {
                double norm = 0;
                for (int c = 0; c < D; c++) {
                    norm += Math.pow(decoder[row * D + c], 2);
                }
                for (int c = 0; c < D; c++) {
                    decoder[row * D + c] /= (float) Math.sqrt(norm);
                }
            }
            start.put("W_dec", Tensor.of(decoder, N, D));
        }
        return start;
    }

    private static Tensor random(String name, double scale, int... shape) {
        CounterRandom random = new CounterRandom(11).stream(name);
        float[] values = new float[java.util.stream.IntStream.of(shape).reduce(1, Math::multiplyExact)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return Tensor.of(values, shape);
    }

    private static TrainingMetrics loss(Engine engine, Recipe recipe, Map<String, Tensor> parameters) {
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(DATA)).init(parameters).build()) {
            return trainer.step();
        }
    }

    /** The gradient, in the layout of the parameter's SAELens name. */
    private static float[] gradient(Engine engine, Recipe recipe, Map<String, Tensor> parameters, String name, Path file) {
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(DATA)).init(parameters).build()) {
            trainer.step();
            trainer.checkpoint(file);
        }
        float[] moment = Checkpoint.read(file).tensors().get("m." + name).toArray();
        for (int i = 0; i < moment.length; i++) {
            moment[i] /= (float) (1 - recipe.number(Setting.BETA1));
        }
        return name.equals("W_enc") ? Initializer.transpose(moment, N, D) : moment;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "neel-run1 | l1=0.02; dead=none | W_enc W_dec b_enc b_dec",
        "bloom-2024-02 | l1=0.02; dead=none; b_dec_init=zeros; unit_norm=before_adam | W_enc W_dec b_enc b_dec",
        "anthropic-april-2024 | l1=0.3; l1_warm_up=0; normalize=false; clip=0 | W_enc W_dec b_enc b_dec",
        "paper | l1=0.05; dead=none; unit_norm=none | W_enc W_dec b_enc b_dec",
        "openai-topk | k=3; dead=none; b_dec_init=zeros | W_enc W_dec b_enc b_dec",
        "batch-topk | k=3; dead=none | W_enc W_dec b_enc b_dec",
        "matryoshka | k=3; dead=none; matryoshka=2,5,8 | W_enc W_dec b_enc b_dec",
        "jumprelu | l1=0; l1_warm_up=0; normalize=false | W_enc W_dec b_enc b_dec",
        "gated | l1=0.2; normalize=false; unit_norm=none | W_enc b_gate r_mag b_mag",
    })
    void gradientsAreTheLosssDerivatives(String name, String settings, String parameters, @TempDir Path folder) {
        check(recipe(name, settings), parameters, TrainingMetrics::loss, folder);
    }

    /** The gate's reconstruction is decoded with a frozen copy: only the error and the penalty have a derivative there. */
    @Test
    void theGatesDecoderIsFrozen(@TempDir Path folder) {
        Recipe recipe = recipe("gated", "l1=0.2; normalize=false; unit_norm=none; apply_b_dec=false");
        check(recipe, "W_dec b_dec", metrics -> metrics.l2() + metrics.penalty(), folder);
    }

    private static void check(Recipe recipe, String parameters, ToDoubleFunction<TrainingMetrics> value, Path folder) {
        try (Engine engine = new ReferenceEngine()) {
            Map<String, Tensor> start = start(recipe);
            assertThat(loss(engine, recipe, start).l0()).isBetween(0.5, N - 0.5);
            for (String name : parameters.split(" ")) {
                float[] gradient = gradient(engine, recipe, start, name, folder.resolve("c.safetensors"));
                double[] numeric = new double[gradient.length];
                double largest = 0;
                for (int i = 0; i < gradient.length; i++) {
                    double difference = value.applyAsDouble(loss(engine, recipe, moved(start, name, i, H)))
                            - value.applyAsDouble(loss(engine, recipe, moved(start, name, i, -H)));
                    numeric[i] = difference / (2 * H);
                    largest = Math.max(largest, Math.abs(numeric[i]));
                }
                if (name.equals("W_dec") && recipe.unitNorm() != Recipe.UnitNorm.NONE) {
                    project(numeric, start.get("W_dec"));
                }
                List<String> wrong = new ArrayList<>();
                for (int i = 0; i < gradient.length; i++) {
                    if (!(Math.abs(gradient[i] - numeric[i]) <= 0.01 * largest)) {
                        wrong.add(i + ": " + gradient[i] + ", by differences " + numeric[i]);
                    }
                }
                assertThat(largest).as(name).isPositive();
                assertThat(wrong).as(name + " of " + recipe.name()).isEmpty();
            }
        }
    }

    private static Map<String, Tensor> moved(Map<String, Tensor> start, String name, int element, float by) {
        Map<String, Tensor> moved = new LinkedHashMap<>(start);
        float[] values = start.get(name).toArray();
        values[element] += by;
        moved.put(name, Tensor.of(values, start.get(name).shape()));
        return moved;
    }

    /** Takes out the component along the unit rows. */
    private static void project(double[] gradient, Tensor rows) {
        for (int row = 0; row < N; row++) {
            double dot = 0;
            for (int c = 0; c < D; c++) {
                dot += gradient[row * D + c] * rows.at(row, c);
            }
            for (int c = 0; c < D; c++) {
                gradient[row * D + c] -= dot * rows.at(row, c);
            }
        }
    }

    @Test
    void clippingScalesAllGradientsToAJointNorm(@TempDir Path folder) {
        Recipe recipe = recipe("anthropic-april-2024", "l1=0.3; l1_warm_up=0; normalize=false; clip=0.5");
        try (Engine engine = new ReferenceEngine()) {
            Map<String, Tensor> start = start(recipe);
            double sum = 0;
            for (String name : List.of("W_enc", "W_dec", "b_enc", "b_dec")) {
                for (float g : gradient(engine, recipe, start, name, folder.resolve("c.safetensors"))) {
                    sum += g * g;
                }
            }
            assertThat(Math.sqrt(sum)).isCloseTo(0.5, org.assertj.core.api.Assertions.within(1e-4));
        }
    }
}
