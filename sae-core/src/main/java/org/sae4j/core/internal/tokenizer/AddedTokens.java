package org.sae4j.core.internal.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Finds added tokens in a text: of those that begin at the leftmost place the longest, as Hugging Face's tokenizers do. */
final class AddedTokens {
    /**
     * A token that is matched as a whole before the text is split.
     *
     * @param id its id
     * @param content its text
     * @param singleWord whether it must not touch a word's character
     * @param lstrip whether it takes white space before it along
     * @param rstrip whether it takes white space after it along
     * @param normalized whether it is matched in the normalized text
     */
    record AddedToken(int id, String content, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized) {}

    /** Receives the parts of a text in order. */
    interface Sink {
        /** A token, from unit {@code from} to {@code to - 1}. */
        void token(int id, int from, int to);

        /** Other text, not empty. */
        void text(int from, int to);
    }

    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>();
        private @Nullable AddedToken token;
    }

    private final Node root = new Node();
    private final boolean empty;

    /** Tokens with the contents under which they are matched. */
    AddedTokens(List<AddedToken> tokens, UnaryOperator<String> content) {
        for (AddedToken token : tokens) {
            Node node = root;
            for (char c : content.apply(token.content).toCharArray()) {
                node = node.next.computeIfAbsent(c, key -> new Node());
            }
            node.token = token;
        }
        root.token = null;
        empty = root.next.isEmpty();
    }

    void split(String text, int begin, int end, Sink sink) {
        int done = begin;
        int at = begin;
        while (!empty && at < end) {
            AddedToken token = null;
            int tokenEnd = at;
            Node node = root;
            for (int i = at; i < end; i++) {
                node = node.next.get(text.charAt(i));
                if (node == null) {
                    break;
                }
                if (node.token != null) {
                    token = node.token;
                    tokenEnd = i + 1;
                }
            }
            if (token == null) {
                at++;
                continue;
            }
            // The token before may have taken white space along in which this one begins, or which is all of it.
            if (tokenEnd > done && (!token.singleWord || standsAlone(text, begin, end, at, tokenEnd))) {
                int from = Math.max(done, token.lstrip ? leadingSpace(text, begin, at) : at);
                int to = token.rstrip ? trailingSpace(text, tokenEnd, end) : tokenEnd;
                if (done < from) {
                    sink.text(done, from);
                }
                sink.token(token.id, from, to);
                done = to;
            }
            at = tokenEnd;
        }
        if (done < end) {
            sink.text(done, end);
        }
    }

    private static boolean standsAlone(String text, int begin, int end, int from, int to) {
        return (from == begin || !isWord(text.codePointBefore(from))) && (to == end || !isWord(text.codePointAt(to)));
    }

    private static boolean isWord(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK, Character.DECIMAL_DIGIT_NUMBER,
                    Character.CONNECTOR_PUNCTUATION, Character.LETTER_NUMBER -> true;
            default -> Character.isAlphabetic(codePoint) || codePoint == 0x200c || codePoint == 0x200d;
        };
    }

    private static int leadingSpace(String text, int begin, int at) {
        int from = at;
        while (from > begin && Gpt2Words.isWhiteSpace(text.charAt(from - 1))) {
            from--;
        }
        return from;
    }

    private static int trailingSpace(String text, int at, int end) {
        int to = at;
        while (to < end && Gpt2Words.isWhiteSpace(text.charAt(to))) {
            to++;
        }
        return to;
    }
}
