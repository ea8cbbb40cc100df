package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.report.ResultJson;
import org.sae4j.report.SavedResult;
import picocli.CommandLine;

/** The main job, with few training steps: everything is there and draws. What it finds with all steps is in the report of a full run. */
class DemoTest {
    @TempDir
    private static Path folder;

    @BeforeAll
    static void runDemo() {
        StringWriter err = new StringWriter();
        CommandLine commandLine = Main.commandLine();
        commandLine.setErr(new PrintWriter(err, true));
        assertThat(commandLine.execute("demo", "--steps", "60", "--documents", "600", "--output", folder.resolve("demo").toString()))
                .as(err.toString()).isZero();
    }

    @Test
    void everyExperimentHasAResultWithFindingsAndFigures() {
        List<String> ids = new ArrayList<>(Demo.WITH_AUTOENCODER);
        ids.add(Demo.TRACING);
        for (String id : ids) {
            SavedResult result = ResultJson.read(folder.resolve("demo/results").resolve(id).resolve("result.json"));
            assertThat(result.experiment()).isEqualTo(id);
            assertThat(result.findings()).as(id).isNotEmpty();
            assertThat(result.figures()).as(id).isNotEmpty();
        }
    }

    @Test
    void theAutoencodersCanBeUsedAgain() {
        CommandLine commandLine = Main.commandLine();
        for (String id : List.of("topk-2048", "relu-2048", "topk-512")) {
            assertThat(commandLine.execute("evaluate", "--sae", folder.resolve("demo/autoencoders").resolve(id).toString(), "--model",
                    folder.resolve("demo/models/gelu-1l-demo").toString(), "--corpus", texts().toString())).isZero();
        }
    }

    private static Path texts() {
        try {
            return Files.writeString(folder.resolve("texts.tsv"), "english\tThe cat slept under the tree today.\n");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void theBestFeatureOfEachDomainHasAPage() throws IOException {
        assertThat(Files.readString(folder.resolve("demo/report.html"))).contains("features.html");
        assertThat(Files.readString(folder.resolve("demo/features.html"))).contains("id=\"index\"", "id=\"feature-");
        assertThat(folder.resolve("demo/features.json")).content().contains("sae4j/features/1");
    }

    @Test
    void theReportNeedsNothingFromOutside() throws IOException {
        String html = Files.readString(folder.resolve("demo/report.html"));
        assertThat(html).contains("default-src 'none'").contains("What was found").contains("Causal tracing");
        assertThat(html).doesNotContainPattern("<(script|link|img)[^>]+(src|href)=\"https?:");
    }

    @Test
    void everyFigureDrawsInABrowser() throws IOException, InterruptedException {
        Optional<Path> chromium = Stream.of(System.getenv("PATH").split(File.pathSeparator)).map(p -> Path.of(p, "chromium"))
                .filter(Files::isExecutable).findFirst();
        assumeTrue(chromium.isPresent(), "chromium is not installed");
        Path page = folder.resolve("dom.html");
        Process process = new ProcessBuilder(chromium.get().toString(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="
                + folder.resolve("profile"), "--virtual-time-budget=120000", "--dump-dom",
                folder.resolve("demo/report.html").toUri() + "?draw=all").redirectOutput(page.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("chromium ended").isTrue();
        Matcher state = Pattern.compile("data-sae-report=\"([^\"]*)\"").matcher(Files.readString(page, StandardCharsets.UTF_8));
        assertThat(state.find()).as("the report says what it drew").isTrue();
        String json = state.group(1).replace("&quot;", "\"");
        Matcher counts = Pattern.compile("\"figures\":(\\d+),\"drawn\":(\\d+),\"errors\":\\[(.*?)\\]").matcher(json);
        assertThat(counts.find()).as(json).isTrue();
        assertThat(Integer.parseInt(counts.group(1))).isGreaterThan(20);
        assertThat(counts.group(2)).as(json).isEqualTo(counts.group(1));
        assertThat(counts.group(3)).isEmpty();
    }
}
