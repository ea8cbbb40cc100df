package org.sae4j.api.sae;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TextSplitter;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;

/**
 * Runs texts through a model and an autoencoder and gives them back one after the other, each with its tokens and features. Memory holds
 * some ten thousand tokens, however many texts there are. For one thread, and for one pass; it holds nothing that must be closed.
 *
 * {@snippet :
 * TextEncoder encoder = new TextEncoder(model, sae, texts.iterator(), model.tokenization(), Progress.NONE);
 * while (encoder.hasNext()) {
 *     EncodedText text = encoder.next();
 *     for (int row = 0; row < text.size(); row++) {
 *         System.out.println(text.text().substring(text.start(row), text.end(row)) + " " + text.features().count(row));
 *     }
 * }
 * }
 */
public final class TextEncoder implements Iterator<EncodedText> {
    private static final int BATCH_TOKENS = 4096;
    /** Contexts of so many tokens are sorted by length, so that little is padded. */
    private static final int WINDOW_TOKENS = 1 << 15;

    private final Transformer model;
    private final SparseAutoencoder sae;
    private final HookPoint hook;
    private final Iterator<String> texts;
    private final Progress progress;
    private final TextSplitter splitter;
    private final Deque<Unfinished> reading = new ArrayDeque<>();
    private final Deque<EncodedText> ready = new ArrayDeque<>();
    private int firstUnfinished;
    private long done;

    /** A text that more rows may come of. */
    private static final class Unfinished {
        private final String text;
        private final List<Context> contexts = new ArrayList<>();
        private final List<int[]> contextOf = new ArrayList<>();
        private final List<int[]> positions = new ArrayList<>();
        private final List<SparseRows> features = new ArrayList<>();
        private int leftOut;

        Unfinished(String text) {
            this.text = text;
        }

        EncodedText finish(int columns) {
            return new EncodedText(text, List.copyOf(contexts), contextOf.stream().flatMapToInt(IntStream::of).toArray(),
                    positions.stream().flatMapToInt(IntStream::of).toArray(), leftOut, SparseRows.concatenate(columns, features));
        }
    }

    /**
     * Prepares; nothing is read yet.
     *
     * @param model a model
     * @param sae an autoencoder that knows its hook point in the model
     * @param texts the texts, asked for as they are needed
     * @param tokenization how texts become contexts, such as {@link Transformer#tokenization()}
     * @param progress told of every batch with the number of tokens read, asked for cancellation before it
     * @throws Sae4jException if the autoencoder names no hook point of the model, or has another width
     */
    public TextEncoder(Transformer model, SparseAutoencoder sae, Iterator<String> texts, Tokenization tokenization, Progress progress) {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(sae, "sae");
        Objects.requireNonNull(texts, "texts");
        Objects.requireNonNull(tokenization, "tokenization");
        Objects.requireNonNull(progress, "progress");
        this.model = model;
        this.sae = sae;
        this.texts = texts;
        this.progress = progress;
        hook = hookOf(model, sae);
        splitter = tokenization.splitter();
    }

    /**
     * The hook point that an autoencoder or transcoder reads, checked against a model.
     *
     * @param model the model
     * @param sae the autoencoder or transcoder
     * @return the hook point
     * @throws Sae4jException if it names no hook point of the model, or has another width
     */
    public static HookPoint hookOf(Transformer model, SparseAutoencoder sae) {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(sae, "sae");
        HookPoint hook = sae.config().hook().orElseThrow(() -> new Sae4jException("the autoencoder does not say where its input comes from",
                "its configuration", "set hook_name in cfg.json"));
        check(model, hook, sae.config().dIn(), "takes inputs");
        return hook;
    }

    /**
     * The hook point where an autoencoder's or transcoder's output belongs, checked against a model: what its features write is a part of
     * the values there. For an autoencoder it is {@link #hookOf}.
     *
     * @param model the model
     * @param sae the autoencoder or transcoder
     * @return the hook point
     * @throws Sae4jException if it names no hook point of the model, or has another width
     */
    public static HookPoint outputOf(Transformer model, SparseAutoencoder sae) {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(sae, "sae");
        if (!sae.config().transcoder()) {
            return hookOf(model, sae);
        }
        HookPoint hook = sae.config().hookOut().orElseThrow(() -> new Sae4jException("the transcoder does not say where its output belongs",
                "its configuration", "set hook_name_out in cfg.json"));
        check(model, hook, sae.config().dOut(), "gives outputs");
        return hook;
    }

