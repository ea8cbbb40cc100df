package org.sae4j.core.internal.format;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.sae4j.core.format.FormatException;

/** Access to files with errors that name them. */
public final class MappedFile {
    private MappedFile() {}

    /**
     * Maps a whole file for reading.
     *
     * @param arena unmaps it when closed
     * @throws FormatException if it cannot be read
     */
    public static MemorySegment map(Path path, Arena arena) {
        requireRegular(path);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /**
     * Reads a small file.
     *
     * @param limit the largest size allowed, in bytes, below 2^31 - 1
     * @throws FormatException if it cannot be read or is larger
     */
    public static byte[] bytes(Path path, long limit) {
        requireRegular(path);
        try (InputStream in = Files.newInputStream(path)) {
            // The size is not believed: a file may grow, and some of the system's have no size.
            byte[] bytes = in.readNBytes(Math.toIntExact(limit + 1));
            if (bytes.length > limit) {
                throw new FormatException("the file has more than the " + limit + " bytes allowed for its kind", path.toString(),
                        "check that it is the right file");
            }
            return bytes;
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** Pipes would never end, and devices have no content of their own. */
    private static void requireRegular(Path path) {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new FormatException(Files.isDirectory(path) ? "a folder where a file is needed" : "not a regular file", path.toString(),
                    "check the path");
        }
    }

    private static FormatException unreadable(Path path, IOException cause) {
        String reason = cause instanceof NoSuchFileException ? "No such file or directory" : "the file cannot be read (" + cause.getMessage() + ")";
        return new FormatException(reason, path.toString(), "check the path and its permissions", cause);
    }
}
