package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;

/** What a transformer does on any engine. */
abstract class TransformerContract {
    private Engine engine;

    abstract Engine open();

    @BeforeEach
    void openEngine() {
        engine = open();
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    private Transformer transformer(long seed) {
        TransformerConfig config = RandomModels.config(seed);
        return Transformers.of(config, RandomModels.parameters(config, seed), Optional.empty(), engine);
    }

    private static int[][] tokens(Transformer model, long seed) {
        return RandomModels.tokens(model.config(), 1 + (int) (seed % 3), 1 + (int) (seed % model.config().nCtx()), seed);
    }

    private static boolean editable(HookPoint hook) {
        return hook.site().isEditable() && !hook.site().isPattern();
    }

    private static int width(Transformer model, HookPoint hook) {
        int[] shape = model.shape(hook, 1, 1);
        return IntStream.range(2, shape.length).map(axis -> shape[axis]).reduce(1, (a, b) -> a * b);
    }

    private static ForwardPlan.Builder captureAll(Transformer model) {
        return ForwardPlan.builder().capture(model.hookPoints().toArray(HookPoint[]::new));
    }

    private static void assertClose(HookPoint hook, Tensor actual, double[][] expected) {
        float[] values = actual.toArray();
        assertThat(values.length).as("elements of %s", hook).isEqualTo(expected.length * expected[0].length);
        for (int i = 0; i < values.length; i++) {
            double wanted = expected[i / expected[0].length][i % expected[0].length];
            if (Double.isInfinite(wanted)) {
                assertThat(values[i]).as("%s element %d", hook, i).isEqualTo((float) wanted);
            } else {
                assertThat((double) values[i]).as("%s element %d", hook, i).isCloseTo(wanted, within(2e-4 * Math.max(1, Math.abs(wanted))));
            }
        }
    }

    private static void assertSameBits(HookPoint hook, Tensor actual, Tensor expected) {
        assertThat(actual.shape()).as("shape of %s", hook).isEqualTo(expected.shape());
        assertThat(actual.toArray()).as("bits of %s", hook).containsExactly(expected.toArray());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
    void everyHookPointHasTheValueOfItsFormula(long seed) {
        try (Transformer model = transformer(seed)) {
            int[][] tokens = tokens(model, seed);
            Map<HookPoint, double[][]> expected = PlainTransformer.forward(model.config(), model.parameters(), tokens, List.of());
            Activations all = model.forward(tokens, captureAll(model).build());
            for (HookPoint hook : model.hookPoints()) {
                assertThat(all.get(hook).shape()).as("shape of %s", hook)
                        .isEqualTo(model.shape(hook, tokens.length, tokens[0].length));
                assertClose(hook, all.get(hook), expected.get(hook));
                assertClose(hook, model.forward(tokens, ForwardPlan.capture(hook)).get(hook), expected.get(hook));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 6, 7})
    void editsChangeEverythingAfterThem(long seed) {
        try (Transformer model = transformer(seed)) {
            int[][] tokens = tokens(model, seed);
            CounterRandom random = new CounterRandom(seed).stream("edits");
            int rows = tokens.length * tokens[0].length;
            for (HookPoint hook : model.hookPoints()) {
                if (editable(hook)) {
                    int[] first = IntStream.range(0, rows).filter(row -> row % 2 == 0).toArray();
                    int[] second = {rows - 1};
                    ForwardPlan.Builder plan = captureAll(model)
                            .set(hook, first, RandomModels.gaussian(random, 1, first.length, width(model, hook)))
                            .add(hook, second, RandomModels.gaussian(random, 1, 1, width(model, hook)));
                    compare(model, tokens, plan);
                    // Without the capture the edited values live in scratch memory.
                    ForwardPlan edited = plan.build();
                    ForwardPlan.Builder unseen = ForwardPlan.builder().capture(HookPoint.LOGITS);
                    edited.edits().forEach(e -> add(unseen, e));
                    compare(model, tokens, unseen);
                }
            }
        }
    }

    private static void add(ForwardPlan.Builder plan, ForwardPlan.Edit edit) {
        if (edit.mode() == ForwardPlan.Mode.ADD) {
            plan.add(edit.hook(), edit.rows(), edit.values());
        } else {
            plan.set(edit.hook(), edit.rows(), edit.values());
        }
    }

    private static void compare(Transformer model, int[][] tokens, ForwardPlan.Builder builder) {
        ForwardPlan plan = builder.build();
        Map<HookPoint, double[][]> expected = PlainTransformer.forward(model.config(), model.parameters(), tokens, plan.edits());
        Activations actual = model.forward(tokens, plan);
        actual.hooks().forEach(hook -> assertClose(hook, actual.get(hook), expected.get(hook)));
    }

    @Test
    void editsAtAllHookPointsTogetherApplyInTheirOrder() {
        try (Transformer model = transformer(7)) {
            int[][] tokens = RandomModels.tokens(model.config(), 2, 3, 5);
            CounterRandom random = new CounterRandom(5);
            ForwardPlan.Builder plan = captureAll(model);
            for (int round = 0; round < 3; round++) {
                for (HookPoint hook : model.hookPoints().reversed()) {
                    if (editable(hook)) {
                        plan.add(hook, new int[] {round, 3, 5}, RandomModels.gaussian(random, 0.5, 3, width(model, hook)));
                    }
                }
                plan.set(HookPoint.residPost(0), new int[] {round}, RandomModels.gaussian(random, 1, 1, model.config().dModel()));
            }
            compare(model, tokens, plan);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 6})
    void patchingAHookPointWithItsOwnValuesChangesNoBit(long seed) {
        try (Transformer model = transformer(seed)) {
            int[][] tokens = tokens(model, seed);
            Activations clean = model.forward(tokens, captureAll(model).build());
            for (HookPoint hook : model.hookPoints()) {
                if (editable(hook)) {
                    Activations patched = model.forward(tokens, captureAll(model).replace(hook, clean.get(hook)).build());
                    clean.hooks().forEach(other -> assertSameBits(other, patched.get(other), clean.get(other)));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 6, 7})
    void resumingFromTheCapturedResidualStreamGivesTheSameBits(long seed) {
        try (Transformer model = transformer(seed)) {
            int[][] tokens = tokens(model, seed);
            int layers = model.config().nLayers();
            Activations clean = model.forward(tokens, captureAll(model).build());
            for (int layer = 0; layer <= layers; layer++) {
                HookPoint from = layer == layers ? HookPoint.residPost(layers - 1) : HookPoint.residPre(layer);
                int start = layer;
                HookPoint[] later = model.hookPoints().stream()
                        .filter(hook -> hook.layer() >= start || hook.layer() < 0 && !hook.equals(HookPoint.EMBED)
                                && !hook.site().equals(Site.POS_EMBED))
                        .toArray(HookPoint[]::new);
                Activations resumed = model.forward(tokens,
                        ForwardPlan.builder().startAt(layer, clean.get(from)).capture(later).build());
                for (HookPoint hook : later) {
                    assertSameBits(hook, resumed.get(hook), clean.get(hook));
                }
                Activations whole = model.forward(tokens, ForwardPlan.capture(from, HookPoint.LOGITS));
                Activations logits = model.forward(tokens,
                        ForwardPlan.builder().startAt(layer, whole.get(from)).capture(HookPoint.LOGITS).build());
                assertSameBits(HookPoint.LOGITS, logits.logits(), whole.logits());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 6, 7})
    void continuingAfterAPrefixGivesTheBitsOfTheWholeRow(long seed) {
        try (Transformer model = transformer(seed)) {
            int length = Math.min(model.config().nCtx(), 7);
            int[][] tokens = RandomModels.tokens(model.config(), 3, length, seed);
            HookPoint[] hooks = model.hookPoints().stream()
                    .filter(hook -> !hook.site().isPattern() && !hook.site().equals(Site.MLP_PRE))
                    .toArray(HookPoint[]::new);
            Activations whole = model.forward(tokens, ForwardPlan.capture(hooks));
            for (int from = 0; from < length; from++) {
                int first = from;
                int[][] rest = Arrays.stream(tokens).map(row -> Arrays.copyOfRange(row, first, length)).toArray(int[][]::new);
                Activations all = model.forward(rest, ForwardPlan.builder().after(whole, from).capture(hooks).build());
                int layer = model.config().nLayers() - 1;
                Tensor residual = Tensor.of(rest(whole.get(HookPoint.residPre(layer)), from), 3, length - from, model.config().dModel());
                Activations resumed = model.forward(rest, ForwardPlan.builder().after(whole, from).startAt(layer, residual)
                        .capture(HookPoint.LOGITS, HookPoint.mlpPost(layer)).build());
                for (HookPoint hook : hooks) {
                    assertThat(all.get(hook).toArray()).as("%s from %s", hook, from).containsExactly(rest(whole.get(hook), from));
                }
                for (HookPoint hook : resumed.hooks()) {
                    assertThat(resumed.get(hook).toArray()).as("%s from %s", hook, from).containsExactly(rest(whole.get(hook), from));
                }
            }
        }
    }

    private static float[] rest(Tensor values, int from) {
        int width = Math.toIntExact(values.size() / values.dim(0) / values.dim(1));
        int kept = values.dim(1) - from;
        float[] rest = new float[values.dim(0) * kept * width];
        for (int row = 0; row < values.dim(0); row++) {
            values.copyTo(((long) row * values.dim(1) + from) * width, rest, row * kept * width, kept * width);
        }
        return rest;
    }

    @Test
    void manyEndingsShareOnePrefix() {
        try (Transformer model = transformer(3)) {
            int vocabulary = model.config().dVocab();
            int[] start = RandomModels.tokens(model.config(), 1, 2, 5)[0];
            HookPoint[] hooks = model.hookPoints().stream()
                    .filter(hook -> hook.site().equals(Site.K) || hook.site().equals(Site.V)).toArray(HookPoint[]::new);
            Activations prefix = model.forward(new int[][] {start}, ForwardPlan.capture(hooks));
            int[][] endings = IntStream.range(0, vocabulary).mapToObj(id -> new int[] {id}).toArray(int[][]::new);
            Tensor logits = model.forward(endings, ForwardPlan.builder().after(prefix, 2).capture(HookPoint.LOGITS).build()).logits();
            for (int id = 0; id < vocabulary; id++) {
                Tensor whole = model.forward(new int[][] {{start[0], start[1], id}}, ForwardPlan.logits()).logits();
                assertThat(logits.slice(id).row(0)).as("ending %s", id).containsExactly(whole.slice(0).row(2));
            }
        }
    }

    @Test
    void aPassThatResumesCanEditWhereItStarts() {
        try (Transformer model = transformer(2)) {
            int[][] tokens = RandomModels.tokens(model.config(), 2, 3, 1);
            HookPoint post = HookPoint.residPost(1);
            HookPoint[] residuals = {HookPoint.residPost(0), HookPoint.residPre(1), post};
            Activations clean = model.forward(tokens, ForwardPlan.capture(residuals));
            Tensor addition = RandomModels.gaussian(new CounterRandom(3), 1, 1, model.config().dModel());
            int[] row = {4};
            Activations whole = model.forward(tokens,
                    ForwardPlan.builder().capture(residuals).add(HookPoint.residPre(1), row, addition).build());
            Activations resumed = model.forward(tokens, ForwardPlan.builder().startAt(1, clean.get(HookPoint.residPre(1)))
                    .add(HookPoint.residPre(1), row, addition).capture(HookPoint.residPre(1), post).build());
            assertSameBits(HookPoint.residPre(1), resumed.get(HookPoint.residPre(1)), whole.get(HookPoint.residPre(1)));
            assertSameBits(post, resumed.get(post), whole.get(post));
            // The edit is before block 1, so what block 0 left stays as it was.
            assertSameBits(HookPoint.residPost(0), whole.get(HookPoint.residPost(0)), clean.get(HookPoint.residPost(0)));
        }
    }

    @Test
    void theResidualStreamIsTheSumOfItsAdditions() {
        try (Transformer model = transformer(3)) {
            int[][] tokens = tokens(model, 8);
            Activations all = model.forward(tokens, captureAll(model).build());
            for (int layer = 0; layer < model.config().nLayers(); layer++) {
                float[] pre = all.get(HookPoint.residPre(layer)).toArray();
                float[] attnOut = all.get(new HookPoint(Site.ATTN_OUT, layer)).toArray();
                float[] mid = all.get(new HookPoint(Site.RESID_MID, layer)).toArray();
                float[] mlpOut = all.get(new HookPoint(Site.MLP_OUT, layer)).toArray();
                float[] post = all.get(HookPoint.residPost(layer)).toArray();
                for (int i = 0; i < pre.length; i++) {
                    assertThat(mid[i]).isEqualTo(pre[i] + attnOut[i]);
                    assertThat(post[i]).isEqualTo(mid[i] + mlpOut[i]);
                }
            }
        }
    }

    @Test
    void logitsAtSomePositionsAreThoseOfTheFullPass() {
        try (Transformer model = transformer(6)) {
            int[][] tokens = RandomModels.tokens(model.config(), 3, 3, 2);
            Tensor full = model.forward(tokens, ForwardPlan.logits()).logits();
            Tensor some = model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1, 0, 2).build()).logits();
            assertThat(some.shape()).containsExactly(3, 3, model.config().dVocab());
            for (int b = 0; b < 3; b++) {
                assertClose(HookPoint.LOGITS, some.slice(b), new double[][] {row(full, b, 2), row(full, b, 0), row(full, b, 2)});
            }
        }
    }

    private static double[] row(Tensor logits, int batch, int pos) {
        float[] row = logits.slice(batch).row(pos);
        return IntStream.range(0, row.length).mapToDouble(i -> row[i]).toArray();
    }

    @Test
    void editsOfLogitsFollowThePositions() {
        try (Transformer model = transformer(6)) {
            int[][] tokens = RandomModels.tokens(model.config(), 2, 3, 2);
            int vocabulary = model.config().dVocab();
            Tensor value = RandomModels.gaussian(new CounterRandom(1), 1, 1, vocabulary);
            ForwardPlan plan = ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1, 2, 0)
                    .set(HookPoint.LOGITS, new int[] {5}, value).build();
            Tensor logits = model.forward(tokens, plan).logits();
            assertThat(logits.slice(1).row(0)).containsExactly(value.toArray());
            assertThat(logits.slice(1).row(1)).containsExactly(value.toArray());
            Tensor clean = model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1, 2, 0).build()).logits();
            assertSameBits(HookPoint.LOGITS, logits.slice(0), clean.slice(0));
            assertThat(logits.slice(1).row(2)).containsExactly(clean.slice(1).row(2));
            assertThatIllegalArgumentException().isThrownBy(() -> model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .logitsAt(-1).set(HookPoint.LOGITS, new int[] {1}, value).build())).withMessageContaining("position 1");
        }
    }

