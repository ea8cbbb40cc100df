package org.sae4j.core.internal.tokenizer;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;

/** Reads the normalizer of a {@code tokenizer.json}. */
final class NormalizerJson {
    private NormalizerJson() {}

    static TextNormalizer read(Optional<JsonFile> json) {
        List<TextNormalizer> steps = new ArrayList<>();
        json.ifPresent(step -> collect(step, steps));
        return steps.size() == 1 ? steps.getFirst() : new TextNormalizer.Sequence(List.copyOf(steps));
    }

    private static void collect(JsonFile json, List<TextNormalizer> steps) {
        String type = json.string("type").orElse("");
        switch (type) {
            case "NFC", "NFD", "NFKC", "NFKD" -> steps.add(new UnicodeForm(Normalizer.Form.valueOf(type)));
            case "Lowercase" -> steps.add(new TextNormalizer.Lowercase());
            case "StripAccents" -> steps.add(new TextNormalizer.StripAccents());
            case "Strip" -> steps.add(new TextNormalizer.Strip(json.flag("strip_left", true), json.flag("strip_right", true)));
            case "Prepend" -> steps.add(new TextNormalizer.Prepend(json.string("prepend").orElse("")));
            case "Replace" -> {
                PatternJson pattern = PatternJson.read(json);
                steps.add(new TextNormalizer.Replace(pattern.regex(), pattern.literal(), json.string("content").orElse("")));
            }
            case "ByteLevel" -> steps.add(new TextNormalizer.ByteCharacters());
            case "Sequence" -> json.objects("normalizers").forEach(element -> collect(element, steps));
            default -> throw new FormatException("normalizer \"" + type + "\" is not supported", json.at("type"), PatternJson.REMEDY);
        }
    }
}
