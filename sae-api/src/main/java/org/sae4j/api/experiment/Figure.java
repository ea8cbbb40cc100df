package org.sae4j.api.experiment;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A picture or table as data. Rendering is the business of tools. Arrays in figures belong to the figure and must not be changed.
 */
public sealed interface Figure {
    /** {@return an id unique in its result, for file names: lower-case letters, digits and hyphens} */
    String id();

    /** {@return what it shows} */
    String title();

    /** {@return how to read it, with number of observations and seed} */
    String caption();

    /**
     * An axis.
     *
     * @param label what it measures, with the unit in parentheses
     * @param log whether it is logarithmic
     */
    record Axis(String label, boolean log) {
        /** Refuses null. */
        public Axis {
            Objects.requireNonNull(label, "label");
        }

        /**
         * A linear axis.
         *
         * @param label what it measures, with the unit in parentheses
         * @return the axis
         */
        public static Axis of(String label) {
            return new Axis(label, false);
        }
    }

    /** The family of a color scale. */
    enum Palette {
        /** From dark to light, for values of one sign. */
        SEQUENTIAL,
        /** Two hues around zero, for signed values. */
        DIVERGING,
        /** White to purple: states of the residual stream in causal traces. */
        PURPLES,
        /** White to green: MLP outputs in causal traces. */
        GREENS,
        /** White to red: attention outputs in causal traces. */
        REDS
    }

    /**
     * How values become colors. Values beyond the ends take the color of the end.
     *
     * @param palette the family
     * @param low value of the lower end
     * @param high value of the upper end
     * @param label what the color measures, with the unit
     */
    record ColorScale(Palette palette, double low, double high, String label) {
        /** Refuses null. */
        public ColorScale {
            Objects.requireNonNull(palette, "palette");
            Objects.requireNonNull(label, "label");
        }
    }

    /**
     * Points of one kind.
     *
     * @param name legend entry
     * @param x first coordinates
     * @param y second coordinates
     * @param z third coordinates; empty in a flat figure
     * @param labels texts shown on hovering; empty for none
     * @param colors values for the figure's color scale; empty to give the group a color of its own
     */
    record Points(String name, double[] x, double[] y, double[] z, List<String> labels, double[] colors) {
        /** Refuses null. */
        public Points {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(z, "z");
            Objects.requireNonNull(labels, "labels");
            Objects.requireNonNull(colors, "colors");
        }
    }

    /**
     * Points in two or three dimensions.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param axes two or three axes
     * @param groups the points
     * @param colorScale for groups with color values
     * @param connected whether the points of a group are joined in order, as a path
     */
    record Scatter(String id, String title, String caption, List<Axis> axes, List<Points> groups, Optional<ColorScale> colorScale,
            boolean connected) implements Figure {
        /** Refuses null. */
        public Scatter {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(axes, "axes");
            Objects.requireNonNull(groups, "groups");
            Objects.requireNonNull(colorScale, "colorScale");
        }
    }

    /**
     * One line.
     *
     * @param name legend entry
     * @param x first coordinates
     * @param y second coordinates; NaN leaves a gap
     * @param low lower ends of a band; empty for none
     * @param high upper ends of a band; empty for none
     * @param dashed whether it is a reference, such as a null curve
     */
    record Line(String name, double[] x, double[] y, double[] low, double[] high, boolean dashed) {
        /** Refuses null. */
        public Line {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(low, "low");
            Objects.requireNonNull(high, "high");
        }

        /**
         * A line without a band.
         *
         * @param name legend entry
         * @param x first coordinates
         * @param y second coordinates; NaN leaves a gap
         * @return a solid line
         */
        public static Line of(String name, double[] x, double[] y) {
            return new Line(name, x, y, new double[0], new double[0], false);
        }

        /**
         * A line with its intervals as a band.
         *
         * @param name legend entry
         * @param x first coordinates
         * @param estimates second coordinates with intervals; NaN leaves a gap
         * @return a solid line
         */
        public static Line of(String name, double[] x, List<Estimate> estimates) {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(estimates, "estimates");
            return new Line(name, x, estimates.stream().mapToDouble(Estimate::value).toArray(),
                    estimates.stream().mapToDouble(e -> e.interval().low()).toArray(),
                    estimates.stream().mapToDouble(e -> e.interval().high()).toArray(), false);
        }

        /**
         * A reference line, such as a null curve.
         *
         * @param name legend entry
         * @param x first coordinates
         * @param y second coordinates; NaN leaves a gap
         * @return a dashed line
         */
        public static Line reference(String name, double[] x, double[] y) {
            return new Line(name, x, y, new double[0], new double[0], true);
        }
    }

    /**
     * Lines over a common axis.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param x the horizontal axis
     * @param y the vertical axis
     * @param lines the lines
     */
    record Lines(String id, String title, String caption, Axis x, Axis y, List<Line> lines) implements Figure {
        /** Refuses null. */
        public Lines {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(lines, "lines");
        }
    }

    /**
     * Bars of one kind, one for each category.
     *
     * @param name legend entry
     * @param values heights
     * @param low lower ends of error bars; empty for none
     * @param high upper ends of error bars; empty for none
     */
    record BarSeries(String name, double[] values, double[] low, double[] high) {
        /** Refuses null. */
        public BarSeries {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(values, "values");
            Objects.requireNonNull(low, "low");
            Objects.requireNonNull(high, "high");
        }

