package org.sae4j.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Axis;
import org.sae4j.api.experiment.Figure.ColorScale;
import org.sae4j.api.experiment.Figure.Palette;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.experiment.Metric;

/** Results that look like those of experiments, from fixed seeds. */
final class Samples {
    private static final double[] NONE = {};

    /** What an experiment is configured with. */
    public record Config(int steps) {}

    /** Data of many types. */
    public record Data(int count, double share, List<Double> values, Map<String, Integer> byName, Palette palette,
            Optional<String> remark) {}

    private Samples() {}

    static Experiment<Config, Data> experiment() {
        return new Experiment<>() {
            @Override
            public String id() {
                return "sample";
            }

            @Override
            public String title() {
                return "A sample";
            }

            @Override
            public String description() {
                return "Measures nothing, with all kinds of figures.";
            }

            @Override
            public Config defaults() {
                return new Config(1);
            }

            @Override
            public ExperimentResult<Data> run(Config config, ExperimentContext context) {
                return result();
            }
        };
    }

    static ExperimentResult<Data> result() {
        var byName = new LinkedHashMap<String, Integer>();
        byName.put("zeta", 2);
        byName.put("alpha", 1);
        return new ExperimentResult<>(new Data(3, 0.1, List.of(1.0, Double.NaN, Double.NEGATIVE_INFINITY), byName, Palette.REDS,
                Optional.empty()),
                List.of("Feature 1,204 fires on 94% of Arabic tokens and on 0.3% of others (AUROC 0.981, 95% interval 0.974 to 0.987).",
                        "The second largest effect is a quarter of it."),
                List.of(Metric.of("AUROC", 0.981, "", new Interval(0.974, 0.987, 0.95, "bootstrap over sentences, 1000 resamples"), 12_400),
                        Metric.of("Change of next-token loss", 0.0374, "nats/token", new Interval(0.031, 0.044, 0.95, "t over prompts"),
                                200),
                        Metric.of("L0", 41.7, "features"), Metric.of("Recovery", Double.NaN, "")),
                figures(), List.of("Clamping to zero removes the part of the activation that the reconstruction holds, "
                        + "not what the error holds."));
    }

