package org.sae4j.core.internal.tokenizer;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;

/** Tokens and their ids: those of a model, and those that were added to it. */
final class Vocabulary {
    /** How far ids may be scattered. */
    private static final long SPREAD = 65_536;

    private final String where;
    private final Map<String, Integer> ids;
    private @Nullable String[] texts;
    private int largest = -1;
    private int modelSize;

    /**
     * An empty vocabulary.
     *
     * @param where its source, for messages
     * @param capacity about how many tokens there will be
     */
    Vocabulary(String where, int capacity) {
        this.where = where;
        ids = HashMap.newHashMap(capacity);
        texts = new String[Math.max(16, capacity)];
    }

    /**
     * Adds a token of the model.
     *
     * @throws FormatException if the id is negative, has a token, or is far beyond the others
     */
    void add(String text, int id, long total) {
        if (id < 0 || id < texts.length && texts[id] != null) {
            throw new FormatException("ids must be different integers from 0, found " + id + " for \"" + text + '"', where,
                    "download the tokenizer again");
        }
        if (id > 2 * total + SPREAD) {
            throw new FormatException("the largest id is " + id + " for " + total + " tokens", where, "download the tokenizer again");
        }
        put(text, id);
        modelSize++;
    }

    /**
     * Adds a token to those of the model. Its id is the model's, if the model has it, and otherwise the next one that is free.
     *
     * @param id the id that the file gives it
     * @throws FormatException if that is another id
     */
    void addToModel(String text, int id, int next, String at) {
        int expected = ids.getOrDefault(text, next);
        if (expected != id || id < texts.length && texts[id] != null && !text.equals(texts[id])) {
            throw new FormatException("added token \"" + text + "\" with id " + id + " contradicts the vocabulary, in which it is "
                    + expected, at, "download the tokenizer again");
        }
        if (!ids.containsKey(text)) {
            put(text, id);
        }
    }

    private void put(String text, int id) {
        if (id >= texts.length) {
            texts = Arrays.copyOf(texts, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(id + 1L, 2L * texts.length)));
        }
        texts[id] = text;
        ids.put(text, id);
        largest = Math.max(largest, id);
    }

    /** {@return the id of a token, or -1} */
    int id(String text) {
        return ids.getOrDefault(text, -1);
    }

    /** {@return the id of a token, or empty} */
    OptionalInt find(String text) {
        Integer id = ids.get(text);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** {@return whether there is a token with this id} */
    boolean contains(int id) {
        return id >= 0 && id <= largest && texts[id] != null;
    }

    /**
     * The text of a token.
     *
     * @throws IndexOutOfBoundsException if there is none
     */
    String text(int id) {
        String text = id >= 0 && id <= largest ? texts[id] : null;
        if (text == null) {
            throw new IndexOutOfBoundsException("token " + id + " is not in the vocabulary of " + size());
        }
        return text;
    }

    /** {@return one more than the largest id} */
    int size() {
        return largest + 1;
    }

    /** {@return the number of the model's own tokens} */
    int modelSize() {
        return modelSize;
    }

    Map<String, Integer> ids() {
        return Collections.unmodifiableMap(ids);
    }

    String where() {
        return where;
    }
}
