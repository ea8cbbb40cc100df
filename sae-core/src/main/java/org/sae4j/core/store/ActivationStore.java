package org.sae4j.core.store;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.ElementDecoder;
import org.sae4j.core.train.ActivationSource;

/**
 * Activations on disk, to train on. However many there are, memory holds a few mebibytes of them. Rows are read where they lie, not mapped:
 * mapped pages would count as the process's own, and a file that is cut while it is mapped ends the process.
 *
 * <p>Safe for use by several threads, each with sources of its own. After {@link #close()}, reading throws {@link IllegalStateException};
 * what describes the store still works.
 */
public final class ActivationStore implements AutoCloseable {
    /** What is read at once, and the size of the blocks that a shuffled store is read in. */
    private static final int WINDOW_BYTES = 4 << 20;
    private static final long BLOCK_BYTES = 8L << 20;
    /** A small store has blocks that are smaller, so that there are some to permute. */
    private static final long LEAST_BLOCKS = 64;

    private final Path folder;
    private final StoreManifest manifest;
    private final List<ShardFile> shards;
    private final ExecutorService readers;

    private ActivationStore(Path folder, StoreManifest manifest, List<ShardFile> shards) {
        this.folder = folder;
        this.manifest = manifest;
        this.shards = shards;
        readers = Executors.newFixedThreadPool(StoreSource.AHEAD, Thread.ofPlatform().daemon().name("sae4j-store-", 0).factory());
    }

    /**
     * Opens a complete store and checks its manifest against the shards' headers and sizes. {@link #verify} checks the rest.
     *
     * @param folder the store's folder
     * @return the store; the caller closes it
     * @throws FormatException if the manifest or a shard is missing, broken or not as the manifest says
     * @throws Sae4jException if the store is not complete
     */
    public static ActivationStore open(Path folder) {
        StoreManifest manifest = StoreManifest.read(folder);
        if (!manifest.complete()) {
            throw new Sae4jException("the store is not complete: it has " + manifest.rows() + " rows so far", folder.toString(),
                    "go on with what wrote it");
        }
        List<ShardFile> shards = new ArrayList<>();
        try {
            for (int number = 0; number < manifest.shards().size(); number++) {
                shards.add(Shards.open(folder.resolve(StoreManifest.shardName(number)), manifest.info(),
                        manifest.shards().get(number).rows()));
            }
            return new ActivationStore(folder, manifest, List.copyOf(shards));
        } catch (RuntimeException e) {
            shards.forEach(ShardFile::close);
            throw e;
        }
    }

    /**
     * Whether a path is a store's folder.
     *
     * @param path any path
     * @return whether it is a folder with a manifest, complete or not
     */
    public static boolean isStore(Path path) {
        return Files.isDirectory(path) && ActivationStoreWriter.exists(path);
    }

    /** {@return the store's folder} */
    public Path folder() {
        return folder;
    }

    /** {@return what the store holds and where it comes from} */
    public StoreInfo info() {
        return manifest.info();
    }

    /** {@return the number of rows} */
    public long rows() {
        return manifest.rows();
    }

    /** {@return the seed of the permutation that the rows lie in; empty if they lie in the order of their tokens} */
    public OptionalLong shuffleSeed() {
        return manifest.shuffleSeed();
    }

    /** {@return contexts and tokens that the rows were made of} */
    public HarvestProgress harvested() {
        return manifest.progress();
    }

    /**
     * The rows as they lie in the store, from the first again after the last.
     *
     * @return a source at its start, usable until the store is closed
     */
    public ActivationSource sequential() {
        return source(RowOrder.sequential(rows()));
    }

    /**
     * The rows in a random order, another one in every epoch: any row may come at any place. To go to a position costs the same wherever it
     * is; no table of the order is held.
     *
     * <p>A store whose rows lie in the order of their tokens is read row by row, along a permutation of all rows. One that
     * {@link #shuffle} wrote is read block by block at the speed of sequential reading, along a permutation of the blocks: every epoch is
     * an evenly drawn order of all rows for itself, and rows of one block stay neighbours in all epochs.
     *
     * @param seed of the orders
     * @return a source at its start, usable until the store is closed
     */
    public ActivationSource shuffled(long seed) {
        CounterRandom random = new CounterRandom(seed).stream("order of a store");
        if (shuffleSeed().isEmpty()) {
            return source(RowOrder.permuted(rows(), random));
        }
        long blockRows = Math.clamp(rows() / LEAST_BLOCKS, 1, Math.max(1, BLOCK_BYTES / info().rowBytes()));
        return source(RowOrder.blocks(rows(), blockRows, random));
    }

    private ActivationSource source(RowOrder order) {
        return new StoreSource(this, order, Math.max(1, WINDOW_BYTES / info().rowBytes()), readers);
    }

    /**
     * Compares all shards with their checksums.
     *
     * @param progress told of every shard
     * @throws FormatException if a shard is not as it was written
     * @throws Sae4jException if the thread is interrupted; the store stays open, for other threads too
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws IllegalStateException after close
     */
    public void verify(Progress progress) {
        requireOpen();
        for (int number = 0; number < shards.size(); number++) {
            progress.update("verifying", number, shards.size());
            shards.get(number).verify(manifest.shards().get(number).sha256(), progress);
        }
        progress.update("verifying", shards.size(), shards.size());
    }

    /**
     * Writes a copy whose rows lie in a random order: read block by block, it gives shuffled rows at the speed of sequential reading, from
     * disks too that seek slowly. Rows are dealt to one file for each shard, then every shard is put in order in memory. This needs room
     * for the copy twice, and memory for one shard.
     *
     * @param target the copy's folder, made if needed; an incomplete copy there is replaced
     * @param seed of the order
     * @param progress told of what was read and written
     * @throws Sae4jException if there is a complete store at the target, or the copy cannot be written
     * @throws java.util.concurrent.CancellationException if cancelled; begin again then
     * @throws IllegalStateException after close
     */
    public void shuffle(Path target, long seed, Progress progress) {
        requireOpen();
        new StoreShuffle(this, target, seed).run(progress);
    }

    /** Reads rows that follow each other, in their stored form; they may lie in several shards. */
    void read(long row, ByteBuffer target) {
        long rowsPerShard = info().rowsPerShard();
        int rowBytes = info().rowBytes();
        int end = target.limit();
        long at = row;
        while (target.position() < end) {
            int shard = (int) (at / rowsPerShard);
            long inShard = at % rowsPerShard;
            long some = Math.min((end - target.position()) / rowBytes, manifest.shards().get(shard).rows() - inShard);
            target.limit(target.position() + (int) some * rowBytes);
            shards.get(shard).read(Shards.DATA + inShard * rowBytes, target);
            at += some;
        }
        target.limit(end);
    }

    /** Decodes rows in their stored form. */
    ElementDecoder decoder(ByteBuffer rows) {
        return ElementDecoder.of(info().type(), ByteOrder.LITTLE_ENDIAN, MemorySegment.ofBuffer(rows));
    }

    void requireOpen() {
        if (readers.isShutdown()) {
            throw new IllegalStateException("the store " + folder + " is closed");
        }
    }

    /** Closes the shards. Closing twice has no effect. */
    @Override
    public void close() {
        readers.shutdown();
        shards.forEach(ShardFile::close);
    }
}
