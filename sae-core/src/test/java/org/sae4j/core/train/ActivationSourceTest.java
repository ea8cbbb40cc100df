package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
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
import org.sae4j.core.RandomModels;
import org.sae4j.core.Transformers;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.activations.TokenActivations;
import org.sae4j.testkit.ReferenceEngine;

class ActivationSourceTest {
    private static final TransformerConfig CONFIG = TransformerConfig.builder("small").layers(1).dModel(6).heads(2).dHead(3).dMlp(5)
                .nCtx(9).dVocab(11).activation(TransformerConfig.Activation.GELU).build();
    private static final HookPoint HOOK = HookPoint.mlpPost(0);
    private static final int[][] TOKENS = {{0, 3, 4}, {0}, {0, 5, 6, 7, 8}, {}, {0, 9}, {0, 1, 2, 10}};
    private static Engine engine;
    private static Transformer model;

    private static List<Context> contexts(boolean skipFirst, int... excluded) {
        return Arrays.stream(TOKENS).filter(row -> row.length > 0).map(row -> {
            boolean[] counted = new boolean[row.length];
            for (int i = 0; i < row.length; i++) {
                int id = row[i];
                counted[i] = !(skipFirst && i == 0) && IntStream.of(excluded).noneMatch(e -> e == id);
            }
            return Context.of(row, counted, 0);
        }).toList();
    }

    private static StreamedActivations streamed() {
        return new StreamedActivations(model, List.of(HOOK), () -> Contexts.of(contexts(true)), Long.MAX_VALUE);
    }

