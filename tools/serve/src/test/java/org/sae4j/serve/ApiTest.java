package org.sae4j.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.sae.EncodedText;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfiler;
import org.sae4j.core.features.ProfileSettings;
import org.sae4j.core.generate.Generator;
import org.sae4j.core.generate.Steering;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the API answers is what the library computes. */
class ApiTest {
    private static final String TEXT = "The capital of France is Paris";

    @TempDir
    static Path folder;
    private static Fixture fixture;
    private static LabelScores scores;

    @BeforeAll
    static void start() throws Exception {
        fixture = new Fixture(folder);
        scores = LabelScores.of(EncodedCorpus.encode(fixture.model, fixture.first, Fixture.documents(), Progress.NONE), Progress.NONE);
    }

    @AfterAll
    static void stop() {
        fixture.close();
    }

    @Test
    void statusNamesModelAutoencodersAndCorpus() throws Exception {
        JsonNode status = fixture.get("status");
        assertThat(status.path("model").path("name").asString()).isEqualTo("gelu-1l-demo");
        assertThat(status.path("autoencoders")).hasSize(2);
        JsonNode first = status.path("autoencoders").get(0);
        assertThat(first.path("fingerprint").asString()).isEqualTo(fixture.first.fingerprint());
        assertThat(first.path("state").path("stage").asString()).isEqualTo("done");
        assertThat(first.path("corpus").path("tokens").asInt()).isEqualTo(scores.columns().rows());
        assertThat(first.path("map").asBoolean()).isTrue();
        assertThat(first.path("neurons").asBoolean()).isTrue();
    }

    @Test
    void aTextHasTheFeaturesThatEncodingItGives() throws Exception {
        JsonNode answer = fixture.post("text", Map.of("sae", 0, "text", TEXT));
        EncodedText encoded = fixture.first.encode(fixture.model, TEXT);
        assertThat(answer.path("tokens")).hasSize(encoded.size());
        double strongest = 0;
        for (int row = 0; row < encoded.size(); row++) {
            JsonNode token = answer.path("tokens").get(row);
            assertThat(token.path("id").asInt()).isEqualTo(encoded.token(row));
            assertThat(TEXT.substring(token.path("start").asInt(), token.path("end").asInt()))
                    .isEqualTo(TEXT.substring(encoded.start(row), encoded.end(row)));
            assertThat(token.path("features")).isNotEmpty();
            for (int k = 0; k < token.path("features").size(); k++) {
                double activation = token.path("activations").get(k).asDouble();
                assertThat(activation).isCloseTo(encoded.features().get(row, token.path("features").get(k).asInt()), within(1e-6));
                strongest = Math.max(strongest, activation);
            }
        }
        assertThat(answer.path("features").get(0).path("activation").asDouble()).isEqualTo(strongest);
    }

    @Test
    void anEmptyTextHasNoTokens() throws Exception {
        assertThat(fixture.post("text", Map.of("text", "")).path("tokens")).isEmpty();
    }

    @Test
    void aFeatureIsItsProfile() throws Exception {
        int feature = scores.alive()[3];
        FeatureProfile profile = new FeatureProfiler(fixture.model, fixture.first, scores, List.of(), ProfileSettings.of(0), Progress.NONE)
                .outline(feature);
        JsonNode answer = fixture.get("feature?sae=0&feature=" + feature).path("profile");
        assertThat(answer.path("active").asLong()).isEqualTo(profile.active());
        assertThat(answer.path("examples")).hasSize(profile.examples().size());
        assertThat(answer.path("examples").get(0).path("activation").asDouble()).isCloseTo(profile.max(), within(1e-5));
        assertThat(answer.path("logits").path("top").get(0).path("token").asInt())
                .isEqualTo(profile.logits().orElseThrow().top().getFirst().token());
        assertThat(answer.path("neighbors").get(0).path("feature").asInt()).isEqualTo(profile.neighbors().getFirst().feature());
        double shares = 0;
        for (JsonNode interval : answer.path("intervals")) {
            shares += interval.path("share").asDouble();
        }
        assertThat(shares).isCloseTo(1, within(1e-6));
        assertThat(fixture.get("feature/removal?feature=" + feature).path("removal").path("documents").asInt()).isPositive();
        assertThat(fixture.get("feature/neurons?feature=" + feature).path("correlated")).hasSize(10);
    }

