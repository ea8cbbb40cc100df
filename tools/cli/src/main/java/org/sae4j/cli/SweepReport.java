package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.sae4j.api.experiment.Figure;
import org.sae4j.core.Sae4j;
import org.sae4j.core.train.LossLaw;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.ScalingLaw;
import org.sae4j.core.train.ScalingLaw.Point;
import org.sae4j.core.train.Setting;
import org.sae4j.report.Report;
import org.sae4j.report.ResultJson;
import org.sae4j.report.Section;

/** What a sweep found, as data and as a page. */
final class SweepReport {
    private static final String SCHEMA = "sae4j/sweep/2";
    private static final double[] NONE = {};

    /**
     * What {@code sweep.json} holds.
     *
     * @param dIn width of the inputs
     * @param heldOutRows rows that losses are of
     * @param points all pairs
     * @param law the frontier and its fits
     * @param budget in floating point operations
     * @param recommended the pair for it
     */
    record Data(int dIn, int heldOutRows, List<Point> points, ScalingLaw law, double budget, ScalingLaw.Pair recommended) {}

    private final Recipe recipe;
    private final List<Point> points;
    private final double budget;
    private final int width;
    private final int heldOut;
    private final String data;
    private final ScalingLaw law;
    private final ScalingLaw.Pair pair;

    SweepReport(Recipe recipe, List<Point> points, double budget, int width, int heldOut, String data) {
        this.recipe = recipe;
        this.points = points;
        this.budget = budget;
        this.width = width;
        this.heldOut = heldOut;
        this.data = data;
        law = ScalingLaw.of(points);
        pair = law.recommend(budget, width, recipe.batch(), points.stream().mapToInt(Point::dSae).min().orElseThrow(),
                points.stream().mapToInt(Point::dSae).max().orElseThrow());
    }

    /** {@return the recommended pair in a sentence} */
    String summary() {
        return String.format(Locale.ROOT, "for %.3g floating point operations train %,d features for %,d steps of %,d rows%s", budget,
                pair.dSae(), pair.steps(), recipe.batch(), law.loss().map(fit -> String.format(Locale.ROOT,
                        "; the fitted loss there is %.4g", fit.at(budget))).orElse("")) + (law.isExtrapolated(budget)
                        ? "; this budget is beyond what was swept, so both are extrapolated" : "");
    }

    void write(Path folder) {
        Map<String, String> settings = new LinkedHashMap<>(recipe.settings());
        settings.remove(Setting.D_SAE.key());
        settings.remove(Setting.STEPS.key());
        Map<String, Object> provenance = new LinkedHashMap<>();
        provenance.put("sae4j", Sae4j.version());
        provenance.put("recipe", recipe.name());
        provenance.put("settings", settings);
        provenance.put("activations", data);
        ResultJson.writeData(folder.resolve("sweep.json"), SCHEMA, provenance, new Data(width, heldOut, points, law, budget, pair));
        Report.builder("How the loss falls with compute").subtitle("Recipe " + recipe.name() + ", inputs of width " + width)
                .provenance(provenance).section(section()).build().write(folder.resolve("report.html"));
    }

    private Section section() {
        List<String> findings = new ArrayList<>();
        String sentence = summary();
        findings.add(sentence.substring(0, 1).toUpperCase(Locale.ROOT) + sentence.substring(1) + ".");
        law.loss().ifPresent(fit -> findings.add(String.format(Locale.ROOT,
                "Along the frontier the loss is %.4g + %.4g C^-%.3f of compute C (95 %% interval of the floor %.4g to %.4g, exponents "
                + "there %.3f to %.3f; R2 %.3f, %d points).", fit.floor(), fit.coefficient(), fit.exponent(), fit.floorLow(), fit.floorHigh(),
                fit.exponentLow(), fit.exponentHigh(), fit.r2(), law.frontier().size())));
        law.features().ifPresent(fit -> findings.add(String.format(Locale.ROOT,
                "The best number of features grows as compute to the power %.3f (R2 %.3f).", fit.exponent(), fit.r2())));
        law.steps().ifPresent(fit -> findings.add(String.format(Locale.ROOT,
                "The best number of steps grows as compute to the power %.3f (R2 %.3f).", fit.exponent(), fit.r2())));
        List<String> notes = new ArrayList<>(List.of("Compute counts 12 d_in d_sae floating point operations for a token, as if nothing "
                + "were sparse.", "Seed " + recipe.seed() + ", one run for each pair."));
        if (law.frontier().size() < LossLaw.LEAST_POINTS) {
            notes.add("The frontier has " + law.frontier().size() + " points: too few to fit a floor. Sweep more features and steps.");
        }
        return Section.builder("scaling", "Scaling laws").findings(findings).figure(losses()).figure(best()).figure(table()).notes(notes)
                .build();
    }

    private Figure losses() {
        Map<Integer, List<Point>> bySize = points.stream().collect(Collectors.groupingBy(Point::dSae, TreeMap::new,
                Collectors.toList()));
        List<Figure.Line> lines = new ArrayList<>();
        bySize.forEach((size, list) -> lines.add(line(String.format(Locale.ROOT, "%,d features", size),
                list.stream().sorted(Comparator.comparingDouble(Point::compute)).toList(), false)));
        law.loss().ifPresent(fit -> {
            double[] x = law.frontier().stream().mapToDouble(Point::compute).toArray();
            lines.add(new Figure.Line("fit to the frontier", x, Arrays.stream(x).map(fit::at).toArray(), NONE, NONE, true));
        });
        return new Figure.Lines("loss", "Loss by compute", "Held-out loss of " + String.format(Locale.ROOT, "%,d", heldOut)
                + " rows: squared error summed over d plus the weighted penalty; one line for each number of features, a point for each "
                + "number of steps; seed " + recipe.seed() + ".", new Figure.Axis("compute (floating point operations)", true),
                new Figure.Axis("loss", true), lines);
    }

    private static Figure.Line line(String name, List<Point> list, boolean dashed) {
        return new Figure.Line(name, list.stream().mapToDouble(Point::compute).toArray(), list.stream().mapToDouble(Point::loss).toArray(),
                NONE, NONE, dashed);
    }

    private Figure best() {
        double[] x = law.frontier().stream().mapToDouble(Point::compute).toArray();
        List<Figure.Line> lines = new ArrayList<>();
        lines.add(new Figure.Line("frontier", x, law.frontier().stream().mapToDouble(Point::dSae).toArray(), NONE, NONE, false));
        law.features().ifPresent(fit ->
                lines.add(new Figure.Line("fit", x, Arrays.stream(x).map(fit::at).toArray(), NONE, NONE, true)));
        return new Figure.Lines("features", "Best number of features by compute", "Pairs that no cheaper pair matches; n = "
                + law.frontier().size() + " of " + points.size() + " pairs.", new Figure.Axis("compute (floating point operations)", true),
                new Figure.Axis("features", true), lines);
    }

    private Figure table() {
        List<List<Object>> rows = points.stream().map(p -> List.<Object>of(p.dSae(), p.steps(), p.compute(), p.loss(),
                law.frontier().contains(p) ? "yes" : "")).toList();
        return new Figure.Table("pairs", "All pairs", "One run each, seed " + recipe.seed() + ".",
                List.of("features", "steps", "compute (floating point operations)", "held-out loss", "on the frontier"), rows);
    }
}
