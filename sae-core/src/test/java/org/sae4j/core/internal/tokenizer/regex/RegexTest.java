package org.sae4j.core.internal.tokenizer.regex;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Splits and sets of characters are those of Oniguruma as tokenizers 0.23 calls it ({@code pre_tokenizers.Split}, "isolated"). */
class RegexTest {
    @ParameterizedTest
    @CsvSource(delimiter = '\u00a7', quoteCharacter = '`', textBlock = """
            a{2}?              § aaaa     § aa,aa
            a{1,3}+            § aaaaaaa  § aaaaaaa
            a{1,3}?            § aaaa     § a,a,a,a
            a{,2}              § aaaaa    § aa,aa,a
            a{                 § a{a      § a{,a
            ^b                 § ab~b~bb~ § ab~,b,~,b,b~
            a$                 § a~a~     § a,~,a,~
            ~^                 § a~       § a~
            (?m:.)             § ~        § ~
            (?<=a|bc)d         § adbcd    § a,d,bc,d
            (?=[A-Z])          § aBcD     § a,Bc,D
            (?<=[0-9])(?=[0-9])§ 123      § 1,2,3
            []a]               § a]b      § a,],b
            [[a-c]&&[b-d]]     § abcd     § a,b,c,d
            (?x: a b )         § ab       § ab
            x*                 § axb      § a,x,b
            a(?i)b|c           § aBC      § aB,C
            (?i)a|b            § AB       § A,B
            [a-z&&[^aeiou]]    § abc      § a,b,c
            a++                § aaa      § aaa
            a?+a               § aa       § aa
            (?>a|ab)c          § abc      § abc
            $                  § a~b      § a,~b
            (?:a{2}){2}        § aaaaa    § aaaa,a
            (?<n>a)            § a        § a
            """)
    void splitsAreThoseOfOniguruma(String pattern, String text, String pieces) {
        String whole = text.replace('~', '\n');
        RegexSearch search = Regex.of(pattern.replace('~', '\n')).search(whole, 0, whole.length());
        List<String> split = new ArrayList<>();
        int at = 0;
        while (search.next()) {
            split.add(whole.substring(at, search.start()));
            split.add(whole.substring(search.start(), search.end()));
            at = search.end();
        }
        split.add(whole.substring(at));
        assertThat(split.stream().filter(piece -> !piece.isEmpty()).toList()).containsExactly(pieces.replace('~', '\n').split(","));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            \\w                 |  144671 | 15621630088
            \\s                 |      25 | 141586
            \\d                 |     760 | 39891450
            \\h                 |      22 | 1527
            [[:word:]]         |  144665 | 15621628979
            [[:punct:]]        |    9369 | 649005466
            \\p{L}              |  141028 | 15240929258
            \\p{Lu}             |    1858 | 86924357
            \\p{Ll}             |    2258 | 104713123
            \\p{Lt}             |      31 | 220514
            \\p{Lm}             |     404 | 19538368
            \\p{Lo}             |  136477 | 15029532896
            \\p{M}              |    2501 | 316771473
            \\p{N}              |    1911 | 110651895
            \\p{P}              |     855 | 28835015
            \\p{S}              |    8514 | 620170451
            \\p{Z}              |      19 | 141398
            \\p{Han}            |   99030 | 12573883150
            \\p{Hiragana}       |     381 | 33455756
            \\p{Alphabetic}     |  142759 | 15314421907
            \\p{Emoji}          |    1431 | 162209198
            (?i:s)             |       3 | 581
            (?i:[^a-z])        | 1112010 | 620506861145
            [^\\w\\s]            |  967374 | 604885104315
            \\p{Cn}             |  819533 | 466275017146
            """)
    void setsAreThoseOfOniguruma(String pattern, int count, long sum) {
        assertThat(new RegexParser(pattern).parse()).isInstanceOfSatisfying(RegexNode.OneOf.class, oneOf -> {
            int found = 0;
            long total = 0;
            for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
                if (Character.getType(c) != Character.SURROGATE && oneOf.set().contains(c)) {
                    found++;
                    total += c;
                }
            }
            assertThat(found).isEqualTo(count);
            assertThat(total).isEqualTo(sum);
        });
    }
}
