package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sae4j.api.CounterRandom;
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

class DownstreamTest {
    private static final int[] TOKENS = {0, 5, 17, 40, 8, 23};
    private static final int POSITION = 2;

    @ParameterizedTest
    @EnumSource(value = TransformerConfig.Activation.class, mode = EnumSource.Mode.EXCLUDE, names = "SOLU")
    void agreesWithTheModelAndWithFiniteDifferences(TransformerConfig.Activation activation) {
        TransformerConfig config = SmallModels.config(3, activation);
        Map<String, Tensor> parameters = SmallModels.parameters(config, 4);
        for (int layer = 0; layer < 3; layer++) {
            Downstream downstream = new Downstream(config, parameters, layer);
            HookPoint output = new HookPoint(HookPoint.Site.MLP_OUT, layer);
            double[] vector = new double[config.dModel()];
            CounterRandom random = new CounterRandom(layer);
            float[] narrow = new float[vector.length];
            for (int i = 0; i < vector.length; i++) {
                narrow[i] = (float) (0.3 * random.nextGaussian());
                vector[i] = narrow[i];
            }
            try (Engine engine = new ReferenceEngine();
                    Transformer model = Transformers.of(config, parameters, Optional.empty(), engine)) {
                BatchedRuns runs = new BatchedRuns(model, 100, Progress.NONE);
                List<Map<HookPoint, Tensor>> values = new ArrayList<>();
                List<HookPoint> hooks = List.copyOf(downstream.hooks());
                runs.forEach(0, List.of(BatchedRuns.Run.of(TOKENS)), hooks, false,
                        (_, batch, row) -> values.add(BatchedRuns.values(batch, row, hooks)));
                Downstream.Text text = downstream.text(values.getFirst(), POSITION);
                float[] expected = model.forward(new int[][] {TOKENS}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                        .add(output, new int[] {POSITION}, Tensor.of(narrow, 1, narrow.length)).build()).logits().row(0);
                assertThat(downstream.logProbabilities(text, vector)).containsExactly(Scores.logProbabilities(expected), within(2e-5));
                checkGradient(downstream, text, vector);
            }
        }
    }

    private static void checkGradient(Downstream downstream, Downstream.Text text, double[] vector) {
        int answer = 7;
        double[] gradient = new double[vector.length];
        downstream.evaluate(text, vector, (log, dLogits) -> {
            for (int t = 0; t < log.length; t++) {
                dLogits[t] = Math.exp(log[t]);
            }
            dLogits[answer] -= 1;
            return -log[answer];
        }, gradient);
        double step = 1e-4;
        for (int i = 0; i < vector.length; i++) {
            double[] up = vector.clone();
            double[] down = vector.clone();
            up[i] += step;
            down[i] -= step;
            double numeric = -(downstream.logProbabilities(text, up)[answer] -
                    downstream.logProbabilities(text, down)[answer]) / (2 * step);
            // The normal distribution function behind the exact GELU has a relative error of 2e-7, which the difference magnifies.
            assertThat(gradient[i]).isCloseTo(numeric, within(2e-3 * Math.max(1, Math.abs(numeric))));
        }
    }
}
