package org.sae4j.core.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Byte-pair encoding of the characters of a piece, or of its bytes.
 *
 * <p>Where no merge makes a token with two characters next to each other, none crosses the place between them. There a long piece is
 * divided, and its parts are encoded for themselves and remembered.
 */
final class BytePairModel implements TokenModel {
    /** What the first symbols are. */
    enum Alphabet {
        /** The characters of the piece. */
        CHARACTERS,
        /** The bytes of its UTF-8, written in GPT-2's characters. */
        BYTES
    }

    /**
     * How characters become symbols.
     *
     * @param unknown the id that takes the place of what is not in the vocabulary, or empty to leave it out
     * @param fuseUnknown whether unknown characters in a row are one token
     * @param byteFallback whether an unknown character becomes the tokens {@code <0x..>} of its bytes, if all are there
     * @param ignoreMerges whether a piece that is a token is not divided
     * @param prefix what is put before every character but the first
     * @param suffix what is put after the last character
     */
    record Options(OptionalInt unknown, boolean fuseUnknown, boolean byteFallback, boolean ignoreMerges, String prefix, String suffix) {
        /** Those of GPT-2. */
        static final Options PLAIN = new Options(OptionalInt.empty(), false, false, false, "", "");
    }

    private static final int UNKNOWN = -1;

    private final Map<String, Integer> vocabulary;
    private final PairMerges merges;
    private final Alphabet alphabet;
    private final Options options;
    private final int longestToken;
    private final int[] byteIds = new int[256];
    private final int[] basicIds = new int[Character.MIN_SUPPLEMENTARY_CODE_POINT];
    private final PairTable neighbors = new PairTable(1024);
    private final WordCache parts = new WordCache(this::whole);

    /**
     * Assembles a model.
     *
     * @param vocabulary the model's own tokens, without those that were added
     */
    BytePairModel(Vocabulary vocabulary, PairMerges merges, Alphabet alphabet, Options options) {
        this.vocabulary = Map.copyOf(vocabulary.ids());
        this.merges = merges;
        this.alphabet = alphabet;
        this.options = options;
        this.longestToken = this.vocabulary.keySet().stream().mapToInt(String::length).max().orElse(0);
        Arrays.fill(basicIds, UNKNOWN);
        this.vocabulary.forEach((text, id) -> {
            if (text.length() == 1) {
                basicIds[text.charAt(0)] = id;
            }
        });
        for (int value = 0; value < byteIds.length; value++) {
            byteIds[value] = this.vocabulary.getOrDefault(byteToken(value), UNKNOWN);
        }
        if (alphabet == Alphabet.CHARACTERS) {
            merges.results(id -> addNeighbors(vocabulary.text(id)));
        }
    }

    private void addNeighbors(String token) {
        for (int at = 0; at < token.length();) {
            int next = at + Character.charCount(token.codePointAt(at));
            if (next < token.length()) {
                neighbors.put(token.codePointAt(at), token.codePointAt(next), 0);
            }
            at = next;
        }
    }

    /** {@return how a byte is written where characters fall back to bytes} */
    static String byteToken(int value) {
        return String.format("<0x%02X>", value);
    }

    @Override
    public Word encode(String text, int from, int to) {
        if (options.ignoreMerges && to - from <= longestToken) {
            String piece = text.substring(from, to);
            Integer id = vocabulary.get(alphabet == Alphabet.BYTES ? ByteLevel.toText(piece) : piece);
            if (id != null) {
                return new Word(new int[] {id}, new int[] {0}, new int[] {to - from});
            }
        }
        boolean divisible = alphabet == Alphabet.CHARACTERS && options.prefix.isEmpty() && options.suffix.isEmpty();
        int end = divisible ? partEnd(text, from, to) : to;
        if (end == to) {
            return whole(text, from, to);
        }
        Words words = new Words();
        for (int begin = from; begin < to; begin = end) {
            Interrupts.check();
            end = partEnd(text, begin, to);
            words.add(parts.get(text, begin, end), begin - from);
        }
        return words.join();
    }

    /** {@return the next place that no merge crosses; unknown characters, which may be one token, stay together} */
    private int partEnd(String text, int from, int to) {
        int left = text.codePointAt(from);
        int at = from + Character.charCount(left);
        while (at < to) {
            int right = text.codePointAt(at);
            if (neighbors.get(left, right) < 0 && id(left) >= 0 && id(right) >= 0) {
                return at;
            }
            left = right;
            at += Character.charCount(right);
        }
        return to;
    }

    private int id(int codePoint) {
        return codePoint < basicIds.length ? basicIds[codePoint] : vocabulary.getOrDefault(Character.toString(codePoint), UNKNOWN);
    }

    private Word whole(String text, int from, int to) {
        ModelCharacters characters = alphabet == Alphabet.BYTES ? ModelCharacters.bytes(text, from, to)
                : ModelCharacters.of(text, from, to);
        int count = characters.count();
        IntList ids = new IntList(count);
        IntList widths = new IntList(count);
        int unknownWidth = 0;
        for (int i = 0; i < count; i++) {
            int width = characters.width(i);
            String marked = marked(characters, i);
            int id = marked.isEmpty() ? id(characters.codePoint(i)) : vocabulary.getOrDefault(marked, UNKNOWN);
            if (id >= 0) {
                unknownWidth = flush(ids, widths, unknownWidth, 0);
                ids.add(id);
                widths.add(width);
            } else if (!fallBack(marked.isEmpty() ? Character.toString(characters.codePoint(i)) : marked, ids, widths)
                    && options.unknown.isPresent()) {
                unknownWidth = options.fuseUnknown ? unknownWidth + width : flush(ids, widths, unknownWidth, width);
            }
        }
        flush(ids, widths, unknownWidth, 0);
        int[] symbolIds = ids.toArray();
        int[] symbolWidths = widths.toArray();
        return characters.word(symbolIds, symbolWidths, merges.merge(symbolIds, symbolWidths, symbolIds.length));
    }

    /** A character with prefix and suffix, where there are any. */
    private String marked(ModelCharacters characters, int i) {
        boolean prefixed = i > 0 && !options.prefix.isEmpty();
        boolean suffixed = i == characters.count() - 1 && !options.suffix.isEmpty();
        return prefixed || suffixed ? (prefixed ? options.prefix : "") + Character.toString(characters.codePoint(i))
                + (suffixed ? options.suffix : "") : "";
    }

    /** Adds the unknown token if there is one; {@return the width of the next} */
    private int flush(IntList ids, IntList widths, int unknownWidth, int nextWidth) {
        if (unknownWidth > 0) {
            ids.add(options.unknown.orElseThrow());
            widths.add(unknownWidth);
        }
        return nextWidth;
    }

    private boolean fallBack(String symbol, IntList ids, IntList widths) {
        if (!options.byteFallback) {
            return false;
        }
        byte[] utf8 = symbol.getBytes(StandardCharsets.UTF_8);
        for (byte value : utf8) {
            if (byteIds[value & 0xff] < 0) {
                return false;
            }
        }
        for (byte value : utf8) {
            ids.add(byteIds[value & 0xff]);
            widths.add(1);
        }
        return true;
    }
}
