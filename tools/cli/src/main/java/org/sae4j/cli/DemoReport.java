package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;
import org.sae4j.core.Sae4j;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.report.Report;
import org.sae4j.report.Section;

/** Composes the demo's report. */
final class DemoReport {
    private static final int CURVE_POINTS = 200;
    /** By experiment, phrases of the findings that belong on the first page. */
    private static final Map<String, List<String>> HIGHLIGHTS = highlights();

    private final Engine engine;
    private final long seed;
    private final List<Demo.Trained> trained;
    private final FeatureProfiles profiles;
    private final List<Demo.Outcome> outcomes;
    private final double seconds;

    DemoReport(Engine engine, long seed, List<Demo.Trained> trained, FeatureProfiles profiles, List<Demo.Outcome> outcomes,
            double seconds) {
        this.engine = engine;
        this.seed = seed;
        this.trained = trained;
        this.profiles = profiles;
        this.outcomes = outcomes;
        this.seconds = seconds;
    }

    private static Map<String, List<String>> highlights() {
        Map<String, List<String>> map = new LinkedHashMap<>();
        map.put("specificity", List.of("By document", "Token by token"));
        map.put("neighborhood", List.of("concepts", "By decoder"));
        map.put("ablation", List.of("the best detector of \"arabic\"", "Of the top 10 features by ablation"));
        map.put("random-walk", List.of("Why the distance curve is smooth", "Why runs look alike"));
        map.put("causal-tracing", List.of("Noise on the subject", "early site", "Block outputs at the last token"));
        return map;
    }

    void write(Path file) {
        Report.Builder report = Report.builder("What a sparse autoencoder finds in a transformer")
                .subtitle("sae4j demo: the one-block transformer gelu-1l-demo, its MLP activations, and 13 domains of text whose "
                        + "ground truth is known")
                .provenance(provenance()).section(overview()).section(findings()).section(autoencoders());
        outcomes.forEach(o -> report.section(Section.of(o.experiment(), o.result())));
        report.section(next()).build().write(file);
    }

