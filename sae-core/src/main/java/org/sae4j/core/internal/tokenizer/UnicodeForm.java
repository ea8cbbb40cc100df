package org.sae4j.core.internal.tokenizer;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;

/**
 * Applies a Unicode normalization form, with the data of Unicode 9 that Hugging Face's tokenizers have: characters that came later are left
 * alone. A character that was composed counts as coming from its first part.
 */
record UnicodeForm(Normalizer.Form form) implements TextNormalizer {
    private static final int FIRST_LATER = LaterCharacters.NORMALIZED.nextSetBit(0);

    @Override
    public AlignedText apply(AlignedText text) {
        String s = text.text();
        AlignedText.Builder out = null;
        int done = 0;
        int at = 0;
        while (at < s.length()) {
            int end = at;
            while (end < s.length() && !(s.charAt(end) >= FIRST_LATER && LaterCharacters.NORMALIZED.get(s.codePointAt(end)))) {
                end += Character.charCount(s.codePointAt(end));
            }
            if (!Normalizer.isNormalized(s.substring(at, end), form)) {
                out = out == null ? new AlignedText.Builder(s.length() + 16) : out;
                out.append(text, done, at);
                clusters(text, at, end, out);
                done = end;
            }
            at = end < s.length() ? end + Character.charCount(s.codePointAt(end)) : end;
        }
        if (out == null) {
            return text;
        }
        out.append(text, done, s.length());
        return out.build();
    }

    /** Normalizes character by character, each with those that compose with it or are reordered among its marks. */
    private void clusters(AlignedText text, int from, int to, AlignedText.Builder out) {
        String s = text.text();
        int begin = from;
        while (begin < to) {
            int end = begin + Character.charCount(s.codePointAt(begin));
            while (end < to && joinsPrevious(s.codePointAt(end))) {
                end += Character.charCount(s.codePointAt(end));
            }
            String cluster = s.substring(begin, end);
            if (Normalizer.isNormalized(cluster, form)) {
                out.append(text, begin, end);
            } else {
                changed(text, begin, cluster, out);
            }
            begin = end;
        }
    }

    /** Whether a character, or what it decomposes to, is a mark, or a vowel or final consonant of Hangul. */
    private boolean joinsPrevious(int codePoint) {
        int first = codePoint;
        if (form == Normalizer.Form.NFKC || form == Normalizer.Form.NFKD) {
            first = Normalizer.normalize(Character.toString(codePoint), form).codePointAt(0);
        }
        return switch (Character.getType(first)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> true;
            default -> first >= 0x1160 && first <= 0x11ff;
        };
    }

    /** A decomposed character: those after the first of an original character take none of the original. */
    private record Piece(int codePoint, int taken) {}

    private void changed(AlignedText text, int begin, String cluster, AlignedText.Builder out) {
        boolean compatible = form == Normalizer.Form.NFKC || form == Normalizer.Form.NFKD;
        List<Piece> pieces = new ArrayList<>();
        StringBuilder decomposed = new StringBuilder();
        cluster.codePoints().forEach(c -> {
            String parts = Normalizer.normalize(Character.toString(c), compatible ? Normalizer.Form.NFKD : Normalizer.Form.NFD);
            decomposed.append(parts);
            int first = pieces.size();
            parts.codePoints().forEach(part -> pieces.add(new Piece(part, pieces.size() == first ? 1 : 0)));
        });
        List<Piece> ordered = new ArrayList<>();
        Normalizer.normalize(decomposed, Normalizer.Form.NFD).codePoints().forEach(c -> {
            for (Piece piece : pieces) {
                if (piece.codePoint == c) {
                    ordered.add(piece);
                    pieces.remove(piece);
                    return;
                }
            }
        });
        List<Piece> result = form == Normalizer.Form.NFC || form == Normalizer.Form.NFKC ? composed(ordered) : ordered;
        int at = begin;
        int last = begin;
        for (Piece piece : result) {
            last = piece.taken > 0 ? at : last;
            out.append(Character.toString(piece.codePoint), text.start(last),
                    text.end(last + Character.charCount(text.text().codePointAt(last)) - 1));
            for (int i = 0; i < piece.taken; i++) {
                last = i == 0 ? at : last;
                at += Character.charCount(text.text().codePointAt(at));
            }
            last = piece.taken > 1 ? text.text().offsetByCodePoints(at, -1) : last;
        }
    }

    /** Canonical composition (Unicode Standard, D117), with the characters of the original that each result takes. */
    private static List<Piece> composed(List<Piece> pieces) {
        List<Piece> out = new ArrayList<>();
        int starter = -1;
        int lastMark = -1;
        for (Piece piece : pieces) {
            boolean mark = isReordered(piece.codePoint);
            if (starter >= 0 && !(lastMark >= 0 && (!mark || !precedes(lastMark, piece.codePoint)))) {
                Piece base = out.get(starter);
                int whole = composite(base.codePoint, piece.codePoint);
                if (whole >= 0) {
                    out.set(starter, new Piece(whole, base.taken + piece.taken));
                    continue;
                }
            }
            out.add(piece);
            starter = mark ? starter : out.size() - 1;
            lastMark = mark ? piece.codePoint : -1;
        }
        return out;
    }

    private static int composite(int first, int second) {
        String whole = Normalizer.normalize(Character.toString(first) + Character.toString(second), Normalizer.Form.NFC);
        return whole.codePointCount(0, whole.length()) == 1 ? whole.codePointAt(0) : -1;
    }

    /** Whether a character has a canonical combining class other than 0: it then changes places with U+0334 (1) or U+0345 (240). */
    private static boolean isReordered(int c) {
        return precedes(0x334, c) || precedes(c, 0x345);
    }

    /** Whether a mark's combining class is less than another's, and not 0. */
    private static boolean precedes(int first, int second) {
        String reversed = "a" + Character.toString(second) + Character.toString(first);
        return !Normalizer.isNormalized(reversed, Normalizer.Form.NFD) && Character.getType(first) != Character.UNASSIGNED
                && Normalizer.normalize(reversed, Normalizer.Form.NFD).equals("a" + Character.toString(first) + Character.toString(second));
    }
}
