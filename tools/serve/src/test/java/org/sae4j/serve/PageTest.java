package org.sae4j.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.core.features.FeatureLabels;

/** A person's way through every view in Chromium, where it is installed. */
class PageTest {
    private static final double PATIENCE_MILLIS = 60_000;

    @TempDir
    static Path folder;
    private static Fixture fixture;
    private static Playwright playwright;
    private static Browser browser;

    private BrowserContext context;
    private Page page;
    private final List<String> errors = new ArrayList<>();

    @BeforeAll
    static void start() throws Exception {
        Optional<Path> chromium = chromium();
        assumeTrue(chromium.isPresent(), "no Chromium on PATH");
        fixture = new Fixture(folder);
        playwright = Playwright.create(new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright.chromium().launch(new BrowserType.LaunchOptions().setExecutablePath(chromium.orElseThrow())
                .setArgs(List.of("--no-sandbox")).setTimeout(PATIENCE_MILLIS));
    }

    private static Optional<Path> chromium() {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).filter(p -> !p.isEmpty())
                .flatMap(p -> Stream.of("chromium", "chromium-browser", "google-chrome").map(n -> Path.of(p, n)))
                .filter(Files::isExecutable).findFirst();
    }

    @AfterAll
    static void stop() {
        if (fixture != null) {
            browser.close();
            playwright.close();
            fixture.close();
        }
    }

    @BeforeEach
    void open() {
        open(1300, ColorScheme.LIGHT);
    }

    private void open(int width, ColorScheme scheme) {
        if (context != null) {
            context.close();
        }
        context = browser.newContext(new Browser.NewContextOptions().setViewportSize(width, 900).setColorScheme(scheme));
        context.setDefaultTimeout(PATIENCE_MILLIS);
        page = context.newPage();
        page.onConsoleMessage(message -> {
            if (message.type().equals("error")) {
                errors.add(message.text());
            }
        });
        page.onPageError(errors::add);
        page.onRequestFailed(request -> {
            // The page itself gives up a request when the next letter comes.
            if (!request.failure().contains("ERR_ABORTED")) {
                errors.add(request.url() + " " + request.failure());
            }
        });
        page.navigate(fixture.server.address().toString());
        page.waitForSelector("#main[data-ready]");
    }

    @AfterEach
    void close() {
        context.close();
        assertThat(errors).as("errors on the console, of scripts, and of requests").isEmpty();
    }

    private void go(String address) {
        page.evaluate("address => { if (location.hash !== address) { delete document.getElementById('main').dataset.ready;"
                + " location.hash = address; } }", address);
    }

