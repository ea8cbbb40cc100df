package org.sae4j.core.internal.format;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.sae4j.core.format.FormatException;

/**
 * The place of an autoencoder: its file of weights, what lies beside it, and the names of the folders above, which tell layer, width and
 * site in several publishers' repositories.
 *
 * @param weights the file of weights, an absolute path
 * @param folder the folder that it lies in
 */
record SaeSource(Path weights, Path folder) {
    /** Names of weights under which one autoencoder lies alone in its folder, in the order in which they are looked for. */
    private static final List<String> USUAL = List.of("sae_weights.safetensors", "sae.safetensors", "params.npz", "params.safetensors",
            "ae.pt", "latest_ckpt.safetensors", "checkpoints/final.safetensors");
    private static final Pattern TORCH_OR_NPZ = Pattern.compile(".*\\.(pt|pth|npz)");
    /** Files of torch that belong to a training, not to its result. */
    private static final Pattern STATE = Pattern.compile("(trainer_state|optimizer|training_state).*\\.pt");
    /** Names of weights of one layer, or one step of a training, among others; what else ends in safetensors may be anything. */
    private static final Pattern LAYER = Pattern.compile("((layer_|params_layer_|W_enc_)\\d{1,6}|checkpoint-\\d{9,18})\\.safetensors");
    private static final int NAMED_FOLDERS = 8;
    private static final int VISITED_FILES = 20_000;
    private static final int SEARCHED_DEPTH = 5;
    private static final int KNOWN_PARENTS = 8;

    static SaeSource of(Path weights) {
        Path file = weights.toAbsolutePath().normalize();
        return new SaeSource(file, Objects.requireNonNull(file.getParent()));
    }

    /**
     * Finds the weights at a path.
     *
     * @param path a file, or a folder with one autoencoder
     * @throws FormatException if there is none, or several
     */
    static SaeSource find(Path path) {
        return search(path).orElseThrow(() -> new FormatException("no autoencoder (" + String.join(", ", USUAL) + ", *.pt)",
                path.toString(), "give the folder of an autoencoder"));
    }

    /**
     * Finds the weights at a path.
     *
     * @param path a file, or a folder
     * @return empty if neither the folder nor those below have any
     * @throws FormatException if there are several, or they lie in folders below; it names them
     */
    static Optional<SaeSource> search(Path path) {
        if (Files.isRegularFile(path)) {
            return Optional.of(of(path));
        }
        for (String name : USUAL) {
            if (Files.isRegularFile(path.resolve(name))) {
                return Optional.of(of(path.resolve(name)));
            }
        }
        List<Path> files = list(path);
        List<Path> candidates = matching(files, TORCH_OR_NPZ).stream().filter(file -> !matches(file, STATE)).toList();
        candidates = candidates.isEmpty() ? matching(files, LAYER) : candidates;
        if (candidates.size() == 1) {
            return Optional.of(of(candidates.getFirst()));
        }
        if (candidates.size() > 1) {
            throw new FormatException("there are " + candidates.size() + " files that may be autoencoders: " + sample(path, candidates),
                    path.toString(), "give the path of one of them");
        }
        List<Path> below = below(path);
        if (!below.isEmpty()) {
            throw new FormatException("the folder holds autoencoders only in folders below: " + sample(path, below), path.toString(),
                    "give the path of one of them");
        }
        return Optional.empty();
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new FormatException("the folder cannot be listed (" + e + ")", folder.toString(), "check the path", e);
        }
    }

    /** Folders below that hold weights with a name of an autoencoder's. */
    private static List<Path> below(Path folder) {
        try (Stream<Path> files = Files.find(folder, SEARCHED_DEPTH, (file, attributes) -> attributes.isRegularFile(),
                new FileVisitOption[0])) {
            return files.limit(VISITED_FILES).filter(file -> USUAL.contains(file.getFileName().toString()) || matches(file, LAYER)
                    || matches(file, TORCH_OR_NPZ) && !matches(file, STATE)
                    || file.endsWith(Path.of("checkpoints", "final.safetensors")))
                    .map(file -> file.endsWith(Path.of("checkpoints", "final.safetensors")) ? file.resolve("../..").normalize()
                            : USUAL.contains(file.getFileName().toString()) ? file.resolveSibling("") : file)
                    .distinct().sorted().toList();
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new FormatException("the folders below cannot be listed (" + e + ")", folder.toString(), "check the path", e);
        }
    }

    private static String sample(Path folder, List<Path> found) {
        String some = String.join(", ", found.stream().limit(NAMED_FOLDERS).map(file -> folder.relativize(file).toString()).toList());
        return found.size() > NAMED_FOLDERS ? some + ", ... (" + found.size() + ")" : some;
    }

    private static List<Path> matching(List<Path> files, Pattern name) {
        return files.stream().filter(file -> matches(file, name)).toList();
    }

    private static boolean matches(Path file, Pattern name) {
        return name.matcher(file.getFileName().toString()).matches();
    }

    /** {@return the name of the file of weights} */
    String fileName() {
        return weights.getFileName().toString();
    }

    /** {@return the name of the file of weights without its ending} */
    String baseName() {
        return fileName().replaceFirst("\\.[^.]*$", "");
    }

    /** {@return a JSON file in the folder, if it is there} */
    Optional<JsonFile> json(String name) {
        return read(folder.resolve(name));
    }

    /** {@return a JSON file in the folder above, if it is there} */
    Optional<JsonFile> jsonAbove(String name) {
        Path above = folder.getParent();
        return above == null ? Optional.empty() : read(above.resolve(name));
    }

    private static Optional<JsonFile> read(Path file) {
        return Files.isRegularFile(file) ? Optional.of(JsonFile.read(file)) : Optional.empty();
    }

    /** {@return the name of the folder so many levels above the file, or "" where there is none; 1 is the folder that it lies in} */
    String parent(int levels) {
        Path at = weights;
        for (int i = 0; i < levels && at != null; i++) {
            at = at.getParent();
        }
        return at == null || at.getFileName() == null ? "" : at.getFileName().toString();
    }

    /** {@return the names of some folders above the file, the nearest first} */
    List<String> parents() {
        return StreamSupport.stream(folder.spliterator(), false).map(Path::toString).toList().reversed().stream()
                .limit(KNOWN_PARENTS).toList();
    }

    /** {@return what a pattern finds in the file's name or the nearest folder above, if anywhere} */
    Optional<Matcher> find(Pattern pattern) {
        return Stream.concat(Stream.of(fileName()), parents().stream()).map(pattern::matcher).filter(Matcher::find).findFirst();
    }
}