    static List<Figure> figures() {
        var random = new Random(7);
        var figures = new ArrayList<Figure>();
        figures.add(new Figure.Scatter("map", "Decoder directions of 1,500 features", "PCA to two dimensions; 31% of the variance. Seed 7.",
                List.of(Axis.of("first component"), Axis.of("second component")), List.of(new Figure.Points("features",
                        gauss(random, 1500, 1), gauss(random, 1500, 1), NONE,
                        IntStream.range(0, 1500).mapToObj(i -> "feature " + i + ": “ the”, “<b>bold</b>”").toList(),
                        random.doubles(1500, -6, 0).toArray())),
                Optional.of(new ColorScale(Palette.SEQUENTIAL, -5, 0, "density (log10 share of tokens)")), false));
        figures.add(new Figure.Scatter("space", "Clusters in three dimensions", "UMAP with 15 neighbors. Seed 7.",
                List.of(Axis.of("UMAP 1"), Axis.of("UMAP 2"), Axis.of("UMAP 3")), IntStream.range(0, 4).mapToObj(i -> new Figure.Points(
                        "cluster " + i, shifted(random, 200, 2 * i), shifted(random, 200, i % 2), shifted(random, 200, -i),
                        IntStream.range(0, 200).mapToObj(k -> "feature " + k).toList(), NONE)).toList(), Optional.empty(), false));
        figures.add(new Figure.Scatter("paths", "Two walks on the first two components", "120 steps of length 0.5; seeds 1 and 2.",
                List.of(Axis.of("PC 1 (60.8%)"), Axis.of("PC 2 (15.2%)")),
                List.of(walk(random, "seed 1"), walk(random, "seed 2")), Optional.empty(), true));
        figures.add(new Figure.Lines("distance", "Distance from the start", "Median and 95% band over 50 seeds, with the null curve.",
                Axis.of("step"), Axis.of("Euclidean distance"), List.of(line("measured", 1, true), line("within the support", 0.6, true),
                        new Figure.Line("null: s √t", steps(), IntStream.range(0, 60).mapToDouble(i -> 1.05 * Math.sqrt(i)).toArray(),
                                NONE, NONE,
                                true))));
        figures.add(new Figure.Bars("tops", "Effect on the loss by role", "Mean over 200 prompts with 95% bootstrap intervals.",
                Axis.of("token role"), Axis.of("change of loss (nats)"), List.of("subject first", "subject last", "relation", "last token"),
                List.of(new Figure.BarSeries("ablation", new double[] {0.12, 0.44, 0.08, 0.31}, new double[] {0.1, 0.39, 0.06, 0.27},
                        new double[] {0.14, 0.5, 0.1, 0.36}), new Figure.BarSeries("random direction",
                                new double[] {0.01, 0.02, -0.01, 0.02},
                                new double[] {-0.01, 0, -0.03, 0}, new double[] {0.03, 0.04, 0.01, 0.05})), false));
        figures.add(new Figure.Bars("twins", "Top features by ablation", "Absolute change of the logit difference.", Axis.of("feature"),
                Axis.of("change of logit difference"), IntStream.range(0, 10).mapToObj(i -> i + ": “ quite long token text " + i + "”")
                        .toList(),
                List.of(new Figure.BarSeries("ablation", IntStream.range(0, 10).mapToDouble(i -> 3 / (1.0 + i)).toArray(), NONE, NONE)),
                        true));
        figures.add(new Figure.Histogram("levels", "Activations by score", "Counts by level; colors by log(P(s|concept)/P(s)).",
                Axis.of("activation"), new Axis("tokens", true), IntStream.rangeClosed(0, 30).mapToDouble(i -> i * 0.2).toArray(),
                List.of(decay("concept", 400, 0.08), decay("other", 20_000, 0.35)), true));
        figures.add(new Figure.Histogram("cosines", "Cosines between decoder directions",
                "All pairs of 1,500 features, and random unit vectors.",
                Axis.of("cosine"), Axis.of("density"), IntStream.rangeClosed(0, 60).mapToDouble(i -> -0.3 + i * 0.01).toArray(),
                List.of(bell("measured", 0.05), bell("null", 0.04)), false));
        figures.add(heatmap(random));
        figures.add(new Figure.Heatmap("effects", "Effect of one feature on others", "Relative change after re-encoding.",
                Axis.of("feature"), Axis.of("prompt"), IntStream.range(0, 40).mapToObj(i -> "f" + i).toList(),
                IntStream.range(0, 14).mapToObj(i -> "prompt " + i).toList(),
                matrix(random, 14, 40, 0.4), new ColorScale(Palette.DIVERGING, -0.5, 1, "relative change")));
        figures.add(new Figure.Distributions("scripts", "Activation by script", "Non-zero activations, BOS excluded.", Axis.of("script"),
                Axis.of("activation"), List.of(new Figure.Sample("Arabic", shifted(random, 900, 4)),
                        new Figure.Sample("Latin", shifted(random, 5000, 1)),
                        new Figure.Sample("Han", shifted(random, 40, 1.5)), new Figure.Sample("empty", NONE))));
        figures.add(strips());
        figures.add(signedStrips());
        figures.add(new Figure.Table("ranks", "Features by effect", "Of 1,500 features; q by Benjamini-Hochberg.",
                List.of("feature", "top token", "AUROC", "effect (nats)", "q"),
                IntStream.range(0, 40).<List<Object>>mapToObj(i -> List.of(i * 37 % 1500,
                        "“ token" + i + "”", 0.99 - i * 0.01, i == 3 ? Double.NaN : 0.4 / (i + 1), i * 1.3e-5)).toList()));
        figures.add(new Figure.Table("links", "Links", "To a section, to no section, to what is no section.", List.of("feature", "effect"),
                List.of(List.of(new Figure.Link("12", "hostile"), 1.5), List.of(new Figure.Link("<b>7</b>", "nowhere"), 2.5),
                        List.of(new Figure.Link("9", "_plotly"), 0.5))));
        return figures;
    }