    private Map<String, Object> provenance() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("sae4j", Sae4j.version());
        map.put("java", Runtime.version().toString());
        map.put("engine", engine.id());
        map.put("device", engine.device().name());
        map.put("seed", seed);
        map.put("seconds", Math.round(seconds));
        map.put("recipes", trained.stream().collect(LinkedHashMap::new, (m, t) -> m.put(t.id(), t.recipe().settings()), Map::putAll));
        outcomes.forEach(o -> map.put(o.experiment().id(), o.provenance()));
        return map;
    }

    private Section overview() {
        Demo.Trained main = trained.getFirst();
        Evaluation e = main.evaluation();
        double recovered = e.recovered().orElseThrow().ceRecovered();
        Map.Entry<String, Detectors.Best> worst = worst(main);
        return Section.builder("overview", "What was found")
                .lead("A transformer's hidden layer packs many meanings into few numbers. A sparse autoencoder writes each activation as a "
                        + "sum of few features out of many. The demo trained three of them on blocks.0.mlp.hook_post of a small "
                        + "transformer that knows five languages, geography, chemistry, families, code, DNA, base64 and arithmetic, and "
                        + "ran five experiments on the features. Everything below was computed on this machine, in "
                        + Math.round(seconds) + " seconds.")
                .findings(List.of(
                        format("%,d features explain %.1f%% of the variance of the activations with %.0f active at a time, and keep %.1f%% "
                                + "of what the layer does for the next-token loss.", e.density().length, 100 * e.explainedVariance(),
                                e.l0(), 100 * recovered),
                        format("The largest activation of one feature over a document tells each of the %d domains from all others with "
                                + "AUROC %.4f or more (the worst is %s; features chosen among %,d on the same %,d documents, see "
                                + "Specificity for held-out halves).", main.detectors().size(), worst.getValue().byDocument(),
                                worst.getKey(), e.density().length, profiles.documents()), known(main)))
                .metrics(List.of(Metric.of("explained variance", e.explainedVariance(), ""), Metric.of("L0", e.l0(), "features per token"),
                        Metric.of("dead features", 100.0 * e.dead() / e.density().length, "%"),
                        Metric.of("CE recovered", 100 * recovered, "%"), Metric.of("worst domain's AUROC", main.worstAuroc(), "")))
                .figure(bestFeatures(main)).figure(examples(main)).build();
    }

    /** Which of the best features are about their domain: telling documents apart takes no more than a full stop that only it has. */
    private static String known(Demo.Trained main) {
        List<String> known = names(main, true);
        List<String> others = names(main, false);
        return (known.isEmpty() ? "None of these features is about its whole domain" : "About their domain are " + String.join(", ", known)
                + ": at least 80% of the tokens they fire on lie in it and hold a letter or digit") + (others.isEmpty() ? "."
                : "; the others fire on signs such as full stops and indentation, or outside it too: " + String.join(", ", others) + ".");
    }

    private static List<String> names(Demo.Trained main, boolean knows) {
        return main.detectors().entrySet().stream().filter(d -> d.getValue().knows() == knows).map(d -> d.getKey() + " (feature "
                + d.getValue().feature() + ")").toList();
    }

    private Section findings() {
        List<String> findings = new ArrayList<>();
        HIGHLIGHTS.forEach((id, phrases) -> outcomes.stream().filter(o -> o.experiment().id().equals(id))
                .forEach(o -> phrases.forEach(phrase -> o.result().findings().stream().filter(f -> f.contains(phrase)).limit(1)
                        .forEach(findings::add))));
        return Section.builder("findings", "What the experiments say").lead("The main findings of the five experiments, with 95% intervals "
                + "in brackets. Each has a section below, with its controls.").findings(findings).build();
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static Map.Entry<String, Detectors.Best> worst(Demo.Trained t) {
        return t.detectors().entrySet().stream().min(Comparator.comparingDouble(d -> d.getValue().byDocument())).orElseThrow();
    }

    private FeatureProfile profile(Detectors.Best best) {
        return profiles.features().stream().filter(f -> f.feature() == best.feature()).findFirst().orElseThrow();
    }

    private Figure bestFeatures(Demo.Trained main) {
        List<List<Object>> rows = new ArrayList<>();
        main.detectors().forEach((domain, best) -> {
            FeatureProfile profile = profile(best);
            rows.add(List.of(domain, best.feature(), round(best.byDocument(), 4), round(best.byToken(), 4),
                    round(100 * profile.density(), 2), round(100 * best.inLabel(), 1),
                    round(100 * best.onWords(), 1),
                    profile.removal().<Object>map(r -> round(r.lossChange(), 3)).orElse(""), String.join("  ", best.tokens())));
        });
        return new Figure.Table("best-features", "The best detector of each domain", "Chosen by the AUROC of the largest activation "
                + "over a document, documents of the domain against all others (0.5 is chance, 1 is perfect), equal ones by that over "
                + "tokens. Many features are words, not domains: they tell documents apart without being active on all tokens. Loss: "
                + "change of the next token's loss when the feature is removed at its strongest token of up to "
                + profiles.settings().removalDocuments() + format(" documents. n = %,d documents, %,d tokens; seed %d.",
                        profiles.documents(), profiles.tokens(), seed),
                List.of("domain", "feature", "AUROC by document", "AUROC by token", "active on tokens (%)", "of these in the domain (%)",
                        "of these with a letter or digit (%)",
                        "loss without it (nats)", "tokens it is most active on"), rows);
    }

    /** Where the domains' best features fire most strongly in documents of their domain. */
    private Figure examples(Demo.Trained main) {
        List<Figure.Strip> strips = new ArrayList<>();
        main.detectors().forEach((domain, best) -> profile(best).examples().stream()
                .filter(e -> e.interval() == 0 && e.label().equals(domain)).findFirst()
                .ifPresent(e -> strips.add(new Figure.Strip(domain + ", feature " + best.feature(), e.tokens(),
                        DoubleStream.of(e.activations()).map(a -> a / e.activation()).toArray()))));
        return new Figure.TokenStrips("best-examples", "Where these features fire most strongly", "Each feature's strongest document of "
                + "its domain, colored by its activation there; more in " + FeaturePages.PAGE + ". Seed " + seed + ".",
                new Figure.ColorScale(Figure.Palette.SEQUENTIAL, 0, 1, "activation, of the largest shown"), strips);
    }

    private Section autoencoders() {
        List<List<Object>> rows = new ArrayList<>();
        for (Demo.Trained t : trained) {
            Evaluation e = t.evaluation();
            Map.Entry<String, Detectors.Best> worst = worst(t);
            rows.add(List.of(t.title(), e.density().length, round(e.l0(), 1), round(e.explainedVariance(), 4), round(e.cosine(), 4),
                    e.dead(), e.denserThan(0.1), round(100 * e.recovered().orElseThrow().ceRecovered(), 2),
                    round(100 * e.recovered().orElseThrow().klRecovered(), 2), round(worst.getValue().byDocument(), 4), worst.getKey()));
        }
        Evaluation.Recovered recovered = trained.getFirst().evaluation().recovered().orElseThrow();
        String n = format("n = %,d tokens of 1,500 documents that were not trained on; seed %d.",
                trained.getFirst().evaluation().tokens(), seed);
        return Section.builder("autoencoders", "The autoencoders")
                .lead("Three autoencoders of the same activations: TopK, which keeps the 32 largest features of a token; ReLU with an L1 "
                        + "penalty by the paper's recipe, for comparison; and a small TopK one, to see how features split as their number "
                        + "grows.",
                        format("The untouched model's next-token loss is %.3f nats; with zeros in place of the "
                                + "activations it is %.3f, with the TopK autoencoder's reconstruction %.3f.", recovered.ceClean(),
                                recovered.ceZero(), recovered.ceSae()))
                .figure(new Figure.Table("autoencoders-table", "Quality on held-out text", n + " The AUROC is that of the worst of the "
                        + "13 domains: how well the largest activation of its best feature over a document tells the domain from all "
                        + "others.",
                        List.of("autoencoder", "d_sae", "L0", "explained variance", "cosine", "dead features", "features above 10% density",
                                "CE recovered (%)", "KL recovered (%)", "worst domain's AUROC", "worst domain"), rows))
                .figure(curves("unexplained-variance", "What training leaves unexplained", "1 - explained variance of the batch",
                        m -> 1 - m.explainedVariance()))
                .figure(curves("l0", "L0 during training", "active features per token", TrainingMetrics::l0))
                .figure(density(n)).figure(domains()).build();
    }

    private static double round(double value, int digits) {
        double factor = Math.pow(10, digits);
        return Math.round(value * factor) / factor;
    }

    private Figure curves(String id, String title, String label, ToDoubleFunction<TrainingMetrics> value) {
        List<Figure.Line> lines = new ArrayList<>();
        for (Demo.Trained t : trained) {
            int stride = Math.max(1, t.metrics().size() / CURVE_POINTS);
            List<TrainingMetrics> shown = IntStream.range(0, t.metrics().size())
                    .filter(i -> i % stride == 0 || i == t.metrics().size() - 1).mapToObj(t.metrics()::get).toList();
            lines.add(new Figure.Line(t.title(), shown.stream().mapToDouble(TrainingMetrics::tokens).toArray(),
                    shown.stream().mapToDouble(value).toArray(), new double[0], new double[0], false));
        }
        return new Figure.Lines(id, title, "Measured on each training batch of 1,024 tokens before its update; seed " + seed + ".",
                Figure.Axis.of("training tokens"), new Figure.Axis(label, true), lines);
    }

    private Figure density(String n) {
        double[] edges = IntStream.rangeClosed(0, Evaluation.HISTOGRAM_BINS)
                .mapToDouble(i -> Evaluation.HISTOGRAM_START + i * Evaluation.HISTOGRAM_STEP).toArray();
        int first = IntStream.range(0, Evaluation.HISTOGRAM_BINS)
                .filter(bin -> trained.stream().anyMatch(t -> t.evaluation().log10DensityHistogram()[bin] > 0)).findFirst().orElse(0);
        List<Figure.BarSeries> series = trained.stream().map(t -> new Figure.BarSeries(t.title(),
                IntStream.of(t.evaluation().log10DensityHistogram()).skip(first).asDoubleStream().toArray(), new double[0], new double[0]))
                .toList();
        return new Figure.Histogram("density", "How often features fire", "Dead features are not shown. " + n,
                Figure.Axis.of("log10 of the share of tokens in which a feature is active"), Figure.Axis.of("features"),
                Arrays.copyOfRange(edges, first, edges.length), series, false);
    }

    private Figure domains() {
        List<String> names = List.copyOf(trained.getFirst().detectors().keySet());
        List<Figure.BarSeries> series = trained.stream()
                .map(t -> new Figure.BarSeries(t.title(), names.stream()
                        .mapToDouble(n -> Objects.requireNonNull(t.detectors().get(n)).byDocument()).toArray(),
                        new double[0], new double[0]))
                .toList();
        return new Figure.Bars("domains", "Best detector of every domain", "AUROC of the largest activation over a document, "
                + "documents of the domain against all others; 0.5 is chance, 1 is perfect. n = 1,500 documents.", Figure.Axis.of("domain"),
                Figure.Axis.of("AUROC of the best feature"), names, series, false);
    }

    private Section next() {
        return Section.builder("next", "Where to go from here").lead("The file " + FeaturePages.PAGE + " next to this report shows the "
                + "best feature of each domain: where it fires, which tokens it promotes, and what the model predicts without it.",
                "The folder of this report also holds the models, the autoencoders and the results, for example for these commands:")
                .commands("./sae run ablation --model sae-demo/models/gelu-1l-demo --sae sae-demo/autoencoders/topk-2048 --output my-ablation",
                "./sae run specificity --help",
                "./sae evaluate --sae sae-demo/autoencoders/relu-2048 --model sae-demo/models/gelu-1l-demo --corpus my-texts.tsv",
                "./sae report features --model sae-demo/models/gelu-1l-demo --sae sae-demo/autoencoders/topk-2048 --corpus my-texts.tsv "
                        + "--output my-features",
                "./sae train --list-recipes").build();
    }
}
