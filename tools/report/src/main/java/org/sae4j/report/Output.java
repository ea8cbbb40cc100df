package org.sae4j.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.sae4j.api.Sae4jException;

/** Writes a file as a whole, so that nobody reads half of it. */
final class Output {
    private Output() {}

    static void write(Path file, String text) {
        Path target = file.toAbsolutePath();
        Path part = target.resolveSibling("." + target.getFileName() + ".part");
        try {
            Files.createDirectories(target.getParent());
            try {
                Files.write(part, text.getBytes(StandardCharsets.UTF_8));
                Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new Sae4jException("cannot write: " + e, file.toString(), "check the folder, its permissions and the free space", e);
        }
    }
}
