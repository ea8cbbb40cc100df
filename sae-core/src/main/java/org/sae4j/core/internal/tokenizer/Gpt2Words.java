package org.sae4j.core.internal.tokenizer;

/**
 * GPT-2's division into words: {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}, as a scanner. It does
 * not backtrack, so its time is linear in the text.
 */
final class Gpt2Words implements PreTokenizer {
    /** The pattern as tokenizer.json files spell it. */
    static final String PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    private static final byte OTHER = 0;
    private static final byte LETTER = 1;
    private static final byte NUMBER = 2;
    private static final byte SPACE = 3;
    private static final byte[] KINDS = new byte[Character.MIN_SUPPLEMENTARY_CODE_POINT];

    static {
        for (int c = 0; c < KINDS.length; c++) {
            KINDS[c] = kindOf(c);
        }
    }

    @Override
    public void split(AlignedText text, int from, int to, Sink sink) {
        String s = text.text();
        int at = from;
        while (at < to) {
            int end = wordEnd(s, at, to);
            sink.accept(text, at, end);
            at = end;
        }
    }

    private static int wordEnd(String s, int at, int to) {
        char first = s.charAt(at);
        if (first == '\'') {
            int contraction = contractionEnd(s, at, to);
            if (contraction > at) {
                return contraction;
            }
        }
        int codePoint = s.codePointAt(at);
        byte kind = kind(codePoint);
        if (kind != SPACE) {
            return runEnd(s, at, to, kind);
        }
        if (first == ' ' && at + 1 < to) {
            byte next = kind(s.codePointAt(at + 1));
            if (next != SPACE) {
                return runEnd(s, at + 1, to, next);
            }
        }
        int end = runEnd(s, at, to, SPACE);
        // The last space of several belongs to what follows. All white space is in the basic plane: one unit each.
        return end == to || end == at + 1 ? end : end - 1;
    }

    private static int contractionEnd(String s, int at, int to) {
        if (at + 1 >= to) {
            return at;
        }
        char second = s.charAt(at + 1);
        if (second == 's' || second == 't' || second == 'm' || second == 'd') {
            return at + 2;
        }
        if (at + 2 >= to) {
            return at;
        }
        char third = s.charAt(at + 2);
        boolean two = third == 'e' && (second == 'r' || second == 'v') || third == 'l' && second == 'l';
        return two ? at + 3 : at;
    }

    private static int runEnd(String s, int from, int to, byte kind) {
        int end = from;
        while (end < to) {
            int codePoint = s.codePointAt(end);
            if (kind(codePoint) != kind) {
                break;
            }
            end += Character.charCount(codePoint);
        }
        return end;
    }

    private static byte kind(int codePoint) {
        return codePoint < KINDS.length ? KINDS[codePoint] : kindOf(codePoint);
    }

    private static byte kindOf(int codePoint) {
        if (isWhiteSpace(codePoint)) {
            return SPACE;
        }
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER, Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            default -> OTHER;
        };
    }

    /** {@return whether a character has Unicode's property White_Space} */
    static boolean isWhiteSpace(int codePoint) {
        return codePoint >= 0x09 && codePoint <= 0x0d || codePoint == 0x20 || codePoint == 0x85 || codePoint == 0xa0 || codePoint == 0x1680
                || codePoint >= 0x2000 && codePoint <= 0x200a || codePoint == 0x2028 || codePoint == 0x2029 || codePoint == 0x202f
                || codePoint == 0x205f || codePoint == 0x3000;
    }
}
