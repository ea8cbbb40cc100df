package org.sae4j.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.output.Existing;
import org.sae4j.core.train.ActivationSource;

class ActivationStoreTest {
    private static final int WIDTH = 3;

    @TempDir
    private Path folder;

    private static StoreInfo info(ElementType type, int width, long rowsPerShard) {
        return new StoreInfo(Optional.of(HookPoint.mlpPost(0)), Optional.of("small"), "abc", type, width, rowsPerShard, Map.of("packing", "documents"));
    }

    /** Row i holds i in its first column, so that it can be recognised in any type up to 256. */
    private static float[] numbered(int rows) {
        float[] values = new float[rows * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = i % WIDTH == 0 ? i / WIDTH : 1f / i;
        }
        return values;
    }

    private ActivationStore store(String name, int rows, long rowsPerShard) {
        Path path = folder.resolve(name);
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(path, info(ElementType.F32, WIDTH, rowsPerShard))) {
            writer.append(numbered(rows), 0, rows);
            writer.complete(new HarvestProgress(1, rows, "x"));
        }
        return ActivationStore.open(path);
    }

    private static int[] take(ActivationSource source, int rows) {
        float[] target = new float[rows * WIDTH];
        source.next(target);
        return IntStream.range(0, rows).map(i -> (int) target[i * WIDTH]).toArray();
    }

    @ParameterizedTest
    @EnumSource(value = ElementType.class, names = {"F32", "F16", "BF16"})
    void valuesComeBackRoundedToTheType(ElementType type) {
        CounterRandom random = new CounterRandom(1);
        float[] values = new float[1000 * 7];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 5));
        }
        Path path = folder.resolve("s");
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(path, info(type, 7, 333))) {
            for (int row = 0; row < 1000; row += 25) {
                writer.append(values, row * 7, 25);
            }
            writer.complete(new HarvestProgress(10, 1000, "x"));
        }
        float[] found = new float[values.length];
        try (ActivationStore store = ActivationStore.open(path)) {
            assertThat(store.rows()).isEqualTo(1000);
            store.verify(Progress.NONE);
            store.all().sequential().next(found);
        }
        for (int i = 0; i < values.length; i++) {
            float exact = values[i];
            float expected = switch (type) {
                case F32 -> exact;
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(exact));
                default -> nearestBrainFloat(exact);
            };
            assertThat(found[i]).isEqualTo(expected);
        }
        try (SafetensorsFile shard = SafetensorsFile.open(path.resolve("shard-00003.safetensors"))) {
            assertThat(shard.tensor("blocks.0.mlp.hook_post").toArray()).isEqualTo(Arrays.copyOfRange(found, 999 * 7, 1000 * 7));
            assertThat(shard.metadata()).containsEntry("model", "small");
        }
    }

    /** The nearer of the two neighbours, found by trying both; the even one in between. */
    private static float nearestBrainFloat(float value) {
        int below = Float.floatToRawIntBits(value) & 0xffff0000;
        float down = Float.intBitsToFloat(below);
        float up = Float.intBitsToFloat(below + 0x10000);
        double toDown = Math.abs((double) value - down);
        double toUp = Math.abs((double) up - value);
        return toDown < toUp || toDown == toUp && (below & 0x10000) == 0 ? down : up;
    }

    @Test
    void whatATypeCannotHoldIsRefused() {
        try (ActivationStoreWriter half = ActivationStoreWriter.create(folder.resolve("a"), info(ElementType.F16, 1, 10));
                ActivationStoreWriter brain = ActivationStoreWriter.create(folder.resolve("b"), info(ElementType.BF16, 1, 10))) {
            assertThatThrownBy(() -> half.append(new float[] {1, 70_000}, 0, 2)).isInstanceOf(FormatException.class)
                    .hasMessageContaining("70000").hasMessageContaining("F16");
            assertThatThrownBy(() -> brain.append(new float[] {Float.MAX_VALUE}, 0, 1)).isInstanceOf(FormatException.class);
            assertThatThrownBy(() -> brain.append(new float[] {Float.NaN}, 0, 1)).isInstanceOf(FormatException.class)
                    .hasMessageContaining("NaN");
            assertThatThrownBy(() -> brain.complete(HarvestProgress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("no row");
        }
        for (StoreInfo impossible : List.of(info(ElementType.F64, 1, 1), info(ElementType.F32, 1 << 20, 1 << 20))) {
            assertThatThrownBy(() -> ActivationStoreWriter.create(folder.resolve("c"), impossible)).isInstanceOf(Sae4jException.class);
        }
        assertThatThrownBy(() -> info(ElementType.F32, 0, 1)).isInstanceOf(Sae4jException.class);
    }

    @ParameterizedTest
    @CsvSource({"1,1,false", "2,5,true", "57,10,false", "57,10,true", "200,64,true", "200,7,false", "251,250,true"})
    void everyEpochIsAPermutationAndAnyPositionIsFound(int rows, long rowsPerShard, boolean copied) {
        try (ActivationStore plain = store("plain", rows, rowsPerShard)) {
            if (copied) {
                plain.shuffle(folder.resolve("copy"), 9, Existing.REFUSE, Progress.NONE);
            }
            try (ActivationStore store = copied ? ActivationStore.open(folder.resolve("copy")) : plain) {
                store.verify(Progress.NONE);
                ActivationSource source = store.all().shuffled(5);
                int[] run = take(source, 3 * rows);
                for (int epoch = 0; epoch < 3; epoch++) {
                    assertThat(IntStream.of(run).skip((long) epoch * rows).limit(rows).sorted().toArray())
                            .isEqualTo(IntStream.range(0, rows).toArray());
                }
                if (rows > 20) {
                    assertThat(Arrays.copyOf(run, rows)).isNotEqualTo(Arrays.copyOfRange(run, rows, 2 * rows));
                    assertThat(take(store.all().shuffled(6), rows)).isNotEqualTo(Arrays.copyOf(run, rows));
                }
                CounterRandom random = new CounterRandom(rows);
                for (int i = 0; i < 20; i++) {
                    int position = random.nextInt(3 * rows);
                    source.seek(position);
                    int count = random.nextInt(3 * rows - position) + 1;
                    assertThat(take(source, count)).isEqualTo(Arrays.copyOfRange(run, position, position + count));
                    assertThat(source.position()).isEqualTo(position + count);
                }
            }
        }
    }

    /** A store of several windows and blocks: its rows are wide. */
    @Test
    void rowsAreReadAheadInEveryOrder() {
        int width = 1 << 18;
        int rows = 23;
        float[] row = new float[width];
        Path path = folder.resolve("wide");
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(path, info(ElementType.F32, width, 5))) {
            for (int i = 0; i < rows; i++) {
                Arrays.fill(row, i);
                writer.append(row, 0, 1);
            }
            writer.complete(new HarvestProgress(1, rows, "x"));
        }
        try (ActivationStore plain = ActivationStore.open(path)) {
            plain.shuffle(folder.resolve("copy"), 1, Existing.REFUSE, Progress.NONE);
            try (ActivationStore copy = ActivationStore.open(folder.resolve("copy"))) {
                for (ActivationSource source : List.of(plain.all().sequential(), plain.all().shuffled(1), copy.all().sequential(), copy.all().shuffled(1))) {
                    Set<Integer> seen = new HashSet<>();
                    for (int i = 0; i < rows; i++) {
                        source.next(row);
                        assertThat(row).containsOnly(row[0]);
                        seen.add((int) row[0]);
                    }
                    assertThat(seen).hasSize(rows);
                    source.seek(7);
                    source.next(row);
                    float seventh = row[0];
                    source.seek(0);
                    for (int i = 0; i <= 7; i++) {
                        source.next(row);
                    }
                    assertThat(row[0]).isEqualTo(seventh);
                }
            }
        }
    }

    @Test
    void aShuffledCopyHasTheSameRowsInAnOrderOfItsSeed() {
        try (ActivationStore plain = store("plain", 200, 60)) {
            Map<Long, int[]> orders = new LinkedHashMap<>();
            for (long seed : new long[] {1, 2}) {
                Path copy = folder.resolve("copy" + seed);
                plain.shuffle(copy, seed, Existing.REFUSE, Progress.NONE);
                try (ActivationStore store = ActivationStore.open(copy)) {
                    assertThat(store.shuffleSeed()).hasValue(seed);
                    assertThat(store.info()).isEqualTo(plain.info());
                    orders.put(seed, take(store.all().sequential(), 200));
                    float[] values = new float[200 * WIDTH];
                    store.all().sequential().next(values);
                    float[] original = numbered(200);
                    for (int i = 0; i < 200; i++) {
                        int row = (int) values[i * WIDTH];
                        assertThat(Arrays.copyOfRange(values, i * WIDTH, (i + 1) * WIDTH))
                                .isEqualTo(Arrays.copyOfRange(original, row * WIDTH, (row + 1) * WIDTH));
                    }
                }
                try (Stream<Path> files = list(copy)) {
                    assertThat(files.map(f -> f.getFileName().toString())).containsExactlyInAnyOrder("store.json", "norms.safetensors",
                            "shard-00000.safetensors", "shard-00001.safetensors", "shard-00002.safetensors", "shard-00003.safetensors");
                }
            }
            assertThat(orders.get(1L)).isNotEqualTo(orders.get(2L));
            assertThatThrownBy(() -> plain.shuffle(folder.resolve("copy1"), 3, Existing.REFUSE, Progress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("already");
        }
    }

    private static Stream<Path> list(Path folder) {
        try {
            return Files.list(folder);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** However often it is interrupted, and whatever lies behind the last commit, the bytes are those of one go. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void interruptedWritingGoesOnToTheSameBytes(long seed) throws IOException {
        int rows = 100;
        StoreInfo info = info(ElementType.BF16, WIDTH, 1 + new CounterRandom(seed).nextInt(30));
        Path once = folder.resolve("once");
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(once, info)) {
            writer.append(numbered(rows), 0, rows);
            writer.complete(new HarvestProgress(rows, rows, "x"));
        }
        CounterRandom random = new CounterRandom(seed).stream("interruptions");
        Path often = folder.resolve("often");
        ActivationStoreWriter.create(often, info).close();
        boolean complete = false;
        while (!complete) {
            try (ActivationStoreWriter writer = ActivationStoreWriter.resume(often, info)) {
                int done = (int) writer.progress().contexts();
                assertThat(writer.rows()).isEqualTo(done);
                int until = Math.min(rows, done + random.nextInt(40));
                writer.append(numbered(rows), done * WIDTH, until - done);
                if (random.nextInt(3) > 0) {
                    writer.commit(new HarvestProgress(until, until, "x"));
                    int lost = Math.min(rows - until, random.nextInt(35));
                    writer.append(numbered(rows), until * WIDTH, lost);
                    if (until == rows) {
                        writer.complete(new HarvestProgress(rows, rows, "x"));
                        complete = true;
                    }
                }
            }
        }
        try (Stream<Path> files = list(once)) {
            for (Path file : files.toList()) {
                assertThat(often.resolve(file.getFileName())).hasSameBinaryContentAs(file);
            }
        }
        try (ActivationStore store = ActivationStore.open(often)) {
            store.verify(Progress.NONE);
        }
    }

    @Test
    void onlyTheSameHarvestIsGoneOnWith() {
        StoreInfo info = info(ElementType.F32, WIDTH, 10);
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(folder.resolve("s"), info)) {
            writer.append(numbered(15), 0, 15);
            writer.commit(new HarvestProgress(3, 15, "x"));
            assertThatThrownBy(() -> {
                try (ActivationStoreWriter other = ActivationStoreWriter.resume(folder.resolve("s"), info)) {
                    other.append(numbered(1), 0, 1);
                }
            }).isInstanceOf(Sae4jException.class).hasMessageContaining("being written");
        }
        assertThatThrownBy(() -> ActivationStore.open(folder.resolve("s"))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("not complete").hasMessageContaining("15 rows");
        assertThatThrownBy(() -> ActivationStoreWriter.create(folder.resolve("s"), info)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("already");
        StoreInfo other = new StoreInfo(info.hook(), Optional.of("small"), "def", ElementType.F16, WIDTH, 10, Map.of("packing", "packed"));
        assertThatThrownBy(() -> ActivationStoreWriter.resume(folder.resolve("s"), other)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("fingerprint abc, now def").hasMessageContaining("dtype F32, now F16")
                .hasMessageContaining("packing documents, now packed");
        try (ActivationStore complete = store("t", 5, 10)) {
            assertThatThrownBy(() -> ActivationStoreWriter.resume(complete.path(), complete.info())).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("complete");
        }
    }

    @Test
    void brokenShardsAreRefused() throws IOException {
        store("s", 57, 10).close();
        Path path = folder.resolve("s");
        Path shard = path.resolve("shard-00003.safetensors");
        byte[] good = Files.readAllBytes(shard);
        for (int length : new int[] {0, 7, 8, 100, 4095, 4096, good.length - 1}) {
            Files.write(shard, Arrays.copyOf(good, length));
            assertThatThrownBy(() -> ActivationStore.open(path)).as("length " + length).isInstanceOf(FormatException.class)
                    .hasMessageContaining("shard-00003");
        }
        Files.write(shard, Arrays.copyOf(good, good.length + 1));
        assertThatThrownBy(() -> ActivationStore.open(path)).isInstanceOf(FormatException.class);
        CounterRandom random = new CounterRandom(1);
        for (int i = 0; i < 200; i++) {
            byte[] bad = good.clone();
            bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(shard, bad);
            assertThatThrownBy(() -> {
                try (ActivationStore store = ActivationStore.open(path)) {
                    store.verify(Progress.NONE);
                }
            }).isInstanceOf(FormatException.class);
        }
        Files.write(shard, good);
        try (ActivationStore store = ActivationStore.open(path)) {
            store.verify(Progress.NONE);
            ActivationSource source = store.all().shuffled(1);
            take(source, 3);
            try (RandomAccessFile file = new RandomAccessFile(shard.toFile(), "rw")) {
                file.setLength(good.length - 20);
            }
            source.seek(57 * 4);
            assertThatThrownBy(() -> take(source, 57)).isInstanceOf(FormatException.class).hasMessageContaining("shard-00003");
            assertThat(source.position()).isEqualTo(57 * 4);
            Files.write(shard, good);
            assertThat(take(source, 57)).hasSize(57);
        }
        Files.delete(shard);
        assertThatThrownBy(() -> ActivationStore.open(path)).isInstanceOf(FormatException.class).hasMessageContaining("No such file");
    }

    @Test
    void brokenManifestsAreRefused() throws IOException {
        store("s", 57, 10).close();
        Path manifest = folder.resolve("s/store.json");
        String good = Files.readString(manifest);
        Map<String, String> edits = new LinkedHashMap<>();
        edits.put("\"width\": 3", "\"width\": 4");
        edits.put("\"rows\": 57", "\"rows\": 58");
        edits.put("\"rows_per_shard\": 10", "\"rows_per_shard\": 0");
        edits.put("sae4j-activation-store-1", "sae4j-activation-store-2");
        edits.put("\"F32\"", "\"F16\"");
        edits.put("shard-00001.safetensors", "../shard-00001.safetensors");
        edits.put("\"source\": {", "\"sauce\": {");
        edits.put("blocks.0.mlp.hook_post", "blocks.0.mlp.hook_nothing");
        edits.put("\"progress\": {", "\"progress\": [], \"p\": {");
        edits.put("\"shards\": [", "\"shards\": 3, \"s\": [");
        edits.forEach((from, to) -> {
            assertThat(good).contains(from);
            write(manifest, good.replaceFirst(java.util.regex.Pattern.quote(from), to));
            assertThatThrownBy(() -> ActivationStore.open(folder.resolve("s"))).as(to).isInstanceOf(FormatException.class);
        });
        for (int length = 0; length < good.length() - 2; length += 7) {
            write(manifest, good.substring(0, length));
            assertThatThrownBy(() -> ActivationStore.open(folder.resolve("s"))).isInstanceOf(FormatException.class);
        }
        write(manifest, good.replace("\"complete\": true", "\"complete\": false"));
        assertThatThrownBy(() -> ActivationStore.open(folder.resolve("s"))).isInstanceOf(Sae4jException.class);
        assertThatThrownBy(() -> ActivationStore.open(folder.resolve("nowhere"))).isInstanceOf(FormatException.class)
                .hasMessageContaining("No such file");
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void nothingIsReadAfterClose() {
        ActivationStore store = store("s", 57, 10);
        ActivationSource source = store.all().sequential();
        take(source, 3);
        store.close();
        store.close();
        assertThatThrownBy(() -> take(source, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> store.verify(Progress.NONE)).isInstanceOf(IllegalStateException.class);
        assertThat(store.rows()).isEqualTo(57);
        assertThat(source.position()).isEqualTo(3);
    }

    @Test
    void aReaderThatIsInterruptedDoesNotCloseTheStoreForOthers() throws Exception {
        try (ActivationStore store = store("s", 200, 50)) {
            ActivationSource source = store.all().sequential();
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> store.verify(Progress.NONE)).isInstanceOf(Sae4jException.class).hasMessageContaining("interrupted")
                    .hasMessageContaining(folder.resolve("s").toString());
            assertThat(Thread.interrupted()).isTrue();
            assertThat(take(source, 200)).containsExactly(IntStream.range(0, 200).toArray());
            store.verify(Progress.NONE);
        }
    }

    @Test
    void threadsReadOnWhileOthersAreInterrupted() throws Exception {
        try (ActivationStore store = store("s", 200, 50); ExecutorService readers = Executors.newFixedThreadPool(2)) {
            AtomicBoolean done = new AtomicBoolean();
            AtomicInteger interruptions = new AtomicInteger();
            Thread unlucky = Thread.ofPlatform().start(() -> {
                while (!done.get()) {
                    Thread.currentThread().interrupt();
                    assertThatThrownBy(() -> store.verify(Progress.NONE)).hasMessageContaining("interrupted");
                    interruptions.incrementAndGet();
                }
            });
            List<Future<?>> reading = IntStream.range(0, 2).<Future<?>>mapToObj(number -> readers.submit(() -> {
                while (interruptions.get() < 500 && unlucky.isAlive()) {
                    store.verify(Progress.NONE);
                }
            })).toList();
            for (Future<?> one : reading) {
                one.get();
            }
            done.set(true);
            unlucky.join();
            assertThat(interruptions.get()).isGreaterThanOrEqualTo(500);
        }
    }
}
