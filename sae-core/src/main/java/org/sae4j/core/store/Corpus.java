package org.sae4j.core.store;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
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
     * @param text the text
     * @param begins whether a document begins here; otherwise the one before goes on
     */
    public record Piece(String text, boolean begins) {}

    /**
     * Plain texts: each file is one document. A long file comes in pieces of about a hundred thousand characters, cut at line ends where
     * the tokens on both sides are the same as without the cut.
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
        private static final int PIECE = 100_000;
        /** If no line ends where tokens end too, a piece ends anywhere. */
        private static final int LONGEST = 1 << 20;

        private final StringBuilder text = new StringBuilder();
        private final char[] chars = new char[1 << 14];
        private boolean open;
        private boolean begins;

        Plain(List<Path> files) {
            super("text", files);
        }

        @Override
        Optional<Piece> read() {
            while (true) {
                if (!open) {
                    if (!reader.nextFile()) {
                        return Optional.empty();
                    }
                    open = true;
                    begins = true;
                }
                int cut = cut();
                int some = 0;
                while (cut < 0 && some >= 0) {
                    some = reader.read(chars);
                    text.append(chars, 0, Math.max(0, some));
                    cut = cut();
                }
                if (cut < 0) {
                    open = false;
                    cut = text.length();
                }
                if (cut > 0) {
                    Piece piece = new Piece(text.substring(0, cut), begins);
                    text.delete(0, cut);
                    begins = false;
                    return Optional.of(piece);
                }
            }
        }

        /** Where the text can be cut, or -1: after a single line feed between other characters than white space. */
        private int cut() {
            for (int at = Math.max(2, PIECE); at < Math.min(text.length(), LONGEST); at++) {
                if (text.charAt(at - 1) == '\n' && !Character.isWhitespace(text.charAt(at - 2))
                        && !Character.isWhitespace(text.charAt(at))) {
                    return at;
                }
            }
            if (text.length() <= LONGEST) {
                return -1;
            }
            return Character.isHighSurrogate(text.charAt(LONGEST - 1)) ? LONGEST - 1 : LONGEST;
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
                throw new Sae4jException("the line is no JSON, " + e.reason(), where,
                        "write one object a line", e);
            }
            if (!text.isString()) {
                throw new Sae4jException("there is no text in the field '" + field + "'", where, "name the field that holds the text");
            }
            return Optional.of(new Piece(text.stringValue(), true));
        }
    }

    private static final class Labelled extends Corpus {
        Labelled(List<Path> files) {
            super("labelled texts", files);
        }

        @Override
        Optional<Piece> read() {
            @Nullable String line = reader.nextLine();
            return line == null ? Optional.empty()
                    : Optional.of(new Piece(DataFiles.document(line, reader.file().toString(), reader.line()).text(), true));
        }
    }
}
