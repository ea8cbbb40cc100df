package org.sae4j.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.experiment.Figure;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Opens the report in Chromium, where it is installed. */
class BrowserTest {
    private static final Pattern STATE = Pattern.compile("<html[^>]* data-sae-report=\"([^\"]*)\"");

    @TempDir
    static Path folder;

    private static String dom;
    /** The same page as it is when nobody scrolls. */
    private static String untouched;
    /** A page of folded sections and a catalog, opened at a section that lies in a file beside it. */
    private static String catalog;

    @BeforeAll
    static void open() throws Exception {
        Optional<Path> browser = browser();
        assumeTrue(browser.isPresent(), "no Chromium on PATH");
        Path report = folder.resolve("report.html");
        Samples.report().write(report);
        dom = open(browser.orElseThrow(), report.toUri() + "?draw=all");
        untouched = open(browser.orElseThrow(), report.toUri().toString());
        catalog = open(browser.orElseThrow(), catalog().toUri() + "#item-5");
    }

    private static Path catalog() {
        List<Section> items = new ArrayList<>();
        List<List<Object>> rows = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            items.add(Section.builder("item-" + i, "Item " + i + " <b>").figure(new Figure.Table("t", "T", "", List.of("link"),
                    List.of(List.of(new Figure.Link("the first one", "item-0"))))).figure(Samples.figures().getFirst()).build());
            rows.add(List.of(new Figure.Link("item " + i, "item-" + i), i));
        }
        Catalog.write(folder.resolve("items"), 0, items.subList(0, 4));
        Catalog.write(folder.resolve("items"), 1, items.subList(4, 8));
        Path file = folder.resolve("catalog.html");
        Report.Builder report = Report.builder("Catalog");
        for (int i = 0; i < 5; i++) {
            report.section(Section.builder("part-" + i, "Part " + i).findings(List.of("Finding of part " + i)).figure(Samples.figures().get(1))
                    .commands("./sae <command> " + i).build());
        }
        report.catalog(new Catalog("All items", List.of(), new Figure.Table("all", "Items", "", List.of("item", "number"), rows), "items", 4,
                items.stream().map(Section::id).toList())).build().write(file);
        return file;
    }

    @Test
    void aSectionBesideThePageIsLoadedWhenItIsAskedFor() {
        assertThat(state(catalog).path("errors")).isEmpty();
        String card = catalog.substring(catalog.indexOf("id=\"_card\""));
        assertThat(card).contains("<section id=\"item-5\"", "Item 5 &lt;b&gt;", "href=\"#item-6\"").doesNotContain("Item 4 &lt;b&gt;");
        assertThat(card).contains("<a href=\"#item-0\">the first one</a>");
    }

    @Test
    void ofManySectionsTheFirstIsOpenAndTheOthersSayWhatTheyAreAbout() {
        assertThat(catalog).contains("<details class=\"fold\"><summary>", "Finding of part 4</span>", "<code>./sae &lt;command&gt; 0</code>");
        assertThat(catalog.indexOf("id=\"part-0\"")).isLessThan(catalog.indexOf("<details class=\"fold\">"));
        assertThat(catalog.split("<details class=\"fold\">", -1)).hasSize(5);
    }

    private static String open(Path browser, String address) throws Exception {
        Path dump = folder.resolve("dom.html");
        Process process = new ProcessBuilder(browser.toString(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--window-size=1400,900", "--virtual-time-budget=120000", "--user-data-dir=" + folder.resolve("profile"), "--dump-dom",
                address).redirectOutput(dump.toFile()).redirectError(folder.resolve("log").toFile()).start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("Chromium ended").isTrue();
        } finally {
            process.destroyForcibly().waitFor();
        }
        // Plotly's source stands in the document once it is loaded, and its strings hold markup.
        return Files.readString(dump, StandardCharsets.UTF_8)
                .replaceFirst("(?s)<script>/\\*\\*\\s+\\* plotly\\.js.*?\\n\\}\\)\\);?\\s*</script>", "");
    }

    private static Optional<Path> browser() {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).filter(p -> !p.isEmpty())
                .flatMap(p -> Stream.of("chromium", "chromium-browser", "google-chrome").map(n -> Path.of(p, n)))
                        .filter(Files::isExecutable)
                .findFirst();
    }

    private static JsonNode state(String page) {
        Matcher state = STATE.matcher(page);
        assertThat(state.find()).isTrue();
        return JsonMapper.shared().readTree(state.group(1).replace("&quot;", "\"").replace("&lt;", "<").replace("&amp;", "&"));
    }

    @Test
    void whatIsFlatIsDrawnThoughNobodyScrolls() {
        JsonNode found = state(untouched);
        long flat = Stream.concat(Samples.figures().stream(), Samples.emptyFigures().stream())
                .filter(f -> !(f instanceof Figure.Scatter s && s.axes().size() == 3)).count();
        assertThat(found.path("errors")).isEmpty();
        assertThat(found.path("drawn").asLong()).isGreaterThanOrEqualTo(flat);
    }

    @Test
    void everyFigureIsDrawnWithoutAnErrorOrARequest() {
        JsonNode found = state(dom);
        int figures = Samples.figures().size() + Samples.emptyFigures().size();
        assertThat(found.path("errors")).as("errors, console errors and requests that the page's policy blocked").isEmpty();
        assertThat(found.path("figures").asInt()).isEqualTo(figures);
        assertThat(found.path("drawn").asInt()).isEqualTo(figures);
    }

    @Test
    void eachKindHasItsMarks() {
        assertThat(figure("sample_map")).contains("class=\"points\"", "first component", "density (log10 share of tokens)");
        assertThat(count(figure("sample_map"), "<path class=\"point plotly-customdata\"")).isEqualTo(1500);
        assertThat(figure("sample_space")).containsAnyOf("class=\"gl-container\"", "no WebGL");
        assertThat(figure("sample_distance")).contains("within the support", "stroke-dasharray");
        assertThat(count(figure("sample_tops"), "class=\"errorbar\"")).isEqualTo(8);
        assertThat(count(figure("sample_levels"), "<g class=\"point\"")).isEqualTo(60);
        assertThat(figure("sample_trace")).contains("class=\"hm\"", "downtown");
        assertThat(count(figure("sample_scripts"), "class=\"violin\"")).isEqualTo(3);
        assertThat(count(figure("sample_examples"), "<tr>")).isEqualTo(6);
        assertThat(count(figure("sample_ranks"), "<tr>")).isEqualTo(41);
        assertThat(figure("empty_e1")).contains("There is nothing to draw.");
    }

    @Test
    void hostileTokensStayText() {
        assertThat(figure("sample_examples")).contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;", "⟨U+202E⟩", "⟨U+D83D⟩",
                "⟨U+0000⟩", "عليكم")
                .doesNotContain("<a href", "<script>");
        assertThat(figure("sample_map")).doesNotContain("<b>bold");
    }

    @Test
    void cellsLeadToSectionsThatAreThere() {
        assertThat(figure("sample_links")).contains("<a href=\"#hostile\">12</a>", "&lt;b&gt;7&lt;/b&gt;", ">9</td>");
        assertThat(count(figure("sample_links"), "<a ")).isEqualTo(1);
    }

    @Test
    void figuresOfferTheirDataAndPictures() {
        for (String tool : List.of("SVG", "PNG", "CSV", "JSON")) {
            assertThat(figure("sample_map")).contains(">" + tool + "</button>");
        }
        assertThat(figure("sample_ranks")).contains(">CSV</button>", "aria-sort=\"none\"").doesNotContain(">SVG</button>");
    }

    /** The element of a figure without its data. */
    private static String figure(String id) {
        int from = dom.indexOf("<figure id=\"" + id + "\"");
        assertThat(from).as(id).isNotNegative();
        return dom.substring(from, dom.indexOf("</figure>", from)).replaceAll("(?s)<script type=\"application/json\">.*?</script>", "");
    }

    private static int count(String text, String part) {
        return text.split(Pattern.quote(part), -1).length - 1;
    }
}
