package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;

class RecipeTest {
    static Stream<Recipe> presets() {
        return Recipes.all().stream();
    }

    @Test
    void thePresetsOfTheFieldAreThere() {
        assertThat(Recipes.all()).extracting(Recipe::name).contains("neel-run1", "bloom-2024-02", "paper", "anthropic-april-2024",
                "openai-topk", "batch-topk", "jumprelu", "gated", "matryoshka");
    }

    @ParameterizedTest
    @MethodSource("presets")
    void settingsReadBackToTheSameRecipe(Recipe recipe) {
        assertThat(Recipes.get(recipe.name()).with(recipe.settings()).settings()).isEqualTo(recipe.settings());
        recipe.check(512);
    }

    @ParameterizedTest
    @MethodSource("presets")
    void describesLossStepAndStart(Recipe recipe) {
        assertThat(recipe.describe()).contains("loss: ", "step: ", "start: ", "Adam: lr ", "dead features");
    }

    @Test
    void describesSchedulesAndWhatIsDoneToInputs() {
        assertThat(Recipes.ANTHROPIC_APRIL_2024.asPublished().with("centre", "true").describe()).contains("lr falls to 0 over the last 40000 steps",
                "the penalty rises over the first 10000 steps", "clip the gradients' joint norm to 1.0", "the inputs' mean subtracted",
                "effective lambda per token 5.0000");
        assertThat(Recipes.NEEL_RUN1.asPublished().describe()).contains("effective lambda per token 1.2288", "drawn again")
                .doesNotContain("rises").doesNotContain("falls");
    }

    @Test
    void neelsPenaltyIs12288PerToken() {
        assertThat(Recipes.NEEL_RUN1.effectiveLambda(2048)).isCloseTo(1.2288, within(1e-12));
        assertThat(Recipes.NEEL_RUN1.asPublished().describe()).contains("<sum_d (x^ - x)^2> + 3.0E-4 (sum over batch and features of f_i)", "1.2288",
                "project the decoder's gradient, unit norm of decoder rows, Adam");
    }

    @ParameterizedTest
    @CsvSource({"neel-run1, 1024, 0.3072", "bloom-2024-02, 1024, 0.06144", "paper, 4096, 0.49152", "anthropic-april-2024, 64, 5",
        "openai-topk, 64, 0"})
    void effectiveLambdaIsThatOfASummedError(String name, int batch, double expected) {
        Recipe recipe = Recipes.get(name).asPublished().with("batch", Integer.toString(batch));
        assertThat(recipe.effectiveLambda(768)).isCloseTo(expected, within(1e-9));
    }

    @ParameterizedTest
    @CsvSource({"lr, lr", "learning_rate, lr", "learning-rate, lr", "l1_coefficient, l1", "l1_coeff, l1", "n_features, d_sae",
        "batch_size, batch", "lr_warm_up_steps, lr_warm_up", "adam_beta1, beta1", "D_SAE, d_sae"})
    void acceptsTheFieldsSynonyms(String name, String key) {
        assertThat(Setting.of(name).key()).isEqualTo(key);
    }

    @Test
    void namesMeanOneSettingEach() {
        Stream<String> names = Arrays.stream(Setting.values()).flatMap(s -> Stream.concat(Stream.of(s.key()), s.aliases().stream()));
        assertThat(names).doesNotHaveDuplicates();
    }

    @Test
    void changesACopy() {
        Recipe changed = Recipes.NEEL_RUN1.with("lr", "5e-4").with("steps", "1e3");
        assertThat(changed.number(Setting.LR)).isEqualTo(5e-4);
        assertThat(changed.steps()).isEqualTo(1000);
        assertThat(Recipes.NEEL_RUN1.asPublished().number(Setting.LR)).isEqualTo(1e-4);
    }

