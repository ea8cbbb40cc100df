package org.sae4j.core.internal.tokenizer;

import java.text.Normalizer;
import java.util.List;

/** Applies Unicode normalization forms. A unit of a changed cluster (a character with its combining marks) comes from the whole cluster. */
final class UnicodeForm {
    private final List<Normalizer.Form> forms;

    UnicodeForm(List<Normalizer.Form> forms) {
        this.forms = List.copyOf(forms);
    }

    /** {@return a string in the forms, one after the other} */
    String apply(String text) {
        String result = text;
        for (Normalizer.Form form : forms) {
            result = Normalizer.normalize(result, form);
        }
        return result;
    }

    /** {@return a part of an original text, normalized} */
    AlignedText apply(String text, int from, int to) {
        String part = text.substring(from, to);
        if (forms.stream().allMatch(form -> Normalizer.isNormalized(part, form))) {
            return new AlignedText(part, from, null, null);
        }
        StringBuilder out = new StringBuilder(part.length() + 16);
        IntList starts = new IntList(part.length() + 16);
        IntList ends = new IntList(part.length() + 16);
        int begin = 0;
        while (begin < part.length()) {
            int end = clusterEnd(part, begin);
            String cluster = part.substring(begin, end);
            String normalized = apply(cluster);
            boolean same = normalized.equals(cluster);
            for (int i = 0; i < normalized.length(); i++) {
                starts.add(from + (same ? begin + i : begin));
                ends.add(from + (same ? begin + i + 1 : end));
            }
            out.append(normalized);
            begin = end;
        }
        return new AlignedText(out.toString(), 0, starts.toArray(), ends.toArray());
    }

    private static int clusterEnd(String text, int begin) {
        int end = begin + Character.charCount(text.codePointAt(begin));
        while (end < text.length()) {
            int next = text.codePointAt(end);
            if (!joinsPrevious(next)) {
                break;
            }
            end += Character.charCount(next);
        }
        return end;
    }

    /** Everything that can compose with, or be reordered among, what precedes it: marks, and the vowels and finals of Hangul. */
    private static boolean joinsPrevious(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> true;
            default -> codePoint >= 0x1160 && codePoint <= 0x11ff;
        };
    }
}
