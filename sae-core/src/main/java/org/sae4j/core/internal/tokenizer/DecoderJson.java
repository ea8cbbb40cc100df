package org.sae4j.core.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;

/** Reads the decoder of a {@code tokenizer.json}. */
final class DecoderJson {
    private DecoderJson() {}

    static TokenDecoder read(Optional<JsonFile> json) {
        return json.map(DecoderJson::decoder).orElse(new TokenDecoder.Spaces());
    }

    private static TokenDecoder decoder(JsonFile json) {
        String type = json.string("type").orElse("");
        return switch (type) {
            case "ByteLevel" -> new TokenDecoder.Bytes();
            case "ByteFallback" -> new TokenDecoder.ByteFallback();
            case "Fuse" -> new TokenDecoder.Fuse();
            case "Strip" -> new TokenDecoder.Strip(character(json), json.integer("start").orElse(0), json.integer("stop").orElse(0));
            case "Replace" -> new TokenDecoder.Replace(PatternJson.read(json).regex(), json.string("content").orElse(""));
            case "Metaspace" -> new TokenDecoder.Metaspace(json.string("replacement").orElse("\u2581"),
                    json.flag("add_prefix_space", true) && !json.string("prepend_scheme").orElse("always").equals("never"));
            case "BPEDecoder" -> new TokenDecoder.WordEnds(json.string("suffix").orElse("</w>"));
            case "WordPiece" -> new TokenDecoder.WordParts(json.string("prefix").orElse("##"), json.flag("cleanup", true));
            case "Sequence" -> {
                List<TokenDecoder> steps = new ArrayList<>();
                json.objects("decoders").forEach(element -> steps.add(decoder(element)));
                yield new TokenDecoder.Sequence(List.copyOf(steps));
            }
            default -> throw new FormatException("decoder \"" + type + "\" is not supported", json.at("type"), PatternJson.REMEDY);
        };
    }

    private static int character(JsonFile json) {
        String content = json.string("content").orElse("");
        if (content.codePointCount(0, content.length()) != 1) {
            throw new FormatException("expected one character", json.at("content"), "download the tokenizer again");
        }
        return content.codePointAt(0);
    }

    /** {@return how tokens are written that a decoder reads} */
    static TokenizerSpec.Writing writing(TokenDecoder decoder) {
        return switch (decoder) {
            case TokenDecoder.Bytes bytes -> TokenizerSpec.Writing.BYTE_CHARACTERS;
            case TokenDecoder.ByteFallback fallback -> TokenizerSpec.Writing.SENTENCE_PIECE;
            case TokenDecoder.Metaspace metaspace -> TokenizerSpec.Writing.SENTENCE_PIECE;
            case TokenDecoder.Replace replace -> replace.pattern().toString().equals("\u2581") ? TokenizerSpec.Writing.SENTENCE_PIECE
                    : TokenizerSpec.Writing.PLAIN;
            case TokenDecoder.Sequence sequence -> sequence.steps().stream().map(DecoderJson::writing)
                    .filter(writing -> writing != TokenizerSpec.Writing.PLAIN).findFirst().orElse(TokenizerSpec.Writing.PLAIN);
            default -> TokenizerSpec.Writing.PLAIN;
        };
    }
}