    @Test
    void anUnknownSettingIsAnsweredWithTheKnownOnesAndTheNearest() {
        assertThatThrownBy(() -> Recipes.NEEL_RUN1.with("larning_rate", "1")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("larning_rate").hasMessageContaining("aux_coefficient")
                .hasMessageContaining("did you mean 'learning_rate'");
        assertThatThrownBy(() -> Recipes.get("openai-topx")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("did you mean 'openai-topk'").hasMessageContaining("gated");
    }

    @ParameterizedTest
    @CsvSource({"lernrate, learning_rate", "learningrate, learning_rate", "learn-rate, learning_rate", "rl, lr", "Beta3, beta1",
        "bacth, batch", "dsae, d_sae", "deadafter, dead_after", "warmup, warmup_steps", "l1-coef, l1_coeff", "normalise, normalize",
        "kaux, k_aux", "step, steps"})
    void anUnknownSettingIsAnsweredWithTheNameThatWasMeant(String given, String meant) {
        assertThatThrownBy(() -> Recipes.NEEL_RUN1.with(given, "1")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("did you mean '" + meant + "'?");
    }

    @Test
    void aNameUnlikeAllOthersIsNoGuess() {
        assertThatThrownBy(() -> Recipes.NEEL_RUN1.with("zzz", "1")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("give one of them").hasMessageNotContaining("did you mean");
        assertThatThrownBy(() -> Recipes.get("zzz")).isInstanceOf(Sae4jException.class).hasMessageContaining("give one of them")
                .hasMessageNotContaining("did you mean");
    }

    @ParameterizedTest
    @CsvSource({"lr, fast", "lr, -1", "lr, NaN", "lr, Infinity", "beta2, 1", "k, 0", "k, 1.5", "steps, -3", "d_sae, 0", "error, median",
        "matryoshka, '5,3'", "matryoshka, 'a'", "apply_b_dec, yes"})
    void aBadValueIsAnsweredWithTheAcceptedOnes(String key, String value) {
        assertThatThrownBy(() -> Recipes.OPENAI_TOPK.with(key, value)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("'" + value + "'").hasMessageContaining(key).hasMessageContaining("give ");
    }

    @Test
    void aSettingWithoutEffectIsRefused() {
        assertThatThrownBy(() -> Recipes.NEEL_RUN1.with("k", "32")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no effect").hasMessageContaining("neel-run1").hasMessageContaining("d_sae");
        assertThat(Recipes.NEEL_RUN1.with(Map.of("k", "32", "activation", "topk")).whole(Setting.K)).isEqualTo(32);
    }

    @Test
    void prefixesFollowTheNumberOfFeatures() {
        assertThat(Recipes.MATRYOSHKA.with("d_sae", "64").matryoshka()).containsExactly(4, 8, 16, 32, 64);
        assertThat(Recipes.MATRYOSHKA.with("d_sae", "3").matryoshka()).containsExactly(1, 3);
        assertThat(Recipes.MATRYOSHKA.with("matryoshka_widths", "5, 7").matryoshka()).containsExactly(5, 7);
        assertThat(Recipes.BATCH_TOPK.matryoshka()).isEmpty();
    }

    @Test
    void takesTheNumberOfFeaturesFromGivenParameters() {
        assertThat(Recipes.PAPER.sizedAs(Map.of("W_dec", Tensor.zeros(5, 3))).dSae()).isEqualTo(5);
        assertThat(Recipes.PAPER.sizedAs(Map.of("W_enc", Tensor.zeros(3, 6))).dSae()).isEqualTo(6);
        assertThat(Recipes.PAPER.sizedAs(Map.of()).dSae()).isEqualTo(Recipes.PAPER.dSae());
    }

    @Test
    void oneSettingUnderTwoNamesIsRefused() {
        assertThatThrownBy(() -> Recipes.NEEL_RUN1.with(Map.of("lr", "1", "learning_rate", "2"))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("same setting");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"openai-topk; k=40,d_sae=20; k is 40", "paper; penalty=l0; does not fit",
        "matryoshka; d_sae=100,prefixes=50; last matryoshka prefix", "openai-topk; dead=ghost; ghost gradients",
        "jumprelu; dead=resample; not defined",
        "paper; d_sae=8000000; 4096000000"})
    void contradictionsAreRefused(String name, String settings, String message) {
        Recipe recipe = Recipes.get(name).with(Stream.of(settings.split(",")).map(pair -> pair.split("="))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1])));
        assertThatThrownBy(() -> recipe.check(512)).isInstanceOf(Sae4jException.class).hasMessageContaining(message);
    }

    @Test
    void learningRateAndPenaltyRiseAndTheRateFalls() {
        Recipe recipe = Recipes.NEEL_RUN1.with(Map.of("lr", "1", "lr_warm_up", "4", "lr_decay", "5", "steps", "20", "l1_warm_up", "2",
                "l1", "8"));
        assertThat(recipe.learningRate(1)).isEqualTo(0.25);
        assertThat(recipe.learningRate(4)).isEqualTo(1);
        assertThat(recipe.learningRate(16)).isEqualTo(1);
        assertThat(recipe.learningRate(20)).isCloseTo(0.2, within(1e-12));
        PenaltyCoefficient coefficient = new PenaltyCoefficient(recipe, 16);
        assertThat(coefficient.at(1)).isEqualTo(4);
        assertThat(coefficient.at(9)).isEqualTo(8);
        assertThat(recipe.penaltyOfOne(8)).as("of a sum over the batch").isEqualTo(8);
    }

    @ParameterizedTest
    @MethodSource("presets")
    void schedulesFitRunsOfAnyLength(Recipe recipe) {
        for (String steps : new String[] {"20", "1000", "30000", "1000000"}) {
            Recipe run = recipe.with("steps", steps);
            assertThat(run.whole(Setting.LR_WARM_UP)).as("warm-up").isLessThanOrEqualTo(run.steps() / 20);
            assertThat(run.whole(Setting.LR_DECAY)).as("decay").isLessThanOrEqualTo(run.steps() / 5);
            assertThat(run.whole(Setting.DEAD_AFTER)).as("dead after").isLessThan(run.steps() * run.batch());
            assertThat(run.learningRate(run.steps() / 2)).as("in the middle").isEqualTo(run.number(Setting.LR));
        }
    }

    @ParameterizedTest
    @MethodSource("presets")
    void asPublishedNothingDependsOnTheRunAndNoL0IsAimedAt(Recipe recipe) {
        Recipe published = recipe.asPublished();
        assertThat(published.with("steps", "10").settings()).containsAllEntriesOf(published.settings().entrySet().stream()
                .filter(e -> !e.getKey().equals("steps")).collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
        assertThat(published.hasTarget()).isFalse();
        for (Setting setting : Setting.values()) {
            assertThat(published.isAutomatic(setting)).as(setting.key()).isFalse();
        }
    }

    @Test
    void automaticSettingsFollowWidthLengthAndWhatIsGiven() {
        Recipe topk = Recipes.OPENAI_TOPK.with(Map.of("d_sae", "1024", "steps", "1000", "batch", "256"));
        assertThat(topk.number(Setting.LR)).isCloseTo(8e-4, within(1e-12));
        assertThat(topk.whole(Setting.DEAD_AFTER)).isEqualTo(25_600);
        assertThat(topk.with("dead_after", "7").whole(Setting.DEAD_AFTER)).isEqualTo(7);
        assertThat(topk.with("lr_warm_up", "2.5%").whole(Setting.LR_WARM_UP)).isEqualTo(25);
        assertThat(topk.with("lr_warm_up", "2.5%").settings()).containsEntry("lr_warm_up", "2.5%").containsEntry("lr", "auto");
        assertThat(topk.resolved().settings()).containsEntry("lr", "8.0E-4").containsEntry("dead_after", "25600");

        Recipe neel = Recipes.NEEL_RUN1;
        assertThat(neel.number(Setting.TARGET_L0)).isEqualTo(32);
        assertThat(neel.normalizes()).as("the coefficient is found for inputs of a known scale").isTrue();
        assertThat(neel.with("l1", "1e-3").hasTarget()).as("a coefficient that is given stays").isFalse();
        assertThat(neel.with("l1", "1e-3").normalizes()).isFalse();
        assertThat(neel.with(Map.of("l1", "1e-3", "target_l0", "20")).number(Setting.TARGET_L0)).isEqualTo(20);
        assertThatThrownBy(() -> topk.with("target_l0", "20")).isInstanceOf(Sae4jException.class).hasMessageContaining("no effect");
        assertThatThrownBy(() -> topk.with("lr_decay", "120%")).isInstanceOf(Sae4jException.class).hasMessageContaining("share of the run");
    }
}
