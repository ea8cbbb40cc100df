package org.sae4j.core.internal.tokenizer;

import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.tokenizer.regex.Regex;

/**
 * Reads the pattern of a step.
 *
 * @param regex the pattern
 * @param literal the text that it stands for, or empty if it is an expression
 */
record PatternJson(Regex regex, String literal) {
    /** What to do where a tokenizer cannot be run as it is. */
    static final String REMEDY = "use a tokenizer without it; results would differ from Hugging Face's";

    static PatternJson read(JsonFile step) {
        JsonFile pattern = step.object("pattern").orElseThrow(() -> new FormatException("no pattern", step.where(), REMEDY));
        String literal = pattern.string("String").orElse("");
        if (pattern.has("String")) {
            return new PatternJson(Regex.literal(literal), literal);
        }
        return new PatternJson(regex(pattern.string("Regex").orElse(""), pattern.at("Regex")), "");
    }

    static Regex regex(String pattern, String where) {
        try {
            return Regex.of(pattern);
        } catch (IllegalArgumentException e) {
            throw new FormatException("the pattern \"" + pattern + "\" is not supported: " + e.getMessage(), where, REMEDY, e);
        }
    }
}