    @Test
    void aRowsValuesDoNotDependOnItsNeighbours() {
        try (Transformer model = transformer(3)) {
            int[][] tokens = RandomModels.tokens(model.config(), 3, 3, 2);
            Tensor together = model.forward(tokens, ForwardPlan.logits()).logits();
            for (int b = 0; b < 3; b++) {
                Tensor alone = model.forward(new int[][] {tokens[b]}, ForwardPlan.logits()).logits();
                assertSameBits(HookPoint.LOGITS, alone.slice(0), together.slice(b));
            }
        }
    }

    @Test
    void tokensThatDoNotFitAreRefused() {
        try (Transformer model = transformer(3)) {
            int vocabulary = model.config().dVocab();
            refuse(model, new int[][] {}, "at least one row");
            refuse(model, new int[][] {{}}, "found 0");
            refuse(model, new int[][] {new int[model.config().nCtx() + 1]}, "n_ctx " + model.config().nCtx());
            refuse(model, new int[][] {{0, 1}, {0}}, "row 1 has 1");
            refuse(model, new int[][] {{0, 1}, {0, vocabulary}}, "found " + vocabulary + " in row 1 at position 1");
            refuse(model, new int[][] {{-1}}, "found -1");
        }
    }

    private static void refuse(Transformer model, int[][] tokens, String message) {
        assertThatIllegalArgumentException().isThrownBy(() -> model.forward(tokens, ForwardPlan.logits())).withMessageContaining(message);
    }

