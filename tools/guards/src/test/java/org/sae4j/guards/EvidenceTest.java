package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;

/** docs/evidence.md says what docs/evidence.json holds, and no row is without a version, a command, and a number or a failure. */
class EvidenceTest {
    private static final Path DOCS = ModuleFolder.ROOT.resolve("docs");

    private static List<JsonNode> rows() throws IOException, JsonException {
        List<JsonNode> rows = JsonReader.read(Files.readString(DOCS.resolve("evidence.json"))).properties().stream().map(Map.Entry::getValue)
                .toList();
        assertThat(rows).hasSizeGreaterThanOrEqualTo(40);
        return rows;
    }

    @Test
    void everyRowHasAVersionACommandAndANumber() throws IOException, JsonException {
        for (JsonNode row : rows()) {
            String name = row.path("row").stringValue();
            assertThat(row.path("peer").stringValue()).as("package of %s", name).matches(".+ \\d+\\.\\d+.*");
            assertThat(row.propertyNames()).as(name).contains("claim", "date", "machine", "version", "tolerance", "holds");
            if (row.has("difference")) {
                assertThat(row.path("commands").size()).as("commands of %s", name).isPositive();
                assertThat(row.path("holds").booleanValue()).as("whether %s holds", name)
                        .isEqualTo(row.path("difference").doubleValue() <= row.path("tolerance").doubleValue());
            } else {
                assertThat(row.path("failure").stringValue()).as("why %s has no number", name).isNotBlank();
            }
        }
    }

    @Test
    void thePageListsEveryRowAsItIs() throws IOException, JsonException {
        String page = Files.readString(DOCS.resolve("evidence.md"));
        List<JsonNode> rows = rows();
        int held = 0;
        for (JsonNode row : rows) {
            boolean holds = row.path("holds").booleanValue();
            held += holds ? 1 : 0;
            String start = "| " + row.path("row").stringValue() + " | " + row.path("claim").stringValue() + " | ";
            assertThat(page.lines().filter(line -> line.startsWith(start)).toList()).as(start).singleElement().asString()
                    .contains(holds ? "| yes |" : "**no**");
        }
        assertThat(page).contains("**" + held + " of " + rows.size() + " rows hold.**");
        assertThat(page.lines().filter(line -> line.matches("\\| [a-z0-9]+(-[a-z0-9]+)+ \\| .*")).count()).isEqualTo(rows.size());
    }
}