    private static Figure heatmap(Random random) {
        var values = new double[8][12];
        for (int r = 0; r < 8; r++) {
            for (int c = 0; c < 12; c++) {
                values[r][c] = Math.clamp(0.06 + 0.85 * Math.exp(-((r - 3) * (r - 3) + (c - 4) * (c - 4)) / 8.0)
                        + 0.02 * random.nextGaussian(), 0, 1.0);
            }
        }
        values[7][0] = Double.NaN;
        return new Figure.Heatmap("trace", "Restoring the residual stream", "Mean probability of the answer over 10 corrupted runs.",
                Axis.of("layer"),
                Axis.of("token"), IntStream.range(0, 12).mapToObj(Integer::toString).toList(),
                List.of("The*", " Space*", " Need*", "le*", " is", " in", " downtown", " the"), values,
                new ColorScale(Palette.PURPLES, 0.05, 0.8, "probability of “ Seattle”"));
    }

    private static Figure strips() {
        return new Figure.TokenStrips("examples", "Top examples", "Eight tokens around the peak; from equal intervals of activation.",
                new ColorScale(Palette.SEQUENTIAL, 0, 8, "activation"), List.of(
                        new Figure.Strip("Latin", List.of("The", " quick", " brown", " fox", "\n", "jumps", "\t", " ", "over", " it"),
                                new double[] {0, 0.4, 3, 7.9, 0, 1, 0, 2, 0, 0}),
                        new Figure.Strip("Arabic", List.of("ال", "سلام", " عليكم", " ورحمة", " الله"), new double[] {2, 7, 6.5, 4, 8}),
                        new Figure.Strip("Hebrew and English", List.of("שלום", " world", " and", " עולם"), new double[] {6, 0, 0.3, 5}),
                        new Figure.Strip("Han", List.of("稀疏", "自", "编码", "器", "很", "有用", "。"), new double[] {5, 2, 8, 1, 0, 3, 0}),
                        new Figure.Strip("hostile", HOSTILE, IntStream.range(0, HOSTILE.size()).mapToDouble(i -> i).toArray())));
    }

    private static Figure signedStrips() {
        return new Figure.TokenStrips("attribution", "Attribution to the logit difference", "Positive: towards the answer.",
                new ColorScale(Palette.DIVERGING, -1, 1, "attribution (logits)"), List.of(new Figure.Strip("prompt 1",
                        List.of("The", " Eiffel", " Tower", " is", " not", " in"), new double[] {0.05, 0.9, 0.6, 0.02, -0.8, Double.NaN})));
    }

    /** Texts that break what is careless. */
    static final List<String> HOSTILE = List.of("</script><script>alert(1)</script>", "<!--", "\"'&`", "a\u2028b\u2029c", "\u202Egnp.exe",
            "👩‍🔬",
            "\uD83D", "\uDE00x", "\u0000\u0007", "<a href=\"javascript:alert(1)\">x</a>", "%{x} $x$ {{y}}", "", "=1+1");

    private static Figure.Points walk(Random random, String name) {
        var x = new double[120];
        var y = new double[120];
        for (int i = 1; i < 120; i++) {
            x[i] = x[i - 1] + 0.4 * random.nextGaussian() + 0.1;
            y[i] = y[i - 1] + 0.4 * random.nextGaussian();
        }
        return new Figure.Points(name, x, y, NONE, IntStream.range(0, 120).mapToObj(i -> "step " + i).toList(), NONE);
    }

    private static double[] steps() {
        return IntStream.range(0, 60).mapToDouble(i -> i).toArray();
    }

    private static Figure.Line line(String name, double scale, boolean band) {
        double[] y = IntStream.range(0, 60).mapToDouble(i -> i == 30 ? Double.NaN : scale * (Math.sqrt(i) + 0.2 * Math.sin(i / 3.0)))
                .toArray();
        return new Figure.Line(name, steps(), y, band ? IntStream.range(0, 60).mapToDouble(i -> y[i] * 0.85).toArray() : NONE,
                band ? IntStream.range(0, 60).mapToDouble(i -> y[i] * 1.15).toArray() : NONE, false);
    }

    private static Figure.BarSeries decay(String name, double top, double rate) {
        return new Figure.BarSeries(name, IntStream.range(0, 30).mapToDouble(i -> Math.floor(top * Math.exp(-rate * i))).toArray(), NONE,
                NONE);
    }

    private static Figure.BarSeries bell(String name, double std) {
        return new Figure.BarSeries(name, IntStream.range(0, 60).mapToDouble(i -> {
            double z = (-0.295 + i * 0.01) / std;
            return Math.exp(-z * z / 2) / std;
        }).toArray(), NONE, NONE);
    }

