package org.sae4j.experiment.randomwalk.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;
import org.sae4j.testkit.SmallModels;

class PatchedModelTest {
    private static final int[] PROMPT = {0, 17, 3, 60, 42, 8};

    /** Batched, resumed passes against one plain pass for each displacement that sets the activation. */
    @ParameterizedTest
    @CsvSource({"blocks.0.mlp.hook_post, 5", "blocks.1.hook_resid_pre, 5", "blocks.1.attn.hook_z, 3", "hook_embed, 4",
        "ln_final.hook_normalized, 5"})
    void effectsAreThoseOfSettingTheActivation(String name, int position) {
        HookPoint hook = HookPoint.parse(name).orElseThrow();
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        try (Engine engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 9), Optional.empty(), engine)) {
            Tensor values = model.forward(new int[][] {PROMPT}, ForwardPlan.capture(hook)).get(hook);
            float[] clean = values.reshape(PROMPT.length, -1).row(position);
            CounterRandom random = new CounterRandom(10);
            float[][] displacements = new float[40][];
            for (int i = 0; i < displacements.length; i++) {
                displacements[i] = SmallModels.gaussian(random, 0.05 * i, clean.length).toArray();
            }
            PatchedModel patched = new PatchedModel(model, hook, PROMPT, position, 4, Progress.NONE);
            PatchedModel.Effects effects = patched.effects(displacements, 7);
            int[][] continuations = patched.continuations(displacements, 4);
            boolean[] keeps = patched.keepsContinuation(displacements);
            double[] reference = logProbabilities(model, hook, position, clean, new float[clean.length], PROMPT);
            assertThat(effects.kl()[0]).isZero();
            assertThat(patched.cleanLoss(7)).isCloseTo(-reference[7], within(1e-5));
            for (int i = 0; i < displacements.length; i++) {
                double[] changed = logProbabilities(model, hook, position, clean, displacements[i], PROMPT);
                double kl = IntStream.range(0, reference.length).mapToDouble(v -> Math.exp(reference[v]) * (reference[v] - changed[v]))
                        .sum();
                assertThat(effects.kl()[i]).isCloseTo(kl, within(1e-5 * (1 + kl)));
                assertThat(effects.loss()[i]).isCloseTo(-changed[7], within(1e-4));
                assertThat(effects.top()[i]).isEqualTo(top(changed));
                assertThat(keeps[i]).isEqualTo(Arrays.equals(continuations[i], patched.continuation()));
                int[] tokens = PROMPT;
                for (int id : continuations[i]) {
                    assertThat(id).isEqualTo(top(logProbabilities(model, hook, position, clean, displacements[i], tokens)));
                    tokens = IntStream.concat(Arrays.stream(tokens), IntStream.of(id)).toArray();
                }
            }
        }
    }

    private static double[] logProbabilities(Transformer model, HookPoint hook, int position, float[] clean, float[] displacement,
            int[] tokens) {
        float[] value = new float[clean.length];
        for (int i = 0; i < value.length; i++) {
            value[i] = clean[i] + displacement[i];
        }
        ForwardPlan plan = ForwardPlan.builder().capture(HookPoint.LOGITS)
                .set(hook, new int[] {position}, Tensor.of(value, 1, value.length)).build();
        float[] z = model.forward(new int[][] {tokens}, plan).logits().reshape(tokens.length, -1).row(tokens.length - 1);
        double sum = IntStream.range(0, z.length).mapToDouble(i -> Math.exp(z[i])).sum();
        return IntStream.range(0, z.length).mapToDouble(i -> z[i] - Math.log(sum)).toArray();
    }

    private static int top(double[] values) {
        return IntStream.range(0, values.length).reduce((a, b) -> values[b] > values[a] ? b : a).orElseThrow();
    }
}
