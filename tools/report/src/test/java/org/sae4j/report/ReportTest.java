package org.sae4j.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Axis;
import org.sae4j.api.experiment.Figure.ColorScale;
import org.sae4j.api.experiment.Figure.Palette;
import org.sae4j.api.experiment.Metric;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ReportTest {
    private static final Pattern DATA = Pattern.compile("<script type=\"application/json\">(.*?)</script>", Pattern.DOTALL);
    private static final String PAGE = Samples.report().html();

    @Test
    void everyFigureIsThereWithItsData() {
        List<Figure> figures = IntStream.range(0, 2).boxed().flatMap(i -> (i == 0 ? Samples.figures() : Samples.emptyFigures()).stream())
                .toList();
        Matcher data = DATA.matcher(PAGE);
        for (Figure figure : figures) {
            assertThat(data.find()).isTrue();
            JsonNode node = JsonMapper.shared().readTree(data.group(1));
            assertThat(node.path("id").asString()).isEqualTo(figure.id());
            assertThat(node.path("kind").asString()).isEqualTo(JsonValues.kind(figure.getClass()));
        }
        assertThat(data.find()).isFalse();
        assertThat(Arrays.stream(Figure.class.getPermittedSubclasses())).allMatch(kind -> figures.stream().anyMatch(kind::isInstance));
    }

    @Test
    void hostileTextsEndNoElementAndComeBackAsTheyWere() {
        assertThat(PAGE).doesNotContain("<script>alert", "<a href=\"javascript", "\u2028", "\u2029", "\u202E");
        assertThat(PAGE.codePoints()).noneMatch(c -> c >= 0xD800 && c <= 0xDFFF);
        Matcher data = DATA.matcher(PAGE);
        JsonNode strips = null;
        while (data.find()) {
            JsonNode node = JsonMapper.shared().readTree(data.group(1));
            strips = node.path("id").asString().equals("examples") ? node : strips;
        }
        assertThat(strips).isNotNull();
        var tokens = strips.path("strips").path(4).path("tokens");
        assertThat(IntStream.range(0, tokens.size()).mapToObj(i -> tokens.path(i).stringValue())).isEqualTo(Samples.HOSTILE);
    }

    @Test
    void thePageNamesNoOtherResource() {
        // Outside the compressed Plotly and its license text there is no address at all.
        String page = PAGE.replaceAll("(?s)<script type=\"text/plain\" id=\"_plotly\">.*?</script>", "").replaceAll("(?s)<!--.*?-->", "");
        assertThat(page).doesNotContain("http:", "https:", "src=", "@import", "url(");
        assertThat(page).contains("default-src 'none'");
        assertThat(PAGE.length()).isLessThan(3_500_000);
    }

    @Test
    void elementIdsAreUnique() {
        List<String> ids = Pattern.compile(" id=\"([^\"]*)\"").matcher(PAGE).results().map(r -> r.group(1)).toList();
        assertThat(ids).doesNotHaveDuplicates().contains("sample", "sample_map", "hostile", "_content");
        Pattern.compile("href=\"#([^\"]*)\"").matcher(PAGE).results().forEach(r -> assertThat(ids).contains(r.group(1)));
    }

    @Test
    void theSameReportGivesTheSameBytes() {
        assertThat(Samples.report().html()).isEqualTo(PAGE);
    }

    @Test
    void manyNumbersAreListedAndTheRestFolded() {
        List<Metric> metrics = IntStream.range(0, 11).mapToObj(i -> Metric.of("number " + i, i, "")).toList();
        String page = Report.builder("numbers").section(Section.builder("n", "N").metrics(metrics).build()).build().html();
        int fold = page.indexOf("<summary>3 more numbers</summary>");
        assertThat(fold).isPositive();
        assertThat(page.indexOf("number 7<")).isPositive().isLessThan(fold);
        assertThat(page.indexOf("number 8<")).isGreaterThan(fold);
        assertThat(page).contains("number 10<");
    }

    @Test
    void clippingIsSaid() {
        var scale = new ColorScale(Palette.DIVERGING, -1, 1, "effect");
        var figure = new Figure.Heatmap("a", "A", "", Axis.of("x"), Axis.of("y"), List.of("1", "2", "3"), List.of("r"),
                new double[][] {{-3, 0.5, Double.NaN}}, scale);
        assertThat(FigureView.of(figure).remarks()).containsExactly(
                "Colors end at −1 and 1; 1 of 2 values are out of range and have the color of the end.", "Gray cells have no value.");
        assertThat(FigureView.of(new Figure.Heatmap("a", "A", "", Axis.of("x"), Axis.of("y"), List.of("1"), List.of("r"),
                new double[][] {{1}},
                scale)).remarks()).isEmpty();
    }

    @Test
    void bigSamplesAreDrawnFromTheirQuantiles() {
        double[] values = new Random(3).doubles(100_000).toArray();
        FigureView view = FigureView.of(new Figure.Distributions("a", "A", "", Axis.of("x"), Axis.of("y"),
                List.of(new Figure.Sample("s", values))));
        double[] drawn = ((Figure.Distributions) view.figure()).samples().getFirst().values();
        assertThat(drawn).hasSize(FigureView.MAX_SAMPLE).isSorted().startsWith(Arrays.stream(values).min().orElseThrow())
                .endsWith(Arrays.stream(values).max().orElseThrow());
        assertThat(drawn[FigureView.MAX_SAMPLE / 4]).isBetween(0.24, 0.26);
        assertThat(view.remarks()).containsExactly("The shape of s is drawn from 2,000 quantiles of its 100,000 values.");
    }

    @Test
    void valuesThatALogarithmicAxisCannotShowAreCounted() {
        var axis = new Axis("y", true);
        double[] values = {0, -1, 3, Double.NaN};
        var line = new Figure.Line("l", new double[] {1, 2, 3, 4}, values, new double[0], new double[0], false);
        String remark = "The logarithmic axis cannot show the 2 values of zero or less.";
        assertThat(FigureView.of(new Figure.Lines("a", "A", "", axis, axis, List.of(line))).remarks()).containsExactly(remark);
        assertThat(FigureView.of(new Figure.Distributions("a", "A", "", axis, axis, List.of(new Figure.Sample("s", values)))).remarks())
                .contains(remark);
        assertThat(FigureView.of(new Figure.Lines("a", "A", "", axis, Axis.of("y"), List.of(line))).remarks()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1204, '1,204'", "-0.5, −0.5", "0.98123, 0.9812", "1234.5, '1,235'", "12.346, 12.35", "0.00012344, 1.234 × 10⁻⁴",
            "2e9, 2 × 10⁹",
            "999999.7, '1,000,000'", "0.9999999, 1", "NaN, not defined", "-Infinity, −∞", "0.1, 0.1", "100.04, 100"})
    void numbersHaveFourSignificantDigits(double value, String expected) {
        assertThat(Text.number(value)).isEqualTo(expected);
    }

    @Test
    void numbersInFiguresKeepFloatPrecision() {
        var line = new Figure.Line("l", new double[] {0.1, 1.0 / 3, 16_777_217, 1e300, 1e-300}, new double[] {0, 1, Double.NaN, 3, 4},
                new double[0],
                new double[0], false);
        String json = FigureView.of(new Figure.Lines("a", "A", "", Axis.of("x"), Axis.of("y"), List.of(line))).json();
        assertThat(json).contains("\"x\":[0.1,0.33333334,16777217,1.0E300,1.0E-300],\"y\":[0,1,\"NaN\",3,4]");
    }

    @Test
    void wrongIdsAreRefused() {
        for (String id : List.of("", "A", "a b", "a_b", "-a", "a\"")) {
            assertThatThrownBy(() -> Section.builder(id, "t").build()).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Section.builder("a", "t").figure(new Figure.Table(id, "t", "", List.of(), List.of())).build())
                    .isInstanceOf(IllegalArgumentException.class);
        }
        Section part = Section.builder("a", "A").build();
        assertThatThrownBy(() -> Report.builder("t").section(part).section(Section.builder("b", "B").subsection(part).build()).build())
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("a");
    }

    @Test
    void aReportOfSavedResultsLooksLikeOneOfTheResults(@TempDir Path folder) {
        Path file = folder.resolve("result.json");
        ResultJson.write(file, Samples.experiment(), Samples.result(), Map.of());
        String fresh = Report.builder("t").section(Section.of(Samples.experiment(), Samples.result())).build().html();
        assertThat(Report.builder("t").section(Section.of(ResultJson.read(file))).build().html()).isEqualTo(fresh);
    }

    @Test
    void anUnwritablePlaceIsAnErrorThatNamesIt(@TempDir Path folder) throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> Samples.report().write(file.resolve("report.html"))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("report.html");
    }
}
