package org.sae4j.benchmarks;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sae4j.api.model.Tokenizer;

/** A tokenizer of numbers: the text of a token is its id, with a space before it. */
final class Words implements Tokenizer {
    private static final Pattern WORD = Pattern.compile(" ?(\\d+)");

    private final int size;

    Words(int size) {
        this.size = size;
    }

    @Override
    public Encoding encode(String text) {
        MatchResult[] words = WORD.matcher(text).results().toArray(MatchResult[]::new);
        return new Encoding(Arrays.stream(words).mapToInt(word -> Integer.parseInt(word.group(1))).toArray(),
                Arrays.stream(words).mapToInt(MatchResult::start).toArray(), Arrays.stream(words).mapToInt(MatchResult::end).toArray());
    }

    @Override
    public String decode(int... ids) {
        return Arrays.stream(ids).mapToObj(this::token).collect(Collectors.joining());
    }

    @Override
    public String token(int id) {
        return " " + id;
    }

    @Override
    public int vocabularySize() {
        return size;
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.empty();
    }
}
