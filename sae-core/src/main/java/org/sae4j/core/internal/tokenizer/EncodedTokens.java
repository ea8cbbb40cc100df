package org.sae4j.core.internal.tokenizer;

import java.util.HashMap;
import java.util.Map;
import org.sae4j.api.model.Tokenizer.Encoding;

/** The tokens of a text while they are collected. */
final class EncodedTokens {
    private final IntList ids;
    private final IntList starts;
    private final IntList ends;
    /** What added tokens matched, by place. */
    private final Map<Integer, String> matched = new HashMap<>();

    EncodedTokens(int capacity) {
        ids = new IntList(capacity);
        starts = new IntList(capacity);
        ends = new IntList(capacity);
    }

    void add(int id, int start, int end) {
        ids.add(id);
        starts.add(start);
        ends.add(end);
    }

    void addMatched(int id, int start, int end, String text) {
        matched.put(ids.size(), text);
        add(id, start, end);
    }

    void addAll(EncodedTokens others) {
        others.matched.forEach((index, text) -> matched.put(ids.size() + index, text));
        for (int i = 0; i < others.size(); i++) {
            add(others.ids.get(i), others.starts.get(i), others.ends.get(i));
        }
    }

    int size() {
        return ids.size();
    }

    int start(int index) {
        return starts.get(index);
    }

    int end(int index) {
        return ends.get(index);
    }

    void move(int index, int start, int end) {
        starts.set(index, start);
        ends.set(index, end);
    }

    /** {@return what an added token matched, or the token of the vocabulary} */
    String text(int index, Vocabulary vocabulary) {
        String text = matched.get(index);
        return text == null ? vocabulary.text(ids.get(index)) : text;
    }

    Encoding encoding() {
        return new Encoding(ids.toArray(), starts.toArray(), ends.toArray());
    }
}
