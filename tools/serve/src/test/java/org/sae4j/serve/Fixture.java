package org.sae4j.serve;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.demoworld.DemoWorld;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server over the demo's model with two autoencoders of random directions, and some of the demo's labelled texts. */
final class Fixture implements AutoCloseable {
    static final String HOSTILE = "<img src=x onerror=alert(1)></script>\u202e";
    static final int FEATURES = 192;

    static {
        System.setProperty("sun.net.httpserver.maxReqTime", "5");
        RequestDeadline.PROPERTIES.forEach(System.getProperties()::putIfAbsent);
    }

    final Engine engine = Engines.open("cpu", new EngineOptions(java.util.Optional.empty(), 2, Map.of()));
    final Transformer model;
    final SparseAutoencoder first;
    final SparseAutoencoder second;
    final Path labels;
    final Path training;
    final SaeServer server;
    final HttpClient http = HttpClient.newHttpClient();

    Fixture(Path folder) throws IOException, InterruptedException {
        this(folder, documents());
        server.awaitCorpus();
    }

    Fixture(Path folder, List<Document> corpus) throws IOException {
        model = Transformers.open(DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("model")), engine);
        first = autoencoder(FEATURES, 1);
        second = autoencoder(FEATURES / 2, 2);
        labels = folder.resolve("labels.jsonl");
        training = Files.createDirectories(folder.resolve("training"));
        Files.writeString(training.resolve("metrics.jsonl"), step(1) + step(2));
        server = SaeServer.builder(model).autoencoder("first", first).autoencoder("second <b>", second).corpus(corpus).labels(labels)
                .watch(training).start();
    }

    static String step(int step) {
        return "{\"step\":" + step + ",\"tokens\":" + 1024 * step + ",\"loss\":" + 1.0 / step + ",\"l0\":8.0,\"explained_variance\":0.5,\"dead\":0,"
                + "\"lr\":0.001}\n";
    }

    static List<Document> documents() {
        List<Document> documents = new ArrayList<>();
        List<Document> all = DemoWorld.labelledCorpus();
        for (int d = 0; d < all.size(); d += Math.max(1, all.size() / 50)) {
            documents.add(all.get(d));
        }
        documents.add(new Document(HOSTILE, HOSTILE + " " + HOSTILE));
        return List.copyOf(documents);
    }

    private SparseAutoencoder autoencoder(int features, int seed) {
        HookPoint hook = HookPoint.mlpPost(0);
        int d = model.width(hook).orElseThrow();
        CounterRandom random = new CounterRandom(seed);
        float[] encoder = new float[d * features];
        float[] decoder = new float[features * d];
        for (int f = 0; f < features; f++) {
            for (int i = 0; i < d; i++) {
                float value = (float) (random.nextGaussian() / Math.sqrt(d));
                encoder[i * features + f] = value;
                decoder[f * d + i] = value;
            }
        }
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, d, features).k(8).hook(hook).build();
        return SparseAutoencoders.of(config, Map.of("W_enc", Tensor.of(encoder, d, features), "b_enc", Tensor.zeros(features), "W_dec",
                Tensor.of(decoder, features, d), "b_dec", Tensor.zeros(d)), engine);
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/api/v1/" + path)).header("X-Sae-Token", server.token());
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    JsonNode get(String path) throws IOException, InterruptedException {
        HttpResponse<String> response = send(request(path));
        if (response.statusCode() != 200) {
            throw new AssertionError(path + ": " + response.statusCode() + " " + response.body());
        }
        return JsonMapper.shared().readTree(response.body());
    }

    HttpResponse<String> sendBody(String method, String path, Object body) throws IOException, InterruptedException {
        String text = body instanceof String s ? s : JsonMapper.shared().writeValueAsString(body);
        return send(request(path).header("Content-Type", "application/json").method(method, HttpRequest.BodyPublishers.ofString(text)));
    }

    JsonNode post(String path, Object body) throws IOException, InterruptedException {
        HttpResponse<String> response = sendBody("POST", path, body);
        if (response.statusCode() != 200) {
            throw new AssertionError(path + ": " + response.statusCode() + " " + response.body());
        }
        return JsonMapper.shared().readTree(response.body());
    }

    @Override
    public void close() {
        http.close();
        server.close();
        first.close();
        second.close();
        model.close();
        engine.close();
    }
}