    @Test
    void activationsAsCsvAreAllOfTheFeature() throws Exception {
        int feature = scores.alive()[0];
        HttpResponse<String> csv = fixture.send(fixture.request("feature/activations.csv?feature=" + feature));
        assertThat(csv.headers().firstValue("Content-Disposition").orElseThrow()).contains("feature-" + feature);
        assertThat(csv.body().lines().count()).isGreaterThanOrEqualTo(1 + scores.columns().active(feature));
        assertThat(csv.body()).startsWith("document,label,position,token_id,token,activation\r\n");
    }

    @Test
    void theTableSortsFiltersAndPages() throws Exception {
        JsonNode all = fixture.get("features?sort=max&count=500");
        assertThat(all.path("total").asInt()).isEqualTo(scores.alive().length);
        List<Double> max = new ArrayList<>();
        all.path("features").forEach(f -> max.add(f.path("max").asDouble()));
        assertThat(max).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        JsonNode page = fixture.get("features?sort=max&from=10&count=5");
        assertThat(page.path("features").get(0)).isEqualTo(all.path("features").get(10));
        int feature = all.path("features").get(2).path("feature").asInt();
        assertThat(fixture.get("features?query=" + feature).path("features").get(0).path("feature").asInt()).isEqualTo(feature);
        assertThat(fixture.get("features?only=" + feature).path("total").asInt()).isEqualTo(1);
        assertThat(fixture.get("features?min_density=0.9999").path("total").asInt()).isLessThan(all.path("total").asInt());
        assertThat(fixture.get("features?dead=true").path("total").asInt()).isEqualTo(Fixture.FEATURES);
        assertThat(fixture.get("features/promoted?features=" + feature).path("promoted").path(Integer.toString(feature))).isNotEmpty();
    }

    @Test
    void searchingByTextsFindsWhatFiresOnOneAlone() throws Exception {
        JsonNode found = fixture.post("search/texts", Map.of("on", TEXT, "off", "ACGTACGT"));
        assertThat(found.path("features")).isNotEmpty();
        EncodedText on = fixture.first.encode(fixture.model, TEXT);
        EncodedText off = fixture.first.encode(fixture.model, "ACGTACGT");
        JsonNode best = found.path("features").get(0);
        int feature = best.path("feature").asInt();
        assertThat(best.path("on").asDouble()).isCloseTo(IntStream.range(0, on.size()).mapToDouble(r -> on.features().get(r, feature)).max()
                .orElseThrow(), within(1e-6));
        assertThat(best.path("off").asDouble()).isCloseTo(IntStream.range(0, off.size()).mapToDouble(r -> off.features().get(r, feature)).max()
                .orElseThrow(), within(1e-6));
        assertThat(best.path("on").asDouble()).isGreaterThan(best.path("off").asDouble());
    }

    @Test
    void searchingByATokenFindsWhatFiresOnItAndWhatPromotesIt() throws Exception {
        JsonNode found = fixture.get("search/token?text=the");
        assertThat(found.path("occurrences").asInt()).isPositive();
        assertThat(found.path("firing")).isNotEmpty();
        JsonNode best = found.path("promoting").get(0);
        JsonNode effects = fixture.get("feature?feature=" + best.path("feature").asInt()).path("profile").path("logits");
        assertThat(best.path("effect").asDouble()).isLessThanOrEqualTo(effects.path("top").get(0).path("effect").asDouble() + 1e-5);
        HttpResponse<String> none = fixture.send(fixture.request("search/token?text=" + "no%20token%20at%20all"));
        assertThat(none.statusCode()).isEqualTo(400);
        assertThat(none.body()).contains("no single token");
    }

    @Test
    void theMapHasEveryActiveFeatureOnce() throws Exception {
        JsonNode map = fixture.get("features/map");
        assertThat(map.path("features")).hasSize(scores.alive().length);
        assertThat(map.path("x")).hasSameSizeAs(map.path("y")).hasSize(scores.alive().length);
    }

