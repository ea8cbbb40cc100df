package org.sae4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Figure;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;
import org.sae4j.core.train.MetricsFile;
import org.sae4j.report.Report;
import org.sae4j.report.Section;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Draws how training went. */
@Command(name = "training",
        description = "Plot trainings side by side: losses, L0, explained variance, dead and dense features.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class TrainingReportCommand implements Runnable {
    private static final int POINTS = 400;

    @Parameters(arity = "1..*", paramLabel = "DIR", description = "Folders that sae train wrote.")
    private List<Path> folders;

    @Option(names = "--title", defaultValue = "Training", paramLabel = "TEXT", description = "The heading. Default: ${DEFAULT-VALUE}.")
    private String title;

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "The HTML file to write.")
    private Path output;

    @Mixin
    private OverwriteOption overwriteOption;

    TrainingReportCommand() {
    }

    @Override
    public void run() {
        OutputFile.check(output, FileForm.REPORT, overwriteOption.existing());
        Map<String, List<Map<String, Object>>> steps = new LinkedHashMap<>();
        Map<String, List<Map<String, Object>>> evaluations = new LinkedHashMap<>();
        for (Path folder : folders) {
            String name = name(folder, steps);
            Path metrics = Paths.folder(folder, "the list of folders").resolve(OutputKinds.METRICS);
            steps.put(name, MetricsFile.read(Paths.existing(metrics, "the list of folders")));
            if (steps.get(name).isEmpty()) {
                throw new Sae4jException("no steps", metrics.toString(), "train first");
            }
            Path evaluation = folder.resolve(OutputKinds.EVALUATIONS);
            if (Files.exists(evaluation)) {
                evaluations.put(name, MetricsFile.read(evaluation));
            }
        }
        evaluations.values().removeIf(List::isEmpty);
        Report.Builder report = Report.builder(title).section(batches(steps));
        if (!evaluations.isEmpty()) {
            report.section(heldOut(evaluations));
        }
        report.build().write(output);
        new Terminal().say("wrote " + output);
    }

    private static String name(Path folder, Map<String, ?> taken) {
        String name = folder.toAbsolutePath().normalize().getFileName().toString();
        return taken.containsKey(name) ? folder.toString() : name;
    }

    private static Section batches(Map<String, List<Map<String, Object>>> runs) {
        String caption = "Measured on each training batch before its update.";
        List<String> findings = new ArrayList<>();
        runs.forEach((name, lines) -> findings.addAll(TrainingCourse.sentences(name, lines)));
        return Section.builder("training", "Training").lead(summary(runs, "tokens")).findings(findings)
                .figure(curves("loss", "Loss", caption, "loss", true, runs, "loss"))
                .figure(curves("explained-variance", "Explained variance", caption, "explained variance of the batch", false, runs,
                        "explained_variance"))
                .figure(curves("l0", "L0", caption, "active features per token", true, runs, "l0"))
                .figure(curves("dead", "Dead features", "Features that have not fired for the recipe's number of tokens.", "features",
                        false, runs, "dead"))
                .figure(curves("lr", "Learning rate", caption, "learning rate", false, runs, "lr")).build();
    }

    private static Section heldOut(Map<String, List<Map<String, Object>>> runs) {
        Map<String, Object> last = runs.values().iterator().next().getLast();
        String caption = String.format(Locale.ROOT, "On %s held-out activations, always the same.", last.get("tokens"));
        List<String> findings = new ArrayList<>();
        runs.forEach((name, lines) -> findings.addAll(TrainingCourse.heldOutSentences(name, lines)));
        Section.Builder section = Section.builder("held-out", "On held-out activations").lead(summary(runs, "training_tokens"))
                .findings(findings);
        Map<String, List<Map<String, Object>>> within = new LinkedHashMap<>(runs);
        within.values().removeIf(lines -> !(lines.getLast().get("ce_recovered") instanceof Number));
        if (!within.isEmpty()) {
            section.figure(curves("held-out-ce", "Recovered cross-entropy", caption + " 1: the model predicts as without the autoencoder; 0: "
                    + "as with zeros in its place.", "share of the cross-entropy that zeros cost", false, within, "ce_recovered"));
        }
        return section
                .figure(curves("held-out-variance", "Explained variance", caption, "explained variance", false, runs,
                        "explained_variance"))
                .figure(curves("held-out-l0", "L0", caption, "active features per token", true, runs, "l0"))
                .figure(curves("held-out-dead", "Dead features", caption + " Dead: never active in them.", "features", false, runs, "dead"))
                .figure(curves("held-out-dense", "Dense features", caption + " Dense: active in more than a tenth of them.", "features",
                        false, runs, "dense_10_percent"))
                .figure(density(runs, caption)).build();
    }

    private static String summary(Map<String, List<Map<String, Object>>> runs, String tokens) {
        List<String> sentences = new ArrayList<>();
        runs.forEach((name, lines) -> sentences.add(String.format(Locale.ROOT,
                "%s: after step %s (%,d tokens) explained variance %.4f, L0 %.1f, %s features dead.", name, lines.getLast().get("step"),
                (long) number(lines.getLast(), tokens), number(lines.getLast(), "explained_variance"), number(lines.getLast(), "l0"),
                lines.getLast().get("dead"))));
        return String.join(" ", sentences);
    }

    private static double number(Map<String, Object> line, String name) {
        return line.get(name) instanceof Number value ? value.doubleValue() : Double.NaN;
    }

    private static Figure curves(String id, String title, String caption, String label, boolean logarithmic,
            Map<String, List<Map<String, Object>>> runs, String value) {
        List<Figure.Line> lines = new ArrayList<>();
        runs.forEach((name, all) -> {
            int stride = Math.max(1, all.size() / POINTS);
            List<Map<String, Object>> shown = IntStream.range(0, all.size()).filter(i -> i % stride == 0 || i == all.size() - 1)
                    .mapToObj(all::get).toList();
            lines.add(new Figure.Line(name, shown.stream().mapToDouble(line -> number(line, "step")).toArray(),
                    shown.stream().mapToDouble(line -> number(line, value)).toArray(), new double[0], new double[0], false));
        });
        return new Figure.Lines(id, title, caption, Figure.Axis.of("step"), new Figure.Axis(label, logarithmic), lines);
    }

    private static Figure density(Map<String, List<Map<String, Object>>> runs, String caption) {
        double[] edges = {};
        List<Figure.BarSeries> series = new ArrayList<>();
        for (Map.Entry<String, List<Map<String, Object>>> run : runs.entrySet()) {
            edges = numbers(run.getValue().getLast().get("log10_density_edges"));
            series.add(new Figure.BarSeries(run.getKey(), numbers(run.getValue().getLast().get("log10_density_histogram")), new double[0],
                    new double[0]));
        }
        return new Figure.Histogram("held-out-density", "How often features fire at the end", caption + " Dead features are not shown.",
                Figure.Axis.of("log10 of the share of tokens in which a feature is active"), Figure.Axis.of("features"), edges, series,
                false);
    }

    private static double[] numbers(@Nullable Object list) {
        return list instanceof List<?> values ? values.stream().mapToDouble(v -> ((Number) v).doubleValue()).toArray() : new double[0];
    }
}
