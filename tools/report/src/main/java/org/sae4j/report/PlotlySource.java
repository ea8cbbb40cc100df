package org.sae4j.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Properties;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/**
 * Plotly as it goes into a report: compressed, as its webjar holds only the readable form of 11 MB.
 *
 * @param version version of Plotly
 * @param gzipBase64 its source, compressed
 * @param csp the source as a Content-Security-Policy names it
 * @param license text of its license
 */
record PlotlySource(String version, String gzipBase64, String csp, String license) {
    private static final String WEBJAR = "org.webjars.npm:plotly.js-dist";
    private static final String ARTIFACT = "plotly.js-dist";

    private static @Nullable PlotlySource loaded;

    /**
     * The Plotly of the class path, read at the first call.
     *
     * @return Plotly
     * @throws Sae4jException if its webjar is missing
     */
    static synchronized PlotlySource get() {
        if (loaded == null) {
            loaded = load();
        }
        return loaded;
    }

    private static PlotlySource load() {
        var properties = new Properties();
        try {
            properties.load(new StringReader(new String(resource("META-INF/maven/org.webjars.npm/" + ARTIFACT + "/pom.properties"),
                    StandardCharsets.UTF_8)));
            String version = properties.getProperty("version");
            String folder = "META-INF/resources/webjars/" + ARTIFACT + "/" + version + "/";
            byte[] source = resource(folder + "plotly.js");
            return new PlotlySource(version, compress(source), csp(source),
                    new String(resource(folder + "LICENSE"), StandardCharsets.UTF_8).strip());
        } catch (IOException e) {
            throw new Sae4jException("cannot read Plotly's webjar: " + e, WEBJAR, "check the jar", e);
        }
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = PlotlySource.class.getClassLoader().getResourceAsStream(name)) {
            if (in == null) {
                throw new Sae4jException("Plotly's webjar is missing", name,
                        "add " + WEBJAR + " to the class path, or to the module path with --add-modules plotly.js.dist");
            }
            return in.readAllBytes();
        }
    }

    private static String compress(byte[] source) throws IOException {
        var bytes = new ByteArrayOutputStream(source.length / 4);
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(source);
        }
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    /** {@return the source expression that allows exactly this script} */
    static String csp(byte[] script) {
        try {
            return "'sha256-" + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(script)) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
