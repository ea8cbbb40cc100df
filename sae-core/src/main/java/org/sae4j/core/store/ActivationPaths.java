package org.sae4j.core.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.SafetensorsFile;

/**
 * Stored activations that the user names: a store, or safetensors files that anything may have written.
 *
 * @param paths the folder of a store; or files, or folders of files whose names end with {@code .safetensors}, in the order of their rows;
 *     at least one
 * @param tensor the tensor's name in files that are no store's: [..., d_in]; of a hook point with heads [..., n_heads, d_head]
 * @param hook where the activations come from; if empty, what a store or the tensor's name says
 * @param modelName the transformer's name; if empty, what a store or the files' metadata say under {@code model}
 * @param width the width that rows must have; empty for any
 */
public record ActivationPaths(List<Path> paths, String tensor, Optional<HookPoint> hook, Optional<String> modelName, OptionalInt width) {
    private static final Set<HookPoint.Site> WITH_HEADS = Set.of(HookPoint.Site.Q, HookPoint.Site.K, HookPoint.Site.V,
            HookPoint.Site.ROT_Q, HookPoint.Site.ROT_K, HookPoint.Site.Z);

    /**
     * Copies the list.
     *
     * @throws IllegalArgumentException if there is no path
     */
    public ActivationPaths {
        paths = List.copyOf(paths);
        if (paths.isEmpty()) {
            throw new IllegalArgumentException("activations need a path");
        }
    }

    /**
     * Opens the activations after a look at the headers of their files.
     *
     * @return the activations; the caller closes them
     * @throws FormatException if a file is broken
     * @throws Sae4jException if a tensor is missing or has other rows than the ones before, the width is another one, or a store is not
     *     complete, is named among other paths, or comes from another hook point or model than said
     */
    public ActivationStore open() {
        for (Path path : paths) {
            if (ActivationStore.isStore(path)) {
                if (paths.size() > 1) {
                    throw new Sae4jException("an activation store is mixed with other activations", path.toString(),
                            "give one store, or files");
                }
                return openStore(path);
            }
        }
        List<ActivationStore.Part> parts = new ArrayList<>();
        try {
            return openFiles(paths.stream().flatMap(path -> Files.isDirectory(path) ? inFolder(path).stream() : Stream.of(path)).toList(),
                    parts);
        } catch (RuntimeException e) {
            parts.forEach(part -> part.file().close());
            throw e;
        }
    }

    private ActivationStore openStore(Path path) {
        StoreInfo known = StoreManifest.read(path).info();
        requireSame("hook point", hook, known.hook(), path);
        requireSame("model", modelName, known.modelName(), path);
        if (width.isPresent() && width.getAsInt() != known.width()) {
            throw otherWidth(width.getAsInt(), Integer.toString(known.width()), path.toString());
        }
        return ActivationStore.open(path);
    }

    private static void requireSame(String what, Optional<?> said, Optional<?> known, Path path) {
        if (said.isPresent() && !said.equals(known)) {
            throw new Sae4jException("the store's " + what + " is " + known.orElseThrow() + ", not " + said.get(), path.toString(),
                    "leave it to the store");
        }
    }

    private static List<Path> inFolder(Path folder) {
        try (Stream<Path> entries = Files.list(folder)) {
            List<Path> files = entries.filter(file -> file.getFileName().toString().endsWith(".safetensors")).sorted().toList();
            if (files.isEmpty()) {
                throw new Sae4jException("the folder has neither an activation store nor a safetensors file", folder.toString(),
                        "name a folder that sae harvest wrote, or one with shards of activations");
            }
            return files;
        } catch (IOException e) {
            throw new Sae4jException("the folder cannot be read (" + e.getMessage() + ")", folder.toString(), "check its permissions", e);
        }
    }

    private ActivationStore openFiles(List<Path> files, List<ActivationStore.Part> parts) {
        Optional<HookPoint> at = hook.or(() -> HookPoint.parse(tensor));
        Optional<String> model = modelName;
        @Nullable ElementType type = null;
        int common = 0;
        long most = 1;
        for (Path path : files) {
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                if (!file.names().contains(tensor)) {
                    throw new Sae4jException("no tensor '" + tensor + "'", path.toString(), "use one of " + file.names());
                }
                int own = rowWidth(file.shape(tensor), at, width, path + " tensor " + tensor);
                if (type != null && (common != own || type != file.type(tensor))) {
                    throw new Sae4jException("rows of width " + own + " as " + file.type(tensor) + " follow rows of width " + common
                            + " as " + type, path + " tensor " + tensor, "give files of one type and width");
                }
                common = own;
                type = file.type(tensor);
                long rows = elements(file.shape(tensor)) / own;
                most = Math.max(most, rows);
                model = model.or(() -> Optional.ofNullable(file.metadata().get("model")));
                parts.add(new ActivationStore.Part(new ShardFile(path, Files.size(path)), position(file, path), rows, ""));
            } catch (IOException e) {
                throw new FormatException("the file cannot be read (" + e + ")", path.toString(), "check its permissions", e);
            }
        }
        StoreInfo info = new StoreInfo(at, model, "", Objects.requireNonNull(type), common, most, Map.of());
        return new ActivationStore(files.getFirst(), info, parts);
    }

    /**
     * How many values of a tensor make a row: those of its last axis, or of all heads together.
     *
     * @param shape the tensor's
     * @param hook where it comes from; at a hook point with heads, a tensor of more than two axes has heads before the last
     * @param width the width that a row must have; if given, heads are found by it
     * @param where the tensor, for messages
     * @return the width
     * @throws Sae4jException if there are less than two axes or no element, rows have another width, or it is not known whether the last
     *     axis is that of one head
     */
    public static int rowWidth(int[] shape, Optional<HookPoint> hook, OptionalInt width, String where) {
        if (shape.length < 2 || Arrays.stream(shape).anyMatch(n -> n == 0)) {
            throw new Sae4jException("activations need at least two axes and one row, found the shape " + Arrays.toString(shape), where,
                    "store them as [rows, d_in]");
        }
        int last = shape[shape.length - 1];
        long heads = shape.length > 2 ? (long) last * shape[shape.length - 2] : last;
        if (width.isPresent()) {
            if (width.getAsInt() != last && width.getAsInt() != heads) {
                throw otherWidth(width.getAsInt(), "the shape " + Arrays.toString(shape), where);
            }
            return width.getAsInt();
        }
        if (hook.isPresent() && hook.get().layer() >= 0 && WITH_HEADS.contains(hook.get().site())) {
            return Math.toIntExact(heads);
        }
        if (shape.length > 3 && hook.isEmpty()) {
            throw new Sae4jException("the shape is " + Arrays.toString(shape) + ", so the last axis may be that of one head", where,
                    "say with --hook where the activations come from, or store them as [rows, d_in]");
        }
        return last;
    }

    private static Sae4jException otherWidth(int expected, String found, String where) {
        return new Sae4jException("expected rows of width " + expected + ", found " + found, where,
                "use activations of the autoencoder's hook point");
    }

    private static long elements(int[] shape) {
        return Arrays.stream(shape).asLongStream().reduce(1, Math::multiplyExact);
    }

    /** Where the tensor's first byte is: tensors cover the file up to its end, in the order of their names. */
    private long position(SafetensorsFile file, Path path) throws IOException {
        List<String> names = List.copyOf(file.names());
        long at = Files.size(path);
        for (String name : names.subList(names.indexOf(tensor), names.size())) {
            at -= elements(file.shape(name)) * file.type(name).bytes();
        }
        return at;
    }
}
