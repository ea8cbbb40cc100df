package org.sae4j.core.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.RandomModels;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Planted;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.ScalingSweep;
import org.sae4j.testkit.ReferenceEngine;

class EvaluatorTest {
    private static final int D = 7;
    private static final Tensor DATA = Planted.rows(Planted.dictionary(10, D, 1), 101, 3, 50, 2);

    private static SparseAutoencoder sae(Engine engine, float[] encoder, float[] encoderBias, float[] decoder, float[] bias,
            Optional<HookPoint> hook) {
        int n = encoderBias.length;
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, bias.length, n).applyBDecToInput(false).hook(hook).build();
        return SparseAutoencoders.of(config, Map.of("W_enc", Tensor.of(encoder, bias.length, n), "b_enc", Tensor.of(encoderBias, n),
                "W_dec", Tensor.of(decoder, n, bias.length), "b_dec", Tensor.of(bias, bias.length)), engine);
    }

    /** f = (max(0, x), max(0, -x)), which reconstructs everything. */
    private static SparseAutoencoder identity(Engine engine, int d, float scale, Optional<HookPoint> hook) {
        float[] encoder = new float[d * 2 * d];
        float[] decoder = new float[2 * d * d];
        for (int c = 0; c < d; c++) {
            encoder[c * 2 * d + c] = 1;
            encoder[c * 2 * d + d + c] = -1;
            decoder[c * d + c] = scale;
            decoder[(d + c) * d + c] = -scale;
        }
        return sae(engine, encoder, new float[2 * d], decoder, new float[d], hook);
    }

    private static float[] mean() {
        double[] mean = new double[D];
        for (int row = 0; row < 101; row++) {
            for (int c = 0; c < D; c++) {
                mean[c] += DATA.at(row, c) / 101.0;
            }
        }
        float[] rounded = new float[D];
        for (int c = 0; c < D; c++) {
            rounded[c] = (float) mean[c];
        }
        return rounded;
    }

    @Test
    void predictingTheMeanExplainsNothing() {
        try (Engine engine = new ReferenceEngine();
                SparseAutoencoder sae = sae(engine, new float[D * 3], new float[3], new float[3 * D], mean(), Optional.empty())) {
            Evaluation evaluation = Evaluator.evaluate(sae, DATA, Progress.NONE);
            assertThat(evaluation.explainedVariance()).isCloseTo(0, within(1e-9));
            assertThat(evaluation.l0()).isZero();
            assertThat(evaluation.l1()).isZero();
            assertThat(evaluation.dead()).isEqualTo(3);
            assertThat(evaluation.tokens()).isEqualTo(101);
        }
    }

    @Test
    void aPerfectAutoencoderExplainsEverything() {
        try (Engine engine = new ReferenceEngine(); SparseAutoencoder sae = identity(engine, D, 1, Optional.empty())) {
            Evaluation evaluation = Evaluator.evaluate(sae, DATA, Progress.NONE);
            assertThat(evaluation.explainedVariance()).isEqualTo(1);
            assertThat(evaluation.mse()).isZero();
            assertThat(evaluation.cosine()).isCloseTo(1, within(1e-12));
            assertThat(evaluation.l0()).isEqualTo(D);
            // All values are near 50: positive halves always fire, negative ones never.
            assertThat(evaluation.dead()).isEqualTo(D);
            assertThat(evaluation.denserThan(0.1)).isEqualTo(D);
            assertThat(evaluation.log10DensityHistogram()[Evaluation.HISTOGRAM_BINS - 1]).isEqualTo(D);
            double norm = 0;
            for (float value : mean()) {
                norm += value * value;
            }
            double variance = 0;
            for (int row = 0; row < 101; row++) {
                for (int c = 0; c < D; c++) {
                    variance += Math.pow(DATA.at(row, c) - (double) mean()[c], 2) / 101;
                }
            }
            assertThat(evaluation.meanCentring()).isCloseTo(Math.sqrt(norm / variance), within(1e-3));
        }
    }

    @Test
    void theDefinitionsHoldForAWorkedCase() {
        // x = 3 -> f 3, x^ 1.5; x = 1 -> 0.5; x = -4 -> f (0, 4), x^ -2: errors 1.5, 0.5, 2.
        try (Engine engine = new ReferenceEngine(); SparseAutoencoder sae = identity(engine, 1, 0.5f, Optional.empty())) {
            Evaluation evaluation = Evaluator.evaluate(sae, Tensor.of(new float[] {3, 1, -4}, 3, 1), Progress.NONE);
            assertThat(evaluation.mse()).isCloseTo((2.25 + 0.25 + 4) / 3, within(1e-9));
            assertThat(evaluation.explainedVariance()).isCloseTo(1 - 6.5 / 26, within(1e-9));
            assertThat(evaluation.l1()).isCloseTo(8 / 3.0, within(1e-9));
            assertThat(evaluation.density()).containsExactly(2 / 3.0, 1 / 3.0);
            assertThat(evaluation.cosine()).isCloseTo(1, within(1e-12));
            assertThat(evaluation.recovered()).isEmpty();
        }
    }

    @Test
    void rowsBeyondANormAreLeftOutAndCounted() {
        // Without -4: x = 3 and 1 with errors 1.5 and 0.5; with it as in the worked case.
        try (Engine engine = new ReferenceEngine(); SparseAutoencoder sae = identity(engine, 1, 0.5f, Optional.empty())) {
            Tensor data = Tensor.of(new float[] {3, -4, 1}, 3, 1);
            Evaluation evaluation = Evaluator.evaluate(sae, ActivationSource.sequential(data)::next, 3, 3, Progress.NONE);
            assertThat(evaluation.tokens()).isEqualTo(2);
            assertThat(evaluation.explainedVariance()).isCloseTo(1 - 2.5 / 2, within(1e-9));
            assertThat(evaluation.mse()).isCloseTo(1.25, within(1e-9));
            assertThat(evaluation.density()).containsExactly(1, 0);
            assertThat(evaluation.large()).hasValueSatisfying(large -> {
                assertThat(large.rows()).isEqualTo(1);
                assertThat(large.normLimit()).isEqualTo(3);
                assertThat(large.explainedVariance()).isCloseTo(1 - 6.5 / 26, within(1e-9));
            });
            assertThatThrownBy(() -> Evaluator.evaluate(sae, ActivationSource.sequential(data)::next, 3, 0.5, Progress.NONE))
                    .isInstanceOf(Sae4jException.class).hasMessageContaining("norm of at most 0.5");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 100, 101})
    void batchesDoNotMatter(int batch) {
        try (Engine engine = new ReferenceEngine(); SparseAutoencoder sae = identity(engine, D, 0.7f, Optional.empty())) {
            Evaluation whole = Evaluator.evaluate(sae, DATA, 1000, Progress.NONE);
            Evaluation cut = Evaluator.evaluate(sae, DATA, batch, Progress.NONE);
            assertThat(cut).usingRecursiveComparison().isEqualTo(whole);
        }
    }

    /** Random autoencoders of random data, cut anywhere, from a tensor or row by row: the same numbers; the mean scores 0. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void batchesDoNotMatterAndTheMeanExplainsNothingWhateverTheData(long seed) {
        CounterRandom random = new CounterRandom(seed);
        int d = 1 + random.nextInt(9);
        int n = 1 + random.nextInt(20);
        int rows = 2 + random.nextInt(60);
        float offset = (float) Math.pow(10, random.nextInt(4) - 1);
        float[] values = normal(random, rows * d);
        double[] mean = new double[d];
        for (int i = 0; i < values.length; i++) {
            values[i] = offset + values[i];
            mean[i % d] += values[i] / (double) rows;
        }
        Tensor data = Tensor.of(values, rows, d);
        float[] rounded = new float[d];
        double missed = 0;
        for (int c = 0; c < d; c++) {
            rounded[c] = (float) mean[c];
            missed += Math.pow(rounded[c] - mean[c], 2);
        }
        try (Engine engine = new ReferenceEngine();
                SparseAutoencoder sae = sae(engine, normal(random, d * n), normal(random, n), normal(random, n * d), normal(random, d),
                        Optional.empty());
                SparseAutoencoder constant = sae(engine, new float[d * n], new float[n], new float[n * d], rounded, Optional.empty())) {
            Evaluation whole = Evaluator.evaluate(sae, data, rows, Progress.NONE);
            for (int i = 0; i < 4; i++) {
                assertThat(Evaluator.evaluate(sae, data, 1 + random.nextInt(rows), Progress.NONE)).usingRecursiveComparison()
                        .isEqualTo(whole);
            }
            assertThat(Evaluator.evaluate(sae, ActivationSource.sequential(data)::next, rows, Double.POSITIVE_INFINITY, Progress.NONE))
                    .usingRecursiveComparison().isEqualTo(whole);
            // What the mean loses by being rounded to float32 is all that it can miss.
            assertThat(Evaluator.evaluate(constant, data, Progress.NONE).explainedVariance()).isCloseTo(0, within(1e-9 + missed));
        }
    }

    private static float[] normal(CounterRandom random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void whatCannotBeEvaluatedIsRefused() {
        try (Engine engine = new ReferenceEngine(); SparseAutoencoder sae = identity(engine, D, 1, Optional.empty())) {
            assertThatThrownBy(() -> Evaluator.evaluate(sae, Tensor.zeros(4, D + 1), Progress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("width 7");
            assertThatThrownBy(() -> Evaluator.evaluate(sae, Tensor.zeros(0, D), Progress.NONE)).isInstanceOf(Sae4jException.class);
        }
    }

    private static final TransformerConfig CONFIG = TransformerConfig.builder("small").layers(2).dModel(6).heads(2).dHead(3).dMlp(8)
                .nCtx(9).dVocab(11).activation(TransformerConfig.Activation.GELU).build();

    /** All tokens count but, if asked for, the first of each row. */
    private static List<Context> contexts(boolean withoutFirst) {
        return Arrays.stream(tokens()).map(row -> {
            boolean[] counted = new boolean[row.length];
            Arrays.fill(counted, withoutFirst ? 1 : 0, row.length, true);
            return Context.of(row, counted, 0);
        }).toList();
    }

    private static int[][] tokens() {
        CounterRandom random = new CounterRandom(5);
        int[][] tokens = new int[9][];
        for (int row = 0; row < tokens.length; row++) {
            tokens[row] = random.ints(row == 0 ? 1 : 2 + row % 7, 0, 11).toArray();
        }
        return tokens;
    }

    @ParameterizedTest
    @ValueSource(strings = {"blocks.0.mlp.hook_post", "blocks.1.mlp.hook_post", "blocks.1.hook_resid_pre", "hook_embed",
        "blocks.1.hook_resid_post"})
    void aPerfectAutoencoderRecoversAllOfTheLossAndAnEmptyOneNothing(String name) {
        HookPoint hook = HookPoint.parse(name).orElseThrow();
        int d = hook.site().equals(HookPoint.Site.MLP_POST) ? CONFIG.dMlp() : CONFIG.dModel();
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(CONFIG, RandomModels.parameters(CONFIG, 3), Optional.empty(), engine);
                SparseAutoencoder perfect = identity(engine, d, 1, Optional.of(hook));
                SparseAutoencoder empty = identity(engine, d, 0, Optional.of(hook))) {
            Evaluation.Recovered all = Evaluator.evaluate(model, perfect, contexts(true), false, Double.POSITIVE_INFINITY, Progress.NONE).recovered().orElseThrow();
            assertThat(all.ceRecovered()).isCloseTo(1, within(1e-6));
            assertThat(all.klSae()).isCloseTo(0, within(1e-6));
            assertThat(all.klRecovered()).isCloseTo(1, within(1e-5));
            assertThat(all.firstKept()).isTrue();
            Evaluation.Recovered none = Evaluator.evaluate(model, empty, contexts(false), true, Double.POSITIVE_INFINITY, Progress.NONE).recovered().orElseThrow();
            assertThat(none.ceRecovered()).isCloseTo(0, within(1e-6));
            assertThat(none.klRecovered()).isCloseTo(0, within(1e-6));
            assertThat(none.klZero()).isPositive();
        }
    }

    @Test
    void lossesAreTheModelsOwnOverEveryPredictedToken() {
        HookPoint hook = HookPoint.mlpPost(1);
        try (Engine engine = new ReferenceEngine();
                Transformer model = Transformers.of(CONFIG, RandomModels.parameters(CONFIG, 3), Optional.empty(), engine);
                SparseAutoencoder sae = identity(engine, 8, 0.5f, Optional.of(hook))) {
            double clean = 0;
            double zero = 0;
            long n = 0;
            for (int[] row : tokens()) {
                Tensor logits = model.forward(new int[][] {row}, ForwardPlan.logits()).logits();
                Tensor without = model.forward(new int[][] {row}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                        .replace(hook, Tensor.zeros(1, row.length, 8)).build()).logits();
                for (int p = 0; p + 1 < row.length; p++, n++) {
                    clean += loss(logits.row(p), row[p + 1]);
                    zero += loss(without.row(p), row[p + 1]);
                }
            }
            Evaluation evaluation = Evaluator.evaluate(model, sae, contexts(false), false, Double.POSITIVE_INFINITY, Progress.NONE);
            Evaluation.Recovered recovered = evaluation.recovered().orElseThrow();
            assertThat(recovered.predictions()).isEqualTo(n);
            assertThat(evaluation.tokens()).as("a context of one token predicts nothing").isEqualTo(Arrays.stream(tokens())
                    .mapToInt(row -> row.length).filter(length -> length > 1).sum());
            assertThat(recovered.ceClean()).isCloseTo(clean / n, within(1e-5));
            assertThat(recovered.ceZero()).isCloseTo(zero / n, within(1e-5));
            assertThat(recovered.kept()).isZero();
            assertThat(recovered.costOfKept()).isZero();
            assertThat(recovered.everywhere().ceWithAblation()).isEqualTo(recovered.ceZero());
            Evaluation.Recovered kept = Evaluator.evaluate(model, sae, contexts(true), false, Double.POSITIVE_INFINITY, Progress.NONE)
                    .recovered().orElseThrow();
            assertThat(kept.kept()).isEqualTo(8);
            assertThat(kept.firstKept()).isTrue();
            assertThat(kept.everywhere().ceWithSae()).isCloseTo(recovered.ceSae(), within(1e-9));
            assertThat(kept.everywhere().ceWithAblation()).isCloseTo(zero / n, within(1e-5));
            assertThat(kept.ceSae()).isNotCloseTo(recovered.ceSae(), within(1e-6));
            Evaluation cut = Evaluator.evaluate(model, sae, contexts(false), false, Double.POSITIVE_INFINITY, 1, Progress.NONE);
            assertThat(cut.explainedVariance()).isCloseTo(evaluation.explainedVariance(), within(1e-9));
            assertThat(cut.recovered().orElseThrow().ceSae()).isCloseTo(recovered.ceSae(), within(1e-9));
        }
    }

    private static double loss(float[] logits, int target) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        return Math.log(sum) - logits[target];
    }

    @Test
    void aSweepTrainsEverySizeAndSparsity() {
        Tensor data = Planted.rows(Planted.dictionary(12, D, 3), 300, 2, 0, 4);
        try (Engine engine = new ReferenceEngine()) {
            var recipes = ScalingSweep.grid(Recipes.OPENAI_TOPK.with(Map.of("batch", "16", "steps", "60", "lr", "1e-2", "k_aux", "4")),
                    List.of(4, 16), List.of(1.0, 3.0));
            var rows = ScalingSweep.run(engine, recipes, () -> ActivationSource.shuffled(data, 1),
                    sae -> Evaluator.evaluate(sae, data, Progress.NONE), Progress.NONE);
            assertThat(rows).extracting(ScalingSweep.Row::dSae).containsExactly(4, 4, 16, 16);
            assertThat(rows).extracting(ScalingSweep.Row::sparsity).containsExactly(1.0, 3.0, 1.0, 3.0);
            assertThat(rows.get(3).explainedVariance()).isGreaterThan(rows.get(0).explainedVariance());
            assertThat(rows).allSatisfy(row -> {
                assertThat(row.l0()).isLessThanOrEqualTo(row.sparsity());
                assertThat(row.ceRecovered()).isEqualTo(OptionalDouble.empty());
                assertThat(row.tokens()).isEqualTo(300);
            });
        }
    }

    /** A linear path past no features that is the MLP's own second half: nothing is lost, and zeros at its output lose something. */
    @Test
    void a_transcoder_is_compared_with_what_it_predicts_and_replaces_it() {
        TransformerConfig small = TransformerConfig.builder("small").layers(2).dModel(8).heads(2).dHead(4).dMlp(12).nCtx(16).dVocab(11)
                .activation(TransformerConfig.Activation.GELU).build();
        Map<String, Tensor> weights = RandomModels.parameters(small, 5);
        Tensor out = weights.get("blocks.1.mlp.W_out");
        float[] skip = new float[8 * 12];
        for (int i = 0; i < skip.length; i++) {
            skip[i] = out.at(i % 12, i / 12);
        }
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, 12, 3).transcoder(8, Optional.of(HookPoint.Site.MLP_OUT.at(1)))
                .hook(HookPoint.mlpPost(1)).skip(true).build();
        Map<String, Tensor> parameters = Map.of("W_enc", Tensor.zeros(12, 3), "b_enc", Tensor.of(new float[] {1, 0, 1}, 3), "W_dec",
                Tensor.zeros(3, 8), "b_dec", weights.get("blocks.1.mlp.b_out"), "W_skip", Tensor.of(skip, 8, 12));
        List<Context> contexts = List.of(Context.of(new int[] {0, 3, 5, 7, 2}, new boolean[] {true, true, true, true, true}, 0), Context.of(new int[] {0, 9, 1}, new boolean[] {true, true, true}, 1));
        try (Engine engine = new ReferenceEngine(); Transformer model = Transformers.of(small, weights, Optional.empty(), engine);
                SparseAutoencoder exact = SparseAutoencoders.of(config, parameters, engine)) {
            Evaluation evaluation = Evaluator.evaluate(model, exact, contexts, false, Double.POSITIVE_INFINITY, Progress.NONE);
            assertThat(evaluation.explainedVariance()).isCloseTo(1, within(1e-9));
            assertThat(evaluation.l0()).isEqualTo(2);
            Evaluation.Recovered recovered = evaluation.recovered().orElseThrow();
            assertThat(recovered.ceSae()).isCloseTo(recovered.ceClean(), within(1e-6));
            assertThat(Math.abs(recovered.ceZero() - recovered.ceClean())).isGreaterThan(1e-3);
        }
        SaeConfig nowhere = config.toBuilder().transcoder(8, Optional.empty()).build();
        try (Engine engine = new ReferenceEngine(); Transformer model = Transformers.of(small, weights, Optional.empty(), engine);
                SparseAutoencoder unknown = SparseAutoencoders.of(nowhere, parameters, engine)) {
            assertThatThrownBy(() -> Evaluator.evaluate(model, unknown, contexts, false, Double.POSITIVE_INFINITY, Progress.NONE))
                    .isInstanceOf(Sae4jException.class).hasMessageContaining("does not say where its output belongs");
        }
    }
}
