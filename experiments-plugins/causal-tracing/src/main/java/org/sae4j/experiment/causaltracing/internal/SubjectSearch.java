package org.sae4j.experiment.causaltracing.internal;

import java.lang.Character.UnicodeScript;
import java.util.EnumSet;
import java.util.Set;

/**
 * Where a subject stands in its prompt: the first whole word, or where it is only a part of words, the first place.
 *
 * @param at position of its first UTF-16 unit; -1 if it is not there
 * @param times number of places, whole words only if there is one
 * @param whole whether it is a whole word
 */
record SubjectSearch(int at, int times, boolean whole) {
    /** Scripts that write no spaces between words: there a word may begin and end anywhere. */
    private static final Set<UnicodeScript> UNSPACED = EnumSet.of(UnicodeScript.HAN, UnicodeScript.HIRAGANA, UnicodeScript.KATAKANA,
            UnicodeScript.THAI, UnicodeScript.LAO, UnicodeScript.KHMER, UnicodeScript.MYANMAR, UnicodeScript.TIBETAN);

    static SubjectSearch of(String prompt, String subject) {
        if (subject.isEmpty()) {
            return new SubjectSearch(-1, 0, false);
        }
        int[] first = {-1, -1};
        int[] count = new int[2];
        for (int at = prompt.indexOf(subject); at >= 0; at = prompt.indexOf(subject, at + 1)) {
            boolean whole = boundary(prompt, at) && boundary(prompt, at + subject.length());
            for (int kind = whole ? 0 : 1; kind < 2; kind++) {
                first[kind] = first[kind] < 0 ? at : first[kind];
                count[kind]++;
            }
        }
        return first[0] >= 0 ? new SubjectSearch(first[0], count[0], true) : new SubjectSearch(first[1], count[1], false);
    }

    /** Whether a word may begin or end between the characters before and at a position. */
    private static boolean boundary(String text, int at) {
        return at == 0 || at == text.length() || !spaced(text.codePointBefore(at)) || !spaced(text.codePointAt(at));
    }

    private static boolean spaced(int codePoint) {
        return Character.isLetterOrDigit(codePoint) && !UNSPACED.contains(UnicodeScript.of(codePoint));
    }
}
