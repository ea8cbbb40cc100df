package org.sae4j.core.internal.tokenizer.regex;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** Unicode's case folding of single characters; foldings to several are only recognised. */
final class CaseFolding {
    /** Folded code points to all code points that fold to them, where there are several. */
    private static final Map<Integer, int[]> CASES = new HashMap<>();
    /** Sequences to which a single character folds, such as "ss". */
    private static final Set<String> SEQUENCES = new HashSet<>();
    private static final Set<Integer> FOLD_TO_SEVERAL = new HashSet<>();
    private static final int LONGEST = 3;

    static {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            int type = Character.getType(c);
            if (type == Character.UNASSIGNED || type == Character.PRIVATE_USE || type == Character.SURROGATE) {
                continue;
            }
            int folded = fold(c);
            if (folded != c) {
                int[] known = CASES.getOrDefault(folded, new int[] {folded});
                int[] more = java.util.Arrays.copyOf(known, known.length + 1);
                more[known.length] = c;
                CASES.put(folded, more);
            }
            if (type <= Character.OTHER_LETTER || type == Character.NON_SPACING_MARK) {
                String several = Character.toString(c).toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
                if (several.codePointCount(0, several.length()) > 1) {
                    SEQUENCES.add(several);
                    FOLD_TO_SEVERAL.add(c);
                }
            }
        }
    }

    private CaseFolding() {}

    /** The Turkish i's fold to themselves. */
    static int fold(int c) {
        return c == 0x130 || c == 0x131 ? c : Character.toLowerCase(Character.toUpperCase(c));
    }

    static boolean hasOtherCases(int c) {
        return CASES.containsKey(fold(c));
    }

    /** {@return a set with the other cases of its characters} */
    static IntPredicate anyCase(IntPredicate set) {
        return c -> {
            if (set.test(c)) {
                return true;
            }
            int[] cases = CASES.get(fold(c));
            if (cases != null) {
                for (int other : cases) {
                    if (set.test(other)) {
                        return true;
                    }
                }
            }
            return false;
        };
    }

    static boolean foldsToSeveral(IntPredicate set) {
        return FOLD_TO_SEVERAL.stream().anyMatch(set::test);
    }

    /** {@return whether folded letters end with a sequence that is also a single character's folding} */
    static boolean endsWithFoldedCharacter(CharSequence folded) {
        for (int length = 2; length <= Math.min(LONGEST, folded.length()); length++) {
            if (SEQUENCES.contains(folded.subSequence(folded.length() - length, folded.length()).toString())) {
                return true;
            }
        }
        return false;
    }
}
