package org.sae4j.core.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;

/**
 * What the hub says about the content of a file.
 *
 * @param kind how it is computed
 * @param hex lower-case hexadecimal digits
 */
record Checksum(Kind kind, String hex) {
    /** The ways in which git and its large files name content. */
    enum Kind {
        /** SHA-256 of the content, for large files. */
        SHA256("SHA-256", 64),
        /** SHA-1 of git's blob: "blob", the size, a zero byte, the content. */
        GIT_BLOB("SHA-1", 40);

        private final String algorithm;
        private final int digits;

        Kind(String algorithm, int digits) {
            this.algorithm = algorithm;
            this.digits = digits;
        }
    }

    /** {@return the checksum, or nothing if the text is none of this kind} */
    static Optional<Checksum> of(Kind kind, String text) {
        String hex = text.toLowerCase(Locale.ROOT);
        return hex.matches("[0-9a-f]{" + kind.digits + "}") ? Optional.of(new Checksum(kind, hex)) : Optional.empty();
    }

    /** {@return the checksum in an ETag, whose length says which kind it is, or nothing if the tag is none} */
    static Optional<Checksum> ofTag(String tag) {
        String text = tag.strip().replaceFirst("^W/", "").replace("\"", "");
        return of(Kind.SHA256, text).or(() -> of(Kind.GIT_BLOB, text));
    }

    /** {@return a digest that is ready for the content of a file of {@code size} bytes} */
    MessageDigest start(long size) {
        try {
            MessageDigest digest = MessageDigest.getInstance(kind.algorithm);
            if (kind == Kind.GIT_BLOB) {
                digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + kind.algorithm, e);
        }
    }

    /** {@return the digits of a finished digest} */
    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public String toString() {
        return (kind == Kind.SHA256 ? "sha256 " : "git ") + hex;
    }
}
