package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;

/** Sentences about a training say no more than its numbers. */
class TrainingCourseTest {
    private static List<Map<String, Object>> run(int steps, IntToDoubleFunction variance, IntToDoubleFunction dead, IntToDoubleFunction lr,
            IntToDoubleFunction coefficient) {
        CounterRandom random = new CounterRandom(1);
        return IntStream.range(0, steps).mapToObj(i -> {
            Map<String, Object> line = new HashMap<>();
            line.put("step", i + 1);
            line.put("explained_variance", variance.applyAsDouble(i) + 0.01 * random.stream(i).nextGaussian());
            line.put("dead", (int) dead.applyAsDouble(i));
            line.put("lr", lr.applyAsDouble(i));
            line.put("l0", 30.0);
            line.put("penalty_coefficient", coefficient.applyAsDouble(i));
            return line;
        }).toList();
    }

    @Test
    void aRiseIsNamedWhereItsIntervalExcludesZeroOnly() {
        assertThat(TrainingCourse.sentences("a", run(500, i -> 0.5 + i * 5e-4, _ -> 0, _ -> 1e-3, _ -> 0)))
                .anyMatch(s -> s.contains("still rises") && s.contains("95% interval")).contains("a: no feature was dead at any step.");
        assertThat(TrainingCourse.sentences("a", run(500, _ -> 0.9, _ -> 0, _ -> 1e-3, _ -> 0))).anyMatch(s -> s.contains("has leveled off"))
                .noneMatch(s -> s.contains("rises"));
        assertThat(TrainingCourse.sentences("a", run(500, i -> 0.9 - i * 5e-4, i -> i / 10.0, _ -> 1e-3, _ -> 0)))
                .anyMatch(s -> s.contains("falls in the last fifth")).anyMatch(s -> s.contains("they still become more"));
    }

    @Test
    void schedulesThatNeverArriveAreNamed() {
        assertThat(TrainingCourse.sentences("a", run(100, _ -> 0.1, _ -> 0, i -> 1e-6 * (i + 1), _ -> 0)))
                .anyMatch(s -> s.contains("still warming up"));
        assertThat(TrainingCourse.sentences("a", run(100, _ -> 0.1, _ -> 0, _ -> 1e-3, i -> Math.exp(0.05 * i))))
                .anyMatch(s -> s.contains("coefficient still moves"));
        assertThat(TrainingCourse.sentences("a", run(20, _ -> 0.1, _ -> 0, _ -> 1e-3, _ -> 1))).containsExactly(
                "a: 20 steps are too few to say how its numbers move.");
    }

    @Test
    void evaluationsNameTheBestStepAndWhatTheModelLoses() {
        List<Map<String, Object>> lines = List.of(Map.of("step", 100, "explained_variance", 0.95), Map.of("step", 200, "explained_variance",
                0.90, "ce_recovered", 0.98, "ce_sae", 1.1, "ce_clean", 1.0, "ce_zero", 6.0, "predictions", 500));
        assertThat(TrainingCourse.heldOutSentences("a", lines)).anyMatch(s -> s.contains("highest after step 100"))
                .anyMatch(s -> s.contains("recovers 0.9800 of the cross-entropy") && s.contains("500 predictions"));
        assertThat(TrainingCourse.heldOutSentences("a", lines.subList(0, 1))).isEmpty();
    }
}
