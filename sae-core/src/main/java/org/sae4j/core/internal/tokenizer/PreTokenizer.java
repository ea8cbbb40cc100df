package org.sae4j.core.internal.tokenizer;

import java.util.List;
import org.sae4j.core.internal.tokenizer.regex.Regex;

/** Splits a text into pieces that no token crosses. */
@FunctionalInterface
interface PreTokenizer {
    /** Receives pieces in order. */
    @FunctionalInterface
    interface Sink {
        /** A piece: units {@code from} to {@code to - 1} of a text, at least one. */
        void accept(AlignedText text, int from, int to);
    }

    /** Splits units {@code from} to {@code to - 1}; the range is not empty, nor is any piece. */
    void split(AlignedText text, int from, int to, Sink sink);

    /** {@return a splitter that splits the pieces of each step with the next one; without steps all is one piece} */
    static PreTokenizer sequence(List<PreTokenizer> steps) {
        return switch (steps.size()) {
            case 0 -> (text, from, to, sink) -> sink.accept(text, from, to);
            case 1 -> steps.getFirst();
            default -> {
                PreTokenizer first = steps.getFirst();
                PreTokenizer rest = sequence(steps.subList(1, steps.size()));
                yield (text, from, to, sink) -> first.split(text, from, to, (piece, begin, end) -> rest.split(piece, begin, end, sink));
            }
        };
    }

    /** {@return a splitter that first puts a space before a text that does not begin with one} */
    static PreTokenizer leadingSpace() {
        return (text, from, to, sink) -> {
            if (text.text().charAt(from) == ' ') {
                sink.accept(text, from, to);
            } else {
                sink.accept(text.prefixed(" ", from, to), 0, to - from + 1);
            }
        };
    }

    /** {@return a change of each piece} */
    static PreTokenizer changing(TextNormalizer normalizer) {
        return (text, from, to, sink) -> {
            AlignedText changed = normalizer.apply(text.part(from, to));
            if (!changed.text().isEmpty()) {
                sink.accept(changed, 0, changed.text().length());
            }
        };
    }

    /** When SentencePiece's sign for a space is put before a text. */
    enum Prepend {
        /** Before the first piece of a text alone. */
        FIRST,
        /** Before every piece, as between added tokens. */
        ALWAYS,
        /** Never. */
        NEVER
    }

    /** {@return a splitter that writes spaces as another character, prepends it, and splits before it if asked to} */
    static PreTokenizer metaspace(String character, Prepend prepend, boolean split) {
        TextNormalizer spaces = TextNormalizer.Replace.literal(" ", character);
        PreTokenizer words = split ? new PatternSplit(Regex.literal(character),
                PatternSplit.Behavior.MERGED_WITH_NEXT, false) : sequence(List.of());
        return (text, from, to, sink) -> {
            AlignedText piece = text.part(from, to);
            boolean begins = piece.origin(0) == 0;
            AlignedText spaced = spaces.apply(piece);
            boolean add = prepend == Prepend.ALWAYS || prepend == Prepend.FIRST && begins;
            AlignedText whole = add && !spaced.text().startsWith(character) ? spaced.prefixed(character, 0, spaced.text().length()) : spaced;
            words.split(whole, 0, whole.text().length(), sink);
        };
    }
}
