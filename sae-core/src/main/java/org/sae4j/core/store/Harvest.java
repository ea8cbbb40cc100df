package org.sae4j.core.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.TokenActivations;
import org.sae4j.core.internal.Heap;
import org.sae4j.core.output.Existing;

/**
 * Runs a transformer over contexts once and stores what it computes at some hook points, each in a store of its own. Memory holds a
 * window of contexts, however many there are. Rows lie in the order of the tokens.
 *
 * <p>The same model, contexts, hook points and engine give the same bytes, also when a harvest was interrupted, at whatever moment, and
 * gone on with: contexts are read again up to the last commit, and checked to be the same.
 */
public final class Harvest {
    private static final long WINDOW_BYTES = 128L << 20;
    private static final int MOST_WINDOW_ROWS = 1 << 12;
    private static final long COMMIT_NANOS = Duration.ofSeconds(30).toNanos();

    private final Transformer model;
    private final Contexts contexts;
    private final Settings settings;
    private final Progress progress;
    private final MessageDigest digest = Shards.sha256();
    private final ByteBuffer ids;
    private final int[] widths;
    private final int windowRows;
    private long contextsDone;
    private long tokensDone;
    private long rowsDone;
    private @Nullable Context pending;

    /**
     * What is harvested.
     *
     * @param stores the folder of the store of each hook point, at least one
     * @param type how values are stored: F32, F16 or BF16
     * @param maxRows the number of rows after which the harvest ends, at least 1
     * @param rowsPerShard rows in a shard, or 0 for as many as make a quarter of a gibibyte
     */
    public record Settings(Map<HookPoint, Path> stores, ElementType type, long maxRows, long rowsPerShard) {
        /**
         * Copies the map.
         *
         * @throws IllegalArgumentException if there is no store or a number is out of range
         */
        public Settings {
            stores = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(stores));
            if (stores.isEmpty() || maxRows < 1 || rowsPerShard < 0) {
                throw new IllegalArgumentException("a harvest needs a store, a row and no negative shards");
            }
        }
    }

    private Harvest(Transformer model, Contexts contexts, Settings settings, int mostWindowRows, Progress progress) {
        this.model = model;
        this.contexts = contexts;
        this.settings = settings;
        this.progress = progress;
        widths = settings.stores.keySet().stream().mapToInt(hook -> TokenActivations.width(model, hook)).toArray();
        windowRows = Math.clamp(WINDOW_BYTES / Float.BYTES / IntStream.of(widths).sum(), 1, mostWindowRows);
        ids = ByteBuffer.allocate(Integer.BYTES * (model.config().nCtx() + 1)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Begins a harvest and carries it through.
     *
     * @param model the transformer
     * @param contexts what it reads, from their start; stay open
     * @param settings what is stored where
     * @param existing what becomes of stores in the folders; {@code RESUME} goes on with those that were begun and begins the others
     * @param progress told of bytes of the corpus, asked for cancellation between batches
     * @return what was read
     * @throws Sae4jException if the model lacks a hook point, a context is too long or has a token that the model does not know, a value
     *     does not fit the type, a folder holds what is not to be replaced (or, with {@code RESUME}, another harvest, or the contexts are
     *     no longer the same) or is being written by someone else, or the disk is full or not writable; what was committed is kept
     * @throws CancellationException if cancelled; everything harvested is committed
     */
    public static HarvestProgress run(Transformer model, Contexts contexts, Settings settings, Existing existing, Progress progress) {
        return run(model, contexts, settings, existing, MOST_WINDOW_ROWS, progress);
    }

    static HarvestProgress run(Transformer model, Contexts contexts, Settings settings, Existing existing, int mostWindowRows,
            Progress progress) {
        return new Harvest(model, contexts, settings, mostWindowRows, progress).run(existing);
    }

    private HarvestProgress run(Existing existing) {
        List<Output> outputs = new ArrayList<>();
        try {
            open(existing, outputs);
            if (existing == Existing.RESUME) {
                skip(outputs);
            }
            harvest(outputs);
            HarvestProgress done = done();
            for (Output output : outputs) {
                if (output.writer != null) {
                    output.writer.complete(done);
                }
            }
            return done;
        } finally {
            outputs.forEach(Output::close);
        }
    }

    /** A store that is written; the writer is null if it was completed before the others were. */
    private record Output(Path folder, HarvestProgress before, @Nullable ActivationStoreWriter writer) {
        void close() {
            if (writer != null) {
                writer.close();
            }
        }
    }

    private void open(Existing existing, List<Output> outputs) {
        boolean resume = existing == Existing.RESUME;
        Map<String, String> source = new LinkedHashMap<>(contexts.description());
        source.put("hook_names", settings.stores.keySet().stream().map(HookPoint::toString).collect(Collectors.joining(",")));
        boolean allComplete = resume;
        int number = 0;
        for (Map.Entry<HookPoint, Path> store : settings.stores.entrySet()) {
            int width = widths[number++];
            StoreInfo info = new StoreInfo(Optional.of(store.getKey()), Optional.of(model.config().name()), model.fingerprint(),
                    settings.type, width, settings.rowsPerShard > 0 ? settings.rowsPerShard : StoreInfo.rowsPerShard(settings.type, width), source);
            Path folder = store.getValue();
            if (resume && ActivationStoreWriter.exists(folder) && StoreManifest.read(folder).complete()) {
                outputs.add(new Output(folder, StoreManifest.read(folder).progress(), null));
                continue;
            }
            allComplete = false;
            ActivationStoreWriter writer = resume && ActivationStoreWriter.exists(folder) ? ActivationStoreWriter.resume(folder, info)
                    : ActivationStoreWriter.create(folder, info, resume ? Existing.REFUSE : existing);
            outputs.add(new Output(folder, writer.progress(), writer));
        }
        if (allComplete) {
            throw new Sae4jException("the harvest is complete", outputs.getFirst().folder.toString(),
                    "use it as it is, or choose another folder");
        }
    }

    /** Reads the contexts again that every store has. */
    private void skip(List<Output> outputs) {
        long common = outputs.stream().mapToLong(output -> output.before.contexts()).min().orElseThrow();
        while (contextsDone < common) {
            progress.checkCancelled();
            Context context = contexts.next().orElse(null);
            if (context == null) {
                throw changed(outputs.getFirst(), "the corpus ends after " + contextsDone + " contexts, but " + common + " were harvested");
            }
            count(context);
            rowsDone += context.count();
            progress.update("reading again", contexts.bytesRead(), contexts.bytes());
        }
        check(outputs);
    }

    private void check(List<Output> outputs) {
        for (Output output : outputs) {
            HarvestProgress before = output.before;
            if (before.contexts() == contextsDone && contextsDone > 0 && !before.tokensSha256().equals(done().tokensSha256())) {
                throw changed(output, "the first " + contextsDone + " contexts have other tokens than those harvested");
            }
        }
    }

    private static Sae4jException changed(Output output, String what) {
        return new Sae4jException(what, output.folder.toString(), "pass the corpus that the harvest started with, or start over");
    }

    private void harvest(List<Output> outputs) {
        long committed = System.nanoTime();
        try {
            while (rowsDone < settings.maxRows) {
                List<Context> window = window();
                if (window.isEmpty()) {
                    break;
                }
                store(window, outputs);
                check(outputs);
                progress.update("harvesting", contexts.bytesRead(), contexts.bytes());
                if (System.nanoTime() - committed > COMMIT_NANOS) {
                    commit(outputs);
                    committed = System.nanoTime();
                }
                progress.checkCancelled();
                if (Thread.currentThread().isInterrupted()) {
                    throw new CancellationException("interrupted");
                }
            }
        } catch (CancellationException e) {
            // Files cannot be written by an interrupted thread. It is interrupted again when the rows are safe.
            boolean interrupted = Thread.interrupted();
            try {
                if (!(e.getCause() instanceof ClosedByInterruptException)) {
                    commit(outputs);
                }
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
            throw e;
        }
    }

    private void commit(List<Output> outputs) {
        HarvestProgress done = done();
        for (Output output : outputs) {
            // A store that is ahead of the others keeps what it has.
            if (output.writer != null && output.writer.progress().contexts() < done.contexts()) {
                output.writer.commit(done);
            }
        }
    }

    /** The next contexts, of so many rows that memory holds them; what does not fit waits. */
    private List<Context> window() {
        List<Context> window = new ArrayList<>();
        long rows = 0;
        while (true) {
            Context context = pending != null ? pending : contexts.next().orElse(null);
            pending = null;
            if (context == null) {
                return window;
            }
            TokenActivations.check(model, context, contextsDone + window.size());
            rows += context.count();
            if (rows > windowRows && !window.isEmpty()) {
                pending = context;
                return window;
            }
            window.add(context);
        }
    }

    private void store(List<Context> window, List<Output> outputs) {
        int rows = window.stream().mapToInt(Context::count).sum();
        if (rows > 0) {
            Heap.require((long) rows * IntStream.of(widths).sum() * Float.BYTES, "for the activations of " + rows + " tokens at " + widths.length
                    + " hook points", outputs.getFirst().folder.toString(), "harvest fewer hook points or shorter contexts");
            float[][] values = new float[widths.length][];
            Arrays.setAll(values, hook -> new float[Math.multiplyExact(rows, widths[hook])]);
            new TokenActivations(model, List.copyOf(settings.stores.keySet()), window).each(cancelOnly(), (number, activation) -> {
                        for (int hook = 0; hook < widths.length; hook++) {
                            activation.copyTo(hook, values[hook], number * widths[hook]);
                        }
                    });
            int used = (int) Math.min(rows, settings.maxRows - rowsDone);
            for (int hook = 0; hook < widths.length; hook++) {
                ActivationStoreWriter writer = outputs.get(hook).writer;
                if (writer != null) {
                    int has = Math.clamp(writer.rows() - rowsDone, 0, used);
                    writer.append(values[hook], has * widths[hook], used - has);
                }
            }
            rowsDone += used;
        }
        window.forEach(this::count);
    }

    /** The harvest's own progress tells of the corpus; that of a window would only flicker. */
    private Progress cancelOnly() {
        return new Progress() {
            @Override
            public void update(String stage, long done, long total) {}

            @Override
            public boolean isCancelled() {
                return progress.isCancelled();
            }
        };
    }

    private void count(Context context) {
        ids.clear();
        ids.putInt(context.size());
        for (int position = 0; position < context.size(); position++) {
            ids.putInt(context.token(position));
        }
        digest.update(ids.flip());
        contextsDone++;
        tokensDone += context.size();
    }

    private HarvestProgress done() {
        try {
            return new HarvestProgress(contextsDone, tokensDone, HexFormat.of().formatHex(((MessageDigest) digest.clone()).digest()));
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("the JDK's SHA-256 can be copied", e);
        }
    }
}