    private static void check(Transformer model, HookPoint hook, int width, String does) {
        if (!model.hookPoints().contains(hook)) {
            throw new Sae4jException("the autoencoder's hook point is not in the model", hook + " of " + model.config().name() + " with "
                    + model.config().nLayers() + " layers", "use the model that the autoencoder was trained on");
        }
        int actual = model.width(hook).orElse(0);
        if (actual != width) {
            throw new Sae4jException("the autoencoder " + does + " of width " + width + ", but the hook point has " + actual,
                    hook + " of " + model.config().name(), "use the model that the autoencoder was trained on");
        }
    }

    /** {@inheritDoc} */
    @Override
    public boolean hasNext() {
        return !ready.isEmpty() || !reading.isEmpty() || texts.hasNext();
    }

    /**
     * The next text, with its features.
     *
     * @return the texts in their order, also those without a token
     * @throws NoSuchElementException after the last
     * @throws IllegalStateException if model or autoencoder are closed
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     * @throws java.util.concurrent.CancellationException if cancelled; this encoder is of no use then
     */
    @Override
    public EncodedText next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no further text");
        }
        while (ready.isEmpty()) {
            encode(window());
        }
        return ready.remove();
    }

    /** The next contexts; their texts wait in {@link #reading}. */
    private List<Context> window() {
        List<Context> window = new ArrayList<>();
        int tokens = 0;
        while (tokens < WINDOW_TOKENS) {
            Optional<Context> next = splitter.next();
            if (next.isPresent()) {
                window.add(next.get());
                tokens += next.get().size();
            } else if (texts.hasNext()) {
                String text = texts.next();
                reading.add(new Unfinished(text));
                splitter.add(text, true);
            } else {
                splitter.end();
                next = splitter.next();
                if (next.isEmpty()) {
                    break;
                }
                window.add(next.get());
                tokens += next.get().size();
            }
        }
        return window;
    }

    private void encode(List<Context> window) {
        SparseRows[] rows = new SparseRows[window.size()];
        Integer[] order = IntStream.range(0, rows.length).boxed().sorted(Comparator.comparingInt(c -> window.get(c).size()))
                .toArray(Integer[]::new);
        int from = 0;
        for (int to = 1; to <= order.length; to++) {
            if (to == order.length || (to + 1 - from) * window.get(order[to]).size() > BATCH_TOKENS) {
                run(window, java.util.Arrays.copyOfRange(order, from, to), rows);
                from = to;
            }
        }
        for (int c = 0; c < rows.length; c++) {
            deal(window.get(c), rows[c]);
        }
        // The text of the last context may go on; all before it are complete, and all are after the last context.
        int columns = sae.config().dSae();
        int open = window.isEmpty() ? Integer.MAX_VALUE : window.getLast().document(window.getLast().size() - 1);
        while (!reading.isEmpty() && firstUnfinished < open) {
            ready.add(reading.remove().finish(columns));
            firstUnfinished++;
        }
    }

    private void run(List<Context> window, Integer[] batch, SparseRows[] rows) {
        progress.checkCancelled();
        int length = window.get(batch[batch.length - 1]).size();
        int[][] padded = new int[batch.length][];
        for (int b = 0; b < batch.length; b++) {
            // Later tokens do not influence earlier ones, so any token will do as padding.
            padded[b] = java.util.Arrays.copyOf(window.get(batch[b]).tokens(), length);
        }
        Tensor x = model.forward(padded, ForwardPlan.capture(hook)).get(hook);
        SparseRows encoded = sae.encode(x.reshape(batch.length * length, sae.config().dIn()));
        for (int b = 0; b < batch.length; b++) {
            rows[batch[b]] = encoded.rows(b * length, b * length + window.get(batch[b]).size());
            done += window.get(batch[b]).size();
        }
        progress.update("encoding texts, tokens", done, 0);
    }

    /** Gives the rows of a context to the texts that its tokens belong to. */
    private void deal(Context context, SparseRows rows) {
        @Nullable Unfinished text = null;
        Iterator<Unfinished> waiting = reading.iterator();
        int number = firstUnfinished - 1;
        for (int from = 0; from < context.size();) {
            int document = context.document(from);
            int to = from;
            while (to < context.size() && context.document(to) == document) {
                to++;
            }
            while (number < document) {
                text = waiting.next();
                number++;
            }
            if (text == null) {
                throw new IllegalStateException("a context comes before its text");
            }
            text.contexts.add(context);
            int index = text.contexts.size() - 1;
            int[] positions = IntStream.range(from, to).filter(context::counts).toArray();
            text.leftOut += to - from - positions.length;
            text.positions.add(positions);
            text.contextOf.add(IntStream.generate(() -> index).limit(positions.length).toArray());
            text.features.add(rows.select(positions));
            from = to;
        }
    }
}
