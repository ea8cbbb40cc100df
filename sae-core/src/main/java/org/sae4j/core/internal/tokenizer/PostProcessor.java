package org.sae4j.core.internal.tokenizer;

import java.util.List;

/** Adds tokens before and after those of a text, and adjusts offsets. */
sealed interface PostProcessor {
    /**
     * Changes the tokens of a text.
     *
     * @param tokens the tokens, which may be changed
     * @param text the text
     * @param special whether tokens are added
     * @param vocabulary all tokens
     * @return the tokens with those that are added
     */
    EncodedTokens apply(EncodedTokens tokens, String text, boolean special, Vocabulary vocabulary);

    /** {@return the ids that are put before the tokens of a text} */
    List<Integer> before();

    /** Tokens around the text. */
    record Template(List<Integer> before, List<Integer> after) implements PostProcessor {
        @Override
        public EncodedTokens apply(EncodedTokens tokens, String text, boolean special, Vocabulary vocabulary) {
            if (!special) {
                return tokens;
            }
            EncodedTokens all = new EncodedTokens(before.size() + tokens.size() + after.size());
            before.forEach(id -> all.add(id, 0, 0));
            all.addAll(tokens);
            after.forEach(id -> all.add(id, 0, 0));
            return all;
        }
    }

    /** Leaves white space out of the offsets; a space that was put before the text is none of it. */
    record TrimOffsets(boolean addsPrefixSpace) implements PostProcessor {
        @Override
        public List<Integer> before() {
            return List.of();
        }

        @Override
        public EncodedTokens apply(EncodedTokens tokens, String text, boolean special, Vocabulary vocabulary) {
            for (int i = 0; i < tokens.size(); i++) {
                String token = tokens.text(i, vocabulary);
                int leading = 0;
                while (leading < token.length() && isSpace(token.charAt(leading))) {
                    leading++;
                }
                int trailing = 0;
                while (trailing < token.length() && isSpace(token.charAt(token.length() - 1 - trailing))) {
                    trailing++;
                }
                int start = tokens.start(i);
                int end = tokens.end(i);
                if (leading > 0 && !((i == 0 || start == 0) && addsPrefixSpace && leading == 1)) {
                    start = Math.min(moved(text, start, leading), end);
                }
                if (trailing > 0 && end >= trailing) {
                    end = Math.max(moved(text, end, -trailing), start);
                }
                tokens.move(i, start, end);
            }
            return tokens;
        }

        /** So many characters on or back, as far as the text goes: what a token is written as may be longer than what it came from. */
        private static int moved(String text, int at, int characters) {
            int place = at;
            for (int i = 0; i < Math.abs(characters); i++) {
                if (characters > 0 && place < text.length()) {
                    place += Character.charCount(text.codePointAt(place));
                } else if (characters < 0 && place > 0) {
                    place -= Character.charCount(text.codePointBefore(place));
                }
            }
            return place;
        }

        private static boolean isSpace(char c) {
            return c == ByteLevel.character(' ') || Gpt2Words.isWhiteSpace(c);
        }
    }

    /** One after the other. */
    record Sequence(List<PostProcessor> steps) implements PostProcessor {
        @Override
        public List<Integer> before() {
            return steps.reversed().stream().flatMap(step -> step.before().stream()).toList();
        }

        @Override
        public EncodedTokens apply(EncodedTokens tokens, String text, boolean special, Vocabulary vocabulary) {
            EncodedTokens result = tokens;
            for (PostProcessor step : steps) {
                result = step.apply(result, text, special, vocabulary);
            }
            return result;
        }
    }
}
