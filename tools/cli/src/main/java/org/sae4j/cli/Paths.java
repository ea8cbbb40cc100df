package org.sae4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/** Checks what the user names on the command line. */
final class Paths {
    private Paths() {
    }

    static Path folder(Path path, String option) {
        if (!Files.isDirectory(path)) {
            throw new Sae4jException(Files.exists(path) ? "not a folder" : "there is no such folder", path.toString(), "mend " + option);
        }
        return path;
    }

    static Path existing(Path path, String option) {
        if (!Files.exists(path)) {
            throw new Sae4jException("there is no such file or folder", path.toString(), "mend " + option);
        }
        return path;
    }

    /** A file to write that is none of those that are read; null stands for an input that was not given. */
    static Path newFile(Path path, @Nullable Path... inputs) {
        if (Files.isDirectory(path)) {
            throw new Sae4jException("the output is a folder", path.toString(), "name a file with --output");
        }
        for (Path input : inputs) {
            if (input != null && isSame(path, input)) {
                throw new Sae4jException("the output is one of the inputs", path.toString(), "name another file with --output");
            }
        }
        newFolder(Objects.requireNonNull(path.toAbsolutePath().getParent()));
        return path;
    }

    private static boolean isSame(Path a, Path b) {
        try {
            return Files.exists(a) && Files.exists(b) && Files.isSameFile(a, b);
        } catch (IOException e) {
            throw new Sae4jException("cannot compare the output with " + b + ", " + e.getClass().getSimpleName(), a.toString(),
                    "choose another --output or mend the permissions", e);
        }
    }

    static Path newFolder(Path path) {
        try {
            return Files.createDirectories(path);
        } catch (IOException e) {
            throw new Sae4jException("cannot make the folder, " + e.getClass().getSimpleName(), path.toString(),
                    "choose another --output or mend the permissions", e);
        }
    }
}