    @Test
    void steeringStreamsWhatTheGeneratorGives() throws Exception {
        int feature = scores.alive()[0];
        HttpResponse<String> answer = fixture.sendBody("POST", "steer", Map.of("text", TEXT, "count", 6, "moves",
                List.of(Map.of("feature", feature, "mode", "add", "value", 40))));
        List<JsonNode> events = answer.body().lines().map(line -> JsonMapper.shared().readTree(line)).toList();
        int[] prompt = fixture.model.tokenizer().orElseThrow().encodeWithSpecialTokens(TEXT).ids();
        Generator plain = new Generator(fixture.model);
        assertThat(tokens(events, "original")).containsExactly(plain.generate(prompt, 6));
        assertThat(tokens(events, "steered")).containsExactly(plain.with(new Steering(fixture.first, Map.of(feature,
                new Steering.Move(Steering.Mode.ADD, 40)))).generate(prompt, 6));
        assertThat(events.getLast().path("done").asBoolean()).isTrue();
        double sum = 0;
        for (JsonNode next : events.getFirst().path("next")) {
            sum += next.path("original").asDouble();
        }
        assertThat(sum).isBetween(0.1, 1.0001);
    }

    private static int[] tokens(List<JsonNode> events, String side) {
        return events.stream().filter(e -> e.path("side").asString("").equals(side)).mapToInt(e -> e.path("token").asInt()).toArray();
    }

    @Test
    void wishesThatCannotBeAreRefusedInWords() throws Exception {
        assertThat(fixture.sendBody("POST", "steer", Map.of("text", TEXT, "temperature", -1)).statusCode()).isEqualTo(400);
        assertThat(fixture.sendBody("POST", "steer", Map.of("text", TEXT, "moves", List.of(Map.of("feature", 1 << 20)))).statusCode()).isEqualTo(404);
        assertThat(fixture.sendBody("POST", "steer", Map.of("text", TEXT, "moves", List.of(Map.of("feature", 1, "value", 1e30)))).statusCode())
                .isEqualTo(400);
        assertThat(fixture.sendBody("POST", "steer", Map.of("text", "word ".repeat(3000))).statusCode()).isEqualTo(413);
        assertThat(fixture.sendBody("POST", "text", "[1]").body()).contains("send a JSON object");
        assertThat(fixture.sendBody("POST", "text", "{").statusCode()).isEqualTo(400);
        assertThat(fixture.sendBody("POST", "text", Map.of("sae", 7)).body()).contains("sae is from 0 to 1");
        assertThat(fixture.send(fixture.request("feature?feature=-1")).statusCode()).isEqualTo(404);
        assertThat(fixture.send(fixture.request("features?sort=nothing")).statusCode()).isEqualTo(400);
        assertThat(fixture.send(fixture.request("nothing")).statusCode()).isEqualTo(404);
        assertThat(fixture.send(fixture.request("steer")).statusCode()).isEqualTo(405);
    }

    @Test
    void comparingFindsTheBestMatchOfEachFeature() throws Exception {
        JsonNode answer = fixture.get("compare?sae=0&other=1&count=1");
        JsonNode pair = answer.path("pairs").get(0);
        float[] a = fixture.first.parameters().get("W_dec").row(pair.path("feature").path("feature").asInt());
        float[] b = fixture.second.parameters().get("W_dec").row(pair.path("match").path("feature").asInt());
        assertThat(pair.path("cosine").asDouble()).isCloseTo(cosine(a, b), within(1e-4));
        JsonNode self = fixture.get("compare?sae=0&other=0&count=1");
        assertThat(self.path("mean_cosine").asDouble()).isCloseTo(1, within(1e-4));
        JsonNode evaluation = fixture.get("evaluations").path("evaluations").get(0);
        assertThat(evaluation.path("l0").asDouble()).isCloseTo(8, within(0.5));
        assertThat(evaluation.path("ce_recovered").isNumber()).isTrue();
    }

    private static double cosine(float[] a, float[] b) {
        double cross = 0;
        double x = 0;
        double y = 0;
        for (int i = 0; i < a.length; i++) {
            cross += (double) a[i] * b[i];
            x += (double) a[i] * a[i];
            y += (double) b[i] * b[i];
        }
        return cross / Math.sqrt(x * y);
    }

