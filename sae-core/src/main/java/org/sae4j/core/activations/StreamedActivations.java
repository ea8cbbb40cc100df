package org.sae4j.core.activations;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * The activations of a transformer over contexts that are read as they are needed: memory holds those of the activations that are asked
 * for. They are numbered from 0 in the order of the tokens; after the last come the first ones again. Going back reads the contexts again
 * from their start, without running the model. For one thread at a time; the transformer belongs to the caller.
 */
public final class StreamedActivations implements AutoCloseable {
    private final Transformer model;
    private final List<HookPoint> hooks;
    private final Supplier<Contexts> corpus;
    private final long maxRows;
    private final int[] widths;
    private @Nullable Contexts reading;
    private @Nullable Context current;
    /** The number of the first activation of {@link #current}, and of the first one of the pass over the contexts that it is in. */
    private long first;
    private long passStart;
    private long contextsRead;
    /** The number of activations of a pass; 0 as long as it is not known. */
    private long passSize;
    private boolean closed;

    /**
     * Prepares; nothing is read yet.
     *
     * @param model the transformer
     * @param hooks hook points with one vector for each token, at least one
     * @param corpus opens the contexts at their start, the same ones each time; what it opens is closed here
     * @param maxRows after how many activations the first ones come again, at least 1
     * @throws org.sae4j.api.Sae4jException if the model lacks a hook point, or a hook point has no vector for each token
     * @throws IllegalArgumentException if there is no hook point, or no activation is allowed
     */
    public StreamedActivations(Transformer model, List<HookPoint> hooks, Supplier<Contexts> corpus, long maxRows) {
        if (hooks.isEmpty() || maxRows < 1) {
            throw new IllegalArgumentException("activations need a hook point and at least one row, found " + hooks + " and " + maxRows);
        }
        this.model = model;
        this.hooks = List.copyOf(hooks);
        this.corpus = corpus;
        this.maxRows = maxRows;
        widths = hooks.stream().mapToInt(hook -> TokenActivations.width(model, hook)).toArray();
    }

    /** {@return the width of an activation, heads flattened, hook points one after the other} */
    public int width() {
        return IntStream.of(widths).sum();
    }

    /** {@return the widths of the hook points, in order} */
    public int[] widths() {
        return widths.clone();
    }

    /**
     * Computes the activations of some numbers.
     *
     * @param numbers from 0, in any order; any number is one, as the first activations follow the last
     * @param progress told of every batch, asked for cancellation
     * @param taker called once for each of them with its index in {@code numbers}, in the calling thread
     * @throws org.sae4j.api.Sae4jException if contexts cannot be read, the model cannot read one, or no token counts
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws IllegalStateException after close
     */
    public void load(long[] numbers, Progress progress, TokenActivations.Taker taker) {
        if (closed) {
            throw new IllegalStateException("the activations are closed");
        }
        int[] order = IntStream.range(0, numbers.length).boxed().sorted((a, b) -> Long.compare(numbers[a], numbers[b]))
                .mapToInt(Integer::intValue).toArray();
        if (order.length == 0) {
            return;
        }
        try {
            if (numbers[order[0]] < first) {
                rewind(numbers[order[0]]);
            }
            List<Context> needed = new ArrayList<>();
            long[] local = new long[numbers.length];
            // A short corpus is read several times for one load; its contexts are run once.
            Map<Long, Long> places = new HashMap<>();
            long rows = 0;
            int done = 0;
            while (done < order.length) {
                Context context = current(progress);
                long end = first + Math.min(context.count(), maxRows - (first - passStart));
                if (numbers[order[done]] < end) {
                    Long place = places.putIfAbsent(contextsRead, rows);
                    if (place == null) {
                        place = rows;
                        needed.add(context);
                        rows += context.count();
                    }
                    while (done < order.length && numbers[order[done]] < end) {
                        local[order[done]] = place + numbers[order[done]] - first;
                        done++;
                    }
                }
                if (done < order.length) {
                    current = null;
                    first = end;
                }
            }
            new TokenActivations(model, hooks, needed).load(local, progress, taker);
        } catch (RuntimeException e) {
            // Where reading stands is not sure now.
            closeReading();
            first = Long.MAX_VALUE;
            throw e;
        }
    }

    private void rewind(long number) {
        closeReading();
        passStart = passSize == 0 ? 0 : number / passSize * passSize;
        first = passStart;
    }

    /** The context that the next activation is in; the first one again after the last. */
    private Context current(Progress progress) {
        Context known = current;
        while (known == null) {
            progress.checkCancelled();
            Contexts open = reading;
            if (open == null) {
                open = corpus.get();
                reading = open;
                contextsRead = 0;
            }
            Optional<Context> next = first - passStart < maxRows ? open.next() : Optional.empty();
            if (next.isPresent()) {
                known = next.get();
                TokenActivations.check(model, known, contextsRead++);
            } else {
                if (first == passStart) {
                    throw TokenActivations.noToken(contextsRead);
                }
                passSize = first - passStart;
                passStart = first;
                closeReading();
            }
        }
        current = known;
        return known;
    }

    private void closeReading() {
        current = null;
        if (reading != null) {
            reading.close();
            reading = null;
        }
    }

    /** Closes the contexts that are open. Closing twice has no effect. */
    @Override
    public void close() {
        closed = true;
        closeReading();
    }

    /** {@return hook points and widths, for messages} */
    @Override
    public String toString() {
        return "StreamedActivations at " + hooks + " of widths " + Arrays.toString(widths);
    }
}
