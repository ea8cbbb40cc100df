package org.sae4j.core.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.engine.cpu.CpuEngineProvider;

class GeneratorTest {
    private static final int[] PROMPT = {3, 17, 5, 30, 8};

    private static Engine engine() {
        return new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    private static Transformer model(String family, Engine engine) throws Exception {
        return Transformers.open(Path.of(GeneratorTest.class.getResource("/org/sae4j/core/format/family/" + family).toURI()), engine);
    }

    private static float[] whole(Transformer model, int[] tokens) {
        return model.forward(new int[][] {tokens}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build()).logits().toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral_window", "gemma2", "gemma3", "neox_parallel", "opt", "falcon_shared"})
    void stepsBehindACacheHaveTheBitsOfWholePasses(String family) throws Exception {
        try (Engine engine = engine(); Transformer model = model(family, engine)) {
            Generator generator = new Generator(model);
            KeyValueCache cache = new KeyValueCache(model);
            int[] tokens = PROMPT;
            float[] logits = generator.step(tokens, cache);
            for (int i = 0; i < 20; i++) {
                assertThat(logits).as("after %d tokens", tokens.length).containsExactly(whole(model, tokens));
                int next = (7 * i + 2) % 37;
                tokens = Arrays.copyOf(tokens, tokens.length + 1);
                tokens[tokens.length - 1] = next;
                logits = generator.step(new int[] {next}, cache);
            }
        }
    }

    @Test
    void aForkGoesItsOwnWay() throws Exception {
        try (Engine engine = engine(); Transformer model = model("llama", engine)) {
            Generator generator = new Generator(model);
            KeyValueCache cache = new KeyValueCache(model);
            generator.step(PROMPT, cache);
            KeyValueCache fork = cache.fork();
            generator.step(new int[] {1}, fork);
            float[] first = generator.step(new int[] {2}, cache);
            assertThat(first).containsExactly(whole(model, new int[] {3, 17, 5, 30, 8, 2}));
            assertThat(generator.step(new int[] {4}, fork)).containsExactly(whole(model, new int[] {3, 17, 5, 30, 8, 1, 4}));
        }
    }

    /** A batch gives each sequence what it gets alone, whatever its length and wherever the others end. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "gemma2", "opt", "llama_bf16"})
    void sequencesGetInABatchWhatTheyGetAlone(String family) throws Exception {
        try (Engine engine = engine(); Transformer model = model(family, engine)) {
            int[][] prompts = {{3, 17, 5}, {9}, {4, 4, 30}, {1, 2, 3, 4, 5, 6}, {36, 0, 8}};
            for (Sampling sampling : new Sampling[] {Sampling.GREEDY, new Sampling(1.3, 0, 0.9, 1.2, 5)}) {
                Generator free = new Generator(model).with(sampling);
                Generator ending = free.until(new HashSet<>(List.of(free.generate(prompts[0], 4)[3], free.generate(prompts[4], 9)[6])));
                for (Generator generator : new Generator[] {free, ending}) {
                    int[][] together = generator.generate(prompts, 25, Progress.NONE);
                    for (int i = 0; i < prompts.length; i++) {
                        assertThat(together[i]).as("sequence %d", i).containsExactly(generator.generate(prompts[i], 25));
                    }
                }
            }
            KeyValueCache cache = new KeyValueCache(model, 2);
            float[][] both = new Generator(model).step(new int[][] {prompts[0], prompts[2]}, cache);
            assertThat(both[1]).containsExactly(whole(model, prompts[2]));
            assertThatThrownBy(() -> new Generator(model).step(prompts[0], cache)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("2 sequences");
        }
    }

    @Test
    void greedyTextEndsBehindAnEndTokenOrAtTheContext() throws Exception {
        try (Engine engine = engine(); Transformer model = model("qwen2", engine)) {
            int[] all = new Generator(model).generate(PROMPT, 1000);
            assertThat(all).hasSize(model.config().nCtx() - PROMPT.length + 1);
            int[] tokens = PROMPT;
            for (int token : Arrays.copyOf(all, 6)) {
                assertThat(token).isEqualTo(Sampling.GREEDY.choose(whole(model, tokens), tokens, 0));
                tokens = Arrays.copyOf(tokens, tokens.length + 1);
                tokens[tokens.length - 1] = token;
            }
            assertThat(new Generator(model).until(Set.of(all[0])).generate(PROMPT, 9)).containsExactly(all[0]);
            assertThatThrownBy(() -> new Generator(model).generate(new int[0], 3)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void featuresAreAddedAtEveryPositionAndClampedToTheirValue() throws Exception {
        try (Engine engine = engine(); Transformer model = model("llama", engine);
                SparseAutoencoder sae = autoencoder(engine, model.config().dModel())) {
            HookPoint hook = HookPoint.residPost(1);
            float[] direction = sae.parameters().get("W_dec").row(4);
            float[] rows = new float[PROMPT.length * direction.length];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = 2.5f * direction[i % direction.length];
            }
            float[] added = model.forward(new int[][] {PROMPT}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                    .add(hook, new int[] {0, 1, 2, 3, 4}, Tensor.of(rows, PROMPT.length, direction.length)).build()).logits().toArray();
            Generator steered = new Generator(model).with(new Steering(sae, Steering.Mode.ADD, Map.of(4, 2.5)));
            assertThat(steered.step(PROMPT, new KeyValueCache(model))).containsExactly(added, within(1e-5f));

            Tensor x = model.forward(new int[][] {PROMPT}, ForwardPlan.capture(hook)).get(hook).reshape(PROMPT.length, -1);
            float[] moved = x.toArray();
            for (int row = 0; row < PROMPT.length; row++) {
                float missing = 1.5f - sae.encode(x).get(row, 4);
                for (int i = 0; i < direction.length; i++) {
                    moved[row * direction.length + i] += missing * direction[i];
                }
            }
            float[] clamped = model.forward(new int[][] {PROMPT}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                    .replace(hook, Tensor.of(moved, 1, PROMPT.length, direction.length)).build()).logits().toArray();
            Generator clamping = new Generator(model).with(new Steering(sae, Steering.Mode.CLAMP, Map.of(4, 1.5)));
            assertThat(clamping.step(PROMPT, new KeyValueCache(model))).containsExactly(clamped, within(1e-4f));

            // Each feature in a way of its own: what is added is the sum.
            float[] several = x.toArray();
            float[] other = sae.parameters().get("W_dec").row(7);
            float[] third = sae.parameters().get("W_dec").row(2);
            for (int row = 0; row < PROMPT.length; row++) {
                float missing = -sae.encode(x).get(row, 4);
                float scaled = 2 * sae.encode(x).get(row, 2);
                for (int i = 0; i < direction.length; i++) {
                    several[row * direction.length + i] += missing * direction[i] + 0.5f * other[i] + scaled * third[i];
                }
            }
            float[] mixed = model.forward(new int[][] {PROMPT}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                    .replace(hook, Tensor.of(several, 1, PROMPT.length, direction.length)).build()).logits().toArray();
            Generator mixing = new Generator(model).with(new Steering(sae, Map.of(4, new Steering.Move(Steering.Mode.CLAMP, 0),
                    7, new Steering.Move(Steering.Mode.ADD, 0.5), 2, new Steering.Move(Steering.Mode.SCALE, 3))));
            assertThat(mixing.step(PROMPT, new KeyValueCache(model))).containsExactly(mixed, within(1e-4f));

            assertThatThrownBy(() -> new Steering(sae, Steering.Mode.ADD, Map.of(12, 1.0))).hasMessageContaining("from 0 to 11");
        }
    }

    @Test
    void steeringCanLeaveTheFirstPositionAsItIs() throws Exception {
        try (Engine engine = engine(); Transformer model = model("llama", engine);
                SparseAutoencoder sae = autoencoder(engine, model.config().dModel())) {
            float[] direction = sae.parameters().get("W_dec").row(4);
            float[] rows = new float[(PROMPT.length - 1) * direction.length];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = 2.5f * direction[i % direction.length];
            }
            float[] added = model.forward(new int[][] {PROMPT}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                    .add(HookPoint.residPost(1), new int[] {1, 2, 3, 4}, Tensor.of(rows, PROMPT.length - 1, direction.length)).build())
                    .logits().toArray();
            Generator steered = new Generator(model).with(new Steering(sae, Steering.Mode.ADD, Map.of(4, 2.5)).exceptFirst());
            assertThat(steered.step(PROMPT, new KeyValueCache(model))).containsExactly(added, within(1e-5f));
            // Token by token behind a cache: position 0 alone is a pass without any change.
            KeyValueCache cache = new KeyValueCache(model);
            float[] last = {};
            for (int token : PROMPT) {
                last = steered.step(new int[] {token}, cache);
            }
            assertThat(last).containsExactly(added, within(1e-4f));
        }
    }

    /** Each number against what its definition says of separate passes. */
    @Test
    void aCurveMeasuresWhatSteeringDoesInUnitsOfTheResidualStream() throws Exception {
        try (Engine engine = engine(); Transformer model = model("llama", engine);
                SparseAutoencoder sae = autoencoder(engine, model.config().dModel())) {
            HookPoint hook = HookPoint.residPost(1);
            Tensor x = model.forward(new int[][] {PROMPT}, ForwardPlan.capture(hook)).get(hook).slice(0);
            double[] norms = IntStream.range(1, PROMPT.length).mapToDouble(i -> norm(x.row(i))).sorted().toArray();
            double unit = norms[(norms.length - 1) / 2];
            SteeringCurve curve = SteeringCurve.measure(model, sae, 4, true, List.of(PROMPT, PROMPT), new double[] {0, 3}, 6, Progress.NONE);
            assertThat(curve.norm()).isCloseTo(unit, within(1e-4));
            Generator plain = new Generator(model);
            assertThat(curve.points().getFirst().tokens().getFirst()).isEqualTo(plain.generate(PROMPT, 6));
            assertThat(curve.points().getFirst().divergence().value()).isCloseTo(0, within(1e-6));

            SteeringCurve.Point steered = curve.points().getLast();
            double value = 3 * unit / norm(sae.parameters().get("W_dec").row(4));
            Steering moved = new Steering(sae, Steering.Mode.ADD, Map.of(4, value)).exceptFirst();
            int[] written = plain.with(moved).generate(PROMPT, 6);
            assertThat(steered.tokens()).hasSize(2).allSatisfy(tokens -> assertThat(tokens).isEqualTo(written));
            assertThat(steered.repeated().value()).isCloseTo(1 - Arrays.stream(written).distinct().count() / 6.0, within(1e-12));
            double surprise = 0;
            double divergence = 0;
            int[] text = IntStream.concat(Arrays.stream(PROMPT), Arrays.stream(written)).toArray();
            for (int i = 1; i < text.length; i++) {
                double[] p = probabilities(plain.step(Arrays.copyOf(text, i), new KeyValueCache(model)));
                if (i >= PROMPT.length) {
                    surprise -= Math.log(p[text[i]]) / 6;
                }
                if (i >= 2 && i <= PROMPT.length) {
                    double[] q = probabilities(plain.with(moved).step(Arrays.copyOf(text, i), new KeyValueCache(model)));
                    divergence += IntStream.range(0, p.length).mapToDouble(k -> p[k] * Math.log(p[k] / q[k])).sum() / (PROMPT.length - 1);
                }
            }
            assertThat(steered.nll().value()).isCloseTo(surprise, within(1e-4));
            assertThat(steered.divergence().value()).isCloseTo(divergence, within(1e-4)).isPositive();
        }
    }

    @Test
    void promptsOfOneTokenHaveNoDivergenceAndEveryPromptLeavesRoom() throws Exception {
        try (Engine engine = engine(); Transformer model = model("llama", engine);
                SparseAutoencoder sae = autoencoder(engine, model.config().dModel())) {
            SteeringCurve.Point steered = SteeringCurve.measure(model, sae, 4, true, List.of(PROMPT, new int[] {3}), new double[] {2}, 4,
                    Progress.NONE).points().getFirst();
            assertThat(steered.divergence().n()).isEqualTo(1);
            assertThat(steered.divergence().value()).isPositive();
            assertThat(steered.nll().n()).isEqualTo(2);
            int[] full = new int[model.config().nCtx() - 3];
            assertThatIllegalArgumentException().isThrownBy(() -> SteeringCurve.measure(model, sae, 4, true, List.of(PROMPT, full),
                    new double[] {2}, 4, Progress.NONE)).withMessageContaining("leave room for 4");
        }
    }

    private static double norm(float[] row) {
        return Math.sqrt(IntStream.range(0, row.length).mapToDouble(i -> (double) row[i] * row[i]).sum());
    }

    private static double[] probabilities(float[] logits) {
        double[] p = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i])).toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(v -> v / sum).toArray();
    }

    private static SparseAutoencoder autoencoder(Engine engine, int d) {
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, d, 12).hook(HookPoint.residPost(1)).build();
        CounterRandom random = new CounterRandom(3);
        return SparseAutoencoders.of(config, Map.of("W_enc", normal(random.stream("enc"), d, 12), "b_enc", Tensor.zeros(12),
                "W_dec", normal(random.stream("dec"), 12, d), "b_dec", Tensor.zeros(d)), engine);
    }

    private static Tensor normal(CounterRandom random, int rows, int cols) {
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, rows, cols);
    }

    @Test
    void samplingFollowsHuggingFacesOrder() {
        float[] logits = {1, 3, 2, 3, -1};
        assertThat(Sampling.GREEDY.choose(logits, new int[0], 0)).isEqualTo(1);
        // The penalty makes 3 of both best ones 1.5; then 2 is the likeliest.
        assertThat(new Sampling(0, 0, 1, 2, 0).choose(logits, new int[] {1, 3}, 0)).isEqualTo(2);
        int[] counts = new int[5];
        Sampling two = new Sampling(1, 1, 1, 1, 7);
        Sampling nucleus = new Sampling(1, 0, 0.9, 1, 7);
        int[] nucleusCounts = new int[5];
        for (int step = 0; step < 2000; step++) {
            counts[two.choose(logits, new int[0], step)]++;
            nucleusCounts[nucleus.choose(logits, new int[0], step)]++;
        }
        // Ties with the last of the k likeliest stay.
        assertThat(counts[1] + counts[3]).isEqualTo(2000);
        assertThat(counts[1]).isBetween(900, 1100);
        // softmax: .40, .40, .15, .05, .01: the least two have .06 together, the least three .21.
        assertThat(nucleusCounts[0] + nucleusCounts[4]).isZero();
        assertThat(nucleusCounts[2] / 2000.0).isCloseTo(Math.exp(-1) / (2 + Math.exp(-1)), within(0.03));
        assertThatThrownBy(() -> new Sampling(-1, 0, 1, 1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Optional.of(two.choose(logits, new int[0], 5))).contains(two.choose(logits, new int[0], 5));
    }
}
