package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Transformers;
import org.sae4j.core.program.Description;
import org.sae4j.experiment.causaltracing.GatedModel;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;

class BatchedRunsTest {
    private static final int[][] TEXTS = {{0, 5, 17, 40, 8, 23}, {3, 9, 9, 12}};

    @ParameterizedTest
    @ValueSource(ints = {1, 20, 100_000})
    void runsThatBeginAtTheirFirstChangeHaveTheBitsOfWholeOnes(int batchTokens) {
        TransformerConfig config = SmallModels.config(3, TransformerConfig.Activation.GELU_TANH);
        try (Engine engine = new ReferenceEngine()) {
            check(Transformers.of(config, SmallModels.parameters(config, 4), Optional.empty(), engine), batchTokens);
        }
    }

    @Test
    void headsMayShareKeysAndValues() {
        TransformerConfig small = SmallModels.config(3, TransformerConfig.Activation.SILU);
        Description grouped = GatedModel.describe(small.toBuilder().heads(2 * small.nHeads()).keyValueHeads(small.nHeads())
                .dHead(small.dHead() / 2).build());
        try (Engine engine = new ReferenceEngine()) {
            check(Transformers.of(grouped, GatedModel.parameters(grouped), Optional.empty(), engine), 20);
        }
    }

    private static void check(Transformer opened, int batchTokens) {
        try (Transformer model = opened) {
            TransformerConfig config = model.config();
            BatchedRuns runs = new BatchedRuns(model, batchTokens, Progress.NONE);
            for (int layer = 0; layer <= config.nLayers(); layer++) {
                HookPoint before = Place.residual(layer);
                List<HookPoint> hooks = new ArrayList<>(runs.keysAndValues(layer));
                hooks.add(before);
                List<BatchedRuns.Run> resumed = new ArrayList<>();
                List<float[]> expected = new ArrayList<>();
                for (int[] tokens : TEXTS) {
                    List<Map<HookPoint, Tensor>> values = new ArrayList<>();
                    runs.forEach(0, List.of(BatchedRuns.Run.of(tokens)), hooks, false,
                            (_, batch, row) -> values.add(BatchedRuns.values(batch, row, hooks)));
                    for (int position = 0; position < tokens.length; position++) {
                        for (int i = 0; i < 5; i++) {
                            float[] value = SmallModels.gaussian(new CounterRandom(i), 1, config.dModel()).toArray();
                            resumed.add(new BatchedRuns.Run(tokens, values.getFirst().get(before),
                                    List.of(BatchedRuns.Change.set(null, position, value)), values.getFirst(), 1));
                            expected.add(model.forward(new int[][] {tokens}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                                    .set(before, new int[] {position}, Tensor.of(value, 1, value.length)).build()).logits().row(0));
                        }
                    }
                }
                assertThat(runs.lastLogits(layer, resumed)).as("from block %s", layer).isDeepEqualTo(expected.toArray(float[][]::new));
            }
        }
    }
}
