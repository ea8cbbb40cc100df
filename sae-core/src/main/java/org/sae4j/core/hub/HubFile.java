package org.sae4j.core.hub;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/**
 * A file as the hub lists it.
 *
 * @param path its path in the repository, with slashes; checked to stay below any folder that it is resolved against
 * @param size its length in bytes, if listed
 * @param checksum what its content must give, if listed
 */
record HubFile(String path, OptionalLong size, Optional<Checksum> checksum) {
    static final String PART = ".part";

    private static final String SEGMENT = "[^\\\\\\p{Cntrl}]+";

    /**
     * Makes a file of what a server says.
     *
     * @throws Sae4jException if the path would leave the folder or cannot be a file name
     */
    static HubFile of(String path, OptionalLong size, Optional<Checksum> checksum, String where) {
        for (String segment : path.split("/", -1)) {
            if (!segment.matches(SEGMENT) || segment.equals(".") || segment.equals("..")) {
                throw refused(path, where, null);
            }
        }
        try {
            Path plain = Path.of(path);
            if (plain.getRoot() != null || !plain.equals(plain.normalize())) {
                throw refused(path, where, null);
            }
        } catch (InvalidPathException e) {
            throw refused(path, where, e);
        }
        return new HubFile(path, size, checksum);
    }

    private static Sae4jException refused(String path, String where, @Nullable InvalidPathException cause) {
        return new Sae4jException("the server lists '" + path.replaceAll("\\p{Cntrl}", "?") + "', which is not a safe file name", where,
                "do not trust this repository or endpoint", cause);
    }

    boolean isComplete() {
        return size.isPresent() && checksum.isPresent();
    }
}