    @Test
    void plansThatDoNotFitAreRefused() {
        try (Transformer model = transformer(2)) {
            int d = model.config().dModel();
            Tensor row = Tensor.zeros(1, d);
            Tensor residual = Tensor.zeros(1, 2, d);
            HookPoint logits = HookPoint.LOGITS;
            HookPoint pre = HookPoint.residPre(1);
            refuse(model, ForwardPlan.builder().capture(HookPoint.residPre(2)), "has 2 blocks");
            refuse(model, ForwardPlan.builder().capture(logits).add(HookPoint.residPre(9), new int[1], row), "has 2 blocks");
            refuse(model, ForwardPlan.builder().capture(logits).stopAt(pre), "stops at blocks.1.hook_resid_pre");
            refuse(model, ForwardPlan.builder().capture(HookPoint.residPre(0)).startAt(1, residual), "starts at block 1");
            refuse(model, ForwardPlan.builder().capture(logits).startAt(1, residual).add(HookPoint.EMBED, new int[1], row), "starts at");
            refuse(model, ForwardPlan.builder().capture(logits).startAt(3, residual), "from 0 to 2, found 3");
            refuse(model, ForwardPlan.builder().capture(logits).startAt(1, Tensor.zeros(2, 1, d)), "expected shape [1, 2, " + d + "]");
            refuse(model, ForwardPlan.builder().capture(logits).add(pre, new int[] {2}, row), "from 0 to 1, found 2");
            refuse(model, ForwardPlan.builder().capture(logits).add(pre, new int[] {-1}, row), "found -1");
            refuse(model, ForwardPlan.builder().capture(logits).add(pre, new int[2], Tensor.zeros(2, d)), "row 0 twice");
            refuse(model, ForwardPlan.builder().capture(logits).add(pre, new int[1], Tensor.zeros(1, d + 1)), "width " + d);
            refuse(model, ForwardPlan.builder().capture(logits).logitsAt(2), "found 2");
            refuse(model, ForwardPlan.builder().capture(logits).logitsAt(-3), "found -3");
            refuse(model, ForwardPlan.builder().capture(logits).logitsAt(), "no position");
            HookPoint[] keys = {new HookPoint(Site.K, 0), new HookPoint(Site.V, 0), new HookPoint(Site.K, 1), new HookPoint(Site.V, 1)};
            Activations prefix = model.forward(new int[][] {{0, 1}}, ForwardPlan.capture(keys));
            refuse(model, ForwardPlan.builder().capture(logits).after(prefix, 3), "or more positions, found");
            refuse(model, ForwardPlan.builder().capture(logits).after(prefix, -1), "prefix of -1 positions");
            refuse(model, ForwardPlan.builder().capture(logits).after(prefix, model.config().nCtx() - 1), "n_ctx is");
            refuse(model, ForwardPlan.builder().capture(new HookPoint(Site.PATTERN, 1)).after(prefix, 1), "run the whole row");
            Activations some = model.forward(new int[][] {{0, 1}}, ForwardPlan.capture(keys[0], keys[1]));
            refuse(model, ForwardPlan.builder().capture(logits).after(some, 1), "needs its blocks.1.attn.hook_k");
            Activations two = model.forward(new int[][] {{0, 1}, {1, 0}}, ForwardPlan.capture(keys));
            refuse(model, ForwardPlan.builder().capture(logits).after(two, 1), "expected [1, 1, ");
        }
    }

