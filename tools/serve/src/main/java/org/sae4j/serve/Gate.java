package org.sae4j.serve;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/**
 * What every request passes: it must be meant for this server by its name, come from its own page or from no page, be of bounded size, and
 * bring the token if it asks for more than the page's files. A page of another site, a name that was bound to this machine (DNS rebinding),
 * and another user of the machine all fail at one of these.
 */
final class Gate implements HttpHandler {
    static final String TOKEN_HEADER = "X-Sae-Token";
    static final String API = "/api/v1/";
    /** Bytes of what is sent. */
    static final int MOST_BYTES = 1 << 20;
    private static final int MOST_QUERY = 1 << 14;
    private static final System.Logger LOG = System.getLogger(Gate.class.getName());

    private final byte[] token;
    private final Set<String> hosts;
    private final Set<String> origins;
    private final StaticFiles files = new StaticFiles();
    private final Api api;

    Gate(String token, int port, Api api) {
        this.token = token.getBytes(StandardCharsets.US_ASCII);
        this.api = api;
        hosts = Set.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port);
        origins = Set.of("http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::1]:" + port);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Headers headers = exchange.getResponseHeaders();
            headers.set("X-Content-Type-Options", "nosniff");
            headers.set("Referrer-Policy", "no-referrer");
            headers.set("Cross-Origin-Resource-Policy", "same-origin");
            headers.set("Cross-Origin-Opener-Policy", "same-origin");
            headers.set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
                    + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
            try {
                answer(exchange);
            } catch (ApiException e) {
                refuse(exchange, e.status(), String.valueOf(e.getMessage()));
            } catch (Sae4jException e) {
                refuse(exchange, 422, String.valueOf(e.getMessage()));
            } catch (OutOfMemoryError e) {
                LOG.log(Level.ERROR, "a request failed: " + exchange.getRequestURI().getRawPath(), e);
                refuse(exchange, 503, "memory is exhausted, ask for less or start the server with a larger heap");
            } catch (RuntimeException | LinkageError e) {
                LOG.log(Level.ERROR, "a request failed: " + exchange.getRequestURI().getRawPath(), e);
                refuse(exchange, 500, "unexpected " + e.getClass().getSimpleName() + ", see the server's log");
            }
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        checkSender(exchange);
        String path = exchange.getRequestURI().getRawPath();
        if (path == null || !path.startsWith(API)) {
            file(exchange, path == null ? "" : path);
            return;
        }
        checkPage(exchange);
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        String given = exchange.getRequestHeaders().getFirst(TOKEN_HEADER);
        if (given == null || !MessageDigest.isEqual(token, given.getBytes(StandardCharsets.UTF_8))) {
            throw new ApiException(401, "the token is missing or wrong: open the address that the server printed");
        }
        String method = exchange.getRequestMethod();
        Api.Route route = api.route(path.substring(API.length()), method);
        String query = exchange.getRequestURI().getRawQuery();
        if (query != null && query.length() > MOST_QUERY) {
            throw new ApiException(414, "the address is longer than " + MOST_QUERY + " characters");
        }
        Request request = new Request(Request.query(query == null ? "" : query), body(exchange, route));
        if (route instanceof Api.Streamed streamed) {
            stream(exchange, streamed, request);
            return;
        }
        Api.Reply reply;
        try {
            reply = ((Api.Answered) route).answer(request);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            Thread.currentThread().interrupt();
            throw new ApiException(503, "the server is stopping");
        }
        reply.fileName().ifPresent(name -> exchange.getResponseHeaders().set("Content-Disposition",
                "attachment; filename=\"" + name + "\""));
        send(exchange, 200, reply.type(), reply.bytes());
    }

    /** By the Host header and the address itself, of which some clients choose one and some servers believe the other. */
    private void checkSender(HttpExchange exchange) {
        List<String> host = exchange.getRequestHeaders().getOrDefault("Host", List.of());
        if (host.size() != 1 || !hosts.contains(host.getFirst()) || exchange.getRequestURI().isAbsolute()
                || exchange.getRequestURI().getRawAuthority() != null) {
            throw new ApiException(421, "this server answers to 127.0.0.1 and localhost with its port alone");
        }
    }

    private void checkPage(HttpExchange exchange) {
        Headers headers = exchange.getRequestHeaders();
        for (String origin : headers.getOrDefault("Origin", List.of())) {
            if (!origins.contains(origin)) {
                throw new ApiException(403, "pages of other sites may not ask this server");
            }
        }
        for (String site : headers.getOrDefault("Sec-Fetch-Site", List.of())) {
            if (!site.equals("same-origin") && !site.equals("none")) {
                throw new ApiException(403, "pages of other sites may not ask this server");
            }
        }
    }

    private void file(HttpExchange exchange, String path) throws IOException {
        Optional<StaticFiles.Content> file = files.get(path);
        if (file.isEmpty()) {
            throw new ApiException(404, "there is nothing at this address");
        }
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            throw new ApiException(405, "files are only read");
        }
        exchange.getResponseHeaders().set("Cache-Control", "no-cache");
        send(exchange, 200, file.get().type(), file.get().bytes());
    }

    private static String body(HttpExchange exchange, Api.Route route) throws IOException {
        Headers headers = exchange.getRequestHeaders();
        String length = headers.getFirst("Content-Length");
        int most = route.mostBytes();
        if (length != null && length.length() > 18 || length != null && Long.parseLong(length) > most) {
            throw tooLong(most);
        }
        byte[] bytes = exchange.getRequestBody().readNBytes(most + 1);
        if (bytes.length > most) {
            throw tooLong(most);
        }
        if (bytes.length > 0) {
            String type = headers.getFirst("Content-Type");
            // Of another type a page of another site could send it without asking first.
            if (type == null || !type.split(";")[0].strip().equalsIgnoreCase("application/json")) {
                throw new ApiException(415, "send application/json");
            }
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw ApiException.bad("what was sent is not UTF-8");
        }
    }

    private static ApiException tooLong(int most) {
        return new ApiException(413, "at most " + most + " bytes can be sent");
    }

    private static void stream(HttpExchange exchange, Api.Streamed route, Request request) throws IOException {
        Api.Stream stream = route.prepare(request);
        exchange.getResponseHeaders().set("Content-Type", "application/x-ndjson; charset=utf-8");
        Lines lines = new Lines(exchange);
        try {
            stream.run(lines);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a client left before its answer ended", e);
        } catch (RuntimeException e) {
            if (!lines.begun()) {
                throw e;
            }
            LOG.log(Level.ERROR, "an answer ended early", e);
            lines.send(Json.object("error", e instanceof Sae4jException ? e.getMessage()
                    : "unexpected " + e.getClass().getSimpleName() + ", see the server's log"));
        }
    }

    /** Events, one a line, each sent when it is there. */
    private static final class Lines implements Continuations.Events {
        private final HttpExchange exchange;
        private @Nullable OutputStream out;

        Lines(HttpExchange exchange) {
            this.exchange = exchange;
        }

        synchronized boolean begun() {
            return out != null;
        }

        @Override
        public synchronized void send(Map<String, @Nullable Object> event) throws IOException {
            OutputStream open = out;
            if (open == null) {
                exchange.sendResponseHeaders(200, 0);
                open = exchange.getResponseBody();
                out = open;
            }
            open.write((Json.write(event) + "\n").getBytes(StandardCharsets.UTF_8));
            open.flush();
        }
    }

    private static void refuse(HttpExchange exchange, int status, String message) throws IOException {
        if (exchange.getResponseCode() != -1) {
            return;
        }
        if (status == 503) {
            exchange.getResponseHeaders().set("Retry-After", "1");
        }
        byte[] bytes = Json.write(Json.object("error", message)).getBytes(StandardCharsets.UTF_8);
        send(exchange, status, "application/json; charset=utf-8", bytes);
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] bytes) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head || bytes.length == 0 ? -1 : bytes.length);
        if (!head && bytes.length > 0) {
            // Closed before the exchange, which first waits for what the client has not sent.
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(bytes);
            }
        }
    }
}
