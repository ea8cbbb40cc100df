package org.sae4j.core.internal.tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sae4j.core.internal.tokenizer.regex.Regex;
import org.sae4j.core.internal.tokenizer.regex.RegexSearch;

/**
 * Splits at matches of a pattern.
 *
 * @param pattern what is searched
 * @param behavior what becomes of a match
 * @param invert whether what lies between the matches counts as the matches
 */
record PatternSplit(Regex pattern, Behavior behavior, boolean invert) implements PreTokenizer {
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

    /** A part of the text; matches may be empty, and still divide. */
    private record Piece(int from, int to, boolean match) {}

    @Override
    public void split(AlignedText text, int from, int to, Sink sink) {
        RegexSearch search = pattern.search(text.text(), from, to);
        if (behavior == Behavior.ISOLATED || behavior == Behavior.REMOVED) {
            boolean dropMatches = behavior == Behavior.REMOVED && !invert;
            boolean dropOthers = behavior == Behavior.REMOVED && invert;
            int at = from;
            while (search.next()) {
                emit(text, at, search.start(), dropOthers, sink);
                emit(text, search.start(), search.end(), dropMatches, sink);
                at = search.end();
            }
            emit(text, at, to, dropOthers, sink);
            return;
        }
        for (Piece piece : merged(pieces(search, from, to))) {
            emit(text, piece.from, piece.to, false, sink);
        }
    }

    private static void emit(AlignedText text, int from, int to, boolean drop, Sink sink) {
        if (from < to && !drop) {
            sink.accept(text, from, to);
        }
    }

    private List<Piece> pieces(RegexSearch search, int from, int to) {
        List<Piece> pieces = new ArrayList<>();
        int at = from;
        while (search.next()) {
            if (search.start() > at) {
                pieces.add(new Piece(at, search.start(), invert));
            }
            pieces.add(new Piece(search.start(), search.end(), !invert));
            at = search.end();
        }
        if (at < to) {
            pieces.add(new Piece(at, to, invert));
        }
        return pieces;
    }

    private List<Piece> merged(List<Piece> pieces) {
        boolean backwards = behavior == Behavior.MERGED_WITH_NEXT;
        List<Piece> out = new ArrayList<>(pieces.size());
        boolean previousMatch = false;
        for (Piece piece : backwards ? pieces.reversed() : pieces) {
            boolean joins = behavior == Behavior.CONTIGUOUS ? piece.match == previousMatch : piece.match && !previousMatch;
            if (joins && !out.isEmpty()) {
                Piece last = out.removeLast();
                out.add(new Piece(Math.min(last.from, piece.from), Math.max(last.to, piece.to), true));
            } else {
                out.add(piece);
            }
            previousMatch = piece.match;
        }
        if (backwards) {
            Collections.reverse(out);
        }
        return out;
    }
}
