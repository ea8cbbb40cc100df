package org.sae4j.testkit;

import static org.sae4j.testkit.ExperimentChecks.require;

import java.util.Arrays;
import java.util.List;
import org.sae4j.api.experiment.Figure;

/** Whether a figure can be drawn: lengths that fit each other, edges and ends in order. */
final class FigureChecks {
    private FigureChecks() {}

    static void check(Figure figure) {
        String where = "figure '" + figure.id() + "': ";
        require(figure.id().matches("[a-z0-9-]+"), where + "the id has lower-case letters, digits and hyphens");
        require(!figure.title().isBlank() && !figure.caption().isBlank(), where + "it has a title and a caption");
        switch (figure) {
            case Figure.Scatter scatter -> scatter(where, scatter);
            case Figure.Lines lines -> lines.lines().forEach(line -> {
                length(where + line.name() + ", y", line.y().length, line.x().length);
                band(where + line.name(), line.low(), line.high(), line.x().length);
            });
            case Figure.Bars bars -> bars.series().forEach(series -> series(where, series, bars.categories().size()));
            case Figure.Histogram histogram -> histogram(where, histogram);
            case Figure.Heatmap heatmap -> heatmap(where, heatmap);
            case Figure.Distributions distributions -> distributions.samples().forEach(sample ->
                    require(Arrays.stream(sample.values()).allMatch(Double::isFinite), where + sample.name() + " has finite values"));
            case Figure.TokenStrips strips -> {
                scale(where, strips.colorScale());
                strips.strips().forEach(strip -> length(where + "values of a strip", strip.values().length, strip.tokens().size()));
            }
            case Figure.Table table -> table.rows().forEach(row -> {
                length(where + "cells of a row", row.size(), table.columns().size());
                row.forEach(cell -> require(cell instanceof Number || cell instanceof String || cell instanceof Figure.Link,
                        where + "a cell is a number, a string or a link, found a " + cell.getClass().getName()));
            });
        }
    }

    private static void scatter(String where, Figure.Scatter scatter) {
        int axes = scatter.axes().size();
        require(axes == 2 || axes == 3, where + "it has two or three axes, found " + axes);
        scatter.colorScale().ifPresent(scale -> scale(where, scale));
        for (Figure.Points points : scatter.groups()) {
            int n = points.x().length;
            length(where + points.name() + ", y", points.y().length, n);
            length(where + points.name() + ", z", points.z().length, axes == 3 ? n : 0);
            emptyOr(where + points.name() + ", labels", points.labels().size(), n);
            emptyOr(where + points.name() + ", colors", points.colors().length, n);
            require(points.colors().length == 0 || scatter.colorScale().isPresent(), where + "color values need a color scale");
        }
    }

    private static void histogram(String where, Figure.Histogram histogram) {
        double[] edges = histogram.edges();
        require(edges.length >= 2, where + "there is a bin");
        for (int i = 1; i < edges.length; i++) {
            require(edges[i] > edges[i - 1], where + "edges rise, found " + Arrays.toString(edges));
        }
        histogram.series().forEach(series -> series(where, series, edges.length - 1));
    }

    private static void heatmap(String where, Figure.Heatmap heatmap) {
        scale(where, heatmap.colorScale());
        length(where + "rows of values", heatmap.values().length, heatmap.yLabels().size());
        for (double[] row : heatmap.values()) {
            length(where + "values of a row", row.length, heatmap.xLabels().size());
        }
    }

    private static void series(String where, Figure.BarSeries series, int n) {
        length(where + series.name(), series.values().length, n);
        band(where + series.name(), series.low(), series.high(), n);
    }

    private static void scale(String where, Figure.ColorScale scale) {
        require(scale.low() <= scale.high(), where + "the color scale's ends are in order, found " + List.of(scale.low(), scale.high()));
    }

    private static void band(String where, double[] low, double[] high, int n) {
        emptyOr(where + ", low", low.length, n);
        length(where + ", high", high.length, low.length);
        for (int i = 0; i < low.length; i++) {
            require(!(low[i] > high[i]), where + ": the ends of band " + i + " are in order, found " + low[i] + " and " + high[i]);
        }
    }

    private static void emptyOr(String what, int found, int n) {
        require(found == 0 || found == n, what + ": expected none or " + n + ", found " + found);
    }

    private static void length(String what, int found, int expected) {
        require(found == expected, what + ": expected " + expected + ", found " + found);
    }
}
