package org.sae4j.core.internal.tokenizer.regex;

import java.util.function.IntPredicate;

/** A set of code points; those of the basic plane are looked up in a table. */
final class CodePointSet {
    private static final int BASIC = Character.MIN_SUPPLEMENTARY_CODE_POINT;

    private final long[] basic = new long[BASIC / Long.SIZE];
    private final IntPredicate predicate;

    CodePointSet(IntPredicate predicate) {
        this.predicate = predicate;
        for (int c = 0; c < BASIC; c++) {
            if (predicate.test(c)) {
                basic[c >> 6] |= 1L << c;
            }
        }
    }

    private CodePointSet(int codePoint) {
        predicate = c -> c == codePoint;
        if (codePoint < BASIC) {
            basic[codePoint >> 6] |= 1L << codePoint;
        }
    }

    private CodePointSet(CodePointSet a, CodePointSet b) {
        predicate = a.predicate.or(b.predicate);
        for (int i = 0; i < basic.length; i++) {
            basic[i] = a.basic[i] | b.basic[i];
        }
    }

    static CodePointSet single(int codePoint) {
        return new CodePointSet(codePoint);
    }

    CodePointSet or(CodePointSet other) {
        return new CodePointSet(this, other);
    }

    boolean contains(int codePoint) {
        return codePoint < BASIC ? (basic[codePoint >> 6] >>> codePoint & 1) != 0 : predicate.test(codePoint);
    }
}
