package org.sae4j.experiment.ablation.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
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
    void aRunThatResumesHasTheBitsOfAPassOverTheWholeText() {
        TransformerConfig config = SmallModels.config(3, TransformerConfig.Activation.GELU_TANH);
        HookPoint hook = HookPoint.mlpPost(1);
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 6), Optional.empty(), engine)) {
            Activations clean = model.forward(new int[][] {LONG}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .capture(Passes.resumed(model, hook).toArray(HookPoint[]::new)).build());
            List<Passes.Run> runs = new ArrayList<>(List.of(new Passes.Run(LONG, null)));
            for (int position = 0; position < LONG.length; position++) {
                for (int times = 0; times < 12; times++) {
                    float[][] added = new float[LONG.length][];
                    added[position] = SmallModels.gaussian(new CounterRandom(times), 1, 24).toArray();
                    added[Math.min(position + times, LONG.length - 1)] = added[position];
                    runs.add(new Passes.Run(LONG, added));
                }
            }
            for (int batchTokens : new int[] {1, 25, 100_000}) {
                for (boolean lastOnly : new boolean[] {true, false}) {
                    Tensor[] logits = new Tensor[runs.size()];
                    new Passes(model, hook, batchTokens, Progress.NONE).resume(runs, clean, lastOnly, (run, first, rows) -> {
                        logits[run] = rows;
                        Tensor whole = whole(model, hook, runs.get(run));
                        assertThat(rows.dim(0)).isEqualTo(LONG.length - first);
                        for (int position = first; position < LONG.length; position++) {
                            assertThat(rows.row(position - first)).as("run %s", run).isEqualTo(whole.row(position));
                        }
                    });
                    assertThat(logits).doesNotContainNull();
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"blocks.2.attn.hook_z", "blocks.2.hook_resid_mid", "blocks.2.mlp.hook_post", "blocks.2.hook_resid_post"})
    void whereNoAttentionFollowsOnlyChangedPositionsAreRunToTheBitsOfWholePasses(String name) {
        TransformerConfig config = SmallModels.config(3, TransformerConfig.Activation.GELU_TANH);
        HookPoint hook = HookPoint.parse(name).orElseThrow();
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 6), Optional.empty(), engine)) {
            Activations clean = model.forward(new int[][] {LONG}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .capture(Passes.resumed(model, hook).toArray(HookPoint[]::new)).build());
            int width = name.endsWith("mlp.hook_post") ? 24 : 12;
            List<Passes.Run> runs = new ArrayList<>(List.of(new Passes.Run(LONG, null)));
            for (int times = 0; times < 40; times++) {
                for (int position = 0; position < LONG.length; position++) {
                    float[][] added = new float[LONG.length][];
                    added[position] = SmallModels.gaussian(new CounterRandom(times), 1, width).toArray();
                    added[position + times % 2 < LONG.length ? position + times % 2 : 0] = added[position];
                    runs.add(new Passes.Run(LONG, added));
                }
            }
            for (int batchTokens : new int[] {7, 100_000}) {
                for (boolean lastOnly : new boolean[] {true, false}) {
                    Passes passes = new Passes(model, hook, batchTokens, Progress.NONE);
                    boolean[][] seen = new boolean[runs.size()][LONG.length];
                    passes.resume(runs, clean, lastOnly, (run, first, rows) -> {
                        assertThat(rows.dim(0)).as("positions at once").isOne();
                        assertThat(rows.row(0)).as("run %s", run).isEqualTo(whole(model, hook, runs.get(run)).row(first));
                        seen[run][first] = true;
                    });
                    for (int run = 1; run < seen.length; run++) {
                        Tensor whole = run < 20 ? whole(model, hook, runs.get(run)) : null;
                        for (int position = 0; position < LONG.length; position++) {
                            boolean reached = passes.reaches(runs.get(run).added(), position);
                            assertThat(seen[run][position]).isEqualTo(reached && (!lastOnly || position == LONG.length - 1));
                            if (whole != null && !reached) {
                                assertThat(whole.row(position)).containsExactly(clean.logits().slice(0).row(position));
                            }
                        }
                    }
                }
            }
        }
    }

    private static Tensor whole(Transformer model, HookPoint hook, Passes.Run run) {
        ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS);
        for (int position = 0; run.added() != null && position < LONG.length; position++) {
            if (run.added()[position] != null) {
                plan.add(hook, new int[] {position}, Tensor.of(run.added()[position], 1, run.added()[position].length));
            }
        }
        return model.forward(new int[][] {LONG}, plan.build()).logits().slice(0);
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
                    (run, _, rows) -> logits[run] = rows);
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
