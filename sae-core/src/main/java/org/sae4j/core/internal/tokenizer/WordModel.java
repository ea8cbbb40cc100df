package org.sae4j.core.internal.tokenizer;

import java.util.Map;
import java.util.OptionalInt;
import org.sae4j.core.format.FormatException;

/**
 * Pieces as tokens, whole (WordLevel) or divided from the left into the longest tokens (WordPiece).
 *
 * @param where the source of the vocabulary, for messages
 * @param vocabulary ids of the model's own tokens
 * @param unknown the token of what is not in the vocabulary, or empty if that is an error
 * @param prefix what marks a token that does not begin a piece
 * @param longest the largest number of characters of a piece that is divided; 0 to divide none
 */
record WordModel(String where, Map<String, Integer> vocabulary, OptionalInt unknown, String prefix, int longest) implements TokenModel {
    WordModel {
        vocabulary = Map.copyOf(vocabulary);
    }

    @Override
    public Word encode(String text, int from, int to) {
        String piece = text.substring(from, to);
        int id = vocabulary.getOrDefault(piece, -1);
        if (longest == 0) {
            return single(orUnknown(id), to - from);
        }
        if (piece.codePointCount(0, piece.length()) > longest) {
            return single(orUnknown(-1), to - from);
        }
        Words words = new Words();
        for (int at = 0; at < piece.length();) {
            int end = piece.length();
            int found = -1;
            while (end > at && found < 0) {
                found = vocabulary.getOrDefault(at > 0 ? prefix + piece.substring(at, end) : piece.substring(at, end), -1);
                end = found < 0 ? piece.offsetByCodePoints(end, -1) : end;
            }
            if (found < 0) {
                return single(orUnknown(-1), to - from);
            }
            words.add(found, at, end);
            at = end;
        }
        return words.join();
    }

    private int orUnknown(int id) {
        return id >= 0 ? id : unknown.orElseThrow(() -> new FormatException("a word is not in the vocabulary, which has no token for "
                + "unknown ones", where, "remove the word, or use another tokenizer"));
    }

    private static Word single(int id, int length) {
        return new Word(new int[] {id}, new int[] {0}, new int[] {length});
    }
}
