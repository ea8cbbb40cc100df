package org.sae4j.core.store;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.format.ElementDecoder;
import org.sae4j.core.train.PositionedSource;

/** Rows of a store in some order. While the rows of one window of positions are taken, others read the next windows. */
final class StoreSource extends PositionedSource {
    /** Windows that are read ahead. */
    static final int AHEAD = 2;

    private final ActivationStore store;
    private final RowOrder order;
    private final int windowRows;
    private final ExecutorService readers;
    private final Deque<ByteBuffer> free = new ArrayDeque<>();
    private final Deque<Window> coming = new ArrayDeque<>();
    private @Nullable Window current;

    /** The rows of {@code windowRows} positions from {@code number * windowRows} on, being read or read. */
    private record Window(long number, ByteBuffer rows, ElementDecoder decoder, Future<?> reading) {}

    StoreSource(ActivationStore store, RowOrder order, int windowRows) {
        super(store.info().width());
        this.store = store;
        this.order = order;
        this.windowRows = (int) Math.min(windowRows, Math.max(1, store.rows()));
        readers = store.readers();
    }

    /**
     * {@inheritDoc}
     *
     * @throws org.sae4j.core.format.FormatException if a shard cannot be read or became shorter; the position is then as before
     * @throws IllegalStateException if the store is closed
     */
    @Override
    protected void rows(long first, float[] target) {
        store.requireOpen();
        int width = width();
        int rows = target.length / width;
        for (int done = 0; done < rows;) {
            Window window = window((first + done) / windowRows);
            int from = (int) ((first + done) % windowRows);
            int some = Math.min(windowRows - from, rows - done);
            window.decoder.decode((long) from * width, 1, target, done * width, some * width);
            done += some;
        }
    }

    private Window window(long number) {
        Window known = current;
        if (known != null && known.number == number) {
            return known;
        }
        if (known != null) {
            free.add(known.rows);
            current = null;
        }
        if (!coming.isEmpty() && coming.peek().number != number) {
            abandon();
        }
        if (coming.isEmpty()) {
            startReading(number);
        }
        Window next = coming.remove();
        try {
            await(next);
        } catch (RuntimeException e) {
            free.add(next.rows);
            abandon();
            throw e;
        }
        current = next;
        for (long ahead = number + coming.size() + 1; coming.size() < AHEAD; ahead++) {
            startReading(ahead);
        }
        return next;
    }

    private void startReading(long number) {
        ByteBuffer rows = free.isEmpty() ? ByteBuffer.allocateDirect(windowRows * store.info().rowBytes()) : free.remove();
        rows.clear();
        try {
            coming.add(new Window(number, rows, store.decoder(rows), readers.submit(() -> read(number, rows))));
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("the store " + store.path() + " is closed", e);
        }
    }

    private void read(long number, ByteBuffer rows) {
        int rowBytes = store.info().rowBytes();
        long at = number * windowRows;
        long end = at + windowRows;
        while (at < end) {
            long some = Math.min(order.run(at), end - at);
            rows.limit(rows.position() + (int) some * rowBytes);
            store.read(order.row(at), rows);
            at += some;
        }
    }

    private static void await(Window window) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    window.reading.get();
                    return;
                } catch (InterruptedException e) {
                    // The window's buffer is in use until it is read, so this cannot be left half done.
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException("reading a store failed", e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits for what is being read and gives the buffers back; the failures of rows that nobody takes are of no interest. */
    private void abandon() {
        List<Window> windows = new ArrayList<>(coming);
        coming.clear();
        for (Window window : windows) {
            try {
                await(window);
            } catch (RuntimeException e) {
                // See above: nobody asked for these rows yet, and whoever does reads them again.
            } finally {
                free.add(window.rows);
            }
        }
    }
}
