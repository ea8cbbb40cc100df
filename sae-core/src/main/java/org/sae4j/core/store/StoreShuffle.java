package org.sae4j.core.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.output.Existing;

/** Copies a store into a random order, in two passes that read and write large pieces only. */
final class StoreShuffle {
    private static final int READ_BYTES = 4 << 20;
    /** Memory for rows that were dealt to shards and are not yet written, all shards together. */
    private static final int DEAL_BYTES = 256 << 20;
    private static final int LARGEST_DEAL = 4 << 20;
    static final String DEALT = ".dealt-";

    private final ActivationStore store;
    private final Path target;
    private final long seed;
    private final Existing existing;
    private final int rowBytes;
    private final long rowsPerShard;

    StoreShuffle(ActivationStore store, Path target, long seed, Existing existing) {
        this.store = store;
        this.target = target;
        this.seed = seed;
        this.existing = existing;
        rowBytes = store.info().rowBytes();
        rowsPerShard = store.info().rowsPerShard();
    }

    void run(Progress progress) {
        try {
            if (Files.exists(target) && Files.isSameFile(target, store.path())) {
                throw new Sae4jException("a store cannot be shuffled into its own folder", target.toString(), "choose another folder");
            }
            try (ActivationStoreWriter writer = ActivationStoreWriter.create(target, store.info(), OptionalLong.of(seed), replaced())) {
                writer.begin();
                int shards = (int) ((store.rows() + rowsPerShard - 1) / rowsPerShard);
                deal(shards, progress);
                ByteBuffer ordered = ByteBuffer.allocateDirect((int) Math.min(rowsPerShard, store.rows()) * rowBytes);
                for (int shard = 0; shard < shards; shard++) {
                    progress.checkCancelled();
                    putInOrder(shard, ordered, writer);
                    progress.update("writing shuffled shards", shard + 1, shards);
                }
                writer.complete(store.harvested());
            } finally {
                deleteDealt();
            }
        } catch (IOException e) {
            throw new Sae4jException("the shuffled store cannot be written (" + e.getMessage() + ")", target.toString(),
                    "free disk space for twice the store, or check the permissions; then shuffle again", e);
        }
    }

    /** An interrupted copy cannot be gone on with, and nothing is lost with it. */
    private Existing replaced() {
        if (existing == Existing.REFUSE && ActivationStoreWriter.exists(target)) {
            StoreManifest there = StoreManifest.read(target);
            return there.complete() || there.shuffleSeed().isEmpty() ? Existing.REFUSE : Existing.OVERWRITE;
        }
        return existing;
    }

    private Path dealt(int shard) {
        return target.resolve(DEALT + shard);
    }

    /** Every row to the file of the shard that it belongs to, behind the number of its place there. */
    private void deal(int shards, Progress progress) throws IOException {
        SeededPermutation order = new SeededPermutation(store.rows(), new CounterRandom(seed).stream("shuffle of a store"));
        int recordBytes = Integer.BYTES + rowBytes;
        int records = Math.clamp(Math.min(LARGEST_DEAL, DEAL_BYTES / shards) / recordBytes, 1, Integer.MAX_VALUE);
        List<FileChannel> files = new ArrayList<>();
        try {
            List<ByteBuffer> waiting = new ArrayList<>();
            for (int shard = 0; shard < shards; shard++) {
                files.add(FileChannel.open(dealt(shard), StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE));
                waiting.add(ByteBuffer.allocateDirect(records * recordBytes));
            }
            ByteBuffer rows = ByteBuffer.allocateDirect(Math.max(1, READ_BYTES / rowBytes) * rowBytes);
            for (long row = 0; row < store.rows();) {
                progress.checkCancelled();
                int some = (int) Math.min(rows.capacity() / rowBytes, store.rows() - row);
                store.read(row, rows.clear().limit(some * rowBytes));
                for (int i = 0; i < some; i++, row++) {
                    long place = order.placeOf(row);
                    int shard = (int) (place / rowsPerShard);
                    ByteBuffer out = waiting.get(shard);
                    out.putInt((int) (place % rowsPerShard)).put(rows.slice(i * rowBytes, rowBytes));
                    if (!out.hasRemaining()) {
                        write(files.get(shard), out);
                    }
                }
                progress.update("dealing rows", row, store.rows());
            }
            for (int shard = 0; shard < shards; shard++) {
                write(files.get(shard), waiting.get(shard));
            }
        } finally {
            for (FileChannel file : files) {
                file.close();
            }
        }
    }

    private static void write(FileChannel file, ByteBuffer records) throws IOException {
        records.flip();
        while (records.hasRemaining()) {
            file.write(records);
        }
        records.clear();
    }

    private void putInOrder(int shard, ByteBuffer ordered, ActivationStoreWriter writer) throws IOException {
        int count = (int) Math.min(rowsPerShard, store.rows() - shard * rowsPerShard);
        int recordBytes = Integer.BYTES + rowBytes;
        ordered.clear().limit(count * rowBytes);
        ByteBuffer records = ByteBuffer.allocateDirect(Math.max(1, READ_BYTES / recordBytes) * recordBytes);
        try (FileChannel file = FileChannel.open(dealt(shard), StandardOpenOption.READ)) {
            for (long at = 0; at < (long) count * recordBytes; at += records.capacity()) {
                records.clear().limit((int) Math.min(records.capacity(), (long) count * recordBytes - at));
                Shards.readFully(file, at, records, dealt(shard));
                records.flip();
                while (records.hasRemaining()) {
                    int place = records.getInt();
                    ordered.put(place * rowBytes, records, records.position(), rowBytes);
                    records.position(records.position() + rowBytes);
                }
            }
        }
        writer.appendStored(ordered);
        Files.delete(dealt(shard));
    }

    private void deleteDealt() throws IOException {
        if (Files.isDirectory(target)) {
            List<Path> left;
            try (Stream<Path> files = Files.list(target)) {
                left = files.filter(file -> file.getFileName().toString().startsWith(DEALT)).toList();
            }
            for (Path file : left) {
                Files.deleteIfExists(file);
            }
        }
    }
}
