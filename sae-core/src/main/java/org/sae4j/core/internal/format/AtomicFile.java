package org.sae4j.core.internal.format;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.sae4j.core.format.FormatException;

/** Writes a file beside its final place and moves it there when it is complete, so that no reader ever sees half a file. */
public final class AtomicFile {
    /** Writes the bytes of a file. */
    @FunctionalInterface
    public interface Content {
        /** Writes to an unbuffered stream. */
        void writeTo(OutputStream out) throws IOException;
    }

    private AtomicFile() {}

    /**
     * Writes a file, replacing it if it exists. Missing folders are created.
     *
     * @throws FormatException if it cannot be written; a file that existed is then unchanged
     */
    public static void write(Path path, Content content) {
        Path target = path.toAbsolutePath();
        try {
            Path folder = Files.createDirectories(target.getParent());
            Path temporary = Files.createTempFile(folder, "." + target.getFileName(), ".part");
            try {
                try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                    content.writeTo(Channels.newOutputStream(channel));
                    channel.force(true);
                }
                try {
                    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
                } catch (AtomicMoveNotSupportedException e) {
                    Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
                }
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (IOException e) {
            throw new FormatException("the file cannot be written (" + e + ")", path.toString(),
                    "check the path, its permissions and free space", e);
        }
    }
}