    private Locator button(String name) {
        return page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name));
    }

    @Test
    void typingShadesTokensAndAClickOpensTheCard() {
        assertThat(page.url()).doesNotContain("token");
        page.fill("#typed", "Paris is the capital");
        page.waitForSelector("#main[data-ready='Paris is the capital']");
        assertThat(page.locator(".shading .token").allTextContents().stream().reduce("", String::concat)).isEqualTo("Paris is the capital");
        assertThat(page.locator(".shading .token").first().evaluate("e => getComputedStyle(e).backgroundColor").toString())
                .isNotEqualTo("rgba(0, 0, 0, 0)");
        page.locator(".shading .token").nth(1).click();
        page.waitForSelector(".at-token .feature-row");
        String feature = page.locator(".at-token .feature-row b").first().textContent();
        page.locator(".at-token .feature-row").first().click();
        page.waitForSelector(".drawer[data-ready='" + feature + "']");
        assertThat(page.locator(".drawer h2").first().textContent()).startsWith("Feature " + feature);
        page.locator(".drawer").getByText("Open page").click();
        page.waitForSelector(".card.page[data-ready='" + feature + "']");
        page.goBack();
        page.waitForSelector("#typed");
        assertThat(page.inputValue("#typed")).isEqualTo("Paris is the capital");
        page.reload();
        page.waitForSelector("#main[data-ready='Paris is the capital']");
    }

    @Test
    void markupInATextStaysText() {
        page.fill("#typed", Fixture.HOSTILE);
        page.waitForFunction("text => document.getElementById('main').dataset.ready === text", Fixture.HOSTILE);
        assertThat(page.locator(".shading").textContent()).contains("<img src=x onerror=alert(1)></script>", "⟨U+202E⟩");
        assertThat(page.locator("main img").count()).isZero();
        go("#/features?label=" + java.net.URLEncoder.encode(Fixture.HOSTILE, StandardCharsets.UTF_8));
        page.waitForSelector("#main[data-ready]");
        assertThat(page.locator("main img").count()).isZero();
    }

    @Test
    void aFeatureHasItsDeepLinkItsValuesAndItsFiles() {
        go("#/feature/0/7");
        page.waitForSelector(".card.page[data-ready='7']");
        page.reload();
        page.waitForSelector(".card.page[data-ready='7']");
        page.waitForSelector("text=At its strongest tokens, the loss of the next token changes");
        page.waitForSelector("table:has-text('share of L1')");
        page.getByText("Values", new Page.GetByTextOptions().setExact(true)).first().click();
        page.waitForSelector("figure details[open] td");
        for (String kind : List.of("SVG", "PNG", "CSV")) {
            Download saved = page.waitForDownload(() -> button("Save “How strongly it fires” as " + kind).click());
            assertThat(saved.path()).isNotEmptyFile();
        }
        Download csv = page.waitForDownload(() -> button("Save all activations as CSV").click());
        assertThat(csv.path()).content().startsWith("document,label,position");
        String neighbor = page.locator("section:has(h2:text('Nearest features')) a").first().getAttribute("href");
        page.locator("section:has(h2:text('Nearest features')) a").first().click();
        page.waitForSelector(".card.page[data-ready='" + neighbor.substring(neighbor.lastIndexOf('/') + 1) + "']");
    }

    @Test
    void aNameIsKeptFoundAndListed() {
        go("#/feature/0/9");
        page.waitForSelector(".card.page[data-ready='9']");
        page.fill("#label-name", "nine <i>lives</i>");
        page.selectOption(".naming select", "3");
        button("Save name").click();
        page.waitForSelector("text=Saved");
        assertThat(FeatureLabels.read(fixture.labels).name(fixture.first.fingerprint(), 9)).contains("nine <i>lives</i>");
        go("#/features");
        page.waitForSelector("#main[data-ready]");
        page.fill("#query", "LIVES");
        page.waitForSelector("#main[data-ready='1']");
        assertThat(page.locator("table.all tbody").textContent()).contains("nine <i>lives</i>", "★★★");
        go("#/names");
        page.waitForSelector("#main[data-ready='1']");
        Locator name = page.locator("table.names input").first();
        assertThat(name.inputValue()).isEqualTo("nine <i>lives</i>");
        name.fill("ten");
        name.press("Tab");
        page.waitForSelector("text=Saved the name of feature 9");
        assertThat(FeatureLabels.read(fixture.labels).name(fixture.first.fingerprint(), 9)).contains("ten");
        page.setInputFiles("#explanations", new com.microsoft.playwright.options.FilePayload("e.jsonl", "application/json",
                "{\"index\":\"9\",\"description\":\"other\"}\n{\"index\":\"10\",\"description\":\"tenth\"}".getBytes(StandardCharsets.UTF_8)));
        page.waitForSelector("text=took 1, kept 1");
        Download exported = page.waitForDownload(() -> button("Export").click());
        assertThat(exported.path()).content().contains("\"description\":\"tenth\"", "\"description\":\"ten\"");
        FeatureLabels.change(fixture.labels, labels -> labels.with(fixture.first.fingerprint(), Map.of(9, FeatureLabels.Label.of(""), 10,
                FeatureLabels.Label.of(""))));
    }

    @Test
    void theTableSortsSearchesAndTheMapSelects() {
        go("#/features");
        page.waitForSelector("#main[data-ready]");
        button("max").click();
        page.waitForSelector("th[aria-sort=descending]:has-text('max')");
        button("max").click();
        page.waitForSelector("th[aria-sort=ascending]:has-text('max')");
        assertThat(page.url()).contains("sort=max");
        page.waitForSelector("table.all td .chip");
        page.fill("#token", "the");
        page.waitForSelector("text=Promote it");
        page.getByText("Search by texts").click();
        page.getByLabel("Fires on").fill("The capital of France");
        page.getByLabel("Not on").fill("ACGTACGT");
        button("Search").click();
        page.waitForSelector("text=Fire on the first, not on the second");
        page.getByText("Map of features").click();
        Locator canvas = page.locator("canvas");
        canvas.waitFor();
        canvas.scrollIntoViewIfNeeded();
        var box = canvas.boundingBox();
        page.mouse().move(box.x + 3, box.y + 3);
        page.mouse().down();
        page.mouse().move(box.x + box.width / 2, box.y + box.height - 3);
        page.mouse().up();
        page.waitForSelector("text=features selected");
        assertThat(page.url()).contains("only=");
    }

    @Test
    void steeringStreamsBothSides() {
        go("#/feature/0/5");
        page.waitForSelector(".card.page[data-ready='5']");
        button("Steer with it").click();
        page.waitForSelector(".move");
        page.locator(".move input[type=number]").fill("60");
        page.fill("#add-feature", "3");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Add").setExact(true)).click();
        page.waitForFunction("() => document.querySelectorAll('.move').length === 2");
        page.locator(".move").nth(1).locator("select").selectOption("ablate");
        page.fill("#count", "8");
        page.evaluate("() => delete document.getElementById('main').dataset.ready");
        button("Continue the text").click();
        page.waitForSelector("#main[data-ready='16']");
        assertThat(page.locator(".continuation .new").count()).isEqualTo(2);
        assertThat(page.locator("table.next tbody tr").count()).isGreaterThanOrEqualTo(12);
        page.reload();
        page.waitForFunction("() => document.querySelectorAll('.move').length === 2");
        assertThat(page.locator(".move input[type=number]").first().inputValue()).isEqualTo("60");
    }

    @Test
    void autoencodersAreComparedAndChosen() {
        go("#/compare");
        page.waitForSelector("#main[data-ready='text']");
        assertThat(page.locator(".pair .strip").count()).isEqualTo(2);
        page.waitForSelector("text=Best match of each feature");
        page.waitForSelector("text=L0 against cross-entropy recovered");
        page.selectOption("#sae", "1");
        page.waitForSelector("h3:text('second <b>')");
    }

    @Test
    void aTrainingIsDrawnAsItGoesOn() throws Exception {
        go("#/training");
        page.waitForSelector("#main[data-ready='2']");
        Files.writeString(fixture.training.resolve("metrics.jsonl"), Fixture.step(3), StandardOpenOption.APPEND);
        page.waitForSelector("#main[data-ready='3']");
        assertThat(page.locator("figure svg polyline").count()).isGreaterThanOrEqualTo(4);
    }

    @Test
    void everythingIsReachedByTheKeyboardAlone() {
        page.fill("#typed", "The capital of France");
        page.waitForSelector("#main[data-ready='The capital of France']");
        page.locator("#typed").focus();
        page.keyboard().press("Tab");
        page.keyboard().press("ArrowRight");
        page.keyboard().press("ArrowRight");
        page.waitForSelector(".at-token .feature-row");
        page.keyboard().press("Enter");
        page.waitForSelector(".drawer[data-ready]");
        page.locator(".brand").focus();
        page.keyboard().press("Tab");
        page.keyboard().press("Tab");
        page.keyboard().press("Enter");
        page.waitForSelector("table.all");
        assertThat(page.evaluate("() => document.activeElement.id")).isEqualTo("main");
        page.locator("table.all tbody a").first().focus();
        page.keyboard().press("Enter");
        page.waitForSelector(".card.page[data-ready]");
    }

    @ParameterizedTest
    @CsvSource({"1300,LIGHT", "1300,DARK", "390,LIGHT", "390,DARK"})
    void noViewHasASeriousViolationOrIsWiderThanTheScreen(int width, ColorScheme scheme) throws IOException {
        String axe;
        try (InputStream in = Playwright.class.getResourceAsStream("/axe.min.js")) {
            axe = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        open(width, scheme);
        for (String view : List.of("#/text", "#/feature/0/7", "#/features", "#/steer", "#/compare", "#/names", "#/training")) {
            go(view);
            page.waitForSelector(view.equals("#/steer") ? ".moves p, .move" : view.startsWith("#/feature/") ? ".card.page[data-ready]" : "#main[data-ready]");
            if (view.startsWith("#/feature/")) {
                page.waitForSelector("table:has-text('share of L1')");
            }
            page.evaluate(axe);
            assertThat((List<?>) page.evaluate("async () => (await axe.run(document)).violations"
                    + ".filter(rule => ['serious', 'critical'].includes(rule.impact))"
                    + ".map(rule => rule.id + ': ' + rule.nodes.slice(0, 3).map(node => node.html + ' ' + node.failureSummary).join(' | '))"))
                    .as(view).isEmpty();
            assertThat((int) page.evaluate("() => document.documentElement.scrollWidth")).as(view).isLessThanOrEqualTo(width);
        }
    }
}
