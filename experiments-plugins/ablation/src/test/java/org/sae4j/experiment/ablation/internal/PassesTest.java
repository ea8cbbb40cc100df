package org.sae4j.experiment.ablation.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Transformers;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;

class PassesTest {
    private static final int[] LONG = {0, 5, 17, 40, 8, 23};
    private static final int[] SHORT = {0, 9, 9};

    @Test
    void addingNothingOrZeroLeavesTheLogitsToTheBit() {
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU_TANH);
        HookPoint hook = HookPoint.mlpPost(1);
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 6), Optional.empty(), engine)) {
            Activations clean = model.forward(new int[][] {LONG}, ForwardPlan.capture(HookPoint.residPre(1), HookPoint.LOGITS));
            Passes passes = new Passes(model, hook, 1000, Progress.NONE);
            float[][] zero = new float[LONG.length][];
            zero[3] = new float[24];
            List<float[]> logits = new ArrayList<>();
            passes.resume(List.of(new Passes.Run(LONG, null), new Passes.Run(LONG, zero)), clean.get(HookPoint.residPre(1)).slice(0), false,
                    (_, rows) -> logits.add(rows.toArray()));
            assertThat(logits).hasSize(2).allSatisfy(l -> assertThat(l).isEqualTo(clean.logits().toArray()));
        }
    }

    @Test
    void paddingChangesNothingAndRunsKeepTheirNumbers() {
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU_TANH);
        HookPoint hook = HookPoint.residPre(0);
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 6), Optional.empty(), engine)) {
            float[][] added = new float[SHORT.length][];
            added[1] = SmallModels.gaussian(new CounterRandom(1), 1, 12).toArray();
            Tensor expected = model.forward(new int[][] {SHORT}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .add(hook, new int[] {1}, Tensor.of(added[1], 1, 12)).build()).logits().slice(0);
            Tensor[] logits = new Tensor[2];
            new Passes(model, hook, 1000, Progress.NONE).fromTokens(List.of(new Passes.Run(LONG, null), new Passes.Run(SHORT, added)),
                    (run, rows) -> logits[run] = rows);
            assertThat(logits[0].row(5)).isEqualTo(model.forward(new int[][] {LONG}, ForwardPlan.logits()).logits().slice(0).row(5));
            for (int position = 0; position < SHORT.length; position++) {
                assertThat(logits[1].row(position)).containsExactly(expected.row(position), within(1e-6f));
            }
        }
    }

    @Test
    void distributionsSumToOneAndDivergeFromOthersOnly() {
        Distribution p = Distribution.of(new float[] {1, 2, 300});
        Distribution q = Distribution.of(new float[] {0, 0, 0});
        assertThat(Math.exp(q.log()[0])).isCloseTo(1 / 3.0, within(1e-12));
        assertThat(p.divergence(p)).isZero();
        assertThat(p.divergence(q)).isCloseTo(Math.log(3), within(1e-9));
        assertThat(p.top(2)).containsExactly(2, 1);
    }
}
