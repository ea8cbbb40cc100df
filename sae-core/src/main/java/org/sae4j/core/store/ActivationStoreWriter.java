package org.sae4j.core.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.format.ElementEncoder;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.output.OutputKind;

/**
 * Writes a store, shard after shard. {@link #commit} makes what was appended last: whenever the process ends, {@link #resume} finds the
 * rows of the last commit. For one thread at a time. After {@link #close()} the methods throw {@link IllegalStateException}.
 */
public final class ActivationStoreWriter implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;
    private static final OutputKind STORE = OutputKind.of("an activation store")
            .with(OutputKind.Role.RESUMABLE, FileForm.json("a manifest of activations", "sae4j-activation-store-"), StoreManifest.FILE)
            .with(OutputKind.Role.RESULT, FileForm.SAFETENSORS, "shard-*.safetensors")
            .with(OutputKind.Role.PARTIAL, FileForm.ANY, "shard-*.safetensors.part", NormsFile.FILE, StoreShuffle.DEALT + "*");

    private final Path folder;
    private final OutputFolder target;
    private final StoreInfo info;
    private final OptionalLong shuffleSeed;
    private final List<StoreManifest.Shard> shards;
    private final ByteBuffer chunk;
    private final NormsFile norms;
    private @Nullable FileChannel open;
    private long openRows;
    private HarvestProgress progress;
    private boolean begun;
    private boolean closed;

    private ActivationStoreWriter(OutputFolder target, StoreManifest manifest, boolean begun) {
        this.target = target;
        this.begun = begun;
        folder = target.path();
        info = manifest.info();
        shuffleSeed = manifest.shuffleSeed();
        shards = new ArrayList<>(manifest.shards());
        openRows = manifest.openRows();
        progress = manifest.progress();
        chunk = ByteBuffer.allocateDirect(Math.max(1, CHUNK_BYTES / info.rowBytes()) * info.rowBytes());
        norms = new NormsFile(folder, info);
    }

    /**
     * Begins a store in an empty folder.
     *
     * @param folder its folder, made if needed
     * @param info what it will hold
     * @return the writer
     * @throws Sae4jException if the folder is not empty, is being written by someone else or cannot be written, or the info names no hook
     *     point or model or has a type or size of shards that cannot be written
     */
    public static ActivationStoreWriter create(Path folder, StoreInfo info) {
        return create(folder, info, Existing.REFUSE);
    }

    /**
     * Begins a store.
     *
     * @param folder its folder, made if needed
     * @param info what it will hold
     * @param existing {@code OVERWRITE} to replace a store in the folder, when the first rows are written; {@code REFUSE} to take an empty
     *     folder alone
     * @return the writer
     * @throws Sae4jException if the folder holds what is not to be replaced, is being written by someone else, or cannot be written
     * @throws IllegalArgumentException if {@code existing} is {@code RESUME}, for which there is {@link #resume}
     */
    public static ActivationStoreWriter create(Path folder, StoreInfo info, Existing existing) {
        return create(folder, info, OptionalLong.empty(), existing);
    }

    static ActivationStoreWriter create(Path folder, StoreInfo info, OptionalLong shuffleSeed, Existing existing) {
        if (existing == Existing.RESUME) {
            throw new IllegalArgumentException("a new store cannot be resumed");
        }
        Shards.header(info.requireWritable(), 1);
        ActivationStoreWriter writer = new ActivationStoreWriter(OutputFolder.open(folder, STORE, existing),
                new StoreManifest(info, shuffleSeed, List.of(), 0, HarvestProgress.NONE, false), false);
        if (existing == Existing.REFUSE) {
            writer.begin();
        }
        return writer;
    }

    /** Takes away what is replaced, and says what is begun. */
    void begin() {
        if (!begun) {
            begun = true;
            target.begin();
            writeManifest(HarvestProgress.NONE, false);
        }
    }

    /**
     * Goes on with a store from its last commit.
     *
     * @param folder its folder
     * @param info what it should hold
     * @return the writer
     * @throws Sae4jException if there is no store, it is complete, it holds something else, it lost rows, or it is being written by someone
     *     else
     */
    public static ActivationStoreWriter resume(Path folder, StoreInfo info) {
        StoreManifest.read(folder);
        OutputFolder target = OutputFolder.open(folder, STORE, Existing.RESUME);
        try {
            return new ActivationStoreWriter(target, resumable(folder, info), true);
        } catch (RuntimeException e) {
            target.close();
            throw e;
        }
    }

    private static StoreManifest resumable(Path folder, StoreInfo info) {
        StoreManifest manifest = StoreManifest.read(folder);
        if (manifest.complete()) {
            throw new Sae4jException("the store is complete", folder.toString(), "use it as it is, or choose another folder");
        }
        if (manifest.shuffleSeed().isPresent()) {
            throw new Sae4jException("the store is a shuffled copy, which cannot be resumed", folder.toString(),
                    "delete it and shuffle again");
        }
        Set<String> differences = differences(manifest.info(), info);
        if (!differences.isEmpty()) {
            throw new Sae4jException("the store was started with other settings: " + String.join("; ", differences), folder.toString(),
                    "resume with the same settings, or choose another folder");
        }
        return manifest;
    }

    /**
     * Whether a folder holds a store, complete or not.
     *
     * @param folder any path
     * @return whether it has a manifest
     */
    public static boolean exists(Path folder) {
        return Files.exists(folder.resolve(StoreManifest.FILE));
    }

    private static Set<String> differences(StoreInfo was, StoreInfo is) {
        Set<String> differences = new LinkedHashSet<>();
        compare("hook", was.hook(), is.hook(), differences);
        compare("model", was.modelName(), is.modelName(), differences);
        compare("model's fingerprint", was.modelFingerprint(), is.modelFingerprint(), differences);
        compare("dtype", was.type(), is.type(), differences);
        compare("width", was.width(), is.width(), differences);
        compare("rows a shard", was.rowsPerShard(), is.rowsPerShard(), differences);
        Set<String> keys = new LinkedHashSet<>(was.source().keySet());
        keys.addAll(is.source().keySet());
        for (String key : keys) {
            compare(key, was.source().getOrDefault(key, "none"), is.source().getOrDefault(key, "none"), differences);
        }
        return differences;
    }

    private static void compare(String name, Object was, Object is, Set<String> differences) {
        if (!was.equals(is)) {
            differences.add(name + " " + was + ", now " + is);
        }
    }

    /** {@return the rows appended so far, those before a resumption included} */
    public long rows() {
        return shards.size() * info.rowsPerShard() + openRows;
    }

    /** {@return the progress of the last commit} */
    public HarvestProgress progress() {
        return progress;
    }

    /**
     * Appends rows.
     *
     * @param values whole rows, row-major
     * @param from index of the first value
     * @param rows how many
     * @throws Sae4jException if a value is not finite or does not fit the store's type, or the disk is full or not writable
     * @throws IllegalStateException after close
     */
    public void append(float[] values, int from, int rows) {
        int width = info.width();
        int chunkRows = chunk.capacity() / info.rowBytes();
        for (int done = 0; done < rows;) {
            int some = (int) Math.min(Math.min(chunkRows, rows - done), info.rowsPerShard() - openRows);
            chunk.clear();
            ElementEncoder.encode(info.type(), values, from + done * width, some * width, chunk, info.requireHook().toString());
            appendStored(chunk.flip());
            done += some;
        }
    }

    /** Appends rows in their stored form, which must not go beyond the end of the shard. */
    void appendStored(ByteBuffer rows) {
        int count = rows.remaining() / info.rowBytes();
        try {
            FileChannel channel = openShard();
            norms.write(rows(), rows);
            long at = Shards.DATA + openRows * info.rowBytes();
            while (rows.hasRemaining()) {
                at += channel.write(rows, at);
            }
            openRows += count;
            if (openRows == info.rowsPerShard()) {
                finishShard();
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private Path file() {
        return folder.resolve(StoreManifest.shardName(shards.size()));
    }

    private Path partFile() {
        return folder.resolve(StoreManifest.shardName(shards.size()) + ".part");
    }

    /** The shard that is being written, without anything beyond its rows. */
    private FileChannel openShard() throws IOException {
        if (closed) {
            throw new IllegalStateException("the writer of " + folder + " is closed");
        }
        if (open == null) {
            begin();
            if (openRows > 0 && !Files.exists(partFile()) && Files.exists(file())) {
                // The shard was finished after the last commit.
                Files.move(file(), partFile(), StandardCopyOption.ATOMIC_MOVE);
            }
            FileChannel channel =
                    FileChannel.open(partFile(), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            try {
                long end = Shards.DATA + openRows * info.rowBytes();
                if (openRows > 0 && channel.size() < end) {
                    throw new Sae4jException("the open shard has " + channel.size() + " bytes, but " + openRows + " rows need " + end,
                            partFile().toString(), "delete the store and harvest again");
                }
                channel.truncate(end);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            open = channel;
        }
        return open;
    }

    private void finishShard() throws IOException {
        FileChannel channel = openShard();
        ByteBuffer header = Shards.header(info, openRows);
        for (long at = 0; header.hasRemaining();) {
            at += channel.write(header, at);
        }
        channel.force(true);
        Path part = partFile();
        String sha256 = Shards.sha256((at, buffer) -> Shards.readFully(channel, at, buffer, part), channel.size(), Progress.NONE);
        channel.close();
        open = null;
        Files.move(partFile(), file(), StandardCopyOption.ATOMIC_MOVE);
        shards.add(new StoreManifest.Shard(openRows, sha256));
        openRows = 0;
    }

    /**
     * Makes everything appended so far survive the end of the process.
     *
     * @param done how far the maker is, for going on
     * @throws Sae4jException if it cannot be written; the last commit then still holds
     * @throws IllegalStateException after close
     */
    public void commit(HarvestProgress done) {
        begin();
        try {
            if (openRows > 0) {
                openShard().force(true);
            }
            norms.force();
        } catch (IOException e) {
            throw failure(e);
        }
        writeManifest(done, false);
    }

    /**
     * Completes the store. The writer can then only be closed.
     *
     * @param done how far the maker went
     * @throws Sae4jException if there is no row, or it cannot be written
     * @throws IllegalStateException after close
     */
    public void complete(HarvestProgress done) {
        if (rows() == 0) {
            throw new Sae4jException("no row to store", folder.toString(), "give more text, or exclude fewer tokens");
        }
        try {
            norms.complete(rows());
            if (openRows > 0) {
                finishShard();
            }
        } catch (IOException e) {
            throw failure(e);
        }
        writeManifest(done, true);
        close();
    }

    private void writeManifest(HarvestProgress done, boolean complete) {
        if (closed) {
            throw new IllegalStateException("the writer of " + folder + " is closed");
        }
        new StoreManifest(info, shuffleSeed, shards, openRows, done, complete).write(folder);
        progress = done;
    }

    private RuntimeException failure(IOException e) {
        if (e instanceof ClosedByInterruptException) {
            CancellationException cancelled = new CancellationException("interrupted while " + folder + " was written");
            cancelled.initCause(e);
            return cancelled;
        }
        return new Sae4jException("the store cannot be written (" + e.getMessage() + ")", folder.toString(),
                "free disk space or check the permissions, then resume", e);
    }

    /** Closes the open shard's file and releases the folder; rows since the last commit are lost. Closing twice has no effect. */
    @Override
    public void close() {
        closed = true;
        try (norms) {
            if (open != null) {
                open.close();
            }
        } catch (IOException e) {
            throw failure(e);
        } finally {
            open = null;
            target.close();
        }
    }
}
