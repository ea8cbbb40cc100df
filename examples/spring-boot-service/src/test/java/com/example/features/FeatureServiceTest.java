package com.example.features;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.demoworld.DemoWorld;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
class FeatureServiceTest {
    @TempDir
    static Path folder;

    @Value("${local.server.port}")
    int port;

    @DynamicPropertySource
    static void models(DynamicPropertyRegistry properties) throws IOException {
        Path model = DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("model"));
        Path sae = folder.resolve("sae");
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, 512, 64).k(4).hook(HookPoint.mlpPost(0)).build();
        CounterRandom random = new CounterRandom(1);
        SaeFiles.write(sae, config, Map.of("W_enc", normal(random, 512, 64), "b_enc", Tensor.zeros(64), "W_dec", normal(random, 64, 512),
                "b_dec", Tensor.zeros(512)), Map.of());
        properties.add("sae4j.models.gelu.path", model::toString);
        properties.add("sae4j.autoencoders.topk.path", sae::toString);
    }

    private static Tensor normal(CounterRandom random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, rows, columns);
    }

    private String send(HttpRequest.Builder request, String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = client.send(request.uri(URI.create("http://localhost:" + port + path)).build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            return response.body();
        }
    }

    @Test
    void aTextGivesFeaturesAndIsCounted() throws Exception {
        String features = send(HttpRequest.newBuilder().header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"text\": \"The cat slept.\"}")), "/features");
        assertThat(features).startsWith("[[").contains("\"index\":").contains("\"activation\":");
        assertThat(send(HttpRequest.newBuilder().GET(), "/actuator/health")).contains("sae4j").contains("\"engine\":\"cpu\"");
        assertThat(send(HttpRequest.newBuilder().GET(), "/actuator/metrics/sae4j.forward")).contains("gelu-1l-demo");
        assertThat(send(HttpRequest.newBuilder().GET(), "/actuator/metrics/sae4j.encode")).contains("COUNT");
    }
}
