package org.sae4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** The study of {@link Superposition}, smaller: 96 directions in 32 dimensions, 2.9 of them active at a time, 130,000 rows. */
class SuperpositionTest {
    private static final double PROBABILITY = 0.03;
    private static Engine engine;
    private static Superposition study;

    @BeforeAll
    static void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
        study = new Superposition(engine, 96, 32, PROBABILITY, 3, 5000);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static Recipe recipe(String name, String settings) {
        Recipe recipe = Recipes.get(name).with(Map.of("d_sae", "96", "batch", "128", "steps", "1000"));
        for (String pair : settings.split(" ")) {
            recipe = recipe.with(pair.split("=")[0], pair.split("=")[1]);
        }
        return recipe;
    }

    @ParameterizedTest
    @CsvSource({"openai-topk, k=3 lr=4e-3 dead_after=10000 k_aux=32, 0.90",
        "batch-topk, batch=64 steps=2000 k=2 lr=2e-3 beta2=0.999 dead_after=3000 k_aux=32 lr_decay=500 aux_coefficient=1, 0.80",
        "neel-run1, dead=none lr=4e-3 l1=1.6e-3, 0.85",
        "jumprelu, batch=64 steps=2000 lr=3e-3 lr_warm_up=0 l1_warm_up=600 bandwidth=1 threshold_init=0.3 l1=2 dead=aux_k "
            + "dead_after=4000, 0.80"})
    void recipesFindMostDirections(String name, String settings, double atLeast) {
        Superposition.Outcome outcome = study.train(recipe(name, settings));
        assertThat(outcome.similarity()).isGreaterThan(atLeast);
        assertThat(outcome.deadShare()).isLessThan(0.15);
    }

    /** What random unit rows reach, so that the test above can fail. */
    @Test
    void anUntrainedAutoencoderFindsNone() {
        assertThat(study.train(recipe("openai-topk", "k=3 steps=0")).similarity()).isLessThan(0.6);
    }

    @Test
    void rowsAreSumsOfFewDirectionsAndDependOnTheirPositionAlone() {
        SuperpositionSource source = new SuperpositionSource(96, 32, PROBABILITY, 3, "training");
        float[] many = new float[2000 * 32];
        source.next(many);
        float[] again = new float[32];
        source.seek(1234);
        source.next(again);
        assertThat(again).isEqualTo(java.util.Arrays.copyOfRange(many, 1234 * 32, 1235 * 32));
        double squares = 0;
        for (float value : many) {
            squares += value * value;
        }
        // Random signs cancel: E|x|^2 = count * p * E(magnitude^2) = 96 * 0.03 / 3, but for the directions' overlaps.
        assertThat(squares / 2000).isCloseTo(0.96, within(0.25));
        assertThat(Superposition.similarity(source.directions(), rows(source.directions()))).isCloseTo(1, within(1e-6));
    }

    private static Tensor rows(float[][] rows) {
        float[] values = new float[rows.length * rows[0].length];
        for (int r = 0; r < rows.length; r++) {
            System.arraycopy(rows[r], 0, values, r * rows[0].length, rows[0].length);
        }
        return Tensor.of(values, rows.length, rows[0].length);
    }
}
