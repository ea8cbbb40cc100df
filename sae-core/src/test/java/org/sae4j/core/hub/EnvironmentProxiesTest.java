package org.sae4j.core.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.Sae4jException;

/** Proxies of the environment, as curl and Python's requests read them. */
class EnvironmentProxiesTest {
    private static final ProxySelector OTHERWISE = ProxySelector.of(InetSocketAddress.createUnresolved("of-java", 1));

    private static String select(Map<String, String> environment, String address) {
        Proxy proxy = new EnvironmentProxies(environment, OTHERWISE).select(URI.create(address)).getFirst();
        return proxy == Proxy.NO_PROXY ? "none"
                : ((InetSocketAddress) proxy.address()).getHostString() + ":" + ((InetSocketAddress) proxy.address()).getPort();
    }

    @Test
    void eachSchemeHasItsOwn() {
        Map<String, String> both = Map.of("HTTP_PROXY", "http://plain:3128", "https_proxy", "secure:8080/", "HTTPS_PROXY", "http://x:1",
                "ALL_PROXY", "http://all");
        assertThat(select(both, "http://hub.example/a")).isEqualTo("plain:3128");
        assertThat(select(both, "https://hub.example/a")).isEqualTo("secure:8080");
        assertThat(select(Map.of("all_proxy", "http://all"), "https://hub.example")).isEqualTo("all:80");
        assertThat(select(Map.of("HTTP_PROXY", "http://plain:3128"), "https://hub.example")).isEqualTo("of-java:1");
        assertThat(select(Map.of("HTTPS_PROXY", " "), "https://hub.example")).isEqualTo("of-java:1");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "hub.example | none", "HUB.example | none", ".example | none", "example | none", "*.example | none", "ample | p:1",
        "other,  hub.example | none", "* | none", "hub.example:443 | none", "hub.example:80 | p:1", "'' | p:1", "localhost | p:1",
    })
    void hostsOfNoProxyAreReachedDirectly(String none, String expected) {
        assertThat(select(Map.of("https_proxy", "http://p:1", "NO_PROXY", none), "https://hub.example:443/x")).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"socks5://p:1", "http://user:secret@p:1", "http://", "'http://a b'"})
    void whatIsNoSuchAddressIsRefusedWithoutItsPassword(String proxy) {
        assertThatThrownBy(() -> new EnvironmentProxies(Map.of("HTTPS_PROXY", proxy), OTHERWISE)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("HTTPS_PROXY").message().doesNotContain("secret");
    }
}
