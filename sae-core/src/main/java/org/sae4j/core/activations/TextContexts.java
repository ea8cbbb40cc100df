package org.sae4j.core.activations;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.TextSplitter;
import org.sae4j.api.model.Tokenization;

/** Texts of files as contexts. */
public final class TextContexts implements Contexts {
    private final Corpus corpus;
    private final Tokenization tokenization;
    private final TextSplitter splitter;
    private boolean ended;
    private boolean closed;

    /**
     * Prepares; nothing is read yet.
     *
     * @param corpus the texts; closed with this
     * @param tokenization how they become contexts, and which tokens count
     */
    public TextContexts(Corpus corpus, Tokenization tokenization) {
        this.corpus = corpus;
        this.tokenization = tokenization;
        splitter = tokenization.splitter();
    }

    @Override
    public Map<String, String> description() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("kind", corpus.kind());
        map.putAll(tokenization.description());
        return map;
    }

    @Override
    public Optional<Context> next() {
        if (closed) {
            throw new IllegalStateException("the contexts are closed");
        }
        while (true) {
            Optional<Context> next = splitter.next();
            if (next.isPresent() || ended) {
                return next;
            }
            Optional<Corpus.Piece> piece = corpus.next();
            if (piece.isPresent()) {
                splitter.add(piece.get().text(), piece.get().begins());
            } else {
                ended = true;
                splitter.end();
            }
        }
    }

    @Override
    public long bytesRead() {
        return corpus.bytesRead();
    }

    @Override
    public long bytes() {
        return corpus.bytes();
    }

    @Override
    public void close() {
        closed = true;
        corpus.close();
    }
}
