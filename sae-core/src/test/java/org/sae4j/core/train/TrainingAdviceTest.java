package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.train.TrainingAssessment.Verdict;

/** What is said before a training and after it. */
class TrainingAdviceTest {
    private static final Map<String, String> SHORT = Map.of("d_sae", "1024", "batch", "256", "steps", "1000");

    static Iterable<Recipe> presets() {
        return Recipes.all();
    }

    @ParameterizedTest
    @MethodSource("presets")
    void thereIsNothingToSayAboutUntouchedRecipes(Recipe recipe) {
        assertThat(recipe.with(SHORT).remarks(128, 300_000)).isEmpty();
        assertThat(recipe.with("steps", "0").remarks(128, 10)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "anthropic-april-2024 | never exceeds 1.25e-06, 2.5 % of lr: lr_warm_up is 0 and lr_decay 40,000 steps, the run 1,000. Set",
        "anthropic-april-2024 | The penalty ends at 10.0 % of l1",
        "bloom-2024-02 | lr_warm_up is 5,000",
        "bloom-2024-02 | so that dead=ghost does nothing. Set dead_after=10%.",
        "openai-topk | Set lr=auto (0.000800 for 1,024 features)",
        "jumprelu | Thresholds stay near 0",
        "neel-run1 | No feature is drawn again",
    })
    void whatPublishedSettingsComeToInAShortRunIsSaid(String name, String remark) {
        assertThat(Recipes.get(name).asPublished().with(SHORT).remarks(128, 300_000)).anySatisfy(line -> assertThat(line).contains(remark));
    }

    @Test
    void passesFewRowsAndAKAsWideAsTheInputsAreSaid() {
        Recipe recipe = Recipes.OPENAI_TOPK.with(SHORT);
        assertThat(recipe.remarks(128, 100_000)).containsExactly(
                "The run takes 256,000 rows, 2.6 passes over the 100,000 that there are. Set steps=390 for one pass, or harvest more.");
        assertThat(recipe.remarks(128, 0)).isEmpty();
        assertThat(recipe.with("d_sae", "16384").remarks(128, 0)).singleElement().asString().contains("15.6 rows for each feature");
        assertThat(recipe.with("k", "100").remarks(128, 0)).singleElement().asString().contains("k is 100").contains("k=32");
    }

    private static TrainingAssessment assess(double variance, double l0, int dead) {
        double[] density = new double[100];
        Arrays.fill(density, dead, 100, 0.1);
        return TrainingAssessment.of(new Evaluation(1000, l0, 1, 1, 1, variance, 1, density, Optional.empty(), Optional.empty()),
                Recipes.OPENAI_TOPK, 768);
    }

    @Test
    void anAssessmentSaysWhatIsGoodTheTargetAndWhatToChange() {
        assertThat(assess(0.9, 32, 1).headline())
                .isEqualTo("The autoencoder is good: explained variance 0.900 at L0 32.0, 1 of 100 features did not fire in 1,000 rows");
        assertThat(assess(0.9, 32, 1).advice()).isEmpty();
        assertThat(assess(0.7, 32, 1).verdict()).isEqualTo(Verdict.FAIR);
        assertThat(assess(0.7, 32, 1).advice()).singleElement().asString().contains("aim at 0.8 or more").contains("k or d_sae");
        assertThat(assess(-0.4, 900, 60)).satisfies(poor -> {
            assertThat(poor.verdict()).isEqualTo(Verdict.POOR);
            assertThat(poor.advice()).hasSize(3).anySatisfy(line -> assertThat(line).contains("aim at 10 to 100").contains("k=32"))
                    .anySatisfy(line -> assertThat(line).contains("60 % of the features"));
        });
        assertThat(assess(Double.NaN, 32, 0).verdict()).as("activations that do not vary").isEqualTo(Verdict.POOR);
    }
}
