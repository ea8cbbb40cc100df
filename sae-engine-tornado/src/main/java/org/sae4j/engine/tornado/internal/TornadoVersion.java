package org.sae4j.engine.tornado.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version of TornadoVM that the engine was built with. Its interfaces change from release to release. */
final class TornadoVersion {
    static final String EXPECTED = read();

    private TornadoVersion() {}

    private static String read() {
        try (InputStream in = TornadoVersion.class.getResourceAsStream("tornadovm.properties")) {
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