        /**
         * Bars without error bars.
         *
         * @param name legend entry
         * @param values heights
         * @return the series
         */
        public static BarSeries of(String name, double[] values) {
            return new BarSeries(name, values, new double[0], new double[0]);
        }

        /**
         * Bars with their intervals as error bars.
         *
         * @param name legend entry
         * @param estimates heights with intervals; one without an interval has no error bar
         * @return the series
         */
        public static BarSeries of(String name, List<Estimate> estimates) {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(estimates, "estimates");
            return new BarSeries(name, estimates.stream().mapToDouble(Estimate::value).toArray(),
                    estimates.stream().mapToDouble(e -> e.hasInterval() ? e.interval().low() : e.value()).toArray(),
                    estimates.stream().mapToDouble(e -> e.hasInterval() ? e.interval().high() : e.value()).toArray());
        }
    }

    /**
     * Bars side by side.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param categoryAxis the axis of the categories
     * @param valueAxis the axis of the values
     * @param categories names below the bars
     * @param series the bars
     * @param horizontal whether bars lie
     */
    record Bars(String id, String title, String caption, Axis categoryAxis, Axis valueAxis, List<String> categories,
            List<BarSeries> series, boolean horizontal) implements Figure {
        /** Refuses null. */
        public Bars {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(categoryAxis, "categoryAxis");
            Objects.requireNonNull(valueAxis, "valueAxis");
            Objects.requireNonNull(categories, "categories");
            Objects.requireNonNull(series, "series");
        }
    }

    /**
     * Counts in bins.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param x the horizontal axis
     * @param y the vertical axis
     * @param edges ends of the bins, one more than bins
     * @param series counts or weights by bin
     * @param stacked whether series lie on top of each other
     */
    record Histogram(String id, String title, String caption, Axis x, Axis y, double[] edges, List<BarSeries> series, boolean stacked)
            implements Figure {
        /** Refuses null. */
        public Histogram {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(edges, "edges");
            Objects.requireNonNull(series, "series");
        }
    }

    /**
     * A matrix in colors.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param x the horizontal axis
     * @param y the vertical axis
     * @param xLabels names of columns
     * @param yLabels names of rows, the first on top
     * @param values by row and column; NaN is left empty
     * @param colorScale how values become colors
     */
    record Heatmap(String id, String title, String caption, Axis x, Axis y, List<String> xLabels, List<String> yLabels,
            double[][] values, ColorScale colorScale) implements Figure {
        /** Refuses null. */
        public Heatmap {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(xLabels, "xLabels");
            Objects.requireNonNull(yLabels, "yLabels");
            Objects.requireNonNull(values, "values");
            Objects.requireNonNull(colorScale, "colorScale");
        }
    }

    /**
     * Values of one kind.
     *
     * @param name below the shape
     * @param values the observations
     */
    record Sample(String name, double[] values) {
        /** Refuses null. */
        public Sample {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(values, "values");
        }
    }

    /**
     * Violins of samples side by side.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param x the horizontal axis
     * @param y the vertical axis
     * @param samples the samples
     */
    record Distributions(String id, String title, String caption, Axis x, Axis y, List<Sample> samples) implements Figure {
        /** Refuses null. */
        public Distributions {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(samples, "samples");
        }
    }

    /**
     * A text with a value for every token.
     *
     * @param label what it is an example of
     * @param tokens the texts of the tokens; an empty one is a part of the next, as in {@link org.sae4j.api.model.Tokenizer#tokens}
     * @param values one for each token
     */
    record Strip(String label, List<String> tokens, double[] values) {
        /** Refuses null. */
        public Strip {
            Objects.requireNonNull(label, "label");
            Objects.requireNonNull(tokens, "tokens");
            Objects.requireNonNull(values, "values");
        }
    }

    /**
     * Texts whose tokens are colored by their values.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param colorScale how values become colors
     * @param strips the texts
     */
    record TokenStrips(String id, String title, String caption, ColorScale colorScale, List<Strip> strips) implements Figure {
        /** Refuses null. */
        public TokenStrips {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(colorScale, "colorScale");
            Objects.requireNonNull(strips, "strips");
        }
    }

    /**
     * A cell that leads to a section of the same report. Where there is no such section it is plain text.
     *
     * @param text what is read
     * @param section the section's id
     */
    record Link(String text, String section) {
        /** Refuses null. */
        public Link {
            Objects.requireNonNull(text, "text");
            Objects.requireNonNull(section, "section");
        }
    }

    /**
     * A table.
     *
     * @param id see {@link Figure#id()}
     * @param title see {@link Figure#title()}
     * @param caption see {@link Figure#caption()}
     * @param columns headings, with units
     * @param rows cells: numbers, strings or {@linkplain Link links}
     */
    record Table(String id, String title, String caption, List<String> columns, List<List<Object>> rows) implements Figure {
        /** Refuses null. */
        public Table {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(title, "title");
            Objects.requireNonNull(caption, "caption");
            Objects.requireNonNull(columns, "columns");
            Objects.requireNonNull(rows, "rows");
        }
    }
}
