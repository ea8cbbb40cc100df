package org.sae4j.core.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;

/** Downloads from a hub on the loopback interface, as it should be and as it should not. */
class HubClientTest {
    private static final HubReference REFERENCE = HubReference.parse("hf:" + FakeHub.REPOSITORY);
    private static final String WEIGHTS = "model.safetensors";
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    private Path cache;
    private FakeHub hub;
    private byte[] weights;
    private final Queue<Duration> pauses = new ConcurrentLinkedQueue<>();

    @BeforeEach
    void startHub() throws IOException {
        weights = new byte[300_000];
        CounterRandom random = new CounterRandom(5);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (byte) random.nextInt(256);
        }
        hub = new FakeHub().with("config.json", "{\"model_type\": \"gpt2\"}").with(WEIGHTS, weights).with("README.md", "# A model");
    }

    @AfterEach
    void stopHub() {
        hub.close();
    }

    private HubSettings settings() {
        return new HubSettings(hub.address(), cache, Optional.of("hf_secret"), false);
    }

    private HubClient client(HubSettings settings) {
        return new HubClient(settings, pauses::add, LONG);
    }

    private HubSnapshot fetch(String... include) {
        return fetch(Progress.NONE, include);
    }

    private HubSnapshot fetch(Progress progress, String... include) {
        try (HubClient client = client(settings())) {
            return client.fetch(REFERENCE, List.of(include), progress);
        }
    }

    private HubSnapshot offline(String... include) {
        try (HubClient client = client(settings().withOffline(true))) {
            return client.fetch(REFERENCE, List.of(include), Progress.NONE);
        }
    }

    private Path folder() {
        return cache.resolve(FakeHub.REPOSITORY).resolve(FakeHub.COMMIT);
    }

    private void assertFails(String... messageParts) {
        assertThatThrownBy(this::fetch).isExactlyInstanceOf(Sae4jException.class).hasMessageContainingAll(messageParts);
        assertThat(folder().resolve(WEIGHTS)).doesNotExist();
    }

    @Test
    void bringsTheUsualFilesAndAsksTheHubWithTheToken() {
        AtomicLong last = new AtomicLong();
        HubSnapshot snapshot = fetch((stage, done, total) -> {
            if (stage.equals("fetching " + WEIGHTS)) {
                assertThat(total).isEqualTo(weights.length);
                assertThat(done).isBetween(last.getAndSet(done), total);
            }
        });
        assertThat(last).hasValue(weights.length);
        assertThat(snapshot.folder()).isEqualTo(folder());
        assertThat(snapshot.commit()).isEqualTo(FakeHub.COMMIT);
        assertThat(snapshot.files()).containsExactly(folder().resolve("config.json"), folder().resolve(WEIGHTS));
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(folder().resolve("config.json")).hasContent("{\"model_type\": \"gpt2\"}");
        assertThat(folder()).isDirectoryNotContaining("glob:**.part");
        assertThat(hub.seen()).extracting(FakeHub.Seen::token).containsOnly(Optional.of("Bearer hf_secret"));
        assertThat(hub.seen(FakeHub.resolve("README.md"))).isEmpty();
        assertThat(pauses).isEmpty();
    }

    @Test
    void whatIsThereIsNotDownloadedAgain() throws IOException {
        fetch();
        int requests = hub.seen().size();
        fetch();
        assertThat(hub.seen()).hasSize(requests + 1).last().extracting(FakeHub.Seen::path).isEqualTo(FakeHub.LISTING);
        try (HubClient client = client(settings())) {
            client.fetch(HubReference.parse("hf:" + FakeHub.REPOSITORY + "@" + FakeHub.COMMIT), List.of(), Progress.NONE);
        }
        assertThat(hub.seen()).as("a commit needs no question").hasSize(requests + 1);
        Files.write(folder().resolve(WEIGHTS), new byte[3]);
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void aBrokenConnectionIsTakenUpWhereItEnded() {
        hub.next(FakeHub.resolve(WEIGHTS), FakeHub.breakingAfter(100_000, weights));
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        List<FakeHub.Seen> requests = hub.seen(FakeHub.resolve(WEIGHTS));
        assertThat(requests).hasSize(2);
        assertThat(requests.getLast().range()).hasValueSatisfying(range -> assertThat(range).matches("bytes=[1-9]\\d*-"));
    }

    @Test
    void aCancelledDownloadIsContinuedByTheNext() {
        hub.next(FakeHub.resolve(WEIGHTS), FakeHub.breakingAfter(100_000, weights));
        Progress stopping = new Progress() {
            private volatile boolean stop;

            @Override
            public void update(String stage, long done, long total) {
                stop = stage.endsWith(WEIGHTS) && done > 0;
            }

            @Override
            public boolean isCancelled() {
                return stop;
            }
        };
        assertThatThrownBy(() -> fetch(stopping)).isInstanceOf(CancellationException.class);
        Path part = folder().resolve(WEIGHTS + ".part");
        assertThat(part).isNotEmptyFile();
        long here = part.toFile().length();
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(hub.seen(FakeHub.resolve(WEIGHTS)).getLast().range()).hasValue("bytes=" + here + "-");
        assertThat(part).doesNotExist();
    }

    @Test
    void aServerThatIgnoresRangesSendsEverythingAgain() throws IOException {
        Files.createDirectories(folder());
        Files.write(folder().resolve(WEIGHTS + ".part"), Arrays.copyOf(weights, 1000));
        hub.next(FakeHub.resolve(WEIGHTS), exchange -> FakeHub.send(exchange, 200, weights));
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void aRangeThatWasNotAskedForIsNotUsed() throws IOException {
        Files.createDirectories(folder());
        Files.write(folder().resolve(WEIGHTS + ".part"), Arrays.copyOf(weights, 1000));
        hub.next(FakeHub.resolve(WEIGHTS), exchange -> {
            exchange.getResponseHeaders().set("Content-Range", "bytes 0-9/" + weights.length);
            FakeHub.send(exchange, 206, Arrays.copyOf(weights, 10));
        });
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @ParameterizedTest
    @ValueSource(ints = {1000, 300_000, 400_000})
    void whatLiesHereAndIsWrongIsReplaced(int length) throws IOException {
        Files.createDirectories(folder());
        Files.write(folder().resolve(WEIGHTS + ".part"), new byte[length]);
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void otherContentIsRefused() {
        byte[] other = weights.clone();
        other[17] ^= 1;
        hub.next(FakeHub.resolve(WEIGHTS), exchange -> FakeHub.serve(exchange, other));
        assertFails("the content is not what is listed", "sha256 " + FakeHub.hex("SHA-256", weights), FakeHub.hex("SHA-256", other),
                "run again");
        assertThat(folder().resolve(WEIGHTS + ".part")).doesNotExist();
        hub.next(FakeHub.resolve("config.json"), FakeHub.json("{\"model_type\": \"gpt3\"}"));
        try (Stream<Path> files = Files.list(folder())) {
            files.forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertFails("config.json", "the content is not what is listed: expected git ");
    }

    @Test
    void anotherSizeIsRefused() {
        HttpHandler shorter = exchange -> FakeHub.send(exchange, 200, Arrays.copyOf(weights, 5));
        HttpHandler longer = exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(weights);
            exchange.getResponseBody().write(1);
        };
        hub.next(FakeHub.resolve(WEIGHTS), shorter);
        assertFails("expected 300000 bytes, the server has 5");
        hub.next(FakeHub.resolve(WEIGHTS), longer);
        assertFails("expected 300000 bytes, the server has more");
    }

    @Test
    void theTokenDoesNotFollowToAnotherHost() throws IOException {
        try (FakeHub store = new FakeHub().with(WEIGHTS, weights)) {
            hub.next(FakeHub.resolve(WEIGHTS), FakeHub.status(307, "Location", "/moved/here"));
            hub.next("/moved/here", FakeHub.status(302, "Location", store.address() + FakeHub.resolve(WEIGHTS)));
            fetch();
            assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
            assertThat(hub.seen("/moved/here")).extracting(FakeHub.Seen::token).containsExactly(Optional.of("Bearer hf_secret"));
            assertThat(store.seen()).extracting(FakeHub.Seen::token).containsExactly(Optional.empty());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://127.0.0.1/x", "http:///x"})
    void otherRedirectsAreNotFollowed(String location) {
        hub.next(FakeHub.resolve(WEIGHTS), FakeHub.status(302, "Location", location));
        assertFails("a redirect to");
    }

    @Test
    void redirectsInACircleEnd() {
        HttpHandler back = FakeHub.status(302, "Location", FakeHub.LISTING);
        hub.next(FakeHub.LISTING, IntStream.range(0, 20).mapToObj(_ -> back).toArray(HttpHandler[]::new));
        assertFails("more than 10 redirects");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "401 | RepoNotFound     | 401: the repository hf:someone/model@main is not open to this token | use a token with read access",
        "403 | GatedRepo        | 403: the repository hf:someone/model@main is gated for this token | accept its terms on http",
        "404 | RevisionNotFound | 404: no revision 'main' | /someone/model for the names",
        "404 | RepoNotFound     | 404: no repository someone/model | for the names of repository",
        "418 | Teapot           | the server answers 418 for the repository | check the endpoint",
    })
    void refusalsSayWhatToDo(int status, String code, String what, String remedy) {
        hub.next(FakeHub.LISTING, FakeHub.status(status, "X-Error-Code", code));
        assertFails(what, remedy);
        assertThat(pauses).isEmpty();
    }

    @Test
    void withoutATokenTheRemedyIsOne() {
        hub.next(FakeHub.LISTING, FakeHub.status(401));
        try (HubClient client = client(new HubSettings(hub.address(), cache, Optional.empty(), false))) {
            assertThatThrownBy(() -> client.fetch(REFERENCE, List.of(), Progress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContainingAll("needs a token", "set HF_TOKEN");
        }
        assertThat(hub.seen()).extracting(FakeHub.Seen::token).containsOnly(Optional.empty());
    }

    @Test
    void aBusyServerIsAskedAgainWhenItSays() {
        hub.next(FakeHub.LISTING, FakeHub.status(429, "Retry-After", "3"), FakeHub.status(503));
        hub.next(FakeHub.resolve(WEIGHTS), FakeHub.status(500));
        fetch();
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(pauses.stream().reduce(Duration.ZERO, Duration::plus)).isEqualTo(Duration.ofMillis(3000 + 1000 + 500));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "429 | the hub limits the number of requests, 429 (5 attempts) | HF_TOKEN",
        "502 | the hub has a problem, 502 (5 attempts) | run again later",
    })
    void aServerThatStaysBusyIsGivenUp(int status, String what, String remedy) {
        HttpHandler busy = FakeHub.status(status, "Retry-After", "86400");
        hub.next(FakeHub.LISTING, busy, busy, busy, busy, busy, busy);
        assertFails(what, remedy);
        assertThat(hub.seen()).hasSize(5);
        assertThat(pauses.stream().reduce(Duration.ZERO, Duration::plus)).isEqualTo(Duration.ofSeconds(4 * 30));
    }

    @Test
    void aServerThatFallsSilentIsGivenUp() {
        CountDownLatch end = new CountDownLatch(1);
        HttpHandler silent = exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write(weights, 0, 10);
            exchange.getResponseBody().flush();
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        hub.next(FakeHub.LISTING, silent, silent, silent, silent, silent);
        try (HubClient client = new HubClient(settings(), pauses::add, Duration.ofMillis(150))) {
            assertThatThrownBy(() -> client.fetch(REFERENCE, List.of(), Progress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("the server does not answer in time (5 attempts)");
        } finally {
            end.countDown();
        }
    }

    @Test
    void anUnreachableServerIsNamed() {
        hub.close();
        assertFails("cannot connect", hub.address().toString(), "--offline");
    }

    @Test
    void offlineUsesTheCacheAlone() {
        HubSnapshot online = fetch();
        hub.close();
        assertThat(offline()).isEqualTo(online);
        assertThatThrownBy(() -> offline("*.md")).isInstanceOf(Sae4jException.class)
                .hasMessageContainingAll("the cache lacks README.md of hf:someone/model@main", "without --offline");
    }

    @Test
    void offlineSaysWhatIsMissing() throws IOException {
        assertThatThrownBy(this::offline).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("the cache has nothing of hf:someone/model@main");
        fetch();
        Files.delete(folder().resolve(WEIGHTS));
        int requests = hub.seen().size();
        assertThatThrownBy(this::offline).isInstanceOf(Sae4jException.class).hasMessageContaining("the cache lacks model.safetensors of");
        assertThat(hub.seen()).hasSize(requests);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../evil.pt", "..", "/etc/evil.pt", "a/../../evil.pt", "a//b.pt", "./a.pt", "..\\\\evil.pt", "a\\u0000.pt", "",
        "a/"})
    void namesThatLeaveTheFolderAreRefused(String name) throws IOException {
        byte[] evil = {1};
        hub.next(FakeHub.LISTING, FakeHub.json(FakeHub.listing(FakeHub.entry(name, 1, "\"blobId\": \"" + FakeHub.gitBlob(evil) + "\""))));
        assertThatThrownBy(() -> fetch("**")).isInstanceOf(Sae4jException.class).hasMessageContaining("not a safe file name");
        try (Stream<Path> left = Files.walk(cache)) {
            assertThat(left.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "<html> | not valid JSON",
        "[] | expected a JSON object",
        "{} | no commit in 'sha'",
        "{\"sha\": \"../../x\", \"siblings\": []} | no commit in 'sha'",
        "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\"} | no list of files",
        "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [{}]} | a file without 'rfilename'",
        "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [{\"rfilename\": \"a\", \"size\": -1}]} | a number of bytes",
        "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": []} | no weights, config or tokenizer at the top",
    })
    void answersOfNoHubAreRefused(String json, String message) {
        hub.next(FakeHub.LISTING, FakeHub.json(json));
        assertThatThrownBy(this::fetch).isInstanceOf(Sae4jException.class).hasMessageContaining(message);
    }

    @Test
    void aListingWithoutEndIsRefused() {
        hub.next(FakeHub.LISTING, exchange -> {
            exchange.sendResponseHeaders(200, 0);
            byte[] blanks = new byte[1 << 20];
            Arrays.fill(blanks, (byte) ' ');
            for (int i = 0; i < 80; i++) {
                exchange.getResponseBody().write(blanks);
            }
        });
        assertFails("the answer is longer than the limit of 67108864 bytes");
    }

    @Test
    void filesThatDoNotFitOnTheDiskAreNotBegun() {
        String checksum = "\"lfs\": {\"sha256\": \"" + "a".repeat(64) + "\"}";
        hub.next(FakeHub.LISTING, FakeHub.json(FakeHub.listing(FakeHub.entry("a.pt", 1L << 62, checksum), FakeHub.entry(WEIGHTS, 1L << 62,
                checksum))));
        assertFails("the files need 9223372036854775807 bytes, the disk has");
        assertThat(hub.seen()).hasSize(1);
    }

    @Test
    void whatTheListingLacksComesFromTheHeaders() throws IOException {
        hub.next(FakeHub.LISTING,
                FakeHub.json(FakeHub.listing("{\"rfilename\": \"config.json\"}", "{\"rfilename\": \"model.safetensors\"}")));
        byte[] config = "{\"model_type\": \"gpt2\"}".getBytes(StandardCharsets.UTF_8);
        hub.next(FakeHub.resolve("config.json"),
                FakeHub.status(200, "ETag", "\"" + FakeHub.gitBlob(config) + "\"", "X-Linked-Size", Integer.toString(config.length)));
        try (FakeHub store = new FakeHub()) {
            hub.next(FakeHub.resolve(WEIGHTS), FakeHub.status(302, "Location", store.address() + "/x", "X-Linked-Size", "300000",
                    "X-Linked-ETag", "\"" + FakeHub.hex("SHA-256", weights) + "\""));
            fetch();
            assertThat(store.seen()).isEmpty();
        }
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(hub.seen(FakeHub.resolve(WEIGHTS))).extracting(FakeHub.Seen::method).containsExactly("HEAD", "GET");
    }

    @Test
    void filesThatCannotBeCheckedAreRefused() {
        hub.next(FakeHub.LISTING, FakeHub.json(FakeHub.listing("{\"rfilename\": \"model.safetensors\", \"size\": 300000}")));
        hub.next(FakeHub.resolve(WEIGHTS), FakeHub.status(200, "ETag", "\"whatever\""));
        assertFails("gives no checksum");
    }

    @Test
    void patternsChooseOtherFiles() {
        hub.with("layer_0/sae weights.safetensors", "a").with("layer_0/deep/cfg.json", "b").with("layer_1/cfg.json", "");
        assertThat(fetch("layer_0/*").files()).containsExactly(folder().resolve("layer_0/sae weights.safetensors"));
        assertThat(fetch("layer_0/**", "layer_1/*").files()).hasSize(3).allMatch(Files::isRegularFile);
        assertThat(folder().resolve(WEIGHTS)).doesNotExist();
        assertThatThrownBy(() -> fetch("layer_2/**")).isInstanceOf(Sae4jException.class)
                .hasMessageContainingAll("no file matches layer_2/**", "[README.md, config.json, layer_0/, layer_1/, model.safetensors]");
        assertThatThrownBy(() -> fetch("a[")).isInstanceOf(Sae4jException.class).hasMessageContaining("not a pattern");
    }

    @Test
    void oldWeightsAreTakenWhereThereAreNoOthers() throws IOException {
        hub.with("pytorch_model.bin", "weights");
        assertThat(fetch().files()).extracting(Path::getFileName).extracting(Path::toString).containsExactly("config.json", WEIGHTS);
        try (FakeHub old = new FakeHub().with("pytorch_model.bin", "weights").with("47_cfg.json", "{}").with("47.pt", "x");
                HubClient client = client(settings().withEndpoint(old.address()))) {
            assertThat(client.fetch(REFERENCE, List.of(), Progress.NONE).files()).extracting(Path::getFileName).extracting(Path::toString)
                    .containsExactly("47.pt", "47_cfg.json", "pytorch_model.bin");
        }
    }

    @Test
    void twoDownloadsAtOnceShareTheWork() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        hub.next(FakeHub.resolve(WEIGHTS), exchange -> {
            begun.countDown();
            try {
                waiting.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            FakeHub.serve(exchange, weights);
        });
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<HubSnapshot> first = threads.submit(() -> fetch());
            begun.await();
            Future<HubSnapshot> second = threads.submit(() -> fetch((stage, _, _) -> {
                if (stage.startsWith("waiting for another")) {
                    waiting.countDown();
                }
            }));
            assertThat(second.get()).isEqualTo(first.get());
        }
        assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(hub.seen(FakeHub.resolve(WEIGHTS))).hasSize(1);
    }

    @Test
    void aClosedClientIsOfNoUse() {
        HubClient client = client(settings());
        client.close();
        client.close();
        assertThatThrownBy(() -> client.fetch(REFERENCE, List.of(), Progress.NONE)).isInstanceOf(IllegalStateException.class);
    }
}
