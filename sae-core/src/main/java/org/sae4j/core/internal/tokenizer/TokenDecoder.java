package org.sae4j.core.internal.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.core.internal.tokenizer.regex.Regex;
import org.sae4j.core.internal.tokenizer.regex.RegexSearch;

/** Turns tokens of a vocabulary into text, in steps that change the list of tokens. */
sealed interface TokenDecoder {
    /** {@return the changed tokens} */
    List<String> apply(List<String> tokens);

    /** GPT-2's characters back to bytes; a token with other characters stands for itself. All becomes one text. */
    record Bytes() implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(tokens.size() * 4);
            for (String token : tokens) {
                byte[] bytes = ByteLevel.toBytes(token);
                out.writeBytes(bytes == null ? token.getBytes(StandardCharsets.UTF_8) : bytes);
            }
            return List.of(out.toString(StandardCharsets.UTF_8));
        }
    }

    /** Tokens {@code <0x..>} in a row to the text of their bytes; if they are no UTF-8, each is a replacement character. */
    record ByteFallback() implements TokenDecoder {
        private static final Pattern BYTE = Pattern.compile("<0x(\\p{XDigit}{2}|\\+\\p{XDigit})>");

        @Override
        public List<String> apply(List<String> tokens) {
            List<String> out = new ArrayList<>(tokens.size());
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (String token : tokens) {
                Matcher matcher = BYTE.matcher(token);
                if (matcher.matches()) {
                    bytes.write(Integer.parseInt(matcher.group(1), 16));
                } else {
                    flush(bytes, out);
                    out.add(token);
                }
            }
            flush(bytes, out);
            return out;
        }

        private static void flush(ByteArrayOutputStream bytes, List<String> out) {
            if (bytes.size() > 0) {
                try {
                    out.add(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.toByteArray())).toString());
                } catch (CharacterCodingException e) {
                    for (int i = 0; i < bytes.size(); i++) {
                        out.add("\ufffd");
                    }
                }
                bytes.reset();
            }
        }
    }

    /** All tokens to one. */
    record Fuse() implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            return List.of(String.join("", tokens));
        }
    }

    /** Drops a character at the ends of each token, so many times at most. */
    record Strip(int character, int start, int stop) implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            return tokens.stream().map(this::stripped).toList();
        }

        private String stripped(String token) {
            int[] characters = token.codePoints().toArray();
            int from = 0;
            while (from < Math.min(start, characters.length) && characters[from] == character) {
                from++;
            }
            int to = characters.length;
            while (to > 0 && characters.length - to < stop && characters[to - 1] == character) {
                to--;
            }
            return from >= to ? "" : new String(characters, from, to - from);
        }
    }

    /** Replaces what a pattern matches in each token. */
    record Replace(Regex pattern, String content) implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            return tokens.stream().map(this::replaced).toList();
        }

        private String replaced(String token) {
            StringBuilder out = new StringBuilder();
            RegexSearch search = pattern.search(token, 0, token.length());
            int done = 0;
            while (!token.isEmpty() && search.next()) {
                out.append(token, done, search.start()).append(content);
                done = search.end();
            }
            return out.append(token, done, token.length()).toString();
        }
    }

    /** SentencePiece's sign to spaces; the first token loses it, where one was put before the text. */
    record Metaspace(String sign, boolean prepended) implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            List<String> out = new ArrayList<>(tokens.size());
            for (String token : tokens) {
                out.add(token.replace(sign, out.isEmpty() && prepended ? "" : " "));
            }
            return out;
        }
    }

    /** A sign at the end of words to spaces, but for the last token. */
    record WordEnds(String suffix) implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            List<String> out = new ArrayList<>(tokens.size());
            for (String token : tokens) {
                out.add(token.replace(suffix, out.size() == tokens.size() - 1 ? "" : " "));
            }
            return out;
        }
    }

    /** Spaces between words, whose later parts begin with a prefix; some spaces before punctuation are dropped again. */
    record WordParts(String prefix, boolean cleanUp) implements TokenDecoder {
        private static final String[][] CLEAN = {{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
            {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

        @Override
        public List<String> apply(List<String> tokens) {
            List<String> out = new ArrayList<>(tokens.size());
            for (String token : tokens) {
                String part = out.isEmpty() ? token : token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
                for (String[] replacement : cleanUp ? CLEAN : new String[0][]) {
                    part = part.replace(replacement[0], replacement[1]);
                }
                out.add(part);
            }
            return out;
        }
    }

    /** Spaces between the tokens, where a tokenizer has no decoder. */
    record Spaces() implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            return List.of(String.join(" ", tokens));
        }
    }

    /** One after the other. */
    record Sequence(List<TokenDecoder> steps) implements TokenDecoder {
        @Override
        public List<String> apply(List<String> tokens) {
            List<String> result = tokens;
            for (TokenDecoder step : steps) {
                result = step.apply(result);
            }
            return result;
        }
    }
}
