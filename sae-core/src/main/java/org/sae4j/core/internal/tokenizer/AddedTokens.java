package org.sae4j.core.internal.tokenizer;

import java.util.BitSet;
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
     * @param special whether it is no part of the text, but controls the model
     */
    record AddedToken(int id, String content, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized,
            boolean special) {
        /** {@return a token that controls the model, matched as it is} */
        static AddedToken special(int id, String content) {
            return new AddedToken(id, content, false, false, false, false, true);
        }
    }

    /** Receives the parts of a text in order. */
    interface Sink {
        /** A token, from unit {@code from} to {@code to - 1}. */
        void token(int id, int from, int to);

        /** Other text, not empty. */
        void text(int from, int to);
    }

    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>(2);
        private @Nullable AddedToken token;
    }

    private final Node root = new Node();
    private final BitSet first = new BitSet();

    /** Tokens with the contents under which they are matched. */
    AddedTokens(List<AddedToken> tokens, UnaryOperator<String> content) {
        for (AddedToken token : tokens) {
            Node node = root;
            String matched = content.apply(token.content);
            for (int i = 0; i < matched.length(); i++) {
                node = node.next.computeIfAbsent(matched.charAt(i), key -> new Node());
            }
            node.token = token;
            if (!matched.isEmpty()) {
                first.set(matched.charAt(0));
            }
        }
        root.token = null;
    }

    /** Splits a text. A token that took white space along may overlap the next one, which then begins within it. */
    void split(String text, Sink sink) {
        int length = text.length();
        int done = 0;
        int at = first.isEmpty() ? length : 0;
        while (at < length) {
            if (!first.get(text.charAt(at))) {
                at++;
                continue;
            }
            Interrupts.check();
            AddedToken token = null;
            int tokenEnd = at;
            Node node = root;
            for (int i = at; i < length; i++) {
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
            if (!token.singleWord || standsAlone(text, at, tokenEnd)) {
                int from = token.lstrip ? Math.max(leadingSpace(text, at), done) : at;
                int to = token.rstrip ? trailingSpace(text, tokenEnd) : tokenEnd;
                if (done < from) {
                    sink.text(done, from);
                }
                sink.token(token.id, from, to);
                done = to;
            }
            at = tokenEnd;
        }
        if (done != length) {
            sink.text(done, length);
        }
    }

    private static boolean standsAlone(String text, int from, int to) {
        return (from == 0 || !isWord(text.codePointBefore(from))) && (to == text.length() || !isWord(text.codePointAt(to)));
    }

    private static boolean isWord(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK, Character.DECIMAL_DIGIT_NUMBER,
                    Character.CONNECTOR_PUNCTUATION, Character.LETTER_NUMBER -> true;
            default -> Character.isAlphabetic(codePoint) || codePoint == 0x200c || codePoint == 0x200d;
        };
    }

    private static int leadingSpace(String text, int at) {
        int from = at;
        while (from > 0 && Gpt2Words.isWhiteSpace(text.charAt(from - 1))) {
            from--;
        }
        return from;
    }

    private static int trailingSpace(String text, int at) {
        int to = at;
        while (to < text.length() && Gpt2Words.isWhiteSpace(text.charAt(to))) {
            to++;
        }
        return to;
    }
}
