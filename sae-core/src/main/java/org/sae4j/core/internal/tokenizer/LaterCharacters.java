package org.sae4j.core.internal.tokenizer;

import java.util.BitSet;

/**
 * Characters that Java knows and that older tables within Hugging Face's tokenizers do not. Found by asking tokenizers 0.23 about every code
 * point.
 */
final class LaterCharacters {
    /** Characters that normalization forms change or reorder since a version after Unicode 9. */
    static final BitSet NORMALIZED = codePoints("7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1ace 1df6-1dfa 32ff a7f2-a7f4 a82c ab69 105c9 105e4 10781-10785 "
            + "10787-107b0 107b2-107ba 10d24-10d27 10d69-10d6d 10eab-10eac 10efd-10eff 10f46-10f50 10f82-10f85 11070 1133b 11383 "
            + "11385 1138e 11391 113c5 113c7-113c8 113ce-113d0 1145e 11839-1183a 11938 1193d-1193e 11943 119e0 11a34 11a47 11a99 "
            + "11d42 11d44-11d45 11d97 11f41-11f42 16121-16128 1612f 16d68-16d6a 16ff0-16ff1 1ccd6-1ccf9 1e030-1e06d 1e08f "
            + "1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1f16c 1fbf0-1fbf9");
    /** Marks since a version after Unicode 9. */
    static final BitSet MARKS = codePoints("7fd 897-89f 8ca-8d3 9fe afa-aff b55 c04 c3c cf3 d00 d3b-d3c d81 eba ece 1715 180f 1abf-1ace 1cf7 1df6-1dfa a82c a8ff "
            + "10d24-10d27 10d69-10d6d 10eab-10eac 10efc-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 11145-11146 111c9 "
            + "111ce-111cf 11241 1133b 113b8-113c0 113c2 113c5 113c7-113ca 113cc-113d0 113d2 113e1-113e2 1145e 1182c-1183a "
            + "11930-11935 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11a01-11a0a 11a33-11a39 "
            + "11a3b-11a3e 11a47 11a51-11a5b 11a8a-11a99 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d8a-11d8e 11d90-11d91 "
            + "11d93-11d97 11ef3-11ef6 11f00-11f01 11f03 11f34-11f3a 11f3e-11f42 11f5a 13440 13447-13455 1611e-1612f 16f4f "
            + "16f7f-16f87 16fe4 16ff0-16ff1 1cf00-1cf2d 1cf30-1cf46 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef");
    /** Punctuation since a version after Unicode 8. */
    static final BitSet PUNCTUATION = codePoints("61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead 10f55-10f59 10f86-10f89 113d4-113d5 "
            + "113d7-113d8 1144b-1144f 1145a-1145b 1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c "
            + "11a9e-11aa2 11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f "
            + "16e97-16e9a 16fe2 1e5ff 1e95e-1e95f");

    private LaterCharacters() {}

    private static BitSet codePoints(String ranges) {
        BitSet set = new BitSet();
        for (String range : ranges.split(" ")) {
            String[] ends = range.split("-");
            set.set(Integer.parseInt(ends[0], 16), Integer.parseInt(ends[ends.length - 1], 16) + 1);
        }
        return set;
    }

    /** {@return the characters of a set as a bracket of a regular expression has them} */
    static String inBracket(BitSet set) {
        StringBuilder bracket = new StringBuilder();
        for (int from = set.nextSetBit(0); from >= 0;) {
            int to = set.nextClearBit(from) - 1;
            bracket.append(String.format("\\x{%x}-\\x{%x}", from, to));
            from = set.nextSetBit(to + 1);
        }
        return bracket.toString();
    }
}