    private static double[] gauss(Random random, int n, double scale) {
        return random.doubles(n).map(u -> scale * random.nextGaussian()).toArray();
    }

    private static double[] shifted(Random random, int n, double by) {
        return random.doubles(n).map(u -> by + 0.7 * random.nextGaussian()).toArray();
    }

    private static double[][] matrix(Random random, int rows, int columns, double scale) {
        return IntStream.range(0, rows).mapToObj(r -> gauss(random, columns, scale)).toArray(double[][]::new);
    }

    /** Every kind of figure without anything in it, or with nothing but values that are not numbers. */
    static List<Figure> emptyFigures() {
        var scale = new ColorScale(Palette.DIVERGING, 0, 0, "nothing");
        double[] odd = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        return List.of(new Figure.Scatter("e1", "Empty", "", List.of(Axis.of("x"), Axis.of("y")), List.of(), Optional.empty(), false),
                new Figure.Scatter("e2", "Odd", "", List.of(Axis.of("x"), Axis.of("y")),
                        List.of(new Figure.Points("odd", odd, odd, NONE, List.of(), odd)), Optional.of(scale), true),
                new Figure.Lines("e3", "Empty", "", Axis.of("x"), new Axis("y", true), List.of()),
                new Figure.Lines("e4", "Odd", "", Axis.of("x"), new Axis("y", true),
                        List.of(new Figure.Line("odd", odd, odd, odd, odd, false))),
                new Figure.Bars("e5", "Empty", "", Axis.of("x"), Axis.of("y"), List.of(), List.of(), true),
                new Figure.Bars("e6", "Odd", "", Axis.of("x"), Axis.of("y"), HOSTILE.subList(0, 3),
                        List.of(new Figure.BarSeries("odd", odd, odd, odd)),
                        false),
                new Figure.Histogram("e7", "Empty", "", new Axis("x", true), new Axis("y", true), NONE, List.of(), true),
                new Figure.Histogram("e8", "Odd", "", new Axis("x", true), new Axis("y", true), new double[] {1, 10, 100, 1000},
                        List.of(new Figure.BarSeries("odd", odd, NONE, NONE), new Figure.BarSeries("zero", new double[3], NONE, NONE)),
                                true),
                new Figure.Heatmap("e9", "Empty", "", Axis.of("x"), Axis.of("y"), List.of(), List.of(), new double[0][], scale),
                new Figure.Heatmap("e10", "Odd", "", Axis.of("x"), Axis.of("y"), List.of("a", "a", "a"), List.of("<b>"),
                        new double[][] {odd}, scale),
                new Figure.Distributions("e11", "Empty", "", Axis.of("x"), Axis.of("y"), List.of()),
                new Figure.Distributions("e12", "Odd", "", Axis.of("x"), new Axis("y", true), List.of(new Figure.Sample("odd", odd))),
                new Figure.TokenStrips("e13", "Empty", "", scale, List.of()),
                new Figure.TokenStrips("e14", "Odd", "", scale, List.of(new Figure.Strip("odd", List.of("a", "b", "c"), odd))),
                new Figure.Table("e15", "Empty", "", List.of(), List.of()),
                new Figure.Table("e16", "Odd", "", List.of("a", "b"), List.of(List.of(Double.NaN, "</td>"),
                        List.of(Double.POSITIVE_INFINITY, ""))));
    }

    static Report report() {
        var provenance = new LinkedHashMap<String, Object>();
        provenance.put("seed", 7);
        provenance.put("engine", "cpu (Vector API, 256 bit)");
        provenance.put("model", Map.of("name", "gelu-1l-demo", "sha256", "b0f1…"));
        provenance.put("config", new Config(120));
        return Report.builder("Features of a small world").subtitle("gelu-1l-demo, hook blocks.0.mlp.hook_post, d_sae 2,048")
                .provenance(provenance)
                .section(Section.of(experiment(), result()))
                .section(Section.builder("edges", "Edge cases").lead("Nothing to see, and nothing that breaks.")
                        .subsection(Section.builder("hostile", HOSTILE.getFirst()).lead(HOSTILE.toArray(String[]::new)).findings(HOSTILE)
                                .build())
                        .subsection(Section.builder("empty", "Empty figures").figures(emptyFigures()).build()).build())
                .build();
    }
}
