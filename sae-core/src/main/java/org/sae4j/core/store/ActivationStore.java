package org.sae4j.core.store;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.ElementDecoder;
import org.sae4j.core.output.Existing;

/**
 * Activations on disk, to train on. However many there are, memory holds a few mebibytes of them. Rows are read where they lie, not mapped:
 * mapped pages would count as the process's own, and a file that is cut while it is mapped ends the process.
 *
 * <p>Safe for use by several threads, each with sources of its own. After {@link #close()}, reading throws {@link IllegalStateException};
 * what describes the store still works.
 */
public final class ActivationStore implements AutoCloseable {
    private final Path path;
    private final StoreInfo info;
    private final OptionalLong shuffleSeed;
    private final HarvestProgress harvested;
    private final List<Part> parts;
    private final long[] starts;
    private final ExecutorService readers;
    private @Nullable RowNorms norms;

    /**
     * A file with rows that follow each other.
     *
     * @param data where in the file the first row begins
     * @param rows how many
     * @param sha256 of the whole file; empty if it is not known
     */
    record Part(ShardFile file, long data, long rows, String sha256) {}

    private ActivationStore(Path path, StoreInfo info, OptionalLong shuffleSeed, HarvestProgress harvested, List<Part> parts) {
        this.path = path;
        this.info = info;
        this.shuffleSeed = shuffleSeed;
        this.harvested = harvested;
        this.parts = List.copyOf(parts);
        starts = new long[parts.size() + 1];
        for (int part = 0; part < parts.size(); part++) {
            starts[part + 1] = starts[part] + parts.get(part).rows();
        }
        readers = Executors.newFixedThreadPool(StoreSource.AHEAD, Thread.ofPlatform().daemon().name("sae4j-store-", 0).factory());
    }

