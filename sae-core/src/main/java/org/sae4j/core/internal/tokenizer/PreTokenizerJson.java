package org.sae4j.core.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.tokenizer.BytePairModel.Alphabet;
import org.sae4j.core.internal.tokenizer.PatternSplit.Behavior;
import org.sae4j.core.internal.tokenizer.regex.Regex;

/**
 * Reads the pre-tokenizer of a {@code tokenizer.json}.
 *
 * @param splitter what splits a text
 * @param alphabet the first symbols of the pieces: bytes, if the last step writes pieces as bytes and the model can do it itself
 */
record PreTokenizerJson(PreTokenizer splitter, Alphabet alphabet) {
    private static final int MOST_STEPS = 64;
    private static final String PUNCTUATION = "[\\p{P}$+<=>^`|~&&[^" + LaterCharacters.inBracket(LaterCharacters.PUNCTUATION) + "]]";
    private static final String WORDS = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}]+"
            + "|[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}\\s]+";

    static PreTokenizerJson read(Optional<JsonFile> json, boolean modelReadsBytes) {
        List<JsonFile> steps = new ArrayList<>();
        json.ifPresent(step -> collect(step, steps));
        List<PreTokenizer> splitters = new ArrayList<>();
        Alphabet alphabet = Alphabet.CHARACTERS;
        for (JsonFile step : steps) {
            if (type(step).equals("ByteLevel")) {
                byteLevel(step, splitters);
                if (modelReadsBytes && step == steps.getLast()) {
                    alphabet = Alphabet.BYTES;
                } else {
                    splitters.add(PreTokenizer.changing(new TextNormalizer.ByteCharacters()));
                }
            } else {
                splitters.add(splitter(step));
            }
        }
        return new PreTokenizerJson(PreTokenizer.sequence(List.copyOf(splitters)), alphabet);
    }

    private static String type(JsonFile json) {
        return json.string("type").orElse("");
    }

    private static void collect(JsonFile json, List<JsonFile> steps) {
        if (type(json).equals("Sequence")) {
            json.objects("pretokenizers").forEach(element -> collect(element, steps));
        } else {
            steps.add(json);
        }
        if (steps.size() > MOST_STEPS) {
            throw new FormatException("the pre-tokenizer has more than " + MOST_STEPS + " steps", json.where(), PatternJson.REMEDY);
        }
    }

    private static void byteLevel(JsonFile json, List<PreTokenizer> splitters) {
        if (json.flag("add_prefix_space", true)) {
            splitters.add(PreTokenizer.leadingSpace());
        }
        if (json.flag("use_regex", true)) {
            splitters.add(new Gpt2Words());
        }
    }

    private static PreTokenizer splitter(JsonFile json) {
        String type = type(json);
        return switch (type) {
            case "Digits" -> new PatternSplit(Regex.of("\\p{N}"), json.flag("individual_digits", false) ? Behavior.ISOLATED
                    : Behavior.CONTIGUOUS, false);
            case "Split" -> split(json);
            case "Metaspace" -> metaspace(json);
            case "Whitespace" -> new PatternSplit(Regex.of(WORDS), Behavior.REMOVED, true);
            case "WhitespaceSplit" -> whitespace();
            case "Punctuation" -> new PatternSplit(Regex.of(PUNCTUATION), json.has("behavior") ? behavior(json) : Behavior.ISOLATED, false);
            case "BertPreTokenizer" -> PreTokenizer.sequence(List.of(whitespace(),
                    new PatternSplit(Regex.of(PUNCTUATION), Behavior.ISOLATED, false)));
            case "CharDelimiterSplit" -> new PatternSplit(Regex.literal(json.string("delimiter").orElse("")), Behavior.REMOVED, false);
            default -> throw new FormatException("pre-tokenizer \"" + type + "\" is not supported", json.at("type"), PatternJson.REMEDY);
        };
    }

    private static PreTokenizer whitespace() {
        return new PatternSplit(Regex.of("\\s"), Behavior.REMOVED, false);
    }

    private static PreTokenizer metaspace(JsonFile json) {
        String scheme = json.string("prepend_scheme").orElse("always");
        boolean never = json.has("add_prefix_space") && !json.flag("add_prefix_space", true);
        PreTokenizer.Prepend prepend = switch (scheme) {
            case "always" -> never ? PreTokenizer.Prepend.NEVER : PreTokenizer.Prepend.ALWAYS;
            case "first" -> never ? PreTokenizer.Prepend.NEVER : PreTokenizer.Prepend.FIRST;
            case "never" -> PreTokenizer.Prepend.NEVER;
            default -> throw new FormatException("prepend scheme \"" + scheme + "\" is not known", json.at("prepend_scheme"),
                    PatternJson.REMEDY);
        };
        return PreTokenizer.metaspace(json.string("replacement").orElse("\u2581"), prepend, json.flag("split", true));
    }

    private static Behavior behavior(JsonFile json) {
        return switch (json.string("behavior").orElse("")) {
            case "Removed" -> Behavior.REMOVED;
            case "Isolated" -> Behavior.ISOLATED;
            case "MergedWithPrevious" -> Behavior.MERGED_WITH_PREVIOUS;
            case "MergedWithNext" -> Behavior.MERGED_WITH_NEXT;
            case "Contiguous" -> Behavior.CONTIGUOUS;
            default -> throw new FormatException("the behavior is not known", json.at("behavior"), PatternJson.REMEDY);
        };
    }

    private static PreTokenizer split(JsonFile json) {
        PatternJson pattern = PatternJson.read(json);
        Behavior behavior = behavior(json);
        boolean invert = json.flag("invert", false);
        boolean gpt2 = pattern.regex().toString().equals(Gpt2Words.PATTERN) && pattern.literal().isEmpty();
        return gpt2 && (behavior == Behavior.ISOLATED || behavior == Behavior.REMOVED && invert) ? new Gpt2Words()
                : new PatternSplit(pattern.regex(), behavior, invert);
    }
}
