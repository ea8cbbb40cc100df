package org.sae4j.core.train;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.output.OutputKind;

/**
 * The checkpoints of one run: files that appear whole, of which the newest are kept, and {@code manifest.json}, which says what they must
 * contain. The file comes before its entry, and what is too old goes after the manifest has forgotten it, so that at any moment the
 * manifest's newest file is there and whole.
 */
final class CheckpointFolder implements AutoCloseable {
    /** What it writes. */
    static final OutputKind KIND = OutputKind.of("a run of checkpoints")
            .with(OutputKind.Role.RESUMABLE, FileForm.SAFETENSORS, "checkpoint-*.safetensors")
            .with(OutputKind.Role.PARTIAL, FileForm.json("a manifest of checkpoints", "sae4j-checkpoints-"), "manifest.json");

    private static final String MANIFEST = "manifest.json";
    private static final String FORMAT = "sae4j-checkpoints-1";
    private static final String NAME = "checkpoint-%09d.safetensors";
    private static final String PATTERN = "checkpoint-[0-9]{9,}\\.safetensors";

    private record Entry(String file, long steps, long bytes, String sha256) {}

    private final OutputFolder target;
    private final Path folder;
    private final int keep;

    /** Takes the folder; what a killed run left unfinished is removed. */
    CheckpointFolder(Path folder, int keep, Existing existing) {
        target = OutputFolder.open(folder, KIND, existing);
        this.folder = folder;
        this.keep = keep;
        AtomicFile.sweep(folder);
    }

    @Override
    public void close() {
        target.close();
    }

    /** Writes a checkpoint. Later ones than it are of an earlier run in this folder, and go. */
    void write(Checkpoint checkpoint) {
        target.begin();
        String name = NAME.formatted(checkpoint.steps());
        Path file = folder.resolve(name);
        checkpoint.write(file);
        List<Entry> entries = new ArrayList<>();
        List<String> old = new ArrayList<>();
        for (Entry entry : entries(folder)) {
            if (entry.steps() < checkpoint.steps()) {
                entries.add(entry);
            } else if (entry.steps() > checkpoint.steps()) {
                old.add(entry.file());
            }
        }
        try {
            entries.add(new Entry(name, checkpoint.steps(), Files.size(file), sha256(file)));
            while (entries.size() > keep) {
                old.add(entries.removeFirst().file());
            }
            writeManifest(entries);
            for (String gone : old) {
                Files.deleteIfExists(folder.resolve(gone));
            }
        } catch (IOException e) {
            throw new Sae4jException("checkpoints cannot be kept: " + e, folder.toString(), "check the folder's permissions", e);
        }
    }

    private void writeManifest(List<Entry> entries) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (Entry entry : entries) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("file", entry.file());
            map.put("steps", entry.steps());
            map.put("bytes", entry.bytes());
            map.put("sha256", entry.sha256());
            list.add(map);
        }
        Map<String, Object> manifest = new LinkedHashMap<>();
        manifest.put("format", FORMAT);
        manifest.put("checkpoints", list);
        byte[] json = JsonWriter.indented(manifest).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve(MANIFEST), out -> out.write(json));
    }

    /** The manifest's entries by ascending steps; none without a manifest. */
    private static List<Entry> entries(Path folder) {
        Path path = folder.resolve(MANIFEST);
        if (!Files.exists(path)) {
            return List.of();
        }
        JsonFile manifest = JsonFile.read(path);
        if (!manifest.string("format").filter(FORMAT::equals).isPresent()) {
            throw new FormatException("not a manifest of checkpoints", path.toString(), "expected format " + FORMAT
                    + "; delete the file to resume from the checkpoint of the most steps");
        }
        List<Entry> entries = new ArrayList<>();
        for (JsonNode node : manifest.node().path("checkpoints")) {
            Entry entry = new Entry(node.path("file").asString(""), node.path("steps").asLong(-1), node.path("bytes").asLong(-1),
                    node.path("sha256").asString(""));
            if (!entry.file().matches(PATTERN) || !entry.file().equals(NAME.formatted(entry.steps()))) {
                throw new FormatException("a broken entry " + node, path.toString(),
                        "delete the file to resume from the checkpoint of the most steps");
            }
            entries.add(entry);
        }
        entries.sort(Comparator.comparingLong(Entry::steps));
        return entries;
    }

    /** The newest checkpoint, its content checked against the manifest; without a manifest that of the most steps. */
    static Optional<Path> latest(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try {
            for (Entry entry : entries(folder).reversed()) {
                Path file = folder.resolve(entry.file());
                if (Files.exists(file)) {
                    if (Files.size(file) != entry.bytes() || !sha256(file).equals(entry.sha256())) {
                        throw new Sae4jException("the checkpoint's content is not what " + MANIFEST + " says", file.toString(),
                                "delete it to resume from the one before");
                    }
                    return Optional.of(file);
                }
            }
            try (Stream<Path> files = Files.list(folder)) {
                return files.filter(file -> file.getFileName().toString().matches(PATTERN))
                        .max(Comparator.comparingInt((Path file) -> file.getFileName().toString().length())
                                .thenComparing(file -> file.getFileName().toString()));
            }
        } catch (IOException | UncheckedIOException e) {
            throw new Sae4jException("checkpoints cannot be read: " + e, folder.toString(), "check the folder's permissions", e);
        }
    }

    private static String sha256(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file);
                DigestOutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), MessageDigest.getInstance("SHA-256"))) {
            in.transferTo(out);
            return HexFormat.of().formatHex(out.getMessageDigest().digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
