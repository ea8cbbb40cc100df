package org.sae4j.experiment.specificity.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.stats.Statistics;

class SearchTest {
    @Test
    void agreesWithTheDefinitionOnSparseTiedAndNegativeScores() {
        CounterRandom random = new CounterRandom(5);
        for (int round = 0; round < 50; round++) {
            int cases = 4 + random.nextInt(40);
            int features = 3;
            float[] dense = new float[cases * features];
            for (int i = 0; i < dense.length; i++) {
                dense[i] = random.nextInt(3) == 0 ? random.nextInt(-2, 4) : 0;
            }
            int[] groups = IntStream.range(0, cases).map(i -> i < 3 ? i : random.nextInt(-1, 3)).toArray();
            FeatureColumns columns = FeatureColumns.byToken(SparseRows.ofDense(Tensor.of(dense, cases, features)));
            Search search = Search.run(columns, new Grouping(groups, 3), "test", Progress.NONE);
            int[] kept = IntStream.range(0, cases).filter(i -> groups[i] >= 0).toArray();
            for (int feature = 0; feature < features; feature++) {
                double[] scores = new double[kept.length];
                for (int i = 0; i < kept.length; i++) {
                    scores[i] = dense[kept[i] * features + feature];
                }
                for (int group = 0; group < 3; group++) {
                    boolean[] positive = new boolean[kept.length];
                    for (int i = 0; i < kept.length; i++) {
                        positive[i] = groups[kept[i]] == group;
                    }
                    assertThat(search.auroc(group, feature)).isCloseTo(Statistics.auroc(scores, positive), within(1e-12));
                    assertThat(search.pValues(group)[feature]).isCloseTo(Statistics.mannWhitneyP(scores, positive), within(1e-9));
                }
            }
        }
    }

    @Test
    void halvesCoverEveryCaseOnceAndSplitEveryGroup() {
        Grouping all = new Grouping(IntStream.range(0, 31).map(i -> i % 3).toArray(), 3);
        Grouping first = all.half(false, new CounterRandom(2));
        Grouping second = all.half(true, new CounterRandom(2));
        for (int i = 0; i < 31; i++) {
            assertThat(first.of(i) == Grouping.EXCLUDED).isNotEqualTo(second.of(i) == Grouping.EXCLUDED);
        }
        for (int group = 0; group < 3; group++) {
            assertThat(first.size(group) - second.size(group)).isBetween(0, 1);
        }
    }
}
