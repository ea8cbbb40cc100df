package org.sae4j.core.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** GPT-2's one-to-one map between bytes and printable characters, in which vocabularies are written. */
final class ByteLevel {
    private static final char[] CHARACTERS = new char[256];
    private static final int[] BYTES = new int[0x200];

    static {
        Arrays.fill(BYTES, -1);
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable = value >= '!' && value <= '~' || value >= 0xa1 && value <= 0xac || value >= 0xae;
            CHARACTERS[value] = (char) (printable ? value : next++);
            BYTES[CHARACTERS[value]] = value;
        }
    }

    private ByteLevel() {}

    /** {@return the character of a byte} */
    static char character(int value) {
        return CHARACTERS[value];
    }

    /** {@return the characters of a text's bytes} */
    static String toText(String plain) {
        byte[] bytes = plain.getBytes(StandardCharsets.UTF_8);
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte value : bytes) {
            text.append(CHARACTERS[value & 0xff]);
        }
        return text.toString();
    }

    /** {@return the bytes, or null if a character stands for none} */
    static byte @Nullable [] toBytes(String text) {
        byte[] bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = text.charAt(i);
            if (c >= BYTES.length || BYTES[c] < 0) {
                return null;
            }
            bytes[i] = (byte) BYTES[c];
        }
        return bytes;
    }

    /** {@return text for bytes that are not UTF-8: what is decoded, the rest as \xNN} */
    static String readable(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        int at = 0;
        while (at < bytes.length) {
            int length = characterLength(bytes, at);
            if (length == 0) {
                text.append("\\x").append(HexFormat.of().withUpperCase().toHexDigits(bytes[at]));
                at++;
            } else {
                text.append(new String(bytes, at, length, StandardCharsets.UTF_8));
                at += length;
            }
        }
        return text.toString();
    }

    /** {@return the length of the character that begins here, or 0 if none does} */
    private static int characterLength(byte[] bytes, int at) {
        for (int length = 1; length <= 4 && at + length <= bytes.length; length++) {
            String decoded = new String(bytes, at, length, StandardCharsets.UTF_8);
            if (decoded.codePointCount(0, decoded.length()) == 1 && decoded.codePointAt(0) != 0xfffd) {
                return length;
            }
        }
        return 0;
    }
}
