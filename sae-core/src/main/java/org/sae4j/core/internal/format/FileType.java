package org.sae4j.core.internal.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.sae4j.core.format.FormatException;

/** What stands at a path, as far as it matters to who writes there. Symbolic links are followed. */
public enum FileType {
    /** Nothing. */
    NONE,
    /** A regular file. */
    REGULAR,
    /** A folder. */
    FOLDER,
    /** A character device, such as {@code /dev/null}, or a pipe: what is written goes on, nothing is replaced. */
    STREAM,
    /** A symbolic link that leads nowhere. */
    BROKEN_LINK,
    /** A block device, such as a disk, or a socket. */
    OTHER;

    /** The bits of the mode that hold the type, and the values of the types that are streams. */
    private static final int TYPE = 0170000;
    private static final int CHARACTER_DEVICE = 0020000;
    private static final int PIPE = 0010000;

    /** {@return what stands at a path} */
    public static FileType of(Path path) throws IOException {
        if (!Files.exists(path)) {
            return Files.isSymbolicLink(path) ? BROKEN_LINK : NONE;
        }
        // Standard streams of this process and others: what they lead to must not be exchanged under its readers.
        Path absolute = path.toAbsolutePath().normalize();
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        if (attributes.isDirectory()) {
            return FOLDER;
        }
        if (attributes.isRegularFile()) {
            return absolute.startsWith("/dev/fd") || absolute.startsWith("/proc") || absolute.startsWith("/dev/stdout")
                    || absolute.startsWith("/dev/stderr") ? STREAM : REGULAR;
        }
        if (!path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return OTHER;
        }
        int type = (int) Files.getAttribute(path, "unix:mode") & TYPE;
        return type == CHARACTER_DEVICE || type == PIPE ? STREAM : OTHER;
    }

    /**
     * Refuses a path where no file can go.
     *
     * @throws FormatException if there is a folder, a symbolic link to nothing, a block device or a socket
     */
    public static void requireWritable(Path path) throws IOException {
        String what = switch (of(path)) {
            case NONE, REGULAR, STREAM -> "";
            case FOLDER -> "a folder exists where the file should go";
            case BROKEN_LINK -> "a broken symbolic link exists where the file should go";
            case OTHER -> "a device or socket exists where the file should go";
        };
        if (!what.isEmpty()) {
            throw new FormatException("the file cannot be written: " + what, path.toString(), "choose another file");
        }
    }
}
