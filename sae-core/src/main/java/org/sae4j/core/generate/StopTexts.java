package org.sae4j.core.generate;

import java.util.List;
import org.sae4j.api.model.Tokenizer;

/**
 * Texts at which generation stops, wherever they come about: within a token, or over several. The token that completes one is still
 * generated; {@link #cut} gives the text before it.
 *
 * @param tokenizer the model's tokenizer
 * @param texts the texts, none of them empty
 */
public record StopTexts(Tokenizer tokenizer, List<String> texts) {
    /**
     * Checks and copies.
     *
     * @throws IllegalArgumentException if a text is empty
     */
    public StopTexts {
        texts = List.copyOf(texts);
        if (texts.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a text at which generation stops cannot be empty");
        }
    }

    /** Whether the text of some tokens has one of the texts. */
    boolean in(int[] tokens) {
        String text = tokenizer.decode(tokens);
        return texts.stream().anyMatch(text::contains);
    }

    /**
     * A text up to the first of these texts in it.
     *
     * @param text any text
     * @return its beginning, or all of it if none of the texts is in it
     */
    public String cut(String text) {
        int end = texts.stream().mapToInt(text::indexOf).filter(at -> at >= 0).min().orElse(text.length());
        return text.substring(0, end);
    }
}
