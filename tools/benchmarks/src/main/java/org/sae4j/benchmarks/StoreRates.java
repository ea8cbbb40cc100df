package org.sae4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.output.Existing;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.store.ActivationStoreWriter;
import org.sae4j.core.store.HarvestProgress;
import org.sae4j.core.store.StoreInfo;
import org.sae4j.core.train.ActivationSource;

/**
 * Reads a store in order, shuffled along a permutation of its rows, and its shuffled copy along a permutation of blocks, by turns, in
 * batches of 4096 rows, and prints rates and the largest resident set (Linux). The first call makes the stores; measure with another one.
 */
public final class StoreRates {
    private static final int BATCH = 4096;
    private static final int ROUNDS = 5;

    private StoreRates() {}

    /**
     * Prints one line for each order.
     *
     * @param arguments a folder, the size of the store in GiB, the width of a row, the type (F32, F16, BF16), and {@code warm}, or
     *     {@code cold} to have {@code dd} drop the files from the page cache before each pass
     * @throws IOException if the store or {@code /proc/self/status} cannot be read
     * @throws InterruptedException if interrupted while {@code dd} runs
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length != 5) {
            throw new IllegalArgumentException("expected a folder, GiB, width, type, warm or cold; found " + Arrays.toString(arguments));
        }
        Path folder = Path.of(arguments[0]);
        ElementType type = ElementType.valueOf(arguments[3]);
        int width = Integer.parseInt(arguments[2]);
        boolean cold = arguments[4].equals("cold");
        Path plain = folder.resolve("plain");
        Path copy = folder.resolve("copy");
        if (!ActivationStore.isStore(copy)) {
            make(plain, copy, (long) (Double.parseDouble(arguments[1]) * (1L << 30)) / ((long) width * type.bytes()), width, type);
            print("made both stores; largest resident set %s", largestResidentSet());
            return;
        }
        try (ActivationStore store = ActivationStore.open(plain); ActivationStore shuffled = ActivationStore.open(copy)) {
            String[] names = {"in order", "shuffled, row by row", "shuffled copy"};
            ActivationSource[] sources = {store.all().sequential(), store.all().shuffled(1), shuffled.all().shuffled(1)};
            // Row by row from a disk would take minutes: a part of the store shows the rate.
            long[] rows = {store.rows(), cold ? store.rows() / 32 : store.rows(), store.rows()};
            double[][] rates = new double[names.length][ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                for (int i = 0; i < names.length; i++) {
                    if (cold) {
                        drop(i == 2 ? copy : plain);
                    }
                    rates[i][round] = rate(sources[i], rows[i]);
                }
            }
            for (int i = 0; i < names.length; i++) {
                Arrays.sort(rates[i]);
                double median = rates[i][ROUNDS / 2];
                print("%-22s %6.2f GB/s, %,.0f rows/s, %.0f%% of the rate in order", names[i], median * width * type.bytes() / 1e9, median,
                        100 * median / rates[0][ROUNDS / 2]);
            }
            print("largest resident set   %s", largestResidentSet());
        }
    }

    private static void make(Path plain, Path copy, long rows, int width, ElementType type) {
        StoreInfo info = new StoreInfo(Optional.of(HookPoint.mlpPost(0)), Optional.of("random"), "none", type, width, StoreInfo.rowsPerShard(type, width),
                Map.of("kind", "random numbers"));
        float[] batch = new float[BATCH * width];
        CounterRandom random = new CounterRandom(1);
        for (int i = 0; i < batch.length; i++) {
            batch[i] = random.nextFloat();
        }
        try (ActivationStoreWriter writer = ActivationStoreWriter.create(plain, info)) {
            for (long row = 0; row < rows; row += BATCH) {
                writer.append(batch, 0, (int) Math.min(BATCH, rows - row));
            }
            writer.complete(new HarvestProgress(1, rows, "none"));
        }
        try (ActivationStore store = ActivationStore.open(plain)) {
            store.shuffle(copy, 1, Existing.REFUSE, Progress.NONE);
        }
    }

    /** Rows a second over the next rows of a source. */
    private static double rate(ActivationSource source, long rows) {
        float[] batch = new float[BATCH * source.width()];
        long started = System.nanoTime();
        long taken = 0;
        for (; taken + BATCH <= rows; taken += BATCH) {
            source.next(batch);
        }
        return taken * 1e9 / (System.nanoTime() - started);
    }

    private static void drop(Path folder) throws IOException, InterruptedException {
        List<Path> shards;
        try (Stream<Path> files = Files.list(folder)) {
            shards = files.filter(file -> file.toString().endsWith(".safetensors")).toList();
        }
        for (Path shard : shards) {
            int code = new ProcessBuilder("dd", "of=" + shard, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none").start()
                    .waitFor();
            if (code != 0) {
                throw new IOException("dd could not drop " + shard + " from the page cache, code " + code);
            }
        }
    }

    private static String largestResidentSet() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM")).findFirst()
                .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024 + " MiB").orElse("unknown");
    }

    private static void print(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }
}
