package org.sae4j.core.internal.tokenizer;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.tokenizer.regex.Regex;
import org.sae4j.core.internal.tokenizer.regex.RegexSearch;

/** Changes a text before it is split, and keeps where its characters came from. */
sealed interface TextNormalizer permits UnicodeForm, TextNormalizer.Lowercase, TextNormalizer.Strip, TextNormalizer.StripAccents,
        TextNormalizer.Prepend, TextNormalizer.Replace, TextNormalizer.ByteCharacters, TextNormalizer.Sequence {
    /** {@return the changed text} */
    AlignedText apply(AlignedText text);

    /** {@return a changed string} */
    default String apply(String text) {
        return apply(AlignedText.original(text)).text();
    }

    /** Each character in lower case, without regard to its neighbors. */
    record Lowercase() implements TextNormalizer {
        @Override
        public AlignedText apply(AlignedText text) {
            return byCharacter(text, c -> {
                int lower = lower(c);
                // U+0130 alone has two characters in lower case.
                return lower == c ? null : c == 0x130 ? "i\u0307" : Character.toString(lower);
            });
        }

        /** Unicode 17, where Java has Unicode 16. */
        private static int lower(int c) {
            return c == 0xa7ce || c == 0xa7d2 || c == 0xa7d4 ? c + 1 : c >= 0x16ea0 && c <= 0x16eb8 ? c + 0x1b : Character.toLowerCase(c);
        }
    }

    /** Drops marks. */
    record StripAccents() implements TextNormalizer {
        @Override
        public AlignedText apply(AlignedText text) {
            return byCharacter(text, c -> switch (Character.getType(c)) {
                case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
                    LaterCharacters.MARKS.get(c) ? null : "";
                default -> null;
            });
        }
    }

    /** Drops white space at the ends. */
    record Strip(boolean left, boolean right) implements TextNormalizer {
        @Override
        public AlignedText apply(AlignedText text) {
            String s = text.text();
            int from = 0;
            int to = s.length();
            while (left && from < to && Gpt2Words.isWhiteSpace(s.charAt(from))) {
                from++;
            }
            while (right && to > from && Gpt2Words.isWhiteSpace(s.charAt(to - 1))) {
                to--;
            }
            return text.part(from, to);
        }
    }

    /** Puts a prefix before a text that is not empty. */
    record Prepend(String prefix) implements TextNormalizer {
        @Override
        public AlignedText apply(AlignedText text) {
            return text.text().isEmpty() || prefix.isEmpty() ? text : text.prefixed(prefix, 0, text.text().length());
        }
    }

    /**
     * Replaces what a pattern matches; the new characters count as coming from the last one replaced.
     *
     * @param pattern what is replaced
     * @param literal the text that the pattern stands for, or empty if it is no literal one
     * @param content what takes its place
     */
    record Replace(Regex pattern, String literal, String content) implements TextNormalizer {
        /** {@return a replacement of a text} */
        static Replace literal(String literal, String content) {
            return new Replace(Regex.literal(literal), literal, content);
        }

        @Override
        public AlignedText apply(AlignedText text) {
            String s = text.text();
            if (literal.length() == 1 && content.length() == 1) {
                return text.with(s.replace(literal, content));
            }
            RegexSearch search = pattern.search(s, 0, s.length());
            if (s.isEmpty() || !search.next()) {
                return text;
            }
            AlignedText.Builder out = new AlignedText.Builder(s.length() + 16);
            int done = 0;
            do {
                out.append(text, done, search.start());
                int end = search.end();
                if (end > 0) {
                    int last = end - Character.charCount(s.codePointBefore(end));
                    out.append(content, text.start(last), text.end(end - 1));
                } else {
                    out.append(content, text.origin(0), text.origin(0));
                }
                done = end;
            } while (search.next());
            out.append(text, done, s.length());
            return out.build();
        }
    }

    /** The characters that stand for the bytes of UTF-8. */
    record ByteCharacters() implements TextNormalizer {
        @Override
        public AlignedText apply(AlignedText text) {
            return byCharacter(text, c -> ByteLevel.toText(Character.toString(c)));
        }
    }

    /** One after the other. */
    record Sequence(List<TextNormalizer> steps) implements TextNormalizer {
        @Override
        public AlignedText apply(AlignedText text) {
            AlignedText result = text;
            for (TextNormalizer step : steps) {
                result = step.apply(result);
            }
            return result;
        }
    }

    /** What becomes of a character; null leaves it. */
    @FunctionalInterface
    interface CharacterMap {
        @Nullable String apply(int codePoint);
    }

    private static AlignedText byCharacter(AlignedText text, CharacterMap map) {
        String s = text.text();
        AlignedText.Builder out = null;
        int done = 0;
        for (int at = 0; at < s.length();) {
            int c = s.codePointAt(at);
            int end = at + Character.charCount(c);
            String mapped = map.apply(c);
            if (mapped != null) {
                out = out == null ? new AlignedText.Builder(s.length() + 16) : out;
                out.append(text, done, at);
                out.append(mapped, text.start(at), text.end(end - 1));
                done = end;
            }
            at = end;
        }
        if (out == null) {
            return text;
        }
        out.append(text, done, s.length());
        return out.build();
    }
}
