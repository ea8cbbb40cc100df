package org.sae4j.core.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;

/** Requests to the endpoint, with redirects followed by hand: the token goes to the endpoint and to nobody else. */
final class Transport implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(20);
    private static final Duration GLANCE = Duration.ofMillis(100);
    private static final int MAX_REDIRECTS = 10;

    private final HttpClient http;
    private final HubSettings settings;
    private final Duration silence;

    /** A response that is no redirect. */
    record Response(int status, HttpHeaders headers, Body body) implements AutoCloseable {
        @Override
        public void close() {
            body.close();
        }
    }

    Transport(HubSettings settings, Duration silence) {
        this.settings = settings;
        this.silence = silence;
        // HTTP/1.1: one large body at a time gains nothing from the streams and flow control of HTTP/2.
        this.http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT).proxy(new EnvironmentProxies(System.getenv(), ProxySelector.getDefault())).build();
    }

    /**
     * Gets an address, wherever it redirects to.
     *
     * @throws BusyException if the server asks to come back later
     * @throws IOException if the connection cannot be made or breaks, or the server is silent for too long
     */
    Response get(URI address, Map<String, String> headers, Progress progress) throws IOException {
        return send("GET", address, headers, true, progress);
    }

    /**
     * Asks the endpoint about an address; a redirect to another host, where the content lies, is the answer.
     *
     * @throws BusyException if the server asks to come back later
     * @throws IOException if the connection cannot be made or breaks, or the server is silent for too long
     */
    Response head(URI address, Progress progress) throws IOException {
        return send("HEAD", address, Map.of(), false, progress);
    }

    /**
     * Reads a whole body.
     *
     * @throws Sae4jException if it is longer than {@code limit} bytes
     * @throws IOException if the connection breaks
     */
    static byte[] readAll(Response response, long limit, String where, Progress progress) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (Optional<List<ByteBuffer>> piece = response.body().next(progress); piece.isPresent(); piece = response.body().next(progress)) {
            for (ByteBuffer buffer : piece.get()) {
                if (bytes.size() + (long) buffer.remaining() > limit) {
                    throw new Sae4jException("the answer is longer than the limit of " + limit + " bytes", where,
                            "check the endpoint (--endpoint, HF_ENDPOINT)");
                }
                byte[] copy = new byte[buffer.remaining()];
                buffer.get(copy);
                bytes.writeBytes(copy);
            }
        }
        return bytes.toByteArray();
    }

    private Response send(String method, URI address, Map<String, String> headers, boolean leave, Progress progress) throws IOException {
        URI target = address;
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpResponse<Flow.Publisher<List<ByteBuffer>>> answer = exchange(request(method, target, headers), progress);
            Body body = new Body(silence);
            answer.body().subscribe(body);
            Response response = new Response(answer.statusCode(), answer.headers(), body);
            if (isBusy(response.status())) {
                response.close();
                throw new BusyException(response.status(), answer.headers().firstValue("Retry-After"));
            }
            Optional<String> location = isRedirect(response.status()) ? answer.headers().firstValue("Location") : Optional.empty();
            if (location.isEmpty()) {
                return response;
            }
            URI next = resolve(target, location.get());
            if (!leave && !isEndpoint(next)) {
                return response;
            }
            response.close();
            target = next;
        }
        throw new Sae4jException("more than " + MAX_REDIRECTS + " redirects", address.toString(),
                "check the endpoint (--endpoint, HF_ENDPOINT)");
    }

    private HttpRequest request(String method, URI target, Map<String, String> headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(target).timeout(silence).header("User-Agent", "sae4j")
                .header("Accept-Encoding", "identity").method(method, HttpRequest.BodyPublishers.noBody());
        headers.forEach(request::header);
        if (isEndpoint(target)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        }
        return request.build();
    }

    private HttpResponse<Flow.Publisher<List<ByteBuffer>>> exchange(HttpRequest request, Progress progress) throws IOException {
        CompletableFuture<HttpResponse<Flow.Publisher<List<ByteBuffer>>>> answer = http.sendAsync(request, BodyHandlers.ofPublisher());
        try {
            while (true) {
                progress.checkCancelled();
                try {
                    return answer.get(GLANCE.toNanos(), TimeUnit.NANOSECONDS);
                } catch (TimeoutException e) {
                    // Not yet: the request has its own limit, this one is for noticing a cancellation.
                }
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException broken ? broken : new IOException(String.valueOf(e.getCause()), e.getCause());
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            answer.cancel(true);
        }
    }

    static CancellationException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        CancellationException cancelled = new CancellationException("interrupted");
        cancelled.initCause(cause);
        return cancelled;
    }

    private static boolean isRedirect(int status) {
        return switch (status) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    private static boolean isBusy(int status) {
        return status == 429 || status == 408 || status >= 500;
    }

    private boolean isEndpoint(URI address) {
        URI endpoint = settings.endpoint();
        return endpoint.getScheme().equalsIgnoreCase(address.getScheme()) && endpoint.getHost().equalsIgnoreCase(address.getHost())
                && port(endpoint) == port(address);
    }

    private static int port(URI address) {
        return address.getPort() >= 0 ? address.getPort() : "https".equalsIgnoreCase(address.getScheme()) ? 443 : 80;
    }

    private static URI resolve(URI from, String location) {
        URI next;
        try {
            next = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new Sae4jException("a redirect to an invalid address: " + location, from.toString(),
                    "check the endpoint (--endpoint, HF_ENDPOINT)", e);
        }
        boolean secure = "https".equalsIgnoreCase(next.getScheme());
        boolean plain = "http".equalsIgnoreCase(next.getScheme()) && "http".equalsIgnoreCase(from.getScheme());
        if (next.getHost() == null || !secure && !plain) {
            throw new Sae4jException("a redirect to " + next.getScheme() + "://" + next.getHost() + ", which is not followed",
                    from.toString(), "check the endpoint (--endpoint, HF_ENDPOINT)");
        }
        return next;
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }
}
