package org.sae4j.api.model;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Makes contexts of texts that come one after the other, whole or in pieces. Texts are tokenized as contexts are asked for, a long one in
 * pieces of about a hundred thousand characters, cut at ends of lines where the tokens on both sides are the same as without the cut. For
 * one thread, and for one pass.
 *
 * {@snippet :
 * TextSplitter splitter = model.tokenization().splitter();
 * splitter.add(text, true);
 * splitter.end();
 * for (Optional<Context> next = splitter.next(); next.isPresent(); next = splitter.next()) {
 *     model.forward(new int[][] {next.get().tokens()}, plan);
 * }
 * }
 */
public final class TextSplitter {
    private static final int PIECE = 100_000;
    /** If no line ends where tokens end too, a piece ends anywhere. */
    private static final int LONGEST = 1 << 20;
    /** Characters on both sides of a cut that are tokenized with it and without it. */
    private static final int AROUND = 200;
    private static final int MOST_TRIED = 32;

    private final Tokenizer tokenizer;
    private final int contextSize;
    private final OptionalInt bos;
    private final Set<Integer> excluded;
    private final boolean packed;
    private final Deque<Piece> pieces = new ArrayDeque<>();
    /** The text of the document that is read, from {@code textFrom} on not yet tokenized. */
    private final StringBuilder text = new StringBuilder();
    private int textFrom;
    private long textStart;
    private int document = -1;
    private boolean open;
    private boolean begins;
    /** Set when a document has ended, so that what waits of it is a context of its own. */
    private boolean flushing;
    private boolean ended;
    private int[] ids = new int[1024];
    private int[] documents = new int[1024];
    private int[] starts = new int[1024];
    private int[] ends = new int[1024];
    private int from;
    private int to;

    private record Piece(String text, boolean begins) {}

    TextSplitter(Tokenization settings) {
        tokenizer = settings.tokenizer();
        contextSize = settings.contextSize();
        bos = settings.bos();
        excluded = settings.excluded();
        packed = settings.packing() == Tokenization.Packing.PACKED;
    }

    /**
     * Adds a document, or more of one.
     *
     * @param piece any text
     * @param beginsDocument whether a document begins with it; otherwise the one before goes on
     * @throws IllegalStateException after {@link #end}
     */
    public void add(String piece, boolean beginsDocument) {
        Objects.requireNonNull(piece, "piece");
        if (ended) {
            throw new IllegalStateException("no text comes after the end");
        }
        pieces.add(new Piece(piece, beginsDocument));
    }

    /** Says that no more text comes. */
    public void end() {
        ended = true;
    }

    /**
     * Makes the next context.
     *
     * @return the context; empty if more text is needed to know it, or after the last one
     */
    public Optional<Context> next() {
        while (true) {
            // A text may have BOS itself where one belongs.
            int added = bos.isPresent() && !(to > from && ids[from] == bos.getAsInt()) ? 1 : 0;
            if (to - from >= contextSize - added) {
                return Optional.of(take(added, contextSize - added));
            }
            if (flushing && to > from) {
                return Optional.of(take(added, to - from));
            }
            flushing = false;
            if (!readOn()) {
                if (!ended || to == from) {
                    return Optional.empty();
                }
                flushing = true;
            }
        }
    }

    /** Tokenizes a piece or takes in a text; false if there is none. */
    private boolean readOn() {
        int cut = open ? cut() : -1;
        if (cut >= 0) {
            tokenize(cut);
            return true;
        }
        Piece piece = pieces.peek();
        if (open && (piece == null ? ended : piece.begins())) {
            tokenize(text.length());
            open = false;
            flushing = !packed;
            return true;
        }
        if (piece == null) {
            return false;
        }
        pieces.remove();
        if (piece.begins() || document < 0) {
            document++;
            begins = true;
            textStart = 0;
            text.setLength(0);
        } else {
            text.delete(0, textFrom);
            textStart += textFrom;
        }
        textFrom = 0;
        open = true;
        text.append(piece.text());
        return true;
    }

    /** Where the text can be cut, or -1: after a single line feed between other characters than white space. */
    private int cut() {
        int tried = 0;
        int last = (int) Math.min(text.length(), (long) textFrom + LONGEST);
        for (int at = textFrom + PIECE; at < last && tried < MOST_TRIED; at++) {
            if (text.charAt(at - 1) == '\n' && !Character.isWhitespace(text.charAt(at - 2)) && !Character.isWhitespace(text.charAt(at))) {
                tried++;
                if (separates(at)) {
                    return at;
                }
            }
        }
        if (text.length() - textFrom <= LONGEST) {
            return -1;
        }
        return Character.isHighSurrogate(text.charAt(last - 1)) ? last - 1 : last;
    }

    /** Whether the text around a place has the same tokens when it is cut there. */
    private boolean separates(int at) {
        String left = text.substring(Math.max(textFrom, at - AROUND), at);
        String right = text.substring(at, Math.min(text.length(), at + AROUND));
        int[] whole = tokenizer.encode(left + right).ids();
        int[] first = tokenizer.encode(left).ids();
        int[] second = tokenizer.encode(right).ids();
        return whole.length == first.length + second.length && Arrays.equals(whole, 0, first.length, first, 0, first.length)
                && Arrays.equals(whole, first.length, whole.length, second, 0, second.length);
    }

    private void tokenize(int end) {
        Tokenizer.Encoding encoding = tokenizer.encode(text.substring(textFrom, end));
        int count = encoding.ids().length;
        long offset = textStart + textFrom;
        textFrom = end;
        if (count == 0) {
            return;
        }
        reserve(count + 1);
        if (begins && packed && bos.isPresent() && encoding.ids()[0] != bos.getAsInt()) {
            put(bos.getAsInt(), 0, 0);
        }
        begins = false;
        for (int i = 0; i < count; i++) {
            put(encoding.ids()[i], place(offset + encoding.starts()[i]), place(offset + encoding.ends()[i]));
        }
    }

    /** Places beyond the range of an int stay at its end. */
    private static int place(long offset) {
        return (int) Math.min(offset, Integer.MAX_VALUE);
    }

    private void put(int id, int start, int end) {
        ids[to] = id;
        documents[to] = document;
        starts[to] = start;
        ends[to++] = end;
    }

    private void reserve(int more) {
        if (to + more > ids.length) {
            int length = Math.max(ids.length, Math.multiplyExact(2, to - from + more));
            ids = Arrays.copyOf(Arrays.copyOfRange(ids, from, to), length);
            documents = Arrays.copyOf(Arrays.copyOfRange(documents, from, to), length);
            starts = Arrays.copyOf(Arrays.copyOfRange(starts, from, to), length);
            ends = Arrays.copyOf(Arrays.copyOfRange(ends, from, to), length);
            to -= from;
            from = 0;
        }
    }

    private Context take(int added, int count) {
        int size = added + count;
        int[] tokens = shifted(ids, added, size);
        if (added == 1) {
            tokens[0] = bos.getAsInt();
        }
        int[] itsEnds = shifted(ends, added, size);
        if (added == 1) {
            itsEnds[0] = starts[from];
        }
        boolean[] counted = new boolean[size];
        for (int position = 0; position < size; position++) {
            counted[position] = !excluded.contains(tokens[position]);
        }
        Context context = new Context(tokens, counted, shifted(documents, added, size), shifted(starts, added, size), itsEnds);
        from += count;
        return context;
    }

    /** Waiting values behind a copy of the first, if one is added. */
    private int[] shifted(int[] values, int added, int size) {
        int[] target = new int[size];
        target[0] = values[from];
        System.arraycopy(values, from, target, added, size - added);
        return target;
    }
}
