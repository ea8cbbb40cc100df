package org.sae4j.core.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Param;

class ConfigBinderTest {
    enum Mode { ZERO, MATCHED_NORM }

    record Inner(@Param("a name") String name, @Param(value = "a weight", min = 0) double weight) {}

    record Config(@Param(value = "number of steps", unit = "steps", min = 1, max = 100) int steps, @Param("step length") double length,
            @Param("how to clamp") Mode mode, @Param(value = "features", min = 0) List<Integer> features, @Param("on or off") boolean on,
            @Param("texts") List<String> texts, @Param("nested") Inner inner) {}

    private static final Config DEFAULTS = new Config(10, 0.5, Mode.ZERO, List.of(), false, List.of("a"), new Inner("x", 1));

    @Test
    void layersKeysOverDefaults() {
        Config bound = ConfigBinder.bind(DEFAULTS,
                "{\"steps\": 3, \"mode\": \"matched-norm\", \"features\": [1, 2], \"inner\": {\"weight\": 2}}", "test");
        assertThat(bound).isEqualTo(new Config(3, 0.5, Mode.MATCHED_NORM, List.of(1, 2), false, List.of("a"), new Inner("x", 2)));
        assertThat(ConfigBinder.bind(DEFAULTS, "{}", "test")).isEqualTo(DEFAULTS);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"step\": 3} | unknown setting 'step', test, did you mean 'steps'?",
        "{\"inner\": {\"wight\": 3}} | unknown setting 'inner.wight', test, did you mean 'weight'?",
        "{\"steps\": 0} | 'steps' is out of range, found 0, test, choose a number from 1 to 100",
        "{\"steps\": 2.5} | 'steps' must be a whole number, found 2.5",
        "{\"steps\": 99999999999} | 'steps' must be a whole number",
        "{\"features\": [1, -1]} | 'features[1]' is out of range",
        "{\"features\": 1} | 'features' must be a list of whole number",
        "{\"mode\": \"zeros\"} | did you mean 'zero'? choose one of [zero, matched_norm]",
        "{\"on\": \"true\"} | 'on' must be a true or false",
        "{\"length\": null} | 'length' must be a number, found null",
        "[] | not a JSON object",
        "{\"steps\": 1, \"steps\": 2} | not JSON",
        "{} {} | not JSON",
        "{\"steps\" | not JSON",
        "{\"length\": 1e999} | not JSON: the number 1e999 is out of range, test line 1",
    })
    void refusesWhatDoesNotFit(String json, String message) {
        assertThatThrownBy(() -> ConfigBinder.bind(DEFAULTS, json, "test")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"inner\":", "["})
    void refusesDepthAndLength(String opening) {
        assertThatThrownBy(() -> ConfigBinder.bind(DEFAULTS, opening.repeat(10_000), "test")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("nesting depth");
        assertThatThrownBy(() -> ConfigBinder.bind(DEFAULTS, "{\"steps\": " + "9".repeat(10_000) + "}", "test"))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("10000").hasMessageNotContaining("99999");
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> ConfigBinder.bind(DEFAULTS, Path.of("no-such.json"))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no-such.json");
    }

    @Test
    void describesEverySetting() {
        List<ConfigBinder.Setting> settings = ConfigBinder.describe(DEFAULTS);
        assertThat(settings).extracting(ConfigBinder.Setting::name).containsExactly("steps", "length", "mode", "features", "on", "texts",
                "inner", "inner.name", "inner.weight");
        assertThat(settings.getFirst())
                .isEqualTo(new ConfigBinder.Setting("steps", "whole number", "10", "steps", "from 1 to 100", "number of steps"));
        assertThat(settings.get(2).type()).isEqualTo("[zero, matched_norm]");
        assertThat(settings.get(3).range()).isEqualTo("from 0");
        assertThat(settings.getLast()).isEqualTo(new ConfigBinder.Setting("inner.weight", "number", "1.0", "", "from 0", "a weight"));
    }

    record Outer(@Param("several") List<Inner> several) {}

    @Test
    void describesTheRecordsOfAList() {
        assertThat(ConfigBinder.describe(new Outer(List.of()))).containsExactly(
                new ConfigBinder.Setting("several", "list of object", "[]", "", "", "several"),
                new ConfigBinder.Setting("several[].name", "text", "", "", "", "a name"),
                new ConfigBinder.Setting("several[].weight", "number", "", "", "from 0", "a weight"));
    }

    @Test
    void provenanceCanBeBoundAgain() {
        Map<String, Object> map = ConfigBinder.toMap(DEFAULTS);
        assertThat(map).containsEntry("mode", "zero").containsEntry("features", List.of());
        assertThat(map.get("inner")).isEqualTo(Map.of("name", "x", "weight", 1.0));
    }
}