    private static void refuse(Transformer model, ForwardPlan.Builder plan, String message) {
        assertThatIllegalArgumentException().isThrownBy(() -> model.forward(new int[][] {{0, 1}}, plan.build()))
                .withMessageContaining(message);
    }

    @Test
    void anEditAfterTheLastCaptureIsCheckedAndHasNoEffect() {
        try (Transformer model = transformer(2)) {
            int[][] tokens = {{0, 1}};
            HookPoint early = HookPoint.residPre(1);
            Tensor clean = model.forward(tokens, ForwardPlan.capture(early)).get(early);
            ForwardPlan.Builder plan = ForwardPlan.builder().capture(early);
            assertSameBits(early, model.forward(tokens, plan.add(HookPoint.residPost(1), new int[1], Tensor.zeros(1,
                    model.config().dModel())).build()).get(early), clean);
            refuse(model, plan.add(HookPoint.residPost(1), new int[1], Tensor.zeros(1, 1 + model.config().dModel())), "width");
        }
    }

    @Test
    void parametersAreChecked() {
        for (long seed : new long[] {1, 2}) {
            TransformerConfig config = RandomModels.config(seed);
            Map<String, Tensor> parameters = RandomModels.parameters(config, seed);
            for (String name : parameters.keySet()) {
                Map<String, Tensor> changed = new HashMap<>(parameters);
                Tensor tensor = changed.remove(name);
                refuse(config, changed, "missing are [" + name + "]");
                changed.put(name, tensor.reshape(1, -1, 1, 1));
                refuse(config, changed, "parameter " + name + ": expected shape");
                for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
                    float[] values = tensor.toArray();
                    values[values.length - 1] = bad;
                    changed.put(name, Tensor.of(values, tensor.shape()));
                    refuse(config, changed, "parameter " + name + " holds " + bad + " at element " + (values.length - 1));
                }
            }
            Map<String, Tensor> more = new HashMap<>(parameters);
            more.put("blocks.9.ln1.w", Tensor.zeros(config.dModel()));
            refuse(config, more, "not known are [blocks.9.ln1.w]");
        }
        TransformerConfig tied = RandomModels.config(2);
        Map<String, Tensor> parameters = RandomModels.parameters(tied, 2);
        parameters.put("unembed.W_U", Tensor.zeros(tied.dModel(), tied.dVocab()));
        refuse(tied, parameters, "unembed.W_U is not the transposed embed.W_E");
    }

    private void refuse(TransformerConfig config, Map<String, Tensor> parameters, String message) {
        assertThatIllegalArgumentException().isThrownBy(() -> Transformers.of(config, parameters, Optional.empty(), engine))
                .withMessageContaining(message);
    }

    @Test
    void anEditedModelSharesTheRestAndLeavesTheFirstAsItWas() {
        for (long seed : new long[] {2, 3}) {
            try (Transformer model = transformer(seed)) {
                int[][] tokens = tokens(model, 4);
                String name = "blocks.1.attn.W_V";
                Tensor before = model.forward(tokens, ForwardPlan.logits()).logits();
                String fingerprint = model.fingerprint();
                Tensor embedding = RandomModels.gaussian(new CounterRandom(7), 1, model.config().dVocab(), model.config().dModel());
                Map<String, Tensor> changed = Map.of(name,
                        RandomModels.gaussian(new CounterRandom(8), 1, model.parameters().get(name).shape()), "embed.W_E", embedding);
                try (Transformer edited = model.with(changed)) {
                    compare(edited, tokens, captureAll(edited));
                    assertThat(edited.parameters()).containsAllEntriesOf(changed);
                    assertThat(edited.parameters().get("blocks.0.mlp.W_in")).isSameAs(model.parameters().get("blocks.0.mlp.W_in"));
                    assertThat(edited.fingerprint()).isNotEqualTo(fingerprint);
                    assertThat(edited.config().tiedUnembedding()).isFalse();
                }
                assertThat(model.fingerprint()).isEqualTo(fingerprint);
                assertSameBits(HookPoint.LOGITS, model.forward(tokens, ForwardPlan.logits()).logits(), before);
                assertThatIllegalArgumentException().isThrownBy(() -> model.with(Map.of("W_V", embedding))).withMessageContaining("W_V");
                assertThatIllegalArgumentException().isThrownBy(() -> model.with(Map.of(name, embedding)))
                        .withMessageContainingAll(name, "expected shape");
                int d = model.config().dModel();
                float[] broken = new float[d];
                broken[d - 1] = Float.NaN;
                assertThatIllegalArgumentException().isThrownBy(() -> model.with(Map.of("ln_final.b", Tensor.of(broken, d))))
                        .withMessageContainingAll("ln_final.b", "NaN");
            }
        }
    }

    @Test
    void useAfterCloseIsAnException() {
        Transformer model = transformer(1);
        Activations kept = model.forward(new int[][] {{0}}, ForwardPlan.logits());
        Transformer edited = model.with(Map.of());
        model.close();
        model.close();
        assertThatIllegalStateException().isThrownBy(() -> model.forward(new int[][] {{0}}, ForwardPlan.logits()))
                .withMessageContaining("closed");
        assertThatIllegalStateException().isThrownBy(model::parameters);
        assertThatIllegalStateException().isThrownBy(() -> model.with(Map.of()));
        assertThat(kept.logits().toArray()).hasSize(model.config().dVocab());
        assertThat(edited.forward(new int[][] {{0}}, ForwardPlan.logits()).logits().toArray()).containsExactly(kept.logits().toArray());
        edited.close();
    }

    @Test
    void anEngineThatWasClosedFirstIsAnExceptionToo() {
        Transformer model = transformer(1);
        model.forward(new int[][] {{0}}, ForwardPlan.logits());
        engine.close();
        assertThatIllegalStateException().isThrownBy(() -> model.forward(new int[][] {{0}}, ForwardPlan.logits()));
        assertThatIllegalStateException().isThrownBy(() -> model.forward(new int[][] {{0, 0}}, ForwardPlan.logits()));
        model.close();
    }

    @Test
    void threadsGetTheResultsOfOneThread() throws Exception {
        try (Transformer model = transformer(3); ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Tensor> expected = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                expected.add(model.forward(tokens(model, i), ForwardPlan.logits()).logits());
            }
            List<Future<Tensor>> results = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                int seed = i;
                results.add(threads.submit(() -> model.forward(tokens(model, seed), ForwardPlan.logits()).logits()));
            }
            for (int i = 0; i < 24; i++) {
                assertSameBits(HookPoint.LOGITS, results.get(i).get(), expected.get(i));
            }
        }
    }

    @Test
    void closingWhileThreadsRunEndsThemWithAnException() throws Exception {
        Transformer model = transformer(3);
        int[][] tokens = tokens(model, 2);
        CountDownLatch running = new CountDownLatch(3);
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<Integer>> results = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                results.add(threads.submit(() -> {
                    for (int n = 0;; n++) {
                        model.forward(tokens, ForwardPlan.logits());
                        running.countDown();
                    }
                }));
            }
            running.await();
            model.close();
            for (Future<Integer> result : results) {
                assertThatThrownBy(result::get).isInstanceOf(ExecutionException.class)
                        .hasCauseInstanceOf(IllegalStateException.class);
            }
        }
    }
}
