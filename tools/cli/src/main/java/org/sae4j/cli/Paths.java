package org.sae4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sae4j.api.Sae4jException;

/** Checks what the user names on the command line. */
final class Paths {
    private Paths() {
    }

    static Path folder(Path path, String option) {
        if (!Files.isDirectory(path)) {
            throw new Sae4jException(Files.exists(path) ? "not a folder" : "No such directory", path.toString(), "check " + option);
        }
        return path;
    }

    static Path existing(Path path, String option) {
        if (!Files.exists(path)) {
            throw new Sae4jException("No such file or directory", path.toString(), "check " + option);
        }
        return path;
    }

    static Path newFolder(Path path) {
        try {
            return Files.createDirectories(path);
        } catch (IOException e) {
            throw new Sae4jException("cannot make the folder, " + e.getClass().getSimpleName(), path.toString(),
                    "choose another --output or check the permissions", e);
        }
    }
}