    ActivationStore(Path path, StoreInfo info, List<Part> parts) {
        this(path, info, OptionalLong.empty(), HarvestProgress.NONE, parts);
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
                    "resume the command that wrote it");
        }
        List<Part> parts = new ArrayList<>();
        try {
            for (StoreManifest.Shard shard : manifest.shards()) {
                Path file = folder.resolve(StoreManifest.shardName(parts.size()));
                parts.add(new Part(Shards.open(file, manifest.info(), shard.rows()), Shards.DATA, shard.rows(), shard.sha256()));
            }
            return new ActivationStore(folder, manifest.info(), manifest.shuffleSeed(), manifest.progress(), parts);
        } catch (RuntimeException e) {
            parts.forEach(part -> part.file().close());
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

    /** {@return the store's folder, or the first of its files} */
    public Path path() {
        return path;
    }

    /** {@return what the store holds and where it comes from} */
    public StoreInfo info() {
        return info;
    }

    /** {@return the number of rows} */
    public long rows() {
        return starts[parts.size()];
    }

    /** {@return the number of files} */
    public int files() {
        return parts.size();
    }

    /** {@return the seed of the permutation that the rows lie in; empty if they lie in the order of their tokens} */
    public OptionalLong shuffleSeed() {
        return shuffleSeed;
    }

    /** {@return contexts and tokens that the rows were made of; {@link HarvestProgress#NONE} if they were not harvested here} */
    public HarvestProgress harvested() {
        return harvested;
    }

    /** {@return all rows} */
    public StoreRows all() {
        return new StoreRows(this, new int[0]);
    }

    /**
     * The rows that are not far larger than the others.
     *
     * @param limit the largest norm that is kept, such as {@link RowNorms#limit} of {@link #norms}
     * @param progress told of measuring
     * @return the rows whose norm is at most that
     * @throws Sae4jException if no row remains
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws IllegalStateException after close
     */
    public StoreRows within(double limit, Progress progress) {
        if (limit == Double.POSITIVE_INFINITY) {
            return all();
        }
        int[] beyond = norms(progress).beyond(limit);
        if (beyond.length == rows()) {
            throw new Sae4jException("no row has a norm of at most " + limit, path.toString(), "allow larger norms");
        }
        return new StoreRows(this, beyond);
    }

    /**
     * The norms of the rows, as they were recorded when the store was written; if they were not, the rows are read and measured.
     *
     * @param progress told of measuring
     * @return the norms, in the order of the rows; kept for further calls
     * @throws FormatException if the recorded norms are broken
     * @throws Sae4jException if the rows must be measured and a value is NaN or infinite, or there are more than 2^31-9
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws IllegalStateException after close
     */
    public synchronized RowNorms norms(Progress progress) {
        requireOpen();
        RowNorms known = norms;
        if (known == null) {
            known = (Files.isDirectory(path) ? NormsFile.read(path, rows()) : Optional.<RowNorms>empty())
                    .orElseGet(() -> summary(progress).norms());
            norms = known;
        }
        return known;
    }

    /**
     * Reads all rows, for what one look at them tells.
     *
     * @param progress told of reading
     * @return the summary
     * @throws Sae4jException if there are more than 2^31-9 rows, or a value is NaN or infinite
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws IllegalStateException after close
     */
    public synchronized RowSummary summary(Progress progress) {
        RowSummary summary = RowSummary.of(all().sequential(), rows(), path.toString(), progress);
        norms = summary.norms();
        return summary;
    }

    /**
     * Compares all shards with their checksums, which only stores have that were written here.
     *
     * @param progress told of every shard
     * @throws FormatException if a shard is not as it was written
     * @throws Sae4jException if the thread is interrupted; the store stays open, for other threads too
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws IllegalStateException after close
     */
    public void verify(Progress progress) {
        requireOpen();
        for (int number = 0; number < parts.size(); number++) {
            progress.update("verifying", number, parts.size());
            parts.get(number).file().verify(parts.get(number).sha256(), progress);
        }
        progress.update("verifying", parts.size(), parts.size());
    }

    /**
     * Writes a copy whose rows lie in a random order: read block by block, it gives shuffled rows at the speed of sequential reading, from
     * disks too that seek slowly. Rows are dealt to one file for each shard, then every shard is put in order in memory. This needs room
     * for the copy twice, and memory for one shard.
     *
     * @param target the copy's folder, made if needed
     * @param seed of the order
     * @param existing whether a store at the target is replaced; an interrupted copy, of which nothing can be used, is in any case
     * @param progress told of what was read and written
     * @throws Sae4jException if the target holds what is not to be replaced, is this store's folder, is being written by someone else, or
     *     cannot be written
     * @throws java.util.concurrent.CancellationException if cancelled; begin again then
     * @throws IllegalArgumentException if {@code existing} is {@code RESUME}: a copy is not gone on with
     * @throws IllegalStateException after close
     */
    public void shuffle(Path target, long seed, Existing existing, Progress progress) {
        requireOpen();
        new StoreShuffle(this, target, seed, existing).run(progress);
    }

    /** Reads rows that follow each other, in their stored form; they may lie in several files. */
    void read(long row, ByteBuffer target) {
        int rowBytes = info.rowBytes();
        int end = target.limit();
        int number = Arrays.binarySearch(starts, row);
        number = number >= 0 ? number : -number - 2;
        for (long at = row; target.position() < end; number++) {
            Part part = parts.get(number);
            long inPart = at - starts[number];
            long some = Math.min((end - target.position()) / rowBytes, part.rows() - inPart);
            target.limit(target.position() + (int) some * rowBytes);
            part.file().read(part.data() + inPart * rowBytes, target);
            at += some;
        }
        target.limit(end);
    }

    /** Runs reads ahead. */
    ExecutorService readers() {
        return readers;
    }

    /** Decodes rows in their stored form. */
    ElementDecoder decoder(ByteBuffer rows) {
        return ElementDecoder.of(info.type(), ByteOrder.LITTLE_ENDIAN, MemorySegment.ofBuffer(rows));
    }

    void requireOpen() {
        if (readers.isShutdown()) {
            throw new IllegalStateException("the store " + path + " is closed");
        }
    }

    /** Closes the shards. Closing twice has no effect. */
    @Override
    public void close() {
        readers.shutdown();
        parts.forEach(part -> part.file().close());
    }
}
