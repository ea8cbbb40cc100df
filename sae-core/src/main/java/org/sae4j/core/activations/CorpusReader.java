package org.sae4j.core.activations;

import java.io.BufferedReader;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.experiment.DataFiles;

/** Characters of several files in UTF-8, one file after the other, without byte order marks. */
final class CorpusReader implements AutoCloseable {
    private final List<Path> files;
    private final long bytes;
    private int opened;
    private long bytesRead;
    private long line;
    private @Nullable BufferedReader reader;
    private boolean closed;

    CorpusReader(List<Path> files) {
        this.files = List.copyOf(files);
        long sum = 0;
        for (Path file : files) {
            try {
                sum += Files.size(file);
            } catch (IOException e) {
                throw failure(file, e);
            }
        }
        bytes = sum;
    }

    /** Opens the next file; false if there is none. */
    boolean nextFile() {
        closeFile();
        if (opened == files.size()) {
            return false;
        }
        Path file = files.get(opened++);
        line = 0;
        try {
            InputStream counted = new FilterInputStream(Files.newInputStream(file)) {
                @Override
                public int read(byte[] target, int from, int length) throws IOException {
                    int read = in.read(target, from, length);
                    bytesRead += Math.max(0, read);
                    return read;
                }
            };
            BufferedReader opening = new BufferedReader(new InputStreamReader(counted, StandardCharsets.UTF_8.newDecoder()), 1 << 16);
            reader = opening;
            // A byte order mark says how the file is encoded and is no part of the text.
            opening.mark(1);
            if (opening.read() != DataFiles.BYTE_ORDER_MARK) {
                opening.reset();
            }
            return true;
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /** The next line that is not empty, of whatever file; null after the last. */
    @Nullable String nextLine() {
        while (reader != null || nextFile()) {
            try {
                String text = Objects.requireNonNull(reader).readLine();
                if (text == null) {
                    closeFile();
                    continue;
                }
                line++;
                if (!text.isEmpty()) {
                    return text;
                }
            } catch (IOException e) {
                throw failure(file(), e);
            }
        }
        return null;
    }

    /** Reads some characters of the open file; -1 at its end. */
    int read(char[] target) {
        if (reader == null) {
            return -1;
        }
        try {
            return reader.read(target);
        } catch (IOException e) {
            throw failure(file(), e);
        }
    }

    /** The file that is open or was last. */
    Path file() {
        return files.get(Math.max(0, opened - 1));
    }

    /** The number of the line that {@link #nextLine} gave. */
    long line() {
        return line;
    }

    long bytesRead() {
        return bytesRead;
    }

    long bytes() {
        return bytes;
    }

    private Sae4jException failure(Path file, IOException e) {
        if (e instanceof CharacterCodingException) {
            return new Sae4jException("the file is not UTF-8" + (line > 0 ? " after line " + line : ""), file.toString(),
                    "save it in UTF-8", e);
        }
        return new Sae4jException("cannot read the file, " + e.getClass().getSimpleName(), file.toString(), "check the path", e);
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the reader of " + files + " is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
        closeFile();
    }

    private void closeFile() {
        if (reader != null) {
            try {
                reader.close();
            } catch (IOException e) {
                throw failure(file(), e);
            } finally {
                reader = null;
            }
        }
    }
}
