package org.sae4j.core.internal.tokenizer;

/** Collects the tokens of the parts of a piece. */
final class Words {
    private final IntList ids = new IntList(16);
    private final IntList starts = new IntList(16);
    private final IntList ends = new IntList(16);

    /** Adds a part that begins some units after the piece. */
    void add(Word part, int offset) {
        for (int i = 0; i < part.ids().length; i++) {
            ids.add(part.ids()[i]);
            starts.add(offset + part.starts()[i]);
            ends.add(offset + part.ends()[i]);
        }
    }

    /** Adds a token. */
    void add(int id, int start, int end) {
        ids.add(id);
        starts.add(start);
        ends.add(end);
    }

    Word join() {
        return new Word(ids.toArray(), starts.toArray(), ends.toArray());
    }
}
