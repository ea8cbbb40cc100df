package org.sae4j.core.internal.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** Reading and writing JSON, with jackson-databind as oracle. */
class JsonTest {
    private static final JsonMapper ORACLE = new JsonMapper();

    @Test
    void randomValuesAreReadAndWrittenAsByDatabind() throws JsonException {
        Random random = new Random(7);
        for (int i = 0; i < 500; i++) {
            Map<String, @Nullable Object> value = Map.of("value", List.of(Arrays.asList(random(random, 4))));
            String json = ORACLE.writeValueAsString(value);
            assertThat(JsonWriter.compact(value)).isEqualTo(json);
            JsonNode node = JsonReader.read(json);
            assertThat(node).hasToString(json);
            assertThat(node.toMap()).isEqualTo(ORACLE.readValue(json, Map.class));
            assertThat(JsonReader.read(JsonWriter.indented(value)).toMap()).isEqualTo(node.toMap());
        }
    }

    private static @Nullable Object random(Random random, int depth) {
        return switch (random.nextInt(depth > 0 ? 9 : 7)) {
            case 0 -> null;
            case 1 -> random.nextBoolean();
            case 2 -> random.nextInt();
            case 3 -> (1L << 40) + random.nextInt();
            case 4 -> BigInteger.ONE.shiftLeft(64 + random.nextInt(64));
            case 5 -> random.nextGaussian() * Math.pow(10, random.nextInt(600) - 300);
            case 6 -> random.ints(random.nextInt(8), 0, 0x2fff).collect(StringBuilder::new, StringBuilder::appendCodePoint,
                    StringBuilder::append).toString();
            case 7 -> {
                List<@Nullable Object> list = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    list.add(random(random, depth - 1));
                }
                yield list;
            }
            default -> {
                Map<String, @Nullable Object> map = new LinkedHashMap<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    map.put("key " + i, random(random, depth - 1));
                }
                yield map;
            }
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "[1,", "{\"a\" 1}", "{\"a\":1} 2", "{\"a\":1,\"a\":2}", "nul", "NaN", "[Infinity]", "1e999", "-1e999",
        "01", "\"\u0001\"", "[1,]", "{a:1}", "'a'", "/* c */ 1"})
    void whatIsNotJsonIsRefused(String text) {
        JsonException refused = assertThrows(JsonException.class, () -> JsonReader.read(text));
        assertThat(refused.reason()).isNotBlank().doesNotContain("\n").doesNotContain("Feature");
        assertThat(refused.line()).isEqualTo(1);
    }

    @Test
    void depthAndNumbersAreLimited() throws JsonException {
        assertThat(JsonReader.read("[".repeat(64) + "]".repeat(64)).size()).isOne();
        assertThatThrownBy(() -> JsonReader.read("[".repeat(100_000))).isInstanceOf(JsonException.class).hasMessageContaining("(64)");
        assertThat(JsonReader.read("1".repeat(400)).bigIntegerValue()).isEqualTo(new BigInteger("1".repeat(400)));
        assertThatThrownBy(() -> JsonReader.read("1".repeat(401))).isInstanceOf(JsonException.class).hasMessageContaining("400");
    }

    @Test
    void pythonsNumbersAreReadOnlyOnDemand() throws JsonException {
        JsonNode numbers = JsonReader.readPython("[NaN, Infinity, -Infinity]");
        assertThat(numbers.get(0).doubleValue()).isNaN();
        assertThat(numbers.get(1).doubleValue()).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(numbers.get(2).doubleValue()).isEqualTo(Double.NEGATIVE_INFINITY);
        assertThatThrownBy(() -> JsonReader.readPython("1e400")).isInstanceOf(JsonException.class)
                .hasMessage("the number 1e400 is out of range");
    }

    @ParameterizedTest
    @CsvSource({"2147483647, true, true", "2147483648, false, true", "9223372036854775808, false, false", "1.0, false, false"})
    void integersKnowTheirSize(String text, boolean fitsInt, boolean fitsLong) throws JsonException {
        JsonNode node = JsonReader.read(text);
        assertThat(node.canConvertToInt()).isEqualTo(fitsInt);
        assertThat(node.canConvertToLong()).isEqualTo(fitsLong);
        assertThat(node.isIntegralNumber()).isEqualTo(!text.contains("."));
        assertThat(node.asLong(-5)).isEqualTo(fitsLong ? Long.parseLong(text) : -5);
    }

    @Test
    void membersAreFoundAndMissed() throws JsonException {
        JsonNode node = JsonReader.read("{\"a\":null,\"b\":[true]}");
        assertThat(node.has("a")).isTrue();
        assertThat(node.path("a").isNull()).isTrue();
        assertThat(node.path("c").isMissingNode()).isTrue();
        assertThat(node.path("c").isNull()).isFalse();
        assertThat(node.path("c").path("d").path("e").asString("none")).isEqualTo("none");
        assertThat(node.propertyNames()).containsExactly("a", "b");
        assertThat(node.path("b").get(0).booleanValue()).isTrue();
        assertThatThrownBy(() -> node.path("b").stringValue()).isInstanceOf(IllegalStateException.class).hasMessageContaining("[true]");
    }

    @Test
    void indentedJsonHasOneMemberALine() {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("a", List.of(1, 2));
        object.put("b", Map.of("c", "ü"));
        assertThat(JsonWriter.indented(object)).isEqualTo("{\n  \"a\": [ 1, 2 ],\n  \"b\": {\n    \"c\": \"ü\"\n  }\n}\n");
    }

    @Test
    void whatHasNoFormIsRefused() {
        assertThatThrownBy(() -> JsonWriter.compact(List.of(new Object()))).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a java.lang.Object cannot be written as JSON");
    }
}
