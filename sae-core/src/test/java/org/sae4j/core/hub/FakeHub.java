package org.sae4j.core.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** A hub on the loopback interface with one repository, which answers as the real one unless it was told to answer otherwise. */
final class FakeHub implements AutoCloseable {
    static final String REPOSITORY = "someone/model";
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final String LISTING = "/api/models/" + REPOSITORY + "/revision/main";

    record Seen(String method, String path, Optional<String> token, Optional<String> range) {}

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, byte[]> files = new TreeMap<>();
    private final Map<String, Queue<HttpHandler>> special = new ConcurrentHashMap<>();
    private final List<Seen> seen = new CopyOnWriteArrayList<>();

    FakeHub() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    FakeHub with(String path, byte[] content) {
        files.put(path, content);
        return this;
    }

    FakeHub with(String path, String content) {
        return with(path, content.getBytes(StandardCharsets.UTF_8));
    }

    /** Answers the next requests for an address with these, one each. */
    void next(String address, HttpHandler... handlers) {
        special.computeIfAbsent(address, _ -> new ConcurrentLinkedQueue<>()).addAll(List.of(handlers));
    }

    static String resolve(String path) {
        return "/" + REPOSITORY + "/resolve/" + COMMIT + "/" + path;
    }

    List<Seen> seen() {
        return seen;
    }

    List<Seen> seen(String path) {
        return seen.stream().filter(request -> request.path().equals(path)).toList();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            seen.add(new Seen(exchange.getRequestMethod(), path, header(exchange, "Authorization"), header(exchange, "Range")));
            HttpHandler handler = Optional.ofNullable(special.get(path)).map(Queue::poll).orElse(null);
            if (handler != null) {
                handler.handle(exchange);
            } else if (path.startsWith("/api/models/" + REPOSITORY + "/revision/")) {
                send(exchange, 200, listing().getBytes(StandardCharsets.UTF_8));
            } else {
                byte[] content = files.get(path.replace(resolve(""), ""));
                if (content == null) {
                    send(exchange, 404, new byte[0]);
                } else {
                    serve(exchange, content);
                }
            }
        }
    }

    private static Optional<String> header(HttpExchange exchange, String name) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
    }

    static void serve(HttpExchange exchange, byte[] content) throws IOException {
        Optional<String> range = header(exchange, "Range");
        if (range.isEmpty()) {
            send(exchange, 200, content);
            return;
        }
        int from = Integer.parseInt(range.get().replaceAll("bytes=(\\d+)-", "$1"));
        exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        send(exchange, 206, Arrays.copyOfRange(content, from, content.length));
    }

    static void send(HttpExchange exchange, int status, byte[] content) throws IOException {
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        exchange.getResponseBody().write(content);
    }

    static HttpHandler status(int status, String... headers) {
        return exchange -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            send(exchange, status, new byte[0]);
        };
    }

    static HttpHandler json(String json) {
        return exchange -> send(exchange, 200, json.getBytes(StandardCharsets.UTF_8));
    }

    /** Promises everything and breaks off after the first bytes. */
    static HttpHandler breakingAfter(int bytes, byte[] content) {
        return exchange -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content, 0, bytes);
            exchange.getResponseBody().flush();
        };
    }

    /** The hub's answer for all files: weights are large files, the others lie in git. */
    String listing() {
        return files.entrySet().stream().map(file -> {
            boolean large = file.getKey().matches(".*\\.(safetensors|bin|pt)");
            String checksum = large ? "\"lfs\": {\"sha256\": \"" + hex("SHA-256", file.getValue()) + "\", \"pointerSize\": 134}"
                    : "\"lfs\": null, \"blobId\": \"" + gitBlob(file.getValue()) + "\"";
            return entry(file.getKey(), file.getValue().length, checksum);
        }).collect(Collectors.joining(", ", "{\"sha\": \"" + COMMIT + "\", \"id\": \"" + REPOSITORY + "\", \"siblings\": [", "]}"));
    }

    static String entry(String path, long size, String checksum) {
        return "{\"rfilename\": \"" + path + "\", \"size\": " + size + ", " + checksum + "}";
    }

    static String listing(String... entries) {
        return "{\"sha\": \"" + COMMIT + "\", \"siblings\": [" + String.join(", ", entries) + "]}";
    }

    static String gitBlob(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] whole = Arrays.copyOf(head, head.length + content.length);
        System.arraycopy(content, 0, whole, head.length, content.length);
        return hex("SHA-1", whole);
    }

    static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
