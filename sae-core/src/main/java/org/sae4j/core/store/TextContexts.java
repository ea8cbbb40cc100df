package org.sae4j.core.store;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.Tokenizer;

/** Texts as contexts. */
public final class TextContexts implements Contexts {
    private final Corpus corpus;
    private final Tokenizer tokenizer;
    private final Packing packing;
    private final int length;
    private final OptionalInt bos;
    private int[] waiting = new int[1024];
    private int from;
    private int to;
    /** Set when a document has ended, so that what waits of it is a context of its own. */
    private Corpus.@Nullable Piece beginning;
    private boolean ended;
    private boolean closed;

    /** How documents become contexts. */
    public enum Packing {
        /** Every document for itself. What is too long for one context goes on in further ones, each begun by BOS. */
        DOCUMENTS,
        /**
         * Documents one after the other with BOS between them, cut to full contexts that each begin with BOS, as SAELens does. The last
         * context may be shorter.
         */
        PACKED
    }

    /**
     * Prepares; nothing is read yet.
     *
     * @param corpus the texts; closed with this
     * @param tokenizer makes tokens of them
     * @param packing how documents become contexts
     * @param length tokens in a context, BOS included
     * @param bos the token that begins every context, or empty for none
     * @throws Sae4jException if the length leaves no room for a token of the text
     */
    public TextContexts(Corpus corpus, Tokenizer tokenizer, Packing packing, int length, OptionalInt bos) {
        if (length <= bos.stream().count()) {
            throw new Sae4jException("a context of " + length + " tokens has no room for text", "context", "choose a longer context");
        }
        this.corpus = corpus;
        this.tokenizer = tokenizer;
        this.packing = packing;
        this.length = length;
        this.bos = bos;
    }

    @Override
    public Map<String, String> description() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("kind", corpus.kind());
        map.put("packing", packing.name().toLowerCase(java.util.Locale.ROOT));
        map.put("context", Integer.toString(length));
        map.put("bos", bos.isPresent() ? Integer.toString(bos.getAsInt()) : "none");
        return map;
    }

    @Override
    public Optional<int[]> next() {
        if (closed) {
            throw new IllegalStateException("the contexts are closed");
        }
        int full = length - (int) bos.stream().count();
        while (true) {
            // A separator at the place of the token that begins the context is that token.
            if (packing == Packing.PACKED && bos.isPresent() && to > from && waiting[from] == bos.getAsInt()) {
                from++;
            }
            if (to - from >= full) {
                return Optional.of(take(full));
            }
            boolean over = ended || beginning != null && packing == Packing.DOCUMENTS;
            if (over && to > from) {
                return Optional.of(take(to - from));
            }
            if (ended) {
                return Optional.empty();
            }
            read();
        }
    }

    /** Reads a piece; where a document begins while tokens of another wait, these must go first. */
    private void read() {
        Corpus.Piece piece = beginning;
        beginning = null;
        if (piece == null) {
            piece = corpus.next().orElse(null);
            if (piece == null) {
                ended = true;
                return;
            }
            if (piece.begins() && packing == Packing.DOCUMENTS && to > from) {
                beginning = piece;
                return;
            }
        }
        int[] ids = tokenizer.encode(piece.text()).ids();
        if (piece.begins() && packing == Packing.PACKED && bos.isPresent() && ids.length > 0) {
            add(bos.getAsInt());
        }
        add(ids);
    }

    private int[] take(int count) {
        int[] context = new int[count + (int) bos.stream().count()];
        bos.ifPresent(id -> context[0] = id);
        System.arraycopy(waiting, from, context, context.length - count, count);
        from += count;
        return context;
    }

    private void add(int... ids) {
        if (to + ids.length > waiting.length) {
            int kept = to - from;
            int[] target = kept + ids.length > waiting.length ? new int[Math.max(2 * waiting.length, kept + ids.length)] : waiting;
            System.arraycopy(waiting, from, target, 0, kept);
            waiting = target;
            from = 0;
            to = kept;
        }
        System.arraycopy(ids, 0, waiting, to, ids.length);
        to += ids.length;
    }

    @Override
    public long bytesRead() {
        return corpus.bytesRead();
    }

    @Override
    public long bytes() {
        return corpus.bytes();
    }

    @Override
    public void close() {
        closed = true;
        corpus.close();
    }
}
