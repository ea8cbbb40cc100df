package org.sae4j.core.internal.tokenizer;

import java.util.Arrays;

/**
 * The characters that a model sees, with their widths in UTF-8 and the units of the piece that they stand for. Hugging Face's tokenizers
 * count the widths of symbols; where a character was left out or became several symbols, offsets follow from these counts.
 */
final class ModelCharacters {
    private final int[] codePoints;
    private final int[] starts;
    private final int[] ends;
    private int count;

    private ModelCharacters(int capacity) {
        codePoints = new int[capacity];
        starts = new int[capacity];
        ends = new int[capacity];
    }

    /** {@return the characters of units {@code from} to {@code to - 1}} */
    static ModelCharacters of(String text, int from, int to) {
        ModelCharacters characters = new ModelCharacters(to - from);
        for (int at = from; at < to;) {
            int c = text.codePointAt(at);
            int end = at + Character.charCount(c);
            characters.add(c, at - from, end - from);
            at = end;
        }
        return characters;
    }

    /** {@return the characters that stand for the bytes of units {@code from} to {@code to - 1}} */
    static ModelCharacters bytes(String text, int from, int to) {
        ModelCharacters characters = new ModelCharacters(Math.multiplyExact(to - from, 3));
        for (int at = from; at < to;) {
            int c = text.codePointAt(at);
            int end = at + Character.charCount(c);
            if (c < 0x80) {
                characters.addByte(c, at - from, end - from);
            } else if (c < 0x800) {
                characters.addByte(0xc0 | c >> 6, at - from, end - from);
                characters.addByte(0x80 | c & 0x3f, at - from, end - from);
            } else if (c < 0x10000) {
                characters.addByte(0xe0 | c >> 12, at - from, end - from);
                characters.addByte(0x80 | c >> 6 & 0x3f, at - from, end - from);
                characters.addByte(0x80 | c & 0x3f, at - from, end - from);
            } else {
                characters.addByte(0xf0 | c >> 18, at - from, end - from);
                characters.addByte(0x80 | c >> 12 & 0x3f, at - from, end - from);
                characters.addByte(0x80 | c >> 6 & 0x3f, at - from, end - from);
                characters.addByte(0x80 | c & 0x3f, at - from, end - from);
            }
            at = end;
        }
        return characters;
    }

    private void addByte(int value, int start, int end) {
        add(ByteLevel.character(value), start, end);
    }

    private void add(int codePoint, int start, int end) {
        codePoints[count] = codePoint;
        starts[count] = start;
        ends[count++] = end;
    }

    int count() {
        return count;
    }

    int codePoint(int index) {
        return codePoints[index];
    }

    /** {@return the number of bytes of a character in UTF-8} */
    int width(int index) {
        int c = codePoints[index];
        return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }

    /** {@return tokens that follow each other, from their ids and widths} */
    Word word(int[] ids, int[] widths, int tokens) {
        int[] tokenIds = Arrays.copyOf(ids, tokens);
        int[] tokenStarts = new int[tokens];
        int[] tokenEnds = new int[tokens];
        int character = 0;
        int characterEnd = count == 0 ? 0 : width(0);
        int at = 0;
        for (int i = 0; i < tokens; i++) {
            while (characterEnd <= at && character < count - 1) {
                characterEnd += width(++character);
            }
            tokenStarts[i] = starts[character];
            at += widths[i];
            while (characterEnd < at && character < count - 1) {
                characterEnd += width(++character);
            }
            tokenEnds[i] = ends[character];
        }
        return new Word(tokenIds, tokenStarts, tokenEnds);
    }
}
