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

    /** {@return where the first of some units came from} */
    int origin(int from) {
        return from < text.length() ? start(from) : base;
    }

    /** {@return other characters, as many units as these, that came from the same places} */
    AlignedText with(String sameLength) {
        return new AlignedText(sameLength, base, starts, ends);
    }

    /** {@return units {@code from} to {@code to - 1}} */
    AlignedText part(int from, int to) {
        if (from == 0 && to == text.length()) {
            return this;
        }
        if (starts == null) {
            return new AlignedText(text.substring(from, to), base + from, null, null);
        }
        Builder part = new Builder(to - from);
        part.append(this, from, to);
        return part.build();
    }

    /** {@return a part of this text with a prefix, which counts as coming from the part's first character} */
    AlignedText prefixed(String prefix, int from, int to) {
        int first = start(from);
        int firstEnd = end(from + Character.charCount(text.codePointAt(from)) - 1);
        Builder prefixed = new Builder(prefix.length() + to - from);
        prefixed.append(prefix, first, firstEnd);
        prefixed.append(this, from, to);
        return prefixed.build();
    }

    /** Puts a changed text together. */
    static final class Builder {
        private final StringBuilder text;
        private final IntList starts;
        private final IntList ends;

        Builder(int capacity) {
            text = new StringBuilder(capacity);
            starts = new IntList(capacity);
            ends = new IntList(capacity);
        }

        /** Adds characters that all came from the same place. */
        void append(String characters, int start, int end) {
            text.append(characters);
            for (int i = 0; i < characters.length(); i++) {
                starts.add(start);
                ends.add(end);
            }
        }

        /** Adds a part of another text as it is. */
        void append(AlignedText other, int from, int to) {
            text.append(other.text, from, to);
            for (int i = from; i < to; i++) {
                starts.add(other.start(i));
                ends.add(other.end(i));
            }
        }

        int length() {
            return text.length();
        }

        AlignedText build() {
            return new AlignedText(text.toString(), 0, starts.toArray(), ends.toArray());
        }
    }
}
