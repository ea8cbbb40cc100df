package org.sae4j.core.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import org.sae4j.core.internal.tokenizer.AddedTokens.AddedToken;

/**
 * The parts of a tokenizer. Readers of files make them.
 *
 * @param description what kind it is, in words
 * @param vocabulary all tokens
 * @param added those that are matched as a whole, before a text is split
 * @param normalizer changes the text
 * @param preTokenizer splits it into pieces
 * @param model turns pieces into tokens
 * @param postProcessor adds tokens around those of a text
 * @param decoder turns tokens into text
 * @param display how tokens are written
 */
record TokenizerSpec(String description, Vocabulary vocabulary, List<AddedToken> added, TextNormalizer normalizer,
        PreTokenizer preTokenizer, TokenModel model, PostProcessor postProcessor, TokenDecoder decoder, Writing display) {
    /** How the tokens of a vocabulary are written. */
    enum Writing {
        /** Bytes as GPT-2's characters. */
        BYTE_CHARACTERS,
        /** Spaces as U+2581, bytes as {@code <0x..>}. */
        SENTENCE_PIECE,
        /** As they are. */
        PLAIN;

        private static final Pattern BYTE = Pattern.compile("<0x\\p{XDigit}{2}>");

        /** {@return the bytes of the text that a token stands for} */
        byte[] bytes(String token) {
            byte[] utf8 = token.getBytes(StandardCharsets.UTF_8);
            return switch (this) {
                case PLAIN -> utf8;
                case BYTE_CHARACTERS -> {
                    byte[] bytes = ByteLevel.toBytes(token);
                    yield bytes == null ? utf8 : bytes;
                }
                case SENTENCE_PIECE -> BYTE.matcher(token).matches() ? new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)}
                        : token.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8);
            };
        }
    }
}
