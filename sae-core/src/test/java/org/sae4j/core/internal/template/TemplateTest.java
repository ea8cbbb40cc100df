package org.sae4j.core.internal.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;

class TemplateTest {
    private static final ZonedDateTime NOW = ZonedDateTime.of(2024, 7, 26, 12, 30, 0, 0, ZoneOffset.UTC);

    private static String render(String source, Map<String, ?> variables) {
        return Template.of("test", source).render(new HashMap<>(variables), () -> NOW);
    }

    /** Written by make_template_golden.py. */
    @TestFactory
    List<DynamicTest> writesWhatTransformersWrites() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        String source = "";
        try (InputStream in = Objects.requireNonNull(TemplateTest.class.getResourceAsStream("templates.jsonl"))) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                JsonFile json = JsonFile.parse("templates.jsonl", line.getBytes(StandardCharsets.UTF_8));
                if (json.has("source")) {
                    source = json.string("source").orElseThrow();
                } else {
                    String template = source;
                    tests.add(DynamicTest.dynamicTest(json.string("name").orElseThrow(), () -> check(template, json)));
                }
            }
        }
        assertThat(tests).hasSizeGreaterThan(190);
        return tests;
    }

    private static void check(String source, JsonFile json) {
        Map<String, Object> variables = new HashMap<>(json.object("variables").orElseThrow().node().toMap());
        if (json.has("error")) {
            assertThatThrownBy(() -> render(source, variables)).isInstanceOf(FormatException.class);
        } else {
            assertThat(render(source, variables)).isEqualTo(json.string("text").orElseThrow());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% block a %}{% endblock %}", "{% do f() %}",
        "{% for x in y recursive %}{% endfor %}", "{{ 2 ** 9 }}", "{{ x | escape }}", "{{ x is filter }}", "{{ f(*x) }}", "{% call f() %}{% endcall %}"})
    void namesWhatIsNotSupported(String source) {
        assertThatThrownBy(() -> Template.of("folder/chat_template.jinja", source)).isInstanceOf(FormatException.class)
                .hasMessageContaining("which is not supported").hasMessageContaining("chat_template.jinja, line 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{{ 'a'.__class__ }}", "{{ [].append }}", "{{ ''.format(1) }}"})
    void reachesNothingBeyondItsValues(String source) {
        assertThatThrownBy(() -> {
            assertThat(render(source, Map.of())).isEmpty();
            throw new FormatException("empty", "test", "none");
        }).isInstanceOf(FormatException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "{{ 'a' * 999999999 }}",
        "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ range(999999999) | list }}",
        "{% set ns = namespace(s='a' * 100000) %}{% for i in range(99) %}{% set ns.s = ns.s.replace('a', ns.s) %}{% endfor %}"})
    void workIsBounded(String source) {
        assertThatThrownBy(() -> render(source, Map.of())).isInstanceOf(FormatException.class);
    }

    @Test
    void anySourceIsReadOrRefused() {
        String whole = "a {%- if m.x[1:-2] is not none and (f(1, b='c') | trim ~ {'k': [1.5]}['k']) %}{% for a, b in c.items() if a %}{{ b }}"
                + "{% else %}x{% endfor %}{% elif 1 < 2 %}{% set ns.a = 3 %}{% else %}{# c #}{% macro q(a, b=1) %}{% endmacro %}{% endif -%}";
        for (int end = 0; end <= whole.length(); end++) {
            for (String source : List.of(whole.substring(0, end), whole.substring(end), whole.substring(0, end) + "{%" + whole.substring(end))) {
                try {
                    render(source, Map.of());
                } catch (FormatException e) {
                    assertThat(e).hasMessageContaining("chat template");
                }
            }
        }
        assertThatThrownBy(() -> Template.of("test", "{% if 1 %}".repeat(5000))).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> Template.of("test", "{{ " + "(".repeat(9000))).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> Template.of("test", "{{ " + "not ".repeat(9000))).isInstanceOf(FormatException.class);
    }
}
