package org.sae4j.core.internal.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * A text on its way to tokens, each of whose UTF-16 units knows the units of the original text that it came from.
 *
 * @param text the text as it is now
 * @param base position in the original of the first unit, if the text was not changed
 * @param starts for each unit its first unit in the original, or null if the text was not changed
 * @param ends for each unit the position after its last unit in the original, or null likewise
 */
record AlignedText(String text, int base, int @Nullable [] starts, int @Nullable [] ends) {
    /** {@return a text as it came} */
    static AlignedText original(String text) {
        return new AlignedText(text, 0, null, null);
    }

    int start(int unit) {
        return starts == null ? base + unit : starts[unit];
    }

    int end(int unit) {
        return ends == null ? base + unit + 1 : ends[unit];
    }

    /** {@return a part of this text with a space before it, which takes the place of the first character} */
    AlignedText withLeadingSpace(int from, int to) {
        int length = to - from;
        int[] newStarts = new int[length + 1];
        int[] newEnds = new int[length + 1];
        newStarts[0] = start(from);
        newEnds[0] = end(from + Character.charCount(text.codePointAt(from)) - 1);
        for (int i = 0; i < length; i++) {
            newStarts[i + 1] = start(from + i);
            newEnds[i + 1] = end(from + i);
        }
        return new AlignedText(" " + text.substring(from, to), 0, newStarts, newEnds);
    }
}
