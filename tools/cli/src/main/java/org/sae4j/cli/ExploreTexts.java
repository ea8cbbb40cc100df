package org.sae4j.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.core.output.OutputFile;

/**
 * Files of whatever kind as labelled passages, some of them held out. Passages come in a random order, so that the first ones are a fair
 * sample of all. No passage of a held-out file is trained on; of few files, the last tenth of each is held out.
 */
final class ExploreTexts {
    /** Characters of a passage at most, about as many as fill a context of 256 tokens. */
    private static final int PASSAGE = 900;
    private static final long MOST_BYTES = 256L << 20;
    private static final int FEW_FILES = 30;
    private static final int HELD_OUT = 10;

    private final List<Document> training = new ArrayList<>();
    private final List<Document> heldOut = new ArrayList<>();
    private int files;
    private int skipped;
    private long bytes;

    private ExploreTexts() {
    }

    /** A file that is a text, with its label. */
    private record Source(Path file, String label) {}

    /**
     * Reads files and folders.
     *
     * @param given files and folders; hidden ones in a folder, and files that are not UTF-8 or hold a NUL, are skipped and counted
     * @param seed of the order
     */
    static ExploreTexts read(List<Path> given, long seed, Progress progress) {
        List<Source> sources = new ArrayList<>();
        for (Path path : given) {
            sources.addAll(files(path, given.size() > 1));
        }
        sources = shuffled(sources, new CounterRandom(seed).stream("files"));
        ExploreTexts texts = new ExploreTexts();
        List<List<Document>> byFile = new ArrayList<>();
        for (Source source : sources) {
            progress.checkCancelled();
            progress.update("reading texts", byFile.size(), sources.size());
            if (texts.bytes < MOST_BYTES) {
                String text = text(source.file());
                if (text.isBlank()) {
                    texts.skipped++;
                } else {
                    texts.files++;
                    texts.bytes += text.length();
                    byFile.add(passages(source.label(), text));
                }
            }
        }
        texts.split(byFile);
        CounterRandom random = new CounterRandom(seed).stream("passages");
        List<Document> mixed = shuffled(texts.training, random);
        texts.training.clear();
        texts.training.addAll(mixed);
        List<Document> mixedHeldOut = shuffled(texts.heldOut, random.stream("held out"));
        texts.heldOut.clear();
        texts.heldOut.addAll(mixedHeldOut);
        if (texts.training.size() < HELD_OUT) {
            throw new Sae4jException("there are " + texts.training.size() + " passages of text in " + texts.files + " readable files"
                    + (texts.skipped > 0 ? " (" + texts.skipped + " others are empty or no UTF-8 text)" : ""), given.toString(),
                    "give more texts: some 100,000 words are a start, a few megabytes are good");
        }
        return texts;
    }

