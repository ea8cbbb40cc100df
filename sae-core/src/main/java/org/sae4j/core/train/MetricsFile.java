package org.sae4j.core.train;

import java.io.BufferedInputStream;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * Writes the metrics of steps to {@code metrics.jsonl}, one JSON object on each line, numbers that are not finite as null. A listener for
 * {@link Trainer.Builder#listener}.
 */
public final class MetricsFile implements Consumer<TrainingMetrics>, AutoCloseable {
    private final Path path;
    private final BufferedWriter writer;
    private boolean closed;

    /**
     * Opens the file. Lines of steps that a resumed run does again, after its checkpoint, are dropped.
     *
     * @param path the file; its folder is made if needed
     * @param stepsDone steps before the next one: lines up to it are kept, 0 replaces the file
     * @throws Sae4jException if it cannot be opened
     */
    public MetricsFile(Path path, long stepsDone) {
        this.path = path;
        try {
            Files.createDirectories(path.toAbsolutePath().getParent());
            // Cut off in place: a file written anew could be lost by a kill at this moment.
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.truncate(stepsDone == 0 ? 0 : keptBytes(stepsDone));
            }
            writer = Files.newBufferedWriter(path, StandardCharsets.UTF_8, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** The length of the whole lines up to the first of a later step. */
    private long keptBytes(long stepsDone) throws IOException {
        long bytes = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(path))) {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                line.write(b);
                if (b == '\n') {
                    if (stepOf(line.toString(StandardCharsets.UTF_8)) > stepsDone) {
                        break;
                    }
                    bytes += line.size();
                    line.reset();
                }
            }
        }
        return bytes;
    }

    /**
     * The metrics of the last step in a file.
     *
     * @param path the file
     * @return by name, in order; empty if there is no file or no whole line in it
     * @throws Sae4jException if the file cannot be read
     */
    public static Map<String, @Nullable Object> last(Path path) {
        if (!Files.exists(path)) {
            return Map.of();
        }
        List<Map<String, @Nullable Object>> lines = read(path);
        return lines.isEmpty() ? Map.of() : lines.getLast();
    }

    /** The step of a line; a line that was cut off belongs to none that is kept. */
    private static long stepOf(String line) {
        return object(line).map(object -> object.path("step").asLong(Long.MAX_VALUE)).orElse(Long.MAX_VALUE);
    }

    private static Optional<JsonNode> object(String line) {
        try {
            return Optional.of(JsonReader.read(line)).filter(JsonNode::isObject);
        } catch (JsonException e) {
            return Optional.empty();
        }
    }

    private Sae4jException failure(IOException e) {
        return new Sae4jException("metrics cannot be written: " + e, path.toString(),
                "check space and permissions, or choose another folder", e);
    }

    /**
     * Writes one line.
     *
     * @throws Sae4jException if it cannot be written
     * @throws IllegalStateException after close
     */
    @Override
    public void accept(TrainingMetrics metrics) {
        write(metrics.values());
    }

    /**
     * Writes one line.
     *
     * @param values by name, with the {@code step} that they belong to
     * @throws Sae4jException if it cannot be written
     * @throws IllegalStateException after close
     */
    public void write(Map<String, ? extends @Nullable Object> values) {
        if (closed) {
            throw new IllegalStateException("the file of metrics " + path + " is closed");
        }
        Map<String, @Nullable Object> line = new LinkedHashMap<>(values);
        line.replaceAll((name, value) -> value instanceof Double number && !Double.isFinite(number) ? null : value);
        try {
            writer.write(JsonWriter.compact(line));
            writer.write("\n");
            writer.flush();
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /**
     * Reads a file of this kind.
     *
     * @param path the file
     * @return the lines' values by name, in order; a last line that was cut off is left out
     * @throws Sae4jException if the file cannot be read, or another line is no JSON object
     */
    public static List<Map<String, @Nullable Object>> read(Path path) {
        List<String> lines;
        try {
            lines = Files.readAllLines(path);
        } catch (IOException e) {
            throw new Sae4jException("metrics cannot be read: " + e, path.toString(), "name a file that training wrote", e);
        }
        List<Map<String, @Nullable Object>> read = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            Optional<JsonNode> object = object(lines.get(i));
            if (object.isPresent()) {
                read.add(object.get().toMap());
            } else if (i < lines.size() - 1) {
                throw new Sae4jException("line " + (i + 1) + " is not a JSON object", path.toString(), "name a file that training wrote");
            }
        }
        return read;
    }

    /**
     * Closes the file. Closing twice has no effect.
     *
     * @throws Sae4jException if what was written cannot be stored
     */
    @Override
    public void close() {
        closed = true;
        try {
            writer.close();
        } catch (IOException e) {
            throw failure(e);
        }
    }
}
