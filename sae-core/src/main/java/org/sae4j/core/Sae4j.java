package org.sae4j.core;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** What this build of sae4j is. */
public final class Sae4j {
    private static final String RESOURCE = "version.properties";
    private static final String VERSION = read();

    private Sae4j() {}

    /** {@return the version of sae4j, such as {@code 0.1.0}, in a shaded jar too} */
    public static String version() {
        return VERSION;
    }

    // A resource of its own, since shading drops module descriptors and manifests.
    private static String read() {
        try (InputStream in = Sae4j.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException(RESOURCE + " is missing next to " + Sae4j.class.getName()
                        + ": keep the resources of sae-core in the jar");
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + RESOURCE, e);
        }
    }
}
