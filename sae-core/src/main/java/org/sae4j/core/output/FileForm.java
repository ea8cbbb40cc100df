package org.sae4j.core.output;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.sae4j.api.Sae4jException;

/**
 * How a file of sae4j is told from other files of the same name: by its first bytes.
 *
 * @param description what it is, such as "a safetensors file"
 * @param offset bytes before {@code beginning}
 * @param beginning the bytes there, as Latin-1
 * @param mark a text within the first 64 KiB; empty for none
 */
public record FileForm(String description, int offset, String beginning, String mark) {
    /** Tensors. */
    public static final FileForm SAFETENSORS = new FileForm("a safetensors file", Long.BYTES, "{", "");
    /** The data of a figure. */
    public static final FileForm FIGURE = new FileForm("a figure of sae4j", 0, "{", "\"kind\"");
    /** The configuration of an autoencoder. */
    public static final FileForm AUTOENCODER = new FileForm("the configuration of an autoencoder", 0, "{", "\"sae_lens_version\"");
    /** Metrics of steps, or evaluations of steps. */
    public static final FileForm METRICS = new FileForm("a file of metrics", 0, "{\"step\":", "");
    /** A report. */
    public static final FileForm REPORT = new FileForm("a report of sae4j", 0, "<!", "name=\"generator\" content=\"sae4j\"");
    /** The card of an autoencoder. */
    public static final FileForm CARD = new FileForm("a model card of sae4j", 0, "---\nlibrary_name: sae4j\n", "");
    /** Anything. For files whose names alone say what they are. */
    public static final FileForm ANY = new FileForm("a file", 0, "", "");

    private static final int LOOKED_AT = 1 << 16;

    /**
     * A JSON object that says what it is.
     *
     * @param description what it is, with its article
     * @param schema how the string begins that says so, such as "sae4j/result/"
     * @return the form
     */
    public static FileForm json(String description, String schema) {
        return new FileForm(description, 0, "{", "\"" + schema);
    }

    /**
     * Whether a file has this form.
     *
     * @param file any path
     * @return whether it is a regular file, no symbolic link, and is empty or begins like this
     * @throws Sae4jException if it cannot be read
     */
    public boolean fits(Path file) {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(file)) {
            String start = new String(in.readNBytes(LOOKED_AT), StandardCharsets.ISO_8859_1);
            return start.isEmpty() || start.startsWith(beginning, offset) && start.contains(mark);
        } catch (IOException e) {
            throw new Sae4jException("the existing file cannot be read (" + e + ")", file.toString(),
                    "check its permissions, or choose another place", e);
        }
    }
}
