package org.sae4j.core.output;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.LockFile;
import org.sae4j.core.internal.format.AtomicFile;

/**
 * A folder that one writer at a time fills. Opening it takes its lock and looks at what stands there; nothing is replaced before
 * {@link #begin}. For one thread at a time.
 * After {@link #close()}, {@link #begin} throws {@link IllegalStateException}.
 */
public final class OutputFolder implements AutoCloseable {
    private static final String LOCK = ".sae4j.lock";
    private static final int NAMES = 4;

    private final Path folder;
    private final OutputKind kind;
    private final Existing existing;
    private final LockFile lock;
    private final boolean made;
    private boolean begun;
    private boolean closed;

    private OutputFolder(Path folder, OutputKind kind, Existing existing, LockFile lock, boolean made) {
        this.folder = folder;
        this.kind = kind;
        this.existing = existing;
        this.lock = lock;
        this.made = made;
    }

    /**
     * Takes a folder.
     *
     * @param folder the folder, made if needed; a symbolic link to a folder is followed
     * @param kind what will be written
     * @param existing what becomes of what stands there
     * @param inputs files that are read, none of which may be written over; null stands for one that is not given
     * @return the folder, to be closed when all is written
     * @throws Sae4jException if another writer has it, something else than a folder stands there, it cannot be written, or it holds
     *     something: an input under the name of a file of this kind; with {@code REFUSE} anything; with {@code RESUME} something else than a run of this kind that can go on; with
     *     {@code OVERWRITE} something else under the name of a file of this kind
     */
    public static OutputFolder open(Path folder, OutputKind kind, Existing existing, @Nullable Path... inputs) {
        boolean made = !Files.isDirectory(folder);
        if (made && Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            throw new Sae4jException((Files.exists(folder) ? "a file exists" : "a broken symbolic link exists")
                    + " where the folder of " + kind.name() + " is to go", folder.toString(), "choose another folder");
        }
        LockFile lock;
        try {
            Files.createDirectories(folder);
            Path file = folder.resolve(LOCK);
            lock = LockFile.tryAcquire(file, kind.name()).orElseThrow(() -> new Sae4jException("the folder is being written by "
                    + LockFile.holder(file), folder.toString(), "wait for it, or choose another folder"));
        } catch (IOException e) {
            throw new Sae4jException("the folder cannot be written (" + e + ")", folder.toString(),
                    "choose another folder, or check its permissions", e);
        }
        OutputFolder opened = new OutputFolder(folder, kind, existing, lock, made);
        try {
            opened.refuseInputs(inputs);
            opened.check();
            return opened;
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private void refuseInputs(@Nullable Path... inputs) {
        try {
            for (OutputKind.Entry entry : kind.entries()) {
                for (Path path : matches(entry.pattern())) {
                    for (Path input : inputs) {
                        if (input != null && Files.exists(input) && Files.exists(path) && Files.isSameFile(path, input)) {
                            throw new Sae4jException("the output is one of the inputs", path.toString(), "choose another folder");
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private void check() {
        List<String> names = names();
        switch (existing) {
            case REFUSE -> {
                if (!names.isEmpty()) {
                    throw occupied(names);
                }
            }
            case RESUME -> {
                if (!names.isEmpty() && !isResumed()) {
                    boolean unfinished = kind.isResumable() && names.stream().allMatch(this::isPartial);
                    if (!unfinished) {
                        throw occupied(names);
                    }
                }
            }
            case OVERWRITE -> earlier();
        }
    }

    private Sae4jException occupied(List<String> names) {
        boolean own = kind.entries().stream().anyMatch(entry -> !matches(entry.pattern()).isEmpty());
        String what = existing == Existing.RESUME ? "no " + kind.name().replaceFirst("^an? ", "") + " to resume, and the"
                : "the";
        List<String> ways = new ArrayList<>(List.of("choose another folder"));
        if (kind.isResumable() && existing != Existing.RESUME && isResumed()) {
            ways.add("resume it (--resume)");
        }
        ways.add(own ? "replace it (--overwrite)" : "add to it (--overwrite)");
        return new Sae4jException(what + " folder already has " + (own ? kind.name() + ": " : "") + String.join(", ", names.stream().sorted()
                .limit(NAMES).toList()) + (names.size() > NAMES ? " and " + (names.size() - NAMES) + " more" : ""), folder.toString(),
                String.join(", or ", ways));
    }

    /** {@return whether the folder holds a run that can be gone on with} */
    public boolean isResumed() {
        return kind.entries().stream().filter(entry -> entry.role() == OutputKind.Role.RESUMABLE)
                .anyMatch(entry -> !matches(entry.pattern()).isEmpty());
    }

    /** Whether something in the folder is, or leads to, nothing but what a run leaves before it can be gone on with. */
    private boolean isPartial(String name) {
        List<OutputKind.Entry> of = kind.entries().stream().filter(entry -> firstPart(entry.pattern()).equals(name)).toList();
        return !of.isEmpty() && of.stream().allMatch(entry -> entry.role() != OutputKind.Role.RESULT || matches(entry.pattern()).isEmpty());
    }

    private static String firstPart(String pattern) {
        int end = pattern.indexOf('/');
        return end < 0 ? pattern : pattern.substring(0, end);
    }

    /** What the folder holds, but for the lock and for what a killed process left half written. */
    private List<String> names() {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            for (Path path : all) {
                String name = path.getFileName().toString();
                if (!name.equals(LOCK) && !AtomicFile.isPart(name)) {
                    names.add(name);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw unreadable(e);
        }
        return names;
    }

    private Sae4jException unreadable(Exception e) {
        return new Sae4jException("the folder cannot be listed (" + e + ")", folder.toString(),
                "choose another folder, or check its permissions", e);
    }

    /** What matches a pattern; symbolic links below the folder are not followed. */
    private List<Path> matches(String pattern) {
        List<Path> found = List.of(folder);
        for (String part : pattern.split("/")) {
            List<Path> next = new ArrayList<>();
            for (Path in : found) {
                if (in.equals(folder) || Files.isDirectory(in, LinkOption.NOFOLLOW_LINKS)) {
                    try (DirectoryStream<Path> all = Files.newDirectoryStream(in, part)) {
                        all.forEach(next::add);
                    } catch (IOException | DirectoryIteratorException e) {
                        throw unreadable(e);
                    }
                }
            }
            found = next;
        }
        return found;
    }

    /** Files of an earlier run, which may be replaced. */
    private List<Path> earlier() {
        List<Path> files = new ArrayList<>();
        for (OutputKind.Entry entry : kind.entries()) {
            for (Path path : matches(entry.pattern())) {
                if (!entry.form().fits(path)) {
                    throw new Sae4jException("what exists there is not " + entry.form().description() + ", so it is not of "
                            + kind.name() + " and is not replaced", path.toString(), "move it away, or choose another folder");
                }
                files.add(path);
            }
        }
        return files;
    }

    /** {@return the folder} */
    public Path path() {
        return folder;
    }

    /**
     * Removes what an earlier run wrote, if it is to be overwritten. Call it as late as can be, when nothing but the writing can fail.
     * Calling it twice has no effect.
     *
     * @throws Sae4jException if something there has changed since it was opened and is not replaced, or cannot be deleted
     * @throws IllegalStateException after close
     */
    public void begin() {
        if (closed) {
            throw new IllegalStateException("the folder " + folder + " is closed");
        }
        if (begun || existing != Existing.OVERWRITE) {
            return;
        }
        begun = true;
        try {
            for (Path file : earlier()) {
                Files.deleteIfExists(file);
                removeEmpty(Objects.requireNonNull(file.getParent()));
            }
        } catch (IOException e) {
            throw new Sae4jException("what an earlier run wrote cannot be removed (" + e + ")", folder.toString(),
                    "check its permissions, or choose another folder", e);
        }
        AtomicFile.sweep(folder);
    }

    private void removeEmpty(Path from) throws IOException {
        for (Path in = from; !in.equals(folder); in = Objects.requireNonNull(in.getParent())) {
            try {
                Files.delete(in);
            } catch (DirectoryNotEmptyException e) {
                return;
            }
        }
    }

    /** Releases the folder; it goes if it was made here and nothing was written. Closing twice has no effect. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            lock.close();
            if (made && Files.isDirectory(folder) && names().isEmpty()) {
                Files.delete(folder);
            }
        } catch (DirectoryNotEmptyException e) {
            // Someone else has taken it meanwhile.
            return;
        } catch (IOException e) {
            throw new Sae4jException("the folder's lock cannot be released (" + e + ")", folder.toString(),
                    "delete " + LOCK + " in it", e);
        }
    }
}
