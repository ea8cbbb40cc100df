package org.sae4j.core.internal.format;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import org.sae4j.core.format.FormatException;

/**
 * Writes a file beside its final place and moves it there when it is complete, so that no reader ever sees half a file. Only regular files
 * are replaced: symbolic links are followed, and devices and pipes are written to as they are.
 */
public final class AtomicFile {
    /** Writes the bytes of a file. */
    @FunctionalInterface
    public interface Content {
        /** Writes to an unbuffered stream. */
        void writeTo(OutputStream out) throws IOException;
    }

    private static final String PART = ".part";
    /** Starts anywhere, as a process that was killed may have had the same number and left its file. */
    private static final AtomicLong COUNTER = new AtomicLong(System.nanoTime());

    private AtomicFile() {}

    /**
     * Writes a file, replacing it if it exists. Missing folders are created.
     *
     * @throws FormatException if it cannot be written, as a folder or a block device or a symbolic link to nothing cannot; a regular file
     *     that existed is then unchanged
     */
    public static void write(Path path, Content content) {
        try {
            if (FileType.of(path) == FileType.STREAM) {
                try (OutputStream out = Files.newOutputStream(path, StandardOpenOption.WRITE)) {
                    content.writeTo(out);
                }
                return;
            }
            FileType.requireWritable(path);
            Path target = Files.isSymbolicLink(path) ? path.toRealPath() : path.toAbsolutePath();
            Path folder = Files.createDirectories(target.getParent());
            // Not Files.createTempFile, whose files nobody else may read.
            Path temporary = folder.resolve("." + target.getFileName() + "." + ProcessHandle.current().pid() + "-"
                    + Long.toHexString(COUNTER.getAndIncrement()) + PART);
            try {
                try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                    content.writeTo(Channels.newOutputStream(channel));
                    channel.force(true);
                }
                try {
                    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
                } catch (AtomicMoveNotSupportedException e) {
                    Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
                }
                forceFolder(folder);
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (IOException e) {
            throw new FormatException("the file cannot be written (" + e + ")", path.toString(),
                    "check the path, its permissions and free space", e);
        }
    }

    /** Makes what was moved into a folder outlast a loss of power. Windows does not open folders, and needs no such call. */
    private static void forceFolder(Path folder) throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /** Whether a file of this name in a folder is one that was not completed. */
    public static boolean isPart(String name) {
        return name.startsWith(".") && name.endsWith(PART);
    }

    /**
     * Deletes what processes that were killed while writing left in a folder. Only for folders that nobody else writes to now.
     *
     * @param folder the folder; nothing happens if there is none
     * @throws FormatException if it cannot be listed or a file cannot be deleted
     */
    public static void sweep(Path folder) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, ".*" + PART)) {
            for (Path file : left) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new FormatException("unfinished files cannot be removed (" + e + ")", folder.toString(), "check the folder's permissions",
                    e);
        }
    }
}
