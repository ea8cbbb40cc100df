package org.sae4j.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.output.Existing;
import org.sae4j.core.train.ActivationSource;

class StoreNormsTest {
    private static final int WIDTH = 2;

    @TempDir
    private Path folder;

    /** Row i is (i, i / 2), but every hundredth row from 50 on is 1,000 times as large. */
    private static float[] rows(int count) {
        float[] values = new float[count * WIDTH];
        for (int row = 0; row < count; row++) {
            float size = (row + 1) * (row % 100 == 50 ? 1000 : 1);
            values[row * WIDTH] = size;
            values[row * WIDTH + 1] = -size / 2;
        }
        return values;
    }

    private Path store(String name, float[] values, ElementType type, int commitAt) {
        Path path = folder.resolve(name);
        StoreInfo info = new StoreInfo(Optional.of(HookPoint.mlpPost(0)), Optional.of("small"), "abc", type, WIDTH, 64, Map.of());
        int rows = values.length / WIDTH;
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(path, info)) {
            writer.append(values, 0, commitAt);
            writer.commit(new HarvestProgress(1, 1, ""));
            writer.append(values, commitAt * WIDTH, Math.min(3, rows - commitAt));
        }
        try (ActivationStoreWriter writer = ActivationStoreWriter.resume(path, info)) {
            writer.append(values, commitAt * WIDTH, rows - commitAt);
            writer.complete(new HarvestProgress(2, 2, ""));
        }
        return path;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void quantilesAreThoseOfTheSortedNorms(long seed) {
        CounterRandom random = new CounterRandom(seed);
        float[] norms = new float[1 + random.nextInt(200)];
        for (int i = 0; i < norms.length; i++) {
            norms[i] = random.nextInt(5) == 0 ? 0 : (float) Math.exp(20 * random.nextDouble() - 10);
        }
        float[] sorted = norms.clone();
        Arrays.sort(sorted);
        RowNorms measured = new RowNorms(norms);
        assertThat(measured.median()).isEqualTo(sorted[(norms.length - 1) / 2]);
        assertThat(measured.max()).isEqualTo(sorted[norms.length - 1]);
        assertThat(measured.quantile(0)).isEqualTo(sorted[0]);
        double share = random.nextDouble();
        assertThat(measured.quantile(share)).isEqualTo(sorted[Math.max(1, (int) Math.ceil(share * norms.length)) - 1]);
    }

    @Test
    void aLimitIsAMultipleOfTheMedianAndNoneWhereThatIsZero() {
        RowNorms norms = new RowNorms(new float[] {1, 2, 100, 3, 2});
        assertThat(norms.limit(5)).isEqualTo(10);
        assertThat(norms.beyond(10)).containsExactly(2);
        assertThat(norms.beyond(norms.limit(Double.POSITIVE_INFINITY))).isEmpty();
        assertThat(new RowNorms(new float[] {0, 0, 7}).limit(5)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThatThrownBy(() -> norms.limit(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> norms.quantile(1.5)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Norms are those of the stored values, also where writing was interrupted, and the shuffled copy has them too. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void aStoreRecordsTheNormsOfItsRows(ElementType type) {
        try (ActivationStore store = ActivationStore.open(store("a", rows(333), type, 97))) {
            assertThat(store.path().resolve("norms.safetensors")).exists();
            RowNorms recorded = store.norms(Progress.NONE);
            RowNorms measured = store.summary(Progress.NONE).norms();
            assertThat(recorded.rows()).isEqualTo(333);
            assertThat(recorded.beyond(0)).hasSize(333);
            for (double share : new double[] {0, 0.1, 0.5, 0.99, 1}) {
                assertThat(recorded.quantile(share)).isEqualTo(measured.quantile(share));
            }
            assertThat(recorded.beyond(1000)).isEqualTo(measured.beyond(1000)).containsExactly(50, 150, 250);
            store.shuffle(folder.resolve("b"), 5, Existing.REFUSE, Progress.NONE);
            try (ActivationStore copy = ActivationStore.open(folder.resolve("b"))) {
                RowNorms copied = copy.norms(Progress.NONE);
                assertThat(copied.median()).isEqualTo(recorded.median());
                assertThat(copied.beyond(1000)).isEqualTo(copy.summary(Progress.NONE).norms().beyond(1000)).hasSize(3);
            }
        }
    }

    @Test
    void aStoreWithoutRecordedNormsIsMeasuredAndBrokenOnesAreRefused() throws IOException {
        Path path = store("a", rows(120), ElementType.F32, 10);
        byte[] recorded = Files.readAllBytes(path.resolve("norms.safetensors"));
        Files.delete(path.resolve("norms.safetensors"));
        try (ActivationStore store = ActivationStore.open(path)) {
            assertThat(store.norms(Progress.NONE).beyond(1000)).containsExactly(50);
        }
        recorded[recorded.length - 1] = -1;
        Files.write(path.resolve("norms.safetensors"), recorded);
        try (ActivationStore store = ActivationStore.open(path)) {
            assertThatThrownBy(() -> store.norms(Progress.NONE)).isInstanceOf(FormatException.class).hasMessageContaining("norm");
        }
        Files.write(path.resolve("norms.safetensors"), Arrays.copyOf(recorded, recorded.length - 4));
        try (ActivationStore store = ActivationStore.open(path)) {
            assertThatThrownBy(() -> store.norms(Progress.NONE)).isInstanceOf(FormatException.class);
        }
    }

    /** In the order of the file, and in every epoch of every random order: each row within the limit once, and no other. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rowsBeyondTheLimitAreInNoOrder(boolean shuffledCopy) {
        float[] values = rows(333);
        Path path = store("a", values, ElementType.F32, 97);
        if (shuffledCopy) {
            try (ActivationStore store = ActivationStore.open(path)) {
                store.shuffle(folder.resolve("b"), 5, Existing.REFUSE, Progress.NONE);
            }
            path = folder.resolve("b");
        }
        float[] kept = new float[330];
        int[] numbers = IntStream.range(0, 333).filter(row -> row % 100 != 50).toArray();
        for (int i = 0; i < kept.length; i++) {
            kept[i] = numbers[i] + 1;
        }
        try (ActivationStore store = ActivationStore.open(path)) {
            StoreRows rows = store.within(1000, Progress.NONE);
            assertThat(rows.count()).isEqualTo(330);
            assertThat(rows.leftOut()).isEqualTo(3);
            if (!shuffledCopy) {
                assertThat(firstColumn(rows.sequential(), 330)).isEqualTo(kept);
            }
            ActivationSource shuffled = rows.shuffled(3);
            for (int epoch = 0; epoch < 3; epoch++) {
                float[] found = firstColumn(shuffled, 330);
                Arrays.sort(found);
                assertThat(found).isEqualTo(kept);
            }
            shuffled.seek(500);
            float[] once = firstColumn(shuffled, 40);
            shuffled.seek(500);
            assertThat(firstColumn(shuffled, 40)).isEqualTo(once);
            assertThat(store.within(Double.POSITIVE_INFINITY, Progress.NONE).count()).isEqualTo(333);
            assertThatThrownBy(() -> store.within(0.1, Progress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("norm of at most 0.1");
        }
    }

    private static float[] firstColumn(ActivationSource source, int rows) {
        float[] values = new float[rows * WIDTH];
        source.next(values);
        float[] column = new float[rows];
        for (int i = 0; i < rows; i++) {
            column[i] = values[i * WIDTH];
        }
        return column;
    }
}
