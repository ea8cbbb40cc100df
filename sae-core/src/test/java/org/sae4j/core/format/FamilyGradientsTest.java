package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.GradientPlan.Objective;
import org.sae4j.api.model.Gradients;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;

/** Gradients of models of every family, at every hook point, against differences along a random direction. */
class FamilyGradientsTest {
    private static final float STEP = 1f / 1024;

    static List<Path> folders() throws IOException {
        return GoldenFiles.cases("family");
    }

    @ParameterizedTest
    @MethodSource("folders")
    void gradientsAreDifferences(Path folder) {
        try (TransformerWeights weights = TransformerFiles.read(folder); Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(folder));
                Transformer model = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine)) {
            int[][] tokens = GoldenFiles.ids(expected.tensor("tokens"));
            int vocabulary = model.config().dVocab();
            float[] reference = new float[vocabulary];
            Arrays.fill(reference, 1f / vocabulary);
            Objective metric = Objective.logProbability(0, -1, 1).plus(Objective.logit(tokens.length - 1, -2, 2))
                    .plus(Objective.divergence(0, 3, Tensor.of(reference, vocabulary)).times(-2));
            HookPoint[] hooks = model.hookPoints().stream().filter(hook -> !hook.site().suffix().endsWith("hook_scale"))
                    .toArray(HookPoint[]::new);
            Gradients gradients = model.gradients(tokens, GradientPlan.of(metric).by(hooks).build());
            for (HookPoint hook : hooks) {
                check(model, tokens, metric, hook, gradients.get(hook));
            }
        }
    }

    private static void check(Transformer model, int[][] tokens, Objective metric, HookPoint hook, Tensor gradient) {
        Tensor value = model.forward(tokens, ForwardPlan.capture(hook)).get(hook);
        CounterRandom random = new CounterRandom(7).stream(hook.toString());
        int size = (int) value.size();
        double scale = Math.sqrt(IntStream.range(0, size).mapToDouble(value::get).filter(Double::isFinite).map(v -> v * v).average()
                .orElse(1));
        float[] direction = new float[size];
        double along = 0;
        double length = 0;
        for (int i = 0; i < size; i++) {
            direction[i] = (float) (scale * random.nextGaussian());
            along += (double) direction[i] * gradient.get(i);
            length += Math.pow(gradient.get(i) * scale, 2);
        }
        double[] at = new double[5];
        for (int i = -2; i <= 2; i++) {
            at[i + 2] = metric(model, tokens, metric, hook, moved(value, direction, i * STEP));
        }
        double difference = (8 * (at[3] - at[1]) - (at[4] - at[0])) / (12 * STEP);
        assertThat(along).as("%s: derivative along a direction, length of the gradient %s", hook, Math.sqrt(length))
                .isCloseTo(difference, within(slack(model) * Math.sqrt(length) + 3e-3));
    }

    /** Some of many ReLUs pass their corner within a step. */
    private static double slack(Transformer model) {
        return model.config().activation() == TransformerConfig.Activation.RELU ? 0.03 : 3e-3;
    }

    @Test
    void gradientsAreThoseOfPyTorch() throws IOException {
        Set<String> models = new HashSet<>();
        try (SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.folder("gradients.safetensors"))) {
            for (String key : expected.names()) {
                models.add(key.substring(0, key.indexOf('/')));
            }
            for (String name : models) {
                Path folder = GoldenFiles.folder(name.equals("hf_f32") ? "transformer" : "family").resolve(name);
                compare(name, folder, expected);
            }
        }
        assertThat(models).contains("hf_f32", "gpt_neo", "llama", "gemma2", "gemma3", "qwen3", "neox_parallel", "opt", "falcon_shared");
    }

    private static void compare(String name, Path folder, SafetensorsFile expected) {
        try (TransformerWeights weights = TransformerFiles.read(folder); Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                SafetensorsFile inputs = SafetensorsFile.open(GoldenFiles.expected(folder));
                Transformer model = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine)) {
            int[][] tokens = GoldenFiles.ids(inputs.tensor("tokens"));
            HookPoint[] hooks = IntStream.range(0, model.config().nLayers()).mapToObj(HookPoint::residPre).toArray(HookPoint[]::new);
            int vocabulary = model.config().dVocab();
            float[] p = new float[vocabulary];
            for (int token = 0; token < vocabulary; token++) {
                p[token] = (token + 1) * 2f / ((float) vocabulary * (vocabulary + 1));
            }
            Map<String, IntFunction<Objective>> metrics = Map.of("log_probability", row -> Objective.logProbability(row, -1, row + 1),
                    "difference", row -> Objective.logit(row, -1, 3).minus(Objective.logit(row, -1, 5)),
                    "divergence", row -> Objective.divergence(row, -1, Tensor.of(p, vocabulary)));
            metrics.forEach((metric, ofRow) -> {
                Objective sum = IntStream.range(0, tokens.length).mapToObj(ofRow).reduce(Objective::plus).orElseThrow();
                Gradients gradients = model.gradients(tokens, GradientPlan.of(sum).by(hooks).build());
                for (HookPoint hook : hooks) {
                    Tensor wanted = expected.tensor(name + "/" + metric + "/" + hook);
                    double largest = IntStream.range(0, (int) wanted.size()).mapToDouble(i -> Math.abs(wanted.get(i))).max().orElseThrow();
                    GoldenFiles.assertClose(name + " " + metric + " " + hook, gradients.get(hook), wanted, 3e-5 * largest);
                }
            });
        }
    }

    private static Tensor moved(Tensor value, float[] direction, float by) {
        float[] values = value.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] += by * direction[i];
        }
        return Tensor.of(values, value.shape());
    }

    private static double metric(Transformer model, int[][] tokens, Objective metric, HookPoint hook, Tensor value) {
        int width = value.dim(value.rank() - 1);
        // Hook points of heads and groups are edited a row of all heads at a time, patterns and scores a query at a time.
        int rows = hook.site().isPattern() ? (int) (value.size() / width) : tokens.length * tokens[0].length;
        int[] all = IntStream.range(0, rows).toArray();
        ForwardPlan plan = ForwardPlan.builder().capture(HookPoint.LOGITS)
                .set(hook, all, value.reshape(rows, Math.toIntExact(value.size() / rows))).build();
        Gradients moved = model.gradients(tokens, GradientPlan.of(metric).by(HookPoint.LOGITS).through(plan).build());
        return moved.value();
    }
}
