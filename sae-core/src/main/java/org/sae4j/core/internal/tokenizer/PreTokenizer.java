package org.sae4j.core.internal.tokenizer;

/** Splits a text into pieces that no token crosses. */
@FunctionalInterface
interface PreTokenizer {
    /** Receives pieces in order. */
    @FunctionalInterface
    interface Sink {
        /** A piece: units {@code from} to {@code to - 1} of a text. */
        void accept(AlignedText text, int from, int to);
    }

    /** Splits units {@code from} to {@code to - 1}; the range is not empty, nor is any piece. */
    void split(AlignedText text, int from, int to, Sink sink);

    /** {@return this splitter followed by another on each piece} */
    default PreTokenizer then(PreTokenizer next) {
        return (text, from, to, sink) -> split(text, from, to, (piece, begin, end) -> next.split(piece, begin, end, sink));
    }

    /** {@return a splitter that first puts a space before a text that does not begin with one} */
    static PreTokenizer leadingSpace() {
        return (text, from, to, sink) -> {
            if (text.text().charAt(from) == ' ') {
                sink.accept(text, from, to);
            } else {
                sink.accept(text.withLeadingSpace(from, to), 0, to - from + 1);
            }
        };
    }
}
