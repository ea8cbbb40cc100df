package org.sae4j.core.internal.tokenizer;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Splits at matches of a pattern. */
record PatternSplit(Pattern pattern, Behavior behavior, boolean invert) implements PreTokenizer {
    /** What becomes of a match. */
    enum Behavior {
        /** It is dropped. */
        REMOVED,
        /** It is a piece of its own. */
        ISOLATED,
        /** It ends the piece before it. */
        MERGED_WITH_PREVIOUS,
        /** It begins the piece after it. */
        MERGED_WITH_NEXT,
        /** Adjacent matches are one piece. */
        CONTIGUOUS
    }

    private record Piece(int from, int to, boolean match) {}

    @Override
    public void split(AlignedText text, int from, int to, Sink sink) {
        List<Piece> pieces = new ArrayList<>();
        Matcher matcher = pattern.matcher(text.text()).region(from, to);
        int at = from;
        while (matcher.find()) {
            if (matcher.start() == matcher.end()) {
                continue;
            }
            if (matcher.start() > at) {
                pieces.add(new Piece(at, matcher.start(), invert));
            }
            pieces.add(new Piece(matcher.start(), matcher.end(), !invert));
            at = matcher.end();
        }
        if (at < to) {
            pieces.add(new Piece(at, to, invert));
        }
        for (Piece piece : combine(pieces)) {
            sink.accept(text, piece.from, piece.to);
        }
    }

    private Iterable<Piece> combine(List<Piece> pieces) {
        return switch (behavior) {
            case ISOLATED -> pieces;
            case REMOVED -> pieces.stream().filter(piece -> !piece.match).toList();
            case CONTIGUOUS -> {
                Deque<Piece> out = new ArrayDeque<>();
                for (Piece piece : pieces) {
                    Piece last = out.peekLast();
                    if (last != null && last.match == piece.match) {
                        out.removeLast();
                        out.addLast(new Piece(last.from, piece.to, piece.match));
                    } else {
                        out.addLast(piece);
                    }
                }
                yield out;
            }
            case MERGED_WITH_PREVIOUS -> {
                Deque<Piece> out = new ArrayDeque<>();
                boolean previousMatch = false;
                for (Piece piece : pieces) {
                    if (piece.match && !previousMatch && !out.isEmpty()) {
                        out.addLast(new Piece(out.removeLast().from, piece.to, true));
                    } else {
                        out.addLast(piece);
                    }
                    previousMatch = piece.match;
                }
                yield out;
            }
            case MERGED_WITH_NEXT -> {
                Deque<Piece> out = new ArrayDeque<>();
                boolean nextMatch = false;
                for (Piece piece : pieces.reversed()) {
                    if (piece.match && !nextMatch && !out.isEmpty()) {
                        out.addFirst(new Piece(piece.from, out.removeFirst().to, true));
                    } else {
                        out.addFirst(piece);
                    }
                    nextMatch = piece.match;
                }
                yield out;
            }
        };
    }
}
