package org.sae4j.core.internal.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.internal.tokenizer.AddedTokens.AddedToken;

/** Byte-level BPE: added tokens, normalization, pre-tokenization, and byte pairs of each word. */
public final class BpeTokenizer implements Tokenizer {
    private final AddedTokens rawTokens;
    private final AddedTokens normalizedTokens;
    private final UnicodeForm form;
    private final PreTokenizer preTokenizer;
    private final BytePairs pairs;
    private final @Nullable Map<String, Integer> wholeWords;
    private final byte[] @Nullable [] bytes;
    private final OptionalInt bos;
    private final WordCache cache = new WordCache();

    /**
     * Assembles a tokenizer.
     *
     * @param wholeWords byte-level words that are tokens without merging, or null to merge always
     * @param bytes each id's bytes, null where there is no such id
     */
    BpeTokenizer(List<AddedToken> added, UnicodeForm form, PreTokenizer preTokenizer, BytePairs pairs,
            @Nullable Map<String, Integer> wholeWords, byte[] @Nullable [] bytes, OptionalInt bos) {
        this.rawTokens = new AddedTokens(added.stream().filter(token -> !token.normalized()).toList(), content -> content);
        this.normalizedTokens = new AddedTokens(added.stream().filter(AddedToken::normalized).toList(), form::apply);
        this.form = form;
        this.preTokenizer = preTokenizer;
        this.pairs = pairs;
        this.wholeWords = wholeWords;
        this.bytes = bytes;
        this.bos = bos;
    }

    /** {@return this tokenizer with another token that begins every context} */
    public BpeTokenizer withBos(OptionalInt id) {
        return new BpeTokenizer(this, id);
    }

    private BpeTokenizer(BpeTokenizer other, OptionalInt bos) {
        this.rawTokens = other.rawTokens;
        this.normalizedTokens = other.normalizedTokens;
        this.form = other.form;
        this.preTokenizer = other.preTokenizer;
        this.pairs = other.pairs;
        this.wholeWords = other.wholeWords;
        this.bytes = other.bytes;
        this.bos = bos;
    }

    /** {@return the id of the token that decodes to exactly this text} */
    public OptionalInt id(String text) {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        for (int id = 0; id < bytes.length; id++) {
            if (Arrays.equals(bytes[id], wanted)) {
                return OptionalInt.of(id);
            }
        }
        return OptionalInt.empty();
    }

    /** {@return whether there is a token with this id} */
    public boolean contains(int id) {
        return id >= 0 && id < bytes.length && bytes[id] != null;
    }

    @Override
    public Encoding encode(String text) {
        String sound = withoutUnpairedSurrogates(text);
        Encoder encoder = new Encoder(sound.length());
        rawTokens.split(sound, 0, sound.length(), new AddedTokens.Sink() {
            @Override
            public void token(int id, int from, int to) {
                encoder.add(id, from, to);
            }

            @Override
            public void text(int from, int to) {
                AlignedText normalized = form.apply(sound, from, to);
                normalizedTokens.split(normalized.text(), 0, normalized.text().length(), encoder.of(normalized));
            }
        });
        return encoder.result();
    }

    /** Collects the tokens of one text. */
    private final class Encoder {
        private final IntList ids;
        private final IntList starts;
        private final IntList ends;
        private byte[] utf8 = new byte[256];
        /** For each byte of the current word the units of the character that it is a part of. */
        private int[] firstUnit = new int[256];
        private int[] lastUnit = new int[256];

        Encoder(int length) {
            ids = new IntList(length / 3);
            starts = new IntList(length / 3);
            ends = new IntList(length / 3);
        }

        AddedTokens.Sink of(AlignedText text) {
            return new AddedTokens.Sink() {
                @Override
                public void token(int id, int from, int to) {
                    add(id, text.start(from), text.end(to - 1));
                }

                @Override
                public void text(int from, int to) {
                    preTokenizer.split(text, from, to, Encoder.this::word);
                }
            };
        }

        void add(int id, int start, int end) {
            ids.add(id);
            starts.add(start);
            ends.add(end);
        }

        Encoding result() {
            return new Encoding(ids.toArray(), starts.toArray(), ends.toArray());
        }

        private void word(AlignedText text, int from, int to) {
            int length = toUtf8(text.text(), from, to);
            String word = text.text().substring(from, to);
            int[] tokens = cache.get(word);
            if (tokens == null) {
                Integer whole = wholeWords == null ? null : wholeWords.get(ByteLevel.toText(utf8, length));
                tokens = whole == null ? pairs.encode(utf8, length) : new int[] {whole};
                cache.put(word, tokens);
            }
            int at = 0;
            for (int id : tokens) {
                int next = at + bytesOf(id).length;
                add(id, text.start(firstUnit[at]), text.end(lastUnit[next - 1]));
                at = next;
            }
        }

        private int toUtf8(String text, int from, int to) {
            if ((to - from) * 3L > utf8.length) {
                int capacity = Math.multiplyExact(to - from, 3);
                utf8 = new byte[capacity];
                firstUnit = new int[capacity];
                lastUnit = new int[capacity];
            }
            int length = 0;
            int unit = from;
            while (unit < to) {
                int codePoint = text.codePointAt(unit);
                int units = Character.charCount(codePoint);
                int begin = length;
                if (codePoint < 0x80) {
                    utf8[length++] = (byte) codePoint;
                } else if (codePoint < 0x800) {
                    utf8[length++] = (byte) (0xc0 | codePoint >> 6);
                    utf8[length++] = (byte) (0x80 | codePoint & 0x3f);
                } else if (codePoint < 0x10000) {
                    utf8[length++] = (byte) (0xe0 | codePoint >> 12);
                    utf8[length++] = (byte) (0x80 | codePoint >> 6 & 0x3f);
                    utf8[length++] = (byte) (0x80 | codePoint & 0x3f);
                } else {
                    utf8[length++] = (byte) (0xf0 | codePoint >> 18);
                    utf8[length++] = (byte) (0x80 | codePoint >> 12 & 0x3f);
                    utf8[length++] = (byte) (0x80 | codePoint >> 6 & 0x3f);
                    utf8[length++] = (byte) (0x80 | codePoint & 0x3f);
                }
                for (int i = begin; i < length; i++) {
                    firstUnit[i] = unit;
                    lastUnit[i] = unit + units - 1;
                }
                unit += units;
            }
            return length;
        }
    }

    private static String withoutUnpairedSurrogates(String text) {
        char[] units = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    units = units == null ? text.toCharArray() : units;
                    units[i] = '\ufffd';
                }
            }
        }
        return units == null ? text : new String(units);
    }

    private byte[] bytesOf(int id) {
        byte[] known = id >= 0 && id < bytes.length ? bytes[id] : null;
        if (known == null) {
            throw new IndexOutOfBoundsException("token " + id + " is not in the vocabulary of " + bytes.length);
        }
        return known;
    }

    @Override
    public String decode(int... tokens) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(tokens.length * 4);
        for (int id : tokens) {
            out.writeBytes(bytesOf(id));
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Override
    public String token(int id) {
        byte[] token = bytesOf(id);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(token)).toString();
        } catch (CharacterCodingException partOfCharacter) {
            return ByteLevel.readable(token);
        }
    }

    @Override
    public int vocabularySize() {
        return bytes.length;
    }

    @Override
    public OptionalInt bos() {
        return bos;
    }
}
