package org.sae4j.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ResultJsonTest {
    private static final Map<String, Object> PROVENANCE = new TreeMap<>(Map.of("seed", 7L, "config", new Samples.Config(3)));

    @TempDir
    Path folder;

    @Test
    void membersStandInTheOrderOfTheSchemaAndRecordsInThatOfTheirDeclaration() {
        JsonNode root = JsonMapper.shared().readTree(ResultJson.toJson(Samples.experiment(), Samples.result(), PROVENANCE));
        assertThat(root.propertyNames()).containsExactly("schema", "experiment", "provenance", "findings", "metrics", "notes", "data",
                "figures");
        assertThat(root.path("schema").asString()).isEqualTo("sae4j/result/1");
        assertThat(root.path("data").propertyNames()).containsExactly("count", "share", "values", "byName", "palette", "remark");
        assertThat(root.path("data").path("byName").propertyNames()).containsExactly("zeta", "alpha");
        assertThat(root.path("data").path("remark").isNull()).isTrue();
        assertThat(root.path("provenance").path("config").path("steps").asInt()).isEqualTo(3);
        assertThat(root.path("figures").path(0).propertyNames()).startsWith("kind", "id", "title", "caption");
    }

    @Test
    void aFileOfBytesIsNoResult() throws IOException {
        Path file = Files.write(folder.resolve("weights.safetensors"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertThatThrownBy(() -> ResultJson.read(file)).isInstanceOf(Sae4jException.class).hasMessageContaining("not UTF-8")
                .hasMessageContaining("weights.safetensors");
    }

    @Test
    void theSameResultGivesTheSameBytes() {
        assertThat(ResultJson.toJson(Samples.experiment(), Samples.result(), PROVENANCE))
                .isEqualTo(ResultJson.toJson(Samples.experiment(), Samples.result(), PROVENANCE));
    }

    @Test
    void mapsWithoutAnOrderAreSorted() {
        record Unordered(Map<String, Integer> map) {}
        var map = new HashMap<String, Integer>();
        for (int i = 0; i < 50; i++) {
            map.put("key" + (i * 7919 % 50), i);
        }
        var result = new ExperimentResult<>(new Unordered(map), List.of(), List.of(), List.of(), List.of());
        JsonNode data = JsonMapper.shared().readTree(ResultJson.toJson(Samples.experiment(), result, Map.of())).path("data").path("map");
        assertThat(List.copyOf(data.propertyNames())).hasSize(50).isSorted();
    }

    @Test
    void numbersKeepTheirBitsAndThoseThatAreNotFiniteAreStrings() {
        record Numbers(double[] doubles, float[] floats, List<Double> list, int[] ints) {}
        var numbers = new Numbers(new double[] {0.1, 1e300, -0.0, Double.NaN, Double.NEGATIVE_INFINITY},
                new float[] {0.1f, Float.POSITIVE_INFINITY},
                List.of(Double.NaN), new int[] {1, -2});
        JsonNode data = JsonMapper.shared()
                .readTree(ResultJson.toJson(Samples.experiment(), new ExperimentResult<>(numbers, List.of(), List.of(), List.of(),
                        List.of()), Map.of()))
                .path("data");
        assertThat(data.toString())
                .isEqualTo("{\"doubles\":[0.1,1.0E300,-0.0,\"NaN\",\"-Infinity\"],"
                        + "\"floats\":[0.1,\"Infinity\"],\"list\":[\"NaN\"],\"ints\":[1,-2]}");
    }

    @Test
    void whatIsReadIsWhatWasWritten() {
        Path file = folder.resolve("deep/result.json");
        ResultJson.write(file, Samples.experiment(), Samples.result(), PROVENANCE);
        SavedResult read = ResultJson.read(file);
        assertThat(read.experiment()).isEqualTo("sample");
        assertThat(read.findings()).isEqualTo(Samples.result().findings());
        assertThat(read.notes()).isEqualTo(Samples.result().notes());
        assertThat(read.metrics()).isEqualTo(Samples.result().metrics());
        assertThat(read.provenance().toString()).isEqualTo("{config={steps=3}, seed=7}");
        // The NaN of the last figure, a table, stays the string of the file.
        assertThat(read.figures().stream().map(ResultJson::toJson)).isEqualTo(Samples.figures().stream().map(ResultJson::toJson).toList());
        assertThat(file.getParent()).isDirectoryContaining(p -> p.equals(file)).isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void figuresWithNothingOrOddNumbersComeBack() {
        Path file = folder.resolve("result.json");
        var result = new ExperimentResult<>(new Samples.Config(1), List.of(), List.of(), Samples.emptyFigures(), List.of());
        ResultJson.write(file, Samples.experiment(), result, Map.of());
        assertThat(ResultJson.read(file).figures().stream().map(ResultJson::toJson))
                .isEqualTo(Samples.emptyFigures().stream().map(ResultJson::toJson).toList());
    }

    @Test
    void hostileTextsComeBackAsTheyWere() {
        Path file = folder.resolve("result.json");
        var result = new ExperimentResult<>(new Samples.Config(1), Samples.HOSTILE, List.of(), List.of(), Samples.HOSTILE);
        ResultJson.write(file, Samples.experiment(), result, Map.of());
        assertThat(ResultJson.read(file).findings()).isEqualTo(Samples.HOSTILE);
    }

    @Test
    void everyFigureGetsAFile() throws Exception {
        ResultJson.writeFigures(folder, Samples.figures());
        for (Figure figure : Samples.figures()) {
            assertThat(Files.readString(folder.resolve(figure.id() + ".json"))).isEqualTo(ResultJson.toJson(figure));
        }
    }

    @Test
    void whatHasNoFormIsNamedWithItsPlace() {
        record Inner(Object odd) {}
        record Outer(List<Inner> inners) {}
        var result = new ExperimentResult<>(new Outer(List.of(new Inner(1), new Inner(new Thread()))), List.of(), List.of(), List.of(),
                List.of());
        assertThatThrownBy(() -> ResultJson.toJson(Samples.experiment(), result, Map.of())).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("java.lang.Thread").hasMessageContaining("data.inners[1].odd");
    }

    @Test
    void filesThatAreNoResultAreRefused() throws Exception {
        for (String text : List.of("", "[]", "{}", "{\"schema\":\"sae4j/result/2\"}", "{\"schema\":\"sae4j/result/1\"}",
                "{\"schema\":\"sae4j/result/1\",\"experiment\":{\"id\":\"a\",\"title\":\"a\",\"description\":null}}", "{\"schema\":",
                whole("{\"kind\":\"pie\"}"), whole("{\"kind\":\"lines\"}"), whole("3"), whole("null"),
                whole("{\"kind\":\"table\",\"id\":\"a\",\"title\":null,\"caption\":\"\",\"columns\":[],\"rows\":[]}"),
                whole("{\"kind\":\"table\",\"id\":\"../a\",\"title\":\"\",\"caption\":\"\",\"columns\":[],\"rows\":[]}"),
                whole("").replace("{\"id\":\"a\"", "{\"id\":\"a<script>\""))) {
            Path file = Files.writeString(folder.resolve("bad.json"), text);
            assertThatThrownBy(() -> ResultJson.read(file)).as(text).isInstanceOf(Sae4jException.class).hasMessageContaining("bad.json");
        }
        assertThatThrownBy(() -> ResultJson.read(folder.resolve("none.json"))).isInstanceOf(Sae4jException.class);
    }

    private static String whole(String figure) {
        return "{\"schema\":\"sae4j/result/1\",\"experiment\":{\"id\":\"a\",\"title\":\"a\",\"description\":\"\"},"
                + "\"provenance\":{},\"findings\":[],\"metrics\":[],\"notes\":[],\"data\":{},\"figures\":[" + figure + "]}";
    }
}
