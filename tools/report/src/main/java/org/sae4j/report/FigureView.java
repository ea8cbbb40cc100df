package org.sae4j.report;

import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import org.sae4j.api.experiment.Figure;
import org.sae4j.core.internal.json.JsonWriter;
import tools.jackson.core.JsonGenerator;

/**
 * A figure as the page shows it.
 *
 * @param figure what is drawn
 * @param remarks what the drawing does to the data, in sentences
 * @param height height of the drawing in CSS pixels; 0 if it finds its own
 * @param compact whether half the width is enough
 */
record FigureView(Figure figure, List<String> remarks, int height, boolean compact) {
    /** More values than this are drawn as quantiles: a violin does not show more. */
    static final int MAX_SAMPLE = 2000;

    private static final int PLAIN_HEIGHT = 360;
    private static final int MANY_CATEGORIES = 16;

    static FigureView of(Figure figure) {
        return switch (figure) {
            case Figure.Scatter f -> scatter(f);
            case Figure.Lines f -> new FigureView(f, missingOnLog(f.y(), f.lines().stream().flatMapToDouble(l -> Arrays.stream(l.y()))),
                    PLAIN_HEIGHT, true);
            case Figure.Bars f -> bars(f);
            case Figure.Histogram f -> new FigureView(f, f.stacked() && f.y().log() && f.series().size() > 1
                    ? List.of("Stacked on a logarithmic axis: the lowest series and the total can be read off, "
                            + "heights between cannot be compared.")
                    : List.of(), PLAIN_HEIGHT, true);
            case Figure.Heatmap f -> heatmap(f);
            case Figure.Distributions f -> distributions(f);
            case Figure.TokenStrips f -> new FigureView(f, clip(f.colorScale(), f.strips().stream().flatMapToDouble(s ->
                    Arrays.stream(s.values())), ""), 0, false);
            case Figure.Table f -> new FigureView(f, List.of(), 0, false);
        };
    }

    /** {@return the figure's data for a script element of type application/json} */
    String json() {
        var text = new StringWriter();
        try (JsonGenerator out = JsonWriter.compactTo(text)) {
            new JsonValues(out, JsonValues.Precision.DISPLAY).write(figure, figure.id());
        }
        return Text.scriptJson(text.toString());
    }

    private static FigureView scatter(Figure.Scatter f) {
        var remarks = new ArrayList<String>();
        if (f.connected()) {
            remarks.add("Paths run from light to dark; a ring marks the start, a square the end.");
        }
        f.colorScale().ifPresent(scale -> remarks.addAll(clip(scale, f.groups().stream().flatMapToDouble(g -> Arrays.stream(g.colors())),
                "")));
        return new FigureView(f, remarks, f.axes().size() > 2 ? 560 : 480, false);
    }

    private static FigureView bars(Figure.Bars f) {
        int n = f.categories().size();
        int perCategory = Math.max(22, 9 * f.series().size() + 8);
        int height = f.horizontal() ? Math.clamp(n * (long) perCategory + 110, 200, 1400) : PLAIN_HEIGHT;
        return new FigureView(f, List.of(), height, n * Math.max(1, f.series().size()) <= MANY_CATEGORIES || f.horizontal());
    }

    private static FigureView heatmap(Figure.Heatmap f) {
        int height = Math.clamp(f.yLabels().size() * 22L + 130, 240, 1100);
        return new FigureView(f, clip(f.colorScale(), Arrays.stream(f.values()).flatMapToDouble(Arrays::stream),
                "Gray cells have no value."),
                height, f.xLabels().size() <= MANY_CATEGORIES);
    }

    private static FigureView distributions(Figure.Distributions f) {
        var remarks = new ArrayList<>(missingOnLog(f.y(), f.samples().stream().flatMapToDouble(s -> Arrays.stream(s.values()))));
        var samples = new ArrayList<Figure.Sample>();
        for (Figure.Sample sample : f.samples()) {
            double[] finite = Arrays.stream(sample.values()).filter(Double::isFinite).sorted().toArray();
            if (finite.length < sample.values().length) {
                remarks.add((sample.values().length - finite.length) + " of the " + sample.values().length + " values of " + sample.name()
                        + " are not finite and not drawn.");
            }
            if (finite.length > MAX_SAMPLE) {
                remarks.add("The shape of " + sample.name() + " is drawn from " + Text.number(MAX_SAMPLE) + " quantiles of its "
                        + Text.number(finite.length) + " values.");
                samples.add(new Figure.Sample(sample.name(), quantiles(finite)));
            } else {
                samples.add(sample);
            }
        }
        return new FigureView(new Figure.Distributions(f.id(), f.title(), f.caption(), f.x(), f.y(), samples), remarks, PLAIN_HEIGHT + 20,
                f.samples().size() <= 6);
    }

    private static List<String> missingOnLog(Figure.Axis axis, DoubleStream values) {
        long missing = axis.log() ? values.filter(v -> v <= 0).count() : 0;
        return missing == 0 ? List.of() : List.of("The logarithmic axis cannot show the " + Text.number(missing)
                + " values of zero or less.");
    }

    private static double[] quantiles(double[] sorted) {
        var quantiles = new double[MAX_SAMPLE];
        for (int i = 0; i < MAX_SAMPLE; i++) {
            quantiles[i] = sorted[(int) Math.round((double) i * (sorted.length - 1) / (MAX_SAMPLE - 1))];
        }
        return quantiles;
    }

    /** Says where colours end and what that hides. */
    private static List<String> clip(Figure.ColorScale scale, DoubleStream values, String missingRemark) {
        long[] counts = new long[3];
        values.forEach(v -> counts[Double.isNaN(v) ? 2 : v < scale.low() || v > scale.high() ? 1 : 0]++);
        var remarks = new ArrayList<String>();
        if (counts[1] > 0 && scale.low() < scale.high()) {
            remarks.add("Colors end at " + Text.number(scale.low()) + " and " + Text.number(scale.high()) + "; "
                    + Text.number(counts[1]) + " of " + Text.number(counts[0] + counts[1])
                            + " values are out of range and have the color of the end.");
        }
        if (counts[2] > 0 && !missingRemark.isEmpty()) {
            remarks.add(missingRemark);
        }
        return remarks;
    }
}
