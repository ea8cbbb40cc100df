package org.sae4j.core.activations;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;

/**
 * Documents of files, read one after the other: memory holds one document, or a piece of a plain text. For one thread, and for one pass.
 */
public abstract sealed class Corpus implements AutoCloseable {
    final CorpusReader reader;
    private final String kind;

    private Corpus(String kind, List<Path> files) {
        if (files.isEmpty()) {
            throw new IllegalArgumentException("a corpus needs a file");
        }
        this.kind = kind;
        reader = new CorpusReader(files);
    }

    /**
     * A document, or a part of one.
     *
     * @param label the document's label; empty if it has none
     * @param text the text
     * @param begins whether a document begins here; otherwise the one before goes on
     */
    public record Piece(String label, String text, boolean begins) {}

    /**
     * Plain texts: each file is one document, and comes in pieces.
     *
     * @param files in UTF-8
     * @return the corpus; the caller closes it
     * @throws Sae4jException if a file is missing
     */
    public static Corpus text(List<Path> files) {
        return new Plain(files);
    }

    /**
     * JSON objects, one a line, with the text in a field.
     *
     * @param files in UTF-8
     * @param field the name of the field
     * @return the corpus; the caller closes it
     * @throws Sae4jException if a file is missing
     */
    public static Corpus jsonl(List<Path> files, String field) {
        return new JsonLines(files, field);
    }

    /**
     * Labelled texts, one a line, as {@link DataFiles#corpus(Path)} reads them.
     *
     * @param files in UTF-8
     * @return the corpus; the caller closes it
     * @throws Sae4jException if a file is missing
     */
    public static Corpus labelled(List<Path> files) {
        return new Labelled(files);
    }

    /**
     * Reads on.
     *
     * @return the next piece, or empty after the last
     * @throws Sae4jException if a file cannot be read, is not UTF-8 or not of the form it should have
     * @throws IllegalStateException after close
     */
    public final Optional<Piece> next() {
        reader.requireOpen();
        return read();
    }

    abstract Optional<Piece> read();

    /**
     * All documents that are left, in memory.
     *
     * @param progress told of bytes read, asked for cancellation
     * @return the documents in order
     * @throws Sae4jException as {@link #next}
     * @throws IllegalStateException after close
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public final List<Document> documents(Progress progress) {
        List<Document> documents = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        String label = "";
        boolean open = false;
        for (Optional<Piece> next = next(); next.isPresent(); next = next()) {
            progress.checkCancelled();
            Piece piece = next.get();
            if (piece.begins() && open) {
                documents.add(new Document(label, text.toString()));
                text.setLength(0);
            }
            open = true;
            label = piece.begins() ? piece.label() : label;
            text.append(piece.text());
            progress.update("reading texts", bytesRead(), bytes());
        }
        if (open) {
            documents.add(new Document(label, text.toString()));
        }
        return documents;
    }

    /** {@return what kind of files it reads, in a word or two} */
    public String kind() {
        return kind;
    }

    /** {@return bytes read so far, about} */
    public long bytesRead() {
        return reader.bytesRead();
    }

    /** {@return bytes of all files} */
    public long bytes() {
        return reader.bytes();
    }

    /** Closes the file that is open. Closing twice has no effect. */
    @Override
    public void close() {
        reader.close();
    }

    private static final class Plain extends Corpus {
        private final char[] chars = new char[1 << 16];
        private boolean open;

        Plain(List<Path> files) {
            super("text", files);
        }

        @Override
        Optional<Piece> read() {
            boolean begins = !open;
            if (!open && !reader.nextFile()) {
                return Optional.empty();
            }
            open = true;
            int some = reader.read(chars);
            if (some < 0) {
                open = false;
                return begins ? Optional.of(new Piece("", "", true)) : read();
            }
            return Optional.of(new Piece("", new String(chars, 0, some), begins));
        }
    }

    private static final class JsonLines extends Corpus {
        private final String field;

        JsonLines(List<Path> files, String field) {
            super("jsonl field " + field, files);
            this.field = field;
        }

        @Override
        Optional<Piece> read() {
            String line = reader.nextLine();
            if (line == null) {
                return Optional.empty();
            }
            String where = reader.file() + " line " + reader.line();
            JsonNode text;
            try {
                text = JsonReader.read(line).path(field);
            } catch (JsonException e) {
                throw new Sae4jException("the line is not JSON: " + e.reason(), where,
                        "write one object a line", e);
            }
            if (!text.isString()) {
                throw new Sae4jException("no text in the field '" + field + "'", where, "name the field that holds the text");
            }
            return Optional.of(new Piece("", text.stringValue(), true));
        }
    }

    private static final class Labelled extends Corpus {
        Labelled(List<Path> files) {
            super("labeled texts", files);
        }

        @Override
        Optional<Piece> read() {
            @Nullable String line = reader.nextLine();
            if (line == null) {
                return Optional.empty();
            }
            Document document = DataFiles.document(line, reader.file().toString(), reader.line());
            return Optional.of(new Piece(document.label(), document.text(), true));
        }
    }
}