    /** What the files are, to know them again: their paths, sizes and times. */
    static String fingerprint(List<Path> given) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Path path : given) {
                for (Source source : files(path, given.size() > 1)) {
                    digest.update((source.label() + "\n" + source.file().toAbsolutePath().normalize() + "\n" + Files.size(source.file()) + "\n"
                            + Files.getLastModifiedTime(source.file()).toMillis() + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new Sae4jException("a text cannot be read, " + e.getClass().getSimpleName(), given.toString(), "check its permissions", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Of several arguments each is a label; of one folder its folders are, or else the endings of its files. */
    private static List<Source> files(Path given, boolean several) {
        Path root = given.toAbsolutePath().normalize();
        String own = root.getFileName() == null ? "" : root.getFileName().toString();
        if (!Files.isDirectory(root)) {
            return List.of(new Source(given, several ? own : ""));
        }
        List<Path> found;
        try (Stream<Path> walk = Files.walk(root)) {
            found = walk.filter(Files::isRegularFile).filter(file -> Stream.iterate(root.relativize(file), p -> p != null, Path::getParent)
                    .noneMatch(part -> part.getFileName().toString().startsWith("."))).sorted(Comparator.comparing(Path::toString)).toList();
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new Sae4jException("the folder cannot be listed (" + e.getMessage() + ")", given.toString(), "check its permissions", e);
        }
        boolean folders = found.stream().map(root::relativize).filter(p -> p.getNameCount() > 1).map(p -> p.getName(0).toString()).distinct()
                .count() > 1;
        return found.stream().map(file -> {
            Path inside = root.relativize(file);
            String label = several ? own : folders ? inside.getNameCount() > 1 ? inside.getName(0).toString() : ""
                    : ending(file.getFileName().toString());
            return new Source(file, label);
        }).toList();
    }

    private static String ending(String name) {
        int dot = name.lastIndexOf('.');
        return dot <= 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
    }

    /** The text of a file; empty if it is none. */
    private static String text(Path file) {
        try {
            byte[] all = Files.readAllBytes(file);
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(all)).toString();
            return text.indexOf('\0') >= 0 ? "" : text.startsWith("\ufeff") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            return "";
        } catch (IOException | OutOfMemoryError e) {
            throw new Sae4jException("the file cannot be read (" + e + ")", file.toString(), "check its permissions, or leave it out", e);
        }
    }

    /** Cuts a text at the ends of paragraphs, else of lines, else of words. */
    static List<Document> passages(String label, String text) {
        List<Document> passages = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            int end = Math.min(text.length(), at + PASSAGE);
            if (end < text.length()) {
                end = cut(text, at, end);
            }
            String passage = text.substring(at, end);
            if (!passage.isBlank()) {
                passages.add(new Document(label, passage));
            }
            at = end;
        }
        return passages;
    }

    private static int cut(String text, int from, int to) {
        for (String mark : List.of("\n\n", "\n", " ")) {
            int at = text.lastIndexOf(mark, to - mark.length());
            if (at > from + PASSAGE / 2) {
                return at + mark.length();
            }
        }
        return Character.isHighSurrogate(text.charAt(to - 1)) ? to - 1 : to;
    }

    private void split(List<List<Document>> byFile) {
        for (int f = 0; f < byFile.size(); f++) {
            List<Document> passages = byFile.get(f);
            if (byFile.size() >= FEW_FILES) {
                (f % HELD_OUT == 0 ? heldOut : training).addAll(passages);
            } else {
                int kept = passages.size() - passages.size() / HELD_OUT;
                training.addAll(passages.subList(0, kept));
                heldOut.addAll(passages.subList(kept, passages.size()));
            }
        }
        if (heldOut.isEmpty() && training.size() > 1) {
            heldOut.add(training.removeLast());
        }
    }

    private static <T> List<T> shuffled(List<T> list, CounterRandom random) {
        List<T> mixed = new ArrayList<>(list);
        for (int i = mixed.size() - 1; i > 0; i--) {
            java.util.Collections.swap(mixed, i, random.nextInt(i + 1));
        }
        return mixed;
    }

    /** Writes labelled texts, as {@code --corpus} of all commands reads them. */
    static void write(Path file, List<Document> documents) {
        StringBuilder lines = new StringBuilder();
        for (Document document : documents) {
            lines.append(document.label().replaceAll("\\s", " ")).append('\t').append(document.text().replace("\\", "\\\\")
                    .replace("\n", "\\n").replace("\t", "\\t").replace("\r", "")).append('\n');
        }
        OutputFile.write(file, lines.toString().getBytes(StandardCharsets.UTF_8));
    }

    List<Document> training() {
        return training;
    }

    List<Document> heldOut() {
        return heldOut;
    }

    /** {@return what was read, in a line} */
    String describe() {
        Map<String, Long> labels = training.stream().collect(Collectors.groupingBy(Document::label, TreeMap::new, Collectors.counting()));
        labels.remove("");
        String few = labels.size() < 2 ? "" : labels.size() > 8 ? ", " + labels.size() + " labels" : ", labels "
                + labels.entrySet().stream().map(e -> e.getKey() + " (" + e.getValue() + ")").collect(Collectors.joining(", "));
        return String.format(Locale.ROOT, "%,d files, %.1f MB of text in %,d passages, %,d of them held out%s%s", files, bytes / 1e6,
                training.size() + heldOut.size(), heldOut.size(), few,
                skipped == 0 ? "" : String.format(Locale.ROOT, "; %,d files were skipped as empty or no UTF-8 text", skipped))
                + (bytes >= MOST_BYTES ? "; more than that is not read" : "");
    }
}
