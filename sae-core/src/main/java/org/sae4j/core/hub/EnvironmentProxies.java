package org.sae4j.core.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Sae4jException;

/**
 * The proxies that the environment names, as command-line tools read it: {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code ALL_PROXY}, and
 * {@code NO_PROXY} with hosts, domains or {@code *}. Names in small letters come first. Where none is named, Java's properties hold.
 */
final class EnvironmentProxies extends ProxySelector {
    private static final int PORT = 80;

    private final Map<String, String> environment;
    private final ProxySelector otherwise;

    EnvironmentProxies(Map<String, String> environment, ProxySelector otherwise) {
        this.environment = environment;
        this.otherwise = otherwise;
        proxy("http");
        proxy("https");
    }

    @Override
    public List<Proxy> select(URI address) {
        String scheme = String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
        Optional<InetSocketAddress> proxy = proxy(scheme);
        if (proxy.isEmpty()) {
            return otherwise.select(address);
        }
        return isDirect(String.valueOf(address.getHost()).toLowerCase(Locale.ROOT), address.getPort()) ? List.of(Proxy.NO_PROXY)
                : List.of(new Proxy(Proxy.Type.HTTP, proxy.get()));
    }

    private Optional<InetSocketAddress> proxy(String scheme) {
        for (String name : List.of(scheme + "_proxy", "all_proxy")) {
            Optional<String> value = variable(name);
            if (value.isPresent()) {
                return Optional.of(address(name.toUpperCase(Locale.ROOT), value.get()));
            }
        }
        return Optional.empty();
    }

    private Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).or(() -> Optional.ofNullable(environment.get(name.toUpperCase(Locale.ROOT))))
                .map(String::strip).filter(value -> !value.isEmpty());
    }

    private static InetSocketAddress address(String name, String value) {
        try {
            URI proxy = new URI(value.contains("://") ? value : "http://" + value);
            if (proxy.getHost() != null && "http".equalsIgnoreCase(proxy.getScheme()) && proxy.getUserInfo() == null) {
                return InetSocketAddress.createUnresolved(proxy.getHost(), proxy.getPort() < 0 ? PORT : proxy.getPort());
            }
        } catch (URISyntaxException e) {
            // As below; the value may hold a password, so it is not shown.
        }
        throw new Sae4jException("the proxy is no address of the form http://host:port without a password", name, "correct or unset it");
    }

    /** Whether a host is named in NO_PROXY, itself or its domain, with its port or without. */
    private boolean isDirect(String host, int port) {
        return Arrays.stream(variable("no_proxy").orElse("").toLowerCase(Locale.ROOT).split("[,\\s]+")).filter(entry -> !entry.isEmpty())
                .anyMatch(entry -> {
                    String name = entry.replaceFirst(":\\d+$", "");
                    boolean samePort = name.equals(entry) || entry.endsWith(":" + port);
                    String domain = name.replaceFirst("^\\*?\\.", "");
                    return name.equals("*") || samePort && (host.equals(domain) || host.endsWith("." + domain));
                });
    }

    @Override
    public void connectFailed(URI address, SocketAddress proxy, IOException failure) {
        // The request fails with the same exception.
    }
}
