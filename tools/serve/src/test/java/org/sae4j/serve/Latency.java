package org.sae4j.serve;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Measures a server that runs, for BENCHMARKS.md: {@code java -cp ... org.sae4j.serve.Latency ADDRESS PID}, with the address that
 * {@code sae serve} printed and the number of its process.
 */
public final class Latency {
    private static final String TEXT = "{\"text\":\"The capital of France is Paris. The people of France speak French, and the people of Cuba speak "
            + "Spanish. The mother of the girl has lost her golden ring in the garden, and the wolf is in the house again. The capital of Spain is Madrid.\"}";
    private static final int RUNS = 200;
    private static final int MANY = 10_000;

    private final HttpClient http = HttpClient.newHttpClient();
    private final String base;
    private final String token;

    private Latency(String address) {
        base = address.substring(0, address.indexOf("/#")) + "/api/v1/";
        token = address.substring(address.indexOf("token=") + 6);
    }

    /**
     * Measures.
     *
     * @param args the address and the process
     * @throws Exception if the server does not answer
     */
    public static void main(String[] args) throws Exception {
        Latency latency = new Latency(args[0]);
        for (int i = 0; i < RUNS; i++) {
            latency.text();
            latency.get("feature?feature=" + i);
        }
        latency.time("features of a text of " + latency.tokens() + " tokens", RUNS, i -> latency.text());
        latency.time("feature card", RUNS, i -> latency.get("feature?feature=" + (7 * i % 2048)));
        latency.time("its effect on the loss", 20, i -> latency.get("feature/removal?feature=" + (7 * i % 2048)));
        latency.time("table, sorted and filtered", RUNS, i -> latency.get("features?sort=max&query=arabic&from=" + i % 50));
        latency.time("search by token", RUNS, i -> latency.get("search/token?text=the"));
        latency.time("search by two texts", RUNS, i -> latency.post("search/texts", "{\"on\":\"The capital of France\",\"off\":\"ACGTACGT\"}"));
        long start = System.nanoTime();
        String events = latency.post("steer", "{\"text\":\"The capital of France is\",\"count\":100,\"moves\":[{\"feature\":12,\"mode\":\"clamp\",\"value\":2}]}");
        System.out.printf(Locale.ROOT, "| steering, both sides | %.0f tokens/s |%n", events.lines().filter(l -> l.contains("\"side\"")).count()
                / ((System.nanoTime() - start) / 1e9));
        System.out.printf(Locale.ROOT, "| 50 requests at once, all answered | %.0f ms for all |%n", latency.atOnce(50));
        long before = resident(args[1]);
        for (int i = 0; i < MANY; i++) {
            if (i % 2 == 0) {
                latency.text();
            } else {
                latency.get("features?from=" + i % 2000 + "&count=20");
            }
            if (i == MANY / 2 - 1) {
                System.out.printf(Locale.ROOT, "| resident memory, at first, after %,d and %,d requests | %d, %d, ", MANY / 2, MANY, before, resident(args[1]));
            }
        }
        System.out.println(resident(args[1]) + " MiB |");
    }

    /** One request. */
    private interface Call {
        String run(int i) throws IOException, InterruptedException;
    }

    private void time(String name, int runs, Call call) throws IOException, InterruptedException {
        double[] millis = new double[runs];
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            call.run(i);
            millis[i] = (System.nanoTime() - start) / 1e6;
        }
        Arrays.sort(millis);
        System.out.printf(Locale.ROOT, "| %s | %.1f ms, 95%% within %.1f ms |%n", name, millis[runs / 2], millis[(int) (0.95 * runs)]);
    }

    private double atOnce(int requests) throws InterruptedException, ExecutionException {
        long start = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                answers.add(threads.submit(this::text));
            }
            for (Future<String> answer : answers) {
                answer.get();
            }
        }
        return (System.nanoTime() - start) / 1e6;
    }

    private long tokens() throws IOException, InterruptedException {
        return text().split("\"start\":", -1).length - 1;
    }

    private String text() throws IOException, InterruptedException {
        return post("text", TEXT);
    }

    private String get(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(base + path)));
    }

    private String post(String path, String body) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(base + path)).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private String send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<String> response = http.send(request.header("X-Sae-Token", token).build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(response.statusCode() + " " + response.body());
        }
        return response.body();
    }

    private static long resident(String pid) throws IOException {
        return Files.readAllLines(Path.of("/proc", pid, "status")).stream().filter(l -> l.startsWith("VmRSS"))
                .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")) / 1024).findFirst().orElseThrow();
    }
}
