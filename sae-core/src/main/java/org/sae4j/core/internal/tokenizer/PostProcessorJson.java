package org.sae4j.core.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;

/** Reads the post-processor of a {@code tokenizer.json}. */
final class PostProcessorJson {
    private final Vocabulary vocabulary;

    private PostProcessorJson(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    static PostProcessor read(Optional<JsonFile> json, Vocabulary vocabulary) {
        List<PostProcessor> steps = new ArrayList<>();
        json.ifPresent(step -> new PostProcessorJson(vocabulary).collect(step, steps));
        return new PostProcessor.Sequence(List.copyOf(steps));
    }

    private void collect(JsonFile json, List<PostProcessor> steps) {
        String type = json.string("type").orElse("");
        switch (type) {
            case "ByteLevel" -> trim(json, steps);
            case "TemplateProcessing" -> steps.add(template(json));
            case "RobertaProcessing" -> {
                trim(json, steps);
                steps.add(ends(json));
            }
            case "BertProcessing" -> steps.add(ends(json));
            case "Sequence" -> json.objects("processors").forEach(element -> collect(element, steps));
            default -> throw new FormatException("post-processor \"" + type + "\" is not supported", json.at("type"), PatternJson.REMEDY);
        }
    }

    private static void trim(JsonFile json, List<PostProcessor> steps) {
        if (json.flag("trim_offsets", true)) {
            steps.add(new PostProcessor.TrimOffsets(json.flag("add_prefix_space", true)));
        }
    }

    private PostProcessor ends(JsonFile json) {
        return new PostProcessor.Template(List.of(second(json, "cls")), List.of(second(json, "sep")));
    }

    /** The id in a pair of a token and its id. */
    private int second(JsonFile json, String key) {
        JsonNode pair = json.get(key);
        if (pair == null || !pair.isArray() || pair.size() != 2) {
            throw new FormatException("expected a token and its id", json.at(key), "download the tokenizer again");
        }
        return id(pair.get(1), json.at(key));
    }

    private int id(JsonNode node, String where) {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || !vocabulary.contains(node.intValue())) {
            throw new FormatException("expected an id of the vocabulary, found " + node, where, "download the tokenizer again");
        }
        return node.intValue();
    }

    private PostProcessor template(JsonFile json) {
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        int texts = 0;
        for (JsonFile piece : json.objects("single")) {
            Optional<JsonFile> token = piece.object("SpecialToken");
            if (token.isPresent()) {
                List<Integer> ids = texts == 0 ? before : after;
                ids.addAll(special(json, token.get().string("id").orElse("")));
            } else if (piece.object("Sequence").flatMap(text -> text.string("id")).orElse("").equals("A")) {
                texts++;
            } else {
                throw new FormatException("expected a SpecialToken, or the Sequence A", piece.where(), PatternJson.REMEDY);
            }
        }
        if (texts != 1) {
            throw new FormatException("the template has the text " + texts + " times, not once", json.at("single"), PatternJson.REMEDY);
        }
        return new PostProcessor.Template(List.copyOf(before), List.copyOf(after));
    }

    private List<Integer> special(JsonFile json, String name) {
        JsonNode tokens = json.get("special_tokens");
        JsonNode token = tokens == null ? null : tokens.get(name);
        JsonNode ids = token == null ? null : token.get("ids");
        if (ids == null || !ids.isArray()) {
            throw new FormatException("the special token \"" + name + "\" has no ids", json.at("special_tokens"),
                    "download the tokenizer again");
        }
        List<Integer> all = new ArrayList<>();
        ids.forEach(id -> all.add(id(id, json.at("special_tokens"))));
        return all;
    }
}