    @BeforeAll
    static void open() {
        engine = new ReferenceEngine();
        model = Transformers.of(CONFIG, RandomModels.parameters(CONFIG, 1), Optional.empty(), engine);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    private static Tensor numbered(int rows) {
        float[] values = new float[rows * 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return Tensor.of(values, rows, 2);
    }

    private static int[] numbers(ActivationSource source, int count) {
        float[] target = new float[count * 2];
        source.next(target);
        return IntStream.range(0, count).map(row -> (int) target[2 * row] / 2).toArray();
    }

    @Test
    void sequentialRowsComeInOrderAndBeginAgain() {
        ActivationSource source = ActivationSource.sequential(numbered(5));
        assertThat(numbers(source, 3)).containsExactly(0, 1, 2);
        assertThat(numbers(source, 4)).containsExactly(3, 4, 0, 1);
        assertThat(source.position()).isEqualTo(7);
    }

    @Test
    void everyEpochIsAnotherPermutation() {
        ActivationSource source = ActivationSource.shuffled(numbered(50), 1);
        int[] first = numbers(source, 50);
        int[] second = numbers(source, 50);
        assertThat(IntStream.of(first).sorted().toArray()).isEqualTo(IntStream.range(0, 50).toArray());
        assertThat(IntStream.of(second).sorted().toArray()).isEqualTo(IntStream.range(0, 50).toArray());
        assertThat(first).isNotEqualTo(second);
        source.seek(30);
        assertThat(numbers(source, 40)).isEqualTo(IntStream.concat(IntStream.of(first).skip(30), IntStream.of(second).limit(20)).toArray());
        assertThat(numbers(ActivationSource.shuffled(numbered(50), 2), 50)).isNotEqualTo(first);
    }

    @Test
    void aSourceOfOnesOwnSaysItsRowsOnly() {
        boolean[] broken = {false};
        ActivationSource source = new PositionedSource(2) {
            @Override
            protected void rows(long first, float[] target) {
                for (int i = 0; i < target.length; i++) {
                    target[i] = 10 * (first + i / 2) + i % 2;
                }
                if (broken[0]) {
                    throw new IllegalStateException("broken");
                }
            }
        };
        float[] rows = new float[4];
        source.next(rows);
        assertThat(rows).containsExactly(0, 1, 10, 11);
        broken[0] = true;
        assertThatThrownBy(() -> source.next(rows)).hasMessage("broken");
        assertThat(source.position()).isEqualTo(2);
        broken[0] = false;
        source.next(rows);
        assertThat(rows).containsExactly(20, 21, 30, 31);
        source.seek(1);
        source.next(rows);
        assertThat(rows).containsExactly(10, 11, 20, 21);
        assertThatThrownBy(() -> source.next(new float[3])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> source.seek(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(source.position()).isEqualTo(3);
    }

    @Test
    void whatCannotBeASourceIsRefused() {
        assertThatThrownBy(() -> ActivationSource.sequential(Tensor.zeros(0, 4))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ActivationSource.sequential(numbered(5)).next(new float[3])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ActivationSource.sequential(numbered(5)).seek(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new TokenActivations(model, List.of(HookPoint.mlpPost(1)), contexts(true))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("blocks.1.mlp.hook_post");
        assertThatThrownBy(() -> new TokenActivations(model, List.of(HOOK), List.of(Context.of(new int[1], new boolean[1], 0)))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no token");
        assertThatThrownBy(() -> new ActivationBuffer(streamed(), 5, 1, Progress.NONE))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("even");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void activationsOfRowsOfAnyLengthsAreTheModelsOwn(boolean skipFirst) {
        TokenActivations activations = new TokenActivations(model, List.of(HOOK), contexts(skipFirst));
        assertThat(activations.size()).isEqualTo(skipFirst ? 10 : 15);
        Tensor all = activations.all(Progress.NONE);
        int at = 0;
        for (int[] row : TOKENS) {
            if (row.length > 0) {
                Tensor expected = model.forward(new int[][] {row}, ForwardPlan.capture(HOOK)).get(HOOK);
                for (int position = skipFirst ? 1 : 0; position < row.length; position++) {
                    assertThat(all.row(at++)).containsExactly(expected.row(position), within(1e-6f));
                }
            }
        }
    }

    @Test
    void theBufferMixesAndEveryActivationComesOnceInAWhile() {
        ActivationBuffer buffer = new ActivationBuffer(streamed(), 4, 1, Progress.NONE);
        Tensor all = new TokenActivations(model, List.of(HOOK), contexts(true)).all(Progress.NONE);
        int[] counts = new int[10];
        float[] row = new float[5];
        for (int i = 0; i < 1000; i++) {
            buffer.next(row);
            counts[indexOf(all, row)]++;
        }
        assertThat(Arrays.stream(counts).max().orElseThrow() - Arrays.stream(counts).min().orElseThrow()).isLessThanOrEqualTo(4);
    }

    private static int indexOf(Tensor all, float[] row) {
        for (int i = 0; i < all.dim(0); i++) {
            if (Math.abs(all.at(i, 0) - row[0]) + Math.abs(all.at(i, 1) - row[1]) < 1e-5) {
                return i;
            }
        }
        throw new AssertionError("not an activation: " + Arrays.toString(row));
    }

    @Test
    void theBufferReturnsToAnyPosition() {
        StreamedActivations activations = streamed();
        ActivationBuffer buffer = new ActivationBuffer(activations, 6, 1, Progress.NONE);
        float[] run = new float[40 * 5];
        buffer.next(run);
        for (int position : new int[] {0, 1, 3, 7, 12, 29}) {
            ActivationBuffer other = new ActivationBuffer(activations, 6, 1, Progress.NONE);
            other.seek(position);
            float[] rest = new float[(40 - position) * 5];
            other.next(rest);
            assertThat(rest).as("from " + position).containsExactly(Arrays.copyOfRange(run, position * 5, run.length),
                    within(1e-6f));
            assertThat(other.position()).isEqualTo(40);
        }
        Set<Float> firsts = new HashSet<>();
        for (int i = 0; i < 40; i++) {
            firsts.add(run[i * 5]);
        }
        assertThat(firsts).hasSizeGreaterThanOrEqualTo(10);
    }

    /** Activation n is that of the n-th token that counts; after the last, or the largest number of rows, come the first ones. */
    @ParameterizedTest
    @ValueSource(longs = {1, 3, 7, 10, 1000})
    void streamedActivationsAreThoseOfTheTokensInAnyOrder(long maxRows) {
        Tensor all = new TokenActivations(model, List.of(HOOK), contexts(true)).all(Progress.NONE);
        long pass = Math.min(maxRows, 10);
        int[] opened = {0};
        CounterRandom random = new CounterRandom(maxRows);
        try (StreamedActivations activations = new StreamedActivations(model, List.of(HOOK), () -> {
            opened[0]++;
            return Contexts.of(contexts(true));
        }, maxRows)) {
            for (int load = 0; load < 12; load++) {
                long[] numbers = random.ints(1 + random.nextInt(9), 0, 45).asLongStream().toArray();
                float[][] found = new float[numbers.length][5];
                activations.load(numbers, Progress.NONE, (i, activation) -> activation.copyTo(found[i], 0));
                for (int i = 0; i < numbers.length; i++) {
                    assertThat(found[i]).as("%d of %d", numbers[i], pass).containsExactly(all.row((int) (numbers[i] % pass)), within(1e-6f));
                }
            }
            assertThat(opened[0]).isPositive();
        }
    }

    @Test
    void readingOnDoesNotBeginAgain() {
        int[] opened = {0};
        try (StreamedActivations activations = new StreamedActivations(model, List.of(HOOK), () -> {
            opened[0]++;
            return Contexts.of(contexts(true));
        }, Long.MAX_VALUE)) {
            ActivationBuffer buffer = new ActivationBuffer(activations, 4, 1, Progress.NONE);
            buffer.next(new float[4 * 5]);
            assertThat(opened[0]).isEqualTo(1);
            buffer.next(new float[10 * 5]);
            assertThat(opened[0]).isEqualTo(2);
        }
    }

    @Test
    void rowsBeyondANormNeverLeaveTheBuffer() {
        Tensor all = new TokenActivations(model, List.of(HOOK), contexts(true)).all(Progress.NONE);
        double[] norms = IntStream.range(0, 10).mapToDouble(i -> RowNorms.norm(all.row(i), 0, 5)).sorted().toArray();
        double[] limit = {norms[7]};
        ActivationBuffer buffer = new ActivationBuffer(streamed(), 6, 1, limit, Progress.NONE);
        float[] rows = new float[60 * 5];
        buffer.next(rows);
        for (int i = 0; i < 60; i++) {
            assertThat((double) RowNorms.norm(rows, i * 5, 5)).isLessThanOrEqualTo(norms[7] + 1e-6);
        }
        assertThat(buffer.leftOut()).isBetween(buffer.loaded() / 10, buffer.loaded() / 3);
        ActivationBuffer other = new ActivationBuffer(streamed(), 6, 1, limit, Progress.NONE);
        other.seek(31);
        float[] rest = new float[29 * 5];
        other.next(rest);
        assertThat(rest).containsExactly(Arrays.copyOfRange(rows, 31 * 5, rows.length), within(1e-6f));
        assertThatThrownBy(() -> new ActivationBuffer(streamed(), 6, 1, new double[] {0}, Progress.NONE).next(new float[5]))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("larger norms");
    }

    @Test
    void aCancelledRefillLosesNothing() {
        StreamedActivations activations = streamed();
        boolean[] cancelled = {false};
        Progress progress = new Progress() {
            @Override
            public void update(String stage, long done, long total) {}

            @Override
            public boolean isCancelled() {
                return cancelled[0];
            }
        };
        float[] expected = new float[8 * 5];
        new ActivationBuffer(activations, 6, 1, Progress.NONE).next(expected);
        ActivationBuffer buffer = new ActivationBuffer(activations, 6, 1, progress);
        buffer.next(new float[2 * 5]);
        cancelled[0] = true;
        assertThatThrownBy(() -> buffer.next(new float[6 * 5])).isInstanceOf(CancellationException.class);
        cancelled[0] = false;
        float[] rest = new float[6 * 5];
        buffer.next(rest);
        assertThat(rest).containsExactly(Arrays.copyOfRange(expected, 10, 40), within(1e-6f));
    }

    @Test
    void severalHookPointsAreTakenInOnePassOverTheModel() {
        HookPoint other = HookPoint.parse("blocks.0.attn.hook_z").orElseThrow();
        int[] forwards = {0};
        Progress counting = (stage, done, total) -> forwards[0]++;
        StreamedActivations both = new StreamedActivations(model, List.of(HOOK, other), () -> Contexts.of(contexts(true, 6)), Long.MAX_VALUE);
        assertThat(both.widths()).containsExactly(5, 6);
        List<ActivationSource> sources = new ActivationBuffer(both, 6, 1, counting).byHook();
        float[] mlp = new float[2 * 5];
        float[] z = new float[2 * 6];
        float[] joint = new float[2 * 11];
        ActivationBuffer whole = new ActivationBuffer(both, 6, 1, Progress.NONE);
        for (int step = 0; step < 12; step++) {
            sources.get(step % 2).next(step % 2 == 0 ? mlp : z);
            sources.get(1 - step % 2).next(step % 2 == 0 ? z : mlp);
            whole.next(joint);
            for (int row = 0; row < 2; row++) {
                assertThat(Arrays.copyOfRange(mlp, row * 5, row * 5 + 5)).containsExactly(Arrays.copyOfRange(joint, row * 11, row * 11 + 5),
                        within(1e-6f));
                assertThat(Arrays.copyOfRange(z, row * 6, row * 6 + 6)).containsExactly(
                        Arrays.copyOfRange(joint, row * 11 + 5, row * 11 + 11), within(1e-6f));
            }
        }
        // 24 rows by halves of 3: the first fill and seven refills, each one batch.
        assertThat(forwards[0]).isEqualTo(8);
        sources.get(1).seek(3);
        sources.get(1).next(z);
        float[] again = new float[5 * 11];
        whole.seek(0);
        whole.next(again);
        assertThat(Arrays.copyOf(z, 6)).containsExactly(Arrays.copyOfRange(again, 3 * 11 + 5, 4 * 11), within(1e-6f));
    }
}
