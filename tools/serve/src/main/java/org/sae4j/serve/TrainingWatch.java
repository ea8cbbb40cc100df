package org.sae4j.serve;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.train.TrainingRun;

/** Follows the files that a training appends to. */
final class TrainingWatch {
    private static final int POINTS = 600;

    private final Path folder;
    private final Follower steps;
    private final Follower evaluations;

    TrainingWatch(Path folder) {
        this.folder = folder;
        steps = new Follower(folder.resolve(TrainingRun.METRICS));
        evaluations = new Follower(folder.resolve(TrainingRun.EVALUATIONS));
    }

    /** {@return what there is by now, with no more than some hundred steps} */
    synchronized Map<String, @Nullable Object> now() {
        List<Map<String, @Nullable Object>> all = steps.lines();
        int stride = Math.max(1, (all.size() + POINTS - 1) / POINTS);
        List<Map<String, @Nullable Object>> shown = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            if (i % stride == 0 || i == all.size() - 1) {
                shown.add(all.get(i));
            }
        }
        return Json.object("folder", String.valueOf(folder.toAbsolutePath().normalize().getFileName()), "steps_written", all.size(),
                "complete", Files.exists(folder.resolve("sae_weights.safetensors")), "steps", shown, "evaluations", evaluations.lines());
    }

    /** A file of JSON objects, one a line, that grows. */
    private static final class Follower {
        private final Path file;
        private final List<Map<String, @Nullable Object>> lines = new ArrayList<>();
        private long read;

        Follower(Path file) {
            this.file = file;
        }

        List<Map<String, @Nullable Object>> lines() {
            if (!Files.exists(file)) {
                lines.clear();
                read = 0;
                return lines;
            }
            try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
                if (in.length() < read) {
                    // A training that goes on from a checkpoint cuts off what came after it.
                    lines.clear();
                    read = 0;
                }
                in.seek(read);
                byte[] bytes = new byte[Math.toIntExact(Math.min(in.length() - read, 1 << 28))];
                in.readFully(bytes);
                int end = bytes.length;
                while (end > 0 && bytes[end - 1] != '\n') {
                    end--;
                }
                for (String line : new String(bytes, 0, end, StandardCharsets.UTF_8).split("\n")) {
                    if (!line.isBlank()) {
                        lines.add(JsonReader.readPython(line).toMap());
                    }
                }
                read += end;
                return lines;
            } catch (IOException | JsonException e) {
                throw new FormatException("the training's numbers cannot be read (" + e + ")", file.toString(),
                        "give a folder that sae train writes", e);
            }
        }
    }
}
