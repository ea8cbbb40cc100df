package org.sae4j.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that no page of this server would send. */
class HostileClientsTest {
    private static final int PATIENCE_MILLIS = 30_000;

    @TempDir
    static Path folder;
    private static Fixture fixture;

    @BeforeAll
    static void start() throws Exception {
        fixture = new Fixture(folder);
    }

    @AfterAll
    static void stop() {
        fixture.close();
    }

    private static String host() {
        return "127.0.0.1:" + fixture.server.port();
    }

    /** Sends bytes as they are and reads until the server closes. */
    private static String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), fixture.server.port())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (SocketException e) {
            return "closed: " + e.getMessage();
        }
    }

    private static String get(String target, String... headers) throws IOException {
        return raw("GET " + target + " HTTP/1.1\r\n" + String.join("\r\n", headers) + "\r\nConnection: close\r\n\r\n");
    }

    private static String token() {
        return "X-Sae-Token: " + fixture.server.token();
    }

    @Test
    void whatIsMeantForThisServerIsAnswered() throws IOException {
        assertThat(get("/api/v1/status", "Host: " + host(), token())).startsWith("HTTP/1.1 200");
        assertThat(get("/api/v1/status", "Host: localhost:" + fixture.server.port(), token(), "Origin: http://localhost:" + fixture.server.port(),
                "Sec-Fetch-Site: same-origin")).startsWith("HTTP/1.1 200");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Host: evil.example", "Host: evil.example:%d", "Host: 127.0.0.1", "Host: 127.0.0.1.evil.example:%d",
            "Host: 127.0.0.1:%d\r\nHost: evil.example", "Host: evil.example\r\nHost: 127.0.0.1:%d", "X-No-Host: 1"})
    void aNameThatWasBoundToThisMachineIsRefused(String headers) throws IOException {
        String bound = headers.formatted(fixture.server.port(), fixture.server.port());
        for (String target : new String[] {"/", "/api/v1/status"}) {
            assertThat(get(target, bound, token())).doesNotStartWith("HTTP/1.1 200").doesNotContain("<!doctype", "fingerprint");
        }
    }

    @Test
    void anAddressOfAnotherHostIsRefused() throws IOException {
        assertThat(get("http://evil.example/api/v1/status", "Host: " + host(), token())).doesNotStartWith("HTTP/1.1 200");
        assertThat(get("//evil.example/api/v1/status", "Host: " + host(), token())).doesNotStartWith("HTTP/1.1 200");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Origin: http://evil.example", "Origin: null", "Origin: https://127.0.0.1:%d", "Origin: http://127.0.0.1:1",
            "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"})
    void pagesOfOtherSitesAreRefusedThoughTheyKnewTheToken(String header) throws IOException {
        assertThat(get("/api/v1/status", "Host: " + host(), token(), header.formatted(fixture.server.port()))).startsWith("HTTP/1.1 403");
    }

    @Test
    void withoutTheTokenNothingIsToldOrWritten() throws Exception {
        assertThat(get("/api/v1/status", "Host: " + host())).startsWith("HTTP/1.1 401").doesNotContain("fingerprint");
        assertThat(get("/api/v1/status", "Host: " + host(), "X-Sae-Token: " + "0".repeat(48))).startsWith("HTTP/1.1 401");
        String body = "{\"feature\":1,\"name\":\"x\"}";
        assertThat(raw("PUT /api/v1/labels HTTP/1.1\r\nHost: " + host() + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body)).startsWith("HTTP/1.1 401");
        assertThat(fixture.labels).doesNotExist();
    }

    @Test
    void whatAFormOfAnotherSiteCanSendIsRefused() throws IOException {
        String body = "{\"feature\":1,\"name\":\"x\"}";
        assertThat(raw("PUT /api/v1/labels HTTP/1.1\r\nHost: " + host() + "\r\n" + token() + "\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                + "Content-Length: " + body.length() + "\r\n\r\n" + body)).startsWith("HTTP/1.1 415");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/../labels.jsonl", "/%2e%2e/labels.jsonl", "/..%2flabels.jsonl", "/%252e%252e/x", "/page/index.html", "/style.css/../../x",
            "/.git/config", "/SaeServer.class", "/\\..\\x", "/style.css%00"})
    void nothingButThePagesFilesIsServed(String target) throws IOException {
        assertThat(get(target, "Host: " + host(), token())).doesNotStartWith("HTTP/1.1 200");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET / HTT", "GET / HTTP/1.1\r\nHost: x\r\n", "POST /api/v1/text HTTP/1.1\r\nHost: HOST\r\nTOKEN\r\n"
            + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"text\":"})
    void halfARequestIsClosedAtTheDeadline(String half) throws IOException {
        String answer = raw(half.replace("HOST", host()).replace("TOKEN", token()));
        assertThat(answer).doesNotContain("HTTP/1.1 200");
    }

    @Test
    void aClientThatSendsAByteNowAndThenIsClosedAtTheDeadline() throws Exception {
        try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), fixture.server.port())) {
            OutputStream out = socket.getOutputStream();
            out.write("GET / HTTP/1.1\r\nX-Slow: ".getBytes(StandardCharsets.ISO_8859_1));
            assertThatThrownBy(() -> {
                for (int i = 0; i < PATIENCE_MILLIS / 200; i++) {
                    out.write('a');
                    out.flush();
                    Thread.sleep(200);
                }
            }).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aSlowClientDoesNotKeepOthersWaiting() throws Exception {
        Socket[] slow = new Socket[40];
        try {
            for (int i = 0; i < slow.length; i++) {
                slow[i] = new Socket(InetAddress.getByName("127.0.0.1"), fixture.server.port());
                slow[i].getOutputStream().write("POST /api/v1/text HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{".getBytes(StandardCharsets.ISO_8859_1));
            }
            assertThat(fixture.get("status").path("model").path("name").asString()).isEqualTo("gelu-1l-demo");
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void whatIsTooLongIsRefusedBeforeItIsRead() throws Exception {
        assertThat(raw("POST /api/v1/text HTTP/1.1\r\nHost: " + host() + "\r\n" + token() + "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + "Content-Length: 99999999999\r\n\r\n")).contains("HTTP/1.1 413");
        String chunk = "10000\r\n" + "x".repeat(0x10000) + "\r\n";
        assertThat(raw("POST /api/v1/text HTTP/1.1\r\nHost: " + host() + "\r\n" + token() + "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n" + chunk.repeat(20) + "0\r\n\r\n")).doesNotContain("HTTP/1.1 200");
        assertThat(fixture.sendBody("POST", "text", Map.of("text", "x".repeat(20_001))).statusCode()).isEqualTo(413);
        assertThat(fixture.sendBody("POST", "text", Map.of("text", "word ".repeat(4_000))).statusCode()).isEqualTo(200);
        assertThat(fixture.send(fixture.request("features?query=" + "x".repeat(20_000))).statusCode()).isEqualTo(414);
    }

    @Test
    void nestedAndBrokenJsonIsRefused() throws Exception {
        assertThat(fixture.sendBody("POST", "text", "{\"text\":" + "[".repeat(100_000)).statusCode()).isEqualTo(400);
        assertThat(fixture.sendBody("POST", "text", "{\"text\":\"a\",\"text\":\"b\"}").statusCode()).isEqualTo(400);
    }

    @Test
    void otherAddressesOfTheMachineDoNotAnswer() throws Exception {
        for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (InetAddress address : Collections.list(network.getInetAddresses())) {
                if (!address.isLoopbackAddress()) {
                    assertThatThrownBy(() -> new Socket(address, fixture.server.port()).close()).isInstanceOf(IOException.class);
                }
            }
        }
    }

    @Test
    void tokensThatAreMarkupComeAsTheyAre() throws Exception {
        String answer = fixture.sendBody("POST", "text", Map.of("text", Fixture.HOSTILE)).body();
        assertThat(answer).contains("onerror");
        assertThat(fixture.send(fixture.request("status")).headers().firstValue("Content-Type")).contains("application/json; charset=utf-8");
    }

    @Test
    void stoppingEndsContinuationsAndTheServerIsGone(@TempDir Path other) throws Exception {
        Fixture second = new Fixture(other, java.util.List.of());
        Thread asking = Thread.startVirtualThread(() -> {
            try {
                second.sendBody("POST", "steer", Map.of("text", "The", "count", 200));
            } catch (IOException | InterruptedException e) {
                // The connection ends with the server.
            }
        });
        Thread.sleep(300);
        second.server.close();
        asking.join();
        assertThatThrownBy(() -> new Socket("127.0.0.1", second.server.port()).close()).isInstanceOf(IOException.class);
        second.close();
        assertThat(Files.exists(second.labels)).isFalse();
    }
}
