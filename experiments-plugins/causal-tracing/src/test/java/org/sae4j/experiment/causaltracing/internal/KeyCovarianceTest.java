package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Transformers;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;

class KeyCovarianceTest {
    /** An attention sink at position 0 has keys hundreds of times as long as all others, whatever token stands there. */
    @Test
    void isTheSecondMomentOfAllPositionsButTheFirst() {
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        int[][] texts = {{5, 17, 40, 8, 23}, {3, 9, 12}};
        HookPoint hook = HookPoint.mlpPost(1);
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 4), Optional.empty(), engine)) {
            int width = config.dMlp();
            double[][] expected = new double[width][width];
            for (int[] text : texts) {
                Tensor keys = model.forward(new int[][] {text}, ForwardPlan.capture(hook)).get(hook).slice(0);
                for (int position = 1; position < text.length; position++) {
                    float[] key = keys.row(position);
                    for (int i = 0; i < width; i++) {
                        for (int j = 0; j <= i; j++) {
                            expected[i][j] += (double) key[i] * key[j] / (4 + 2);
                        }
                    }
                }
            }
            double[][] found = Objects.requireNonNull(KeyCovariance.collect(new BatchedRuns(model, 100, Progress.NONE), List.of(texts),
                    List.of(1), width, 0).get(1));
            for (int i = 0; i < width; i++) {
                assertThat(found[i]).as("row %s", i).containsExactly(expected[i], within(1e-6));
            }
        }
    }
}
