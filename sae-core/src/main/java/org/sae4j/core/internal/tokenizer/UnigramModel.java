package org.sae4j.core.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;

/** A unigram language model (Kudo 2018): of all divisions of a piece into tokens that with the largest sum of scores. */
final class UnigramModel implements TokenModel {
    /** How much less than the least score an unknown character has. */
    private static final double UNKNOWN_PENALTY = 10;

    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>(2);
        private int id = -1;
    }

    private final Node root = new Node();
    private final Map<String, Integer> vocabulary;
    private final String where;
    private final double[] scores;
    private final double unknownScore;
    private final OptionalInt unknown;
    private final int @Nullable [] byteIds;

    /**
     * Assembles a model.
     *
     * @param vocabulary the model's own tokens
     * @param scores the logarithm of each token's probability
     * @param unknown the token of what is not in the vocabulary, or empty if that is an error
     * @param byteFallback whether unknown text becomes the tokens of its bytes
     */
    UnigramModel(Vocabulary vocabulary, double[] scores, OptionalInt unknown, boolean byteFallback) {
        this.vocabulary = Map.copyOf(vocabulary.ids());
        this.where = vocabulary.where();
        this.scores = scores;
        this.unknown = unknown;
        double least = Double.POSITIVE_INFINITY;
        for (double score : scores) {
            least = Math.min(least, score);
        }
        unknownScore = least - UNKNOWN_PENALTY;
        vocabulary.ids().forEach((text, id) -> {
            Node node = root;
            for (int i = 0; i < text.length(); i++) {
                node = node.next.computeIfAbsent(text.charAt(i), key -> new Node());
            }
            node.id = id;
        });
        root.id = -1;
        byteIds = byteFallback ? new int[256] : null;
        for (int value = 0; byteIds != null && value < byteIds.length; value++) {
            byteIds[value] = vocabulary.id(BytePairModel.byteToken(value));
        }
    }

    @Override
    public Word encode(String text, int from, int to) {
        int length = to - from;
        double[] best = new double[length + 1];
        int[] begins = new int[length + 1];
        int[] ids = new int[length + 1];
        Arrays.fill(begins, -1);
        for (int at = 0; at < length;) {
            if ((at & Interrupts.MASK) == 0) {
                Interrupts.check();
            }
            int characterEnd = at + Character.charCount(text.codePointAt(from + at));
            boolean single = false;
            Node node = root;
            for (int end = at; end < length; end++) {
                node = node.next.get(text.charAt(from + end));
                if (node == null) {
                    break;
                }
                if (node.id >= 0) {
                    improve(best, begins, ids, at, end + 1, scores[node.id], node.id);
                    single |= end + 1 == characterEnd;
                }
            }
            if (!single) {
                improve(best, begins, ids, at, characterEnd, unknownScore, unknown.orElseThrow(() -> new FormatException(
                        "a character is not in the vocabulary, which has no token for unknown ones", where,
                        "remove the character, or use another tokenizer")));
            }
            at = characterEnd;
        }
        return path(text, from, begins, ids, length);
    }

    private static void improve(double[] best, int[] begins, int[] ids, int begin, int end, double score, int id) {
        double sum = score + best[begin];
        if (begins[end] < 0 || sum > best[end]) {
            best[end] = sum;
            begins[end] = begin;
            ids[end] = id;
        }
    }

    private Word path(String text, int from, int[] begins, int[] ids, int length) {
        int[] ends = new int[length + 1];
        for (int end = length; end > 0; end = begins[end]) {
            ends[begins[end]] = end;
        }
        Words words = new Words();
        int at = 0;
        while (at < length) {
            int end = ends[at];
            // Unknown characters in a row are one token.
            boolean isUnknown = unknown.isPresent() && ids[end] == unknown.getAsInt();
            while (isUnknown && end < length && ids[ends[end]] == unknown.getAsInt()) {
                end = ends[end];
            }
            add(words, text.substring(from + at, from + end), at, end);
            at = end;
        }
        return words.join();
    }

    private void add(Words words, String token, int start, int end) {
        int id = vocabulary.getOrDefault(token, -1);
        if (id < 0 && byteIds != null) {
            byte[] utf8 = token.getBytes(StandardCharsets.UTF_8);
            boolean all = true;
            for (byte value : utf8) {
                all &= byteIds[value & 0xff] >= 0;
            }
            if (all) {
                for (byte value : utf8) {
                    words.add(byteIds[value & 0xff], start, end);
                }
                return;
            }
        }
        words.add(id >= 0 ? id : unknown.orElseThrow(), start, end);
    }
}
