package org.sae4j.core.output;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.FileType;

/**
 * A file that is written as a whole, and what stands where it is to go. Regular files alone are ever replaced: a symbolic link to one is
 * followed, what goes to a character device or a pipe goes through it, and anything else is refused.
 */
public final class OutputFile {
    private OutputFile() {}

    /**
     * Refuses a place where a file must not go, before work starts.
     *
     * @param file the file to write
     * @param form what will be written
     * @param existing whether a file of this form that stands there may be replaced; {@code RESUME} for one that is added to
     * @param inputs files and folders that are read: neither they nor files in them may be written over; null stands for one that is not given
     * @throws Sae4jException if the file is one of the inputs, a file that is not empty stands there and must not be replaced, or no file
     *     can go there
     */
    public static void check(Path file, FileForm form, Existing existing, @Nullable Path... inputs) {
        try {
            FileType.requireWritable(file);
            for (Path input : inputs) {
                if (input != null && isOrHolds(input, file)) {
                    throw new Sae4jException("the output is one of the inputs", file.toString(), "choose another file");
                }
            }
            if (FileType.of(file) != FileType.REGULAR || Files.size(file) == 0) {
                return;
            }
            boolean own = form.fits(file.toRealPath());
            if (existing == Existing.REFUSE) {
                throw new Sae4jException((own ? form.description() : "a file") + " of " + Files.size(file) + " bytes already exists",
                        file.toString(), "choose another file" + (own ? ", or replace it (--overwrite)" : ""));
            }
            if (!own) {
                throw new Sae4jException("the existing file is not " + form.description() + ", so it is not "
                        + (existing == Existing.RESUME ? "added to" : "replaced"), file.toString(), "choose another file");
            }
        } catch (IOException e) {
            throw new Sae4jException("the existing file cannot be inspected (" + e + ")", file.toString(),
                    "choose another file, or check the permissions", e);
        }
    }

    private static boolean isOrHolds(Path input, Path file) throws IOException {
        return Files.exists(input) && Files.exists(file) && (Files.isSameFile(input, file)
                || Files.isDirectory(input) && Files.isRegularFile(file) && Files.isSameFile(input, file.toRealPath().getParent()));
    }

    /**
     * Writes a file as a whole; its folder is made if there is none.
     *
     * @param file the file; a regular one that exists is replaced
     * @param bytes its content
     * @throws Sae4jException if it cannot be written; a regular file that existed is then unchanged
     */
    public static void write(Path file, byte[] bytes) {
        AtomicFile.write(file, out -> out.write(bytes));
    }

    /**
     * Adds a line to a file, which is made if there is none, as its folder is.
     *
     * @param file the file
     * @param line without its end
     * @throws Sae4jException if it cannot be written
     */
    public static void append(Path file, String line) {
        try {
            FileType.requireWritable(file);
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, line + "\n", StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new Sae4jException("the line cannot be written (" + e + ")", file.toString(), "check space and permissions", e);
        }
    }
}
