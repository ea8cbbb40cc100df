package org.sae4j.core.hub;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Sae4jException;

/**
 * Where to download from and to.
 *
 * @param endpoint the address of the hub or of a mirror: http or https
 * @param cache the folder for what is downloaded: {@code OWNER/NAME/COMMIT/path}
 * @param token the token to send to the endpoint, and to no other host
 * @param offline whether to use nothing but the cache
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline) {
    /** The Hugging Face hub. */
    public static final URI HUGGING_FACE = URI.create("https://huggingface.co");

    private static final String REMEDY = "give one like " + HUGGING_FACE + " (--endpoint, HF_ENDPOINT)";
    private static final String TOKEN_FORM = "[\\x21-\\x7e]+";

    /**
     * Checks the settings.
     *
     * @throws Sae4jException if the endpoint is not an http or https address, the token has characters that no token has, or a token would
     *         be sent over http to another machine
     */
    public HubSettings {
        String scheme = endpoint.getScheme() == null ? "" : endpoint.getScheme().toLowerCase(Locale.ROOT);
        if (endpoint.getHost() == null || !scheme.equals("https") && !scheme.equals("http") || endpoint.getRawUserInfo() != null
                || endpoint.getRawQuery() != null || endpoint.getRawFragment() != null) {
            throw new Sae4jException("not the address of a hub", endpoint.toString(), REMEDY);
        }
        if (token.isPresent()) {
            if (!token.get().matches(TOKEN_FORM)) {
                throw new Sae4jException("the token has a blank or a character beyond ASCII", "HF_TOKEN or the token file",
                        "copy the token again from " + HUGGING_FACE + "/settings/tokens");
            }
            if (!offline && scheme.equals("http") && !isLoopback(endpoint.getHost())) {
                throw new Sae4jException("a token would travel unencrypted", endpoint.toString(),
                        "use https, or unset HF_TOKEN and move the token file away");
            }
        }
    }

    private static boolean isLoopback(String host) {
        return host.equalsIgnoreCase("localhost") || host.equals("[::1]") || host.matches("127\\.\\d+\\.\\d+\\.\\d+");
    }

    /**
     * The settings of the environment: the endpoint from {@code HF_ENDPOINT}, else huggingface.co; the cache from {@code SAE4J_CACHE}, else
     * {@code sae4j} in {@code XDG_CACHE_HOME}, else {@code ~/.cache/sae4j}; the token from {@code HF_TOKEN}, else the file
     * {@code ~/.cache/huggingface/token}. Empty variables count as unset.
     *
     * @return the settings, online
     * @throws Sae4jException if they are not sound, or the token file cannot be read
     */
    public static HubSettings fromEnvironment() {
        return from(System.getenv(), Path.of(System.getProperty("user.home")));
    }

    static HubSettings from(Map<String, String> environment, Path home) {
        Path userCache = home.resolve(".cache");
        URI endpoint = variable(environment, "HF_ENDPOINT").map(HubSettings::address).orElse(HUGGING_FACE);
        Path cache = variable(environment, "SAE4J_CACHE").map(Path::of)
                .orElseGet(() -> variable(environment, "XDG_CACHE_HOME").map(Path::of).orElse(userCache).resolve("sae4j"));
        Optional<String> token = variable(environment, "HF_TOKEN").or(() -> storedToken(userCache.resolve("huggingface").resolve("token")));
        return new HubSettings(endpoint, cache, token, false);
    }

    private static Optional<String> variable(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    private static Optional<String> storedToken(Path file) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Files.readString(file).strip()).filter(value -> !value.isEmpty());
        } catch (IOException e) {
            throw new Sae4jException("the token cannot be read (" + e + ")", file.toString(), "check its permissions, or set HF_TOKEN", e);
        }
    }

    /**
     * Reads an address.
     *
     * @param text the address
     * @return the address, without a slash at the end
     * @throws Sae4jException if it is malformed
     */
    public static URI address(String text) {
        try {
            return new URI(text.replaceFirst("/+$", ""));
        } catch (URISyntaxException e) {
            throw new Sae4jException("not an address, " + e.getReason(), text, REMEDY, e);
        }
    }

    /**
     * {@return these settings with another endpoint}
     *
     * @param other the address of the hub
     */
    public HubSettings withEndpoint(URI other) {
        return new HubSettings(other, cache, token, offline);
    }

    /**
     * {@return these settings with another cache}
     *
     * @param other the folder of downloads
     */
    public HubSettings withCache(Path other) {
        return new HubSettings(endpoint, other, token, offline);
    }

    /**
     * {@return these settings, using the network or not}
     *
     * @param value whether to use the cache alone
     */
    public HubSettings withOffline(boolean value) {
        return new HubSettings(endpoint, cache, token, value);
    }

    /** {@return the settings without the token itself} */
    @Override
    public String toString() {
        return "HubSettings[endpoint=" + endpoint + ", cache=" + cache + ", token=" + (token.isPresent() ? "given" : "none") + ", offline="
                + offline + "]";
    }
}