    @Test
    void namesGoToTheFileAndComeBackEvenIfOthersChangeIt() throws Exception {
        fixture.sendBody("PUT", "labels", Map.of("sae", 0, "feature", 5, "name", " fünf ", "note", "n", "rating", 4));
        assertThat(FeatureLabels.read(fixture.labels).name(fixture.first.fingerprint(), 5)).contains("fünf");
        assertThat(fixture.get("feature?feature=5").path("name").asString()).isEqualTo("fünf");
        assertThat(fixture.get("features?query=F%C3%9CNF").path("total").asInt()).isEqualTo(1);
        FeatureLabels.change(fixture.labels, l -> l.with(fixture.first.fingerprint(), 5, FeatureLabels.Label.of("by hand")));
        assertThat(fixture.get("labels").path("labels").toString()).contains("by hand");
        assertThat(fixture.get("labels?sae=1").path("labels")).isEmpty();
        HttpResponse<String> exported = fixture.send(fixture.request("labels/neuronpedia?model=m&layer=l"));
        assertThat(exported.body()).contains("\"modelId\":\"m\",\"layer\":\"l\",\"index\":\"5\",\"description\":\"by hand\"");
        JsonNode imported = fixture.post("labels/neuronpedia", "[{\"index\":\"5\",\"description\":\"other\"},{\"index\":\"6\",\"description\":\"six\"}]");
        assertThat(imported.path("kept").asInt()).isEqualTo(1);
        assertThat(FeatureLabels.read(fixture.labels).of(fixture.first.fingerprint())).containsKeys(5, 6);
        assertThat(FeatureLabels.read(fixture.labels).name(fixture.first.fingerprint(), 5)).contains("by hand");
        fixture.sendBody("PUT", "labels", Map.of("feature", 6));
        assertThat(FeatureLabels.read(fixture.labels).of(fixture.first.fingerprint())).doesNotContainKey(6);
        assertThat(fixture.sendBody("PUT", "labels", Map.of("feature", 5, "name", "a\nb")).statusCode()).isEqualTo(400);
    }

    @Test
    void aTrainingIsFollowedAsItsFileGrowsAndIsCut() throws Exception {
        assertThat(fixture.get("training").path("steps_written").asInt()).isEqualTo(2);
        Path metrics = fixture.training.resolve("metrics.jsonl");
        Files.writeString(metrics, Fixture.step(3) + "{\"step\":4", StandardOpenOption.APPEND);
        assertThat(fixture.get("training").path("steps_written").asInt()).isEqualTo(3);
        Files.writeString(metrics, Fixture.step(1) + Fixture.step(2));
        JsonNode answer = fixture.get("training");
        assertThat(answer.path("steps_written").asInt()).isEqualTo(2);
        assertThat(answer.path("steps").get(1).path("loss").asDouble()).isEqualTo(0.5);
    }

    @Test
    void fiftyAtOnceAreAllAnswered() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                int n = i;
                answers.add(threads.submit(() -> (n % 2 == 0 ? fixture.sendBody("POST", "text", Map.of("text", TEXT + n))
                        : fixture.send(fixture.request("feature?feature=" + n))).statusCode()));
            }
            for (Future<Integer> answer : answers) {
                assertThat(answer.get()).isEqualTo(200);
            }
        }
    }

    @Test
    void moreContinuationsThanCanWaitAreToldToComeAgain() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<HttpResponse<String>>> answers = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                answers.add(threads.submit(() -> fixture.sendBody("POST", "steer", Map.of("text", TEXT, "count", 60))));
            }
            List<Integer> codes = new ArrayList<>();
            for (Future<HttpResponse<String>> answer : answers) {
                codes.add(answer.get().statusCode());
                if (answer.get().statusCode() == 503) {
                    assertThat(answer.get().headers().firstValue("Retry-After")).contains("1");
                }
            }
            assertThat(codes).contains(200, 503).doesNotContain(500);
        }
    }

    @Test
    void documentsAreServedWithTheirPolicy() throws IOException, InterruptedException {
        HttpResponse<String> page = fixture.http.send(java.net.http.HttpRequest.newBuilder(fixture.server.address()).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow()).contains("default-src 'none'", "frame-ancestors 'none'");
        assertThat(page.body()).doesNotContain(fixture.server.token(), "http://", "https://");
    }
}
