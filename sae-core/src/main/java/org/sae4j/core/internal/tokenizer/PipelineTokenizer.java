package org.sae4j.core.internal.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.internal.tokenizer.AddedTokens.AddedToken;

/**
 * A tokenizer of parts, in the order of Hugging Face's: added tokens are cut out of the text, the rest is normalized, added tokens of the
 * normalized text are cut out, what is left is split into pieces, a model turns each into tokens, and a post-processor adds some around.
 */
public final class PipelineTokenizer implements Tokenizer {
    private final TokenizerSpec spec;
    private final AddedTokens rawTokens;
    private final AddedTokens normalizedTokens;
    /** Added tokens as they are decoded: those of the normalized text in its form. */
    private final Map<Integer, String> added = new HashMap<>();
    private final BitSet special = new BitSet();
    private final WordCache cache;
    private final OptionalInt bos;

    PipelineTokenizer(TokenizerSpec spec) {
        this.spec = spec;
        this.rawTokens = new AddedTokens(spec.added().stream().filter(token -> !token.normalized()).toList(), content -> content);
        this.normalizedTokens = new AddedTokens(spec.added().stream().filter(AddedToken::normalized).toList(), spec.normalizer()::apply);
        for (AddedToken token : spec.added()) {
            added.put(token.id(), token.normalized() ? spec.normalizer().apply(token.content()) : token.content());
            special.set(token.id(), token.special());
        }
        this.cache = new WordCache(spec.model()::encode);
        this.bos = firstAdded();
    }

    private PipelineTokenizer(PipelineTokenizer other, OptionalInt bos) {
        this.spec = other.spec;
        this.rawTokens = other.rawTokens;
        this.normalizedTokens = other.normalizedTokens;
        this.added.putAll(other.added);
        this.special.or(other.special);
        this.cache = other.cache;
        this.bos = bos;
    }

    /** {@return this tokenizer with another token that begins every context} */
    public PipelineTokenizer withBos(OptionalInt id) {
        return new PipelineTokenizer(this, id);
    }

    private OptionalInt firstAdded() {
        List<Integer> before = spec.postProcessor().before();
        return before.isEmpty() ? OptionalInt.empty() : OptionalInt.of(before.getFirst());
    }

    /** {@return the id of a token of the vocabulary} */
    public OptionalInt id(String token) {
        return spec.vocabulary().find(token);
    }

    /** {@return whether there is a token with this id} */
    public boolean contains(int id) {
        return spec.vocabulary().contains(id);
    }

    /** {@return what kind of tokenizer it is, in words} */
    public String description() {
        return spec.description();
    }

    @Override
    public Encoding encode(String text) {
        return encode(text, false);
    }

    @Override
    public Encoding encodeWithSpecialTokens(String text) {
        return encode(text, true);
    }

    private Encoding encode(String text, boolean withSpecial) {
        String sound = withoutUnpairedSurrogates(text);
        EncodedTokens tokens = new EncodedTokens(sound.length() / 3);
        rawTokens.split(sound, new AddedTokens.Sink() {
            @Override
            public void token(int id, int from, int to) {
                tokens.addMatched(id, from, to, sound.substring(from, to));
            }

            @Override
            public void text(int from, int to) {
                normalized(spec.normalizer().apply(AlignedText.original(sound).part(from, to)), tokens);
            }
        });
        return spec.postProcessor().apply(tokens, sound, withSpecial, spec.vocabulary()).encoding();
    }

    private void normalized(AlignedText text, EncodedTokens tokens) {
        String s = text.text();
        normalizedTokens.split(s, new AddedTokens.Sink() {
            @Override
            public void token(int id, int from, int to) {
                tokens.addMatched(id, text.start(from), text.end(to - 1), s.substring(from, to));
            }

            @Override
            public void text(int from, int to) {
                spec.preTokenizer().split(text, from, to, (piece, begin, end) -> word(piece, begin, end, tokens));
            }
        });
    }

    private void word(AlignedText text, int from, int to, EncodedTokens tokens) {
        if ((tokens.size() & Interrupts.MASK) == 0) {
            Interrupts.check();
        }
        Word word = cache.get(text.text(), from, to);
        for (int i = 0; i < word.ids().length; i++) {
            tokens.add(word.ids()[i], text.start(from + word.starts()[i]), text.end(from + word.ends()[i] - 1));
        }
    }

    private static String withoutUnpairedSurrogates(String text) {
        char[] units = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    units = units == null ? text.toCharArray() : units;
                    units[i] = '\ufffd';
                }
            }
        }
        return units == null ? text : new String(units);
    }

    @Override
    public String decode(int... tokens) {
        List<String> texts = Arrays.stream(tokens).mapToObj(this::entry).collect(Collectors.toList());
        return texts.isEmpty() ? "" : String.join("", spec.decoder().apply(texts));
    }

    @Override
    public String decodeWithoutSpecialTokens(int... tokens) {
        return decode(IntStream.of(tokens).filter(id -> !isSpecial(id)).toArray());
    }

    @Override
    public String entry(int id) {
        String whole = added.get(id);
        return whole == null ? spec.vocabulary().text(id) : whole;
    }

    @Override
    public boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }

    @Override
    public String token(int id) {
        if (added.containsKey(id)) {
            return spec.vocabulary().text(id);
        }
        byte[] token = spec.display().bytes(spec.vocabulary().text(id));
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(token)).toString();
        } catch (CharacterCodingException partOfCharacter) {
            return ByteLevel.readable(token);
        }
    }

    @Override
    public int vocabularySize() {
        return spec.vocabulary().size();
    }

    @Override
    public OptionalInt bos() {
        return bos;
    }
}
