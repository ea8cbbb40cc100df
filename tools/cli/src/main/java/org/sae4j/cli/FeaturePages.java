package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Axis;
import org.sae4j.api.experiment.Figure.BarSeries;
import org.sae4j.api.experiment.Figure.Link;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfile.ActivationHistogram;
import org.sae4j.core.features.FeatureProfile.Example;
import org.sae4j.core.features.FeatureProfile.LabelScore;
import org.sae4j.core.features.FeatureProfile.LogitEffects;
import org.sae4j.core.features.FeatureProfile.Removal;
import org.sae4j.core.features.FeatureProfile.TokenEffect;
import org.sae4j.core.features.FeatureProfile.TokenShift;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.features.ProfileSettings;
import org.sae4j.report.Report;
import org.sae4j.report.ResultJson;
import org.sae4j.report.Section;

/** Shows features: an index, and a section for each with where it fires, what it writes and what is lost without it. */
final class FeaturePages {
    static final String PAGE = "features.html";
    static final String DATA = "features.json";
    /** What the data file says it is. */
    static final String SCHEMA = "sae4j/features/1";

    private static final int SERIES = 7;
    private static final int INDEX_TOKENS = 4;
    private static final int PREDICTIONS = 10;
    private static final int CONTEXT_CHARACTERS = 60;

    private final FeatureProfiles profiles;
    private final Map<Integer, FeatureLabels.Label> names;
    private final ProfileSettings settings;
    private final String sample;

    FeaturePages(FeatureProfiles profiles) {
        this(profiles, Map.of());
    }

    /**
     * Shows names beside the numbers.
     *
     * @param names what people say of features, by feature
     */
    FeaturePages(FeatureProfiles profiles, Map<Integer, FeatureLabels.Label> names) {
        this.profiles = profiles;
        this.names = names;
        settings = profiles.settings();
        sample = format("n = %,d tokens of %,d documents; seed %d.", profiles.tokens(), profiles.documents(), settings.seed());
    }

    void write(Path folder, Map<String, Object> provenance) {
        write(folder, provenance, null, null);
    }

    /**
     * Writes the pages with a first page and all features.
     *
     * @param book of all features; null for none
     * @param first what stands first; null for nothing
     */
    void write(Path folder, Map<String, Object> provenance, @Nullable FeatureBook book, @Nullable Section first) {
        Map<String, Object> all = new LinkedHashMap<>(provenance);
        all.put("hook", profiles.hook());
        all.put("settings", settings);
        ResultJson.writeData(folder.resolve(DATA), SCHEMA, all, profiles);
        Report.Builder report = Report.builder("Features of " + profiles.model()).subtitle(format(
                "%d of the %,d features of an autoencoder at %s", profiles.features().size(), profiles.dSae(), profiles.hook()))
                .provenance(all);
        if (first != null) {
            report.section(first);
        }
        report.section(index());
        profiles.features().forEach(f -> report.section(section(f)));
        if (book != null) {
            report.catalog(book.catalog(sample, names));
        }
        report.build().write(folder.resolve(PAGE));
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static String id(int feature) {
        return "feature-" + feature;
    }

    private String title(FeatureProfile f) {
        String given = name(names, f.feature());
        return "Feature " + f.feature() + (!given.isEmpty() ? ": " + given : f.labels().stream().findFirst()
                .filter(s -> f.active() > 0 && s.documentAuroc() >= LabelScores.NAMED).map(s -> ": " + s.label()).orElse(""));
    }

    /** {@return the name that people gave to a feature; empty if they gave none} */
    static String name(Map<Integer, FeatureLabels.Label> names, int feature) {
        FeatureLabels.Label label = names.get(feature);
        return label == null ? "" : label.text();
    }

    /** What people say of a feature beside its name. */
    private List<String> remarks(FeatureProfile f) {
        FeatureLabels.Label label = names.get(f.feature());
        List<String> remarks = new ArrayList<>();
        if (label != null && !label.text().isEmpty()) {
            remarks.add("The name was given by a reader" + (label.rating().isPresent() ? ", who rated how well it fits as "
                    + label.rating().getAsInt() + " of " + FeatureLabels.MAX_RATING : "") + ".");
        }
        if (label != null && !label.note().isEmpty()) {
            remarks.add("A reader's note: " + label.note());
        }
        return remarks;
    }

    /** Spaces at the ends of a token are a part of it. */
    static String shown(String token) {
        int from = 0;
        while (from < token.length() && token.charAt(from) == ' ') {
            from++;
        }
        int to = token.length();
        while (to > from && token.charAt(to - 1) == ' ') {
            to--;
        }
        return "␣".repeat(from) + token.substring(from, to) + "␣".repeat(token.length() - to);
    }

    private Section index() {
        boolean labelled = !profiles.labels().isEmpty();
        boolean direct = !profiles.directPath().isEmpty();
        List<String> columns = new ArrayList<>(List.of("feature"));
        boolean named = profiles.features().stream().anyMatch(f -> !name(names, f.feature()).isEmpty());
        if (named) {
            columns.add("name");
        }
        if (labelled) {
            columns.addAll(List.of("label", "AUROC", "token AUROC"));
        }
        columns.addAll(List.of("density (%)", "max", "loss change"));
        if (direct) {
            columns.add("promotes");
        }
        List<List<Object>> rows = profiles.features().stream().map(f -> {
            List<Object> row = new ArrayList<>(List.of(new Link(Integer.toString(f.feature()), id(f.feature()))));
            if (named) {
                row.add(name(names, f.feature()));
            }
            if (labelled) {
                LabelScore best = f.labels().getFirst();
                row.addAll(f.active() == 0 ? List.of("", "", "") : List.of(best.label(), best.documentAuroc(), best.tokenAuroc()));
            }
            row.addAll(List.of(100 * f.density(), f.max(), f.removal().<Object>map(Removal::lossChange).orElse("")));
            if (direct) {
                row.add(f.logits().orElseThrow().top().stream().limit(INDEX_TOKENS).map(t -> shown(t.text()))
                        .collect(Collectors.joining("\u00a0\u00a0")));
            }
            return row;
        }).toList();
        List<String> notes = new ArrayList<>();
        notes.add("Density is the share of tokens in which a feature is active. A document's score is its largest activation; AUROC is the "
                + "probability that a document (or token) of the label scores above one of another label: 0.5 is chance, 1 is perfect. "
                + "Features that were chosen as the best of many look a little better here than they would on other texts.");
        notes.add(direct ? "Effects on logits are direct: " + profiles.directPath() + ", less the mean over the vocabulary. The final "
                + "LayerNorm's subtraction of the mean and its weight are in them; its division by the residual stream's deviation is not, "
                + "nor is what later layers make of the feature. Their unit is arbitrary: compare within a feature."
                : "There is no direct linear path from " + profiles.hook() + " to the logits, so direct effects on logits are not shown.");
        notes.add(format("Loss change: a feature's activation times its decoder direction is subtracted at its strongest token of up to %d "
                + "documents, one document at a time, while everything else, the error of the autoencoder included, stays. The loss is "
                + "that of the token that follows, in nats; it rises where the feature helps.", settings.removalDocuments()));
        return Section.builder("index", "Index").lead("Each feature with the label that it detects best, how often and how strongly it "
                + "fires, the tokens that it promotes, and how much worse the model predicts the next token without it. A click on a "
                + "heading sorts.").figure(new Figure.Table("index", "Features", sample, columns, rows)).notes(notes).build();
    }

    Section section(FeatureProfile f) {
        Section.Builder section = Section.builder(id(f.feature()), title(f)).notes(remarks(f));
        if (f.active() == 0) {
            section.lead(format("It is active in none of the %,d tokens: a dead feature, or one for other texts.", profiles.tokens()));
            f.logits().ifPresent(l -> section.figure(effects(l)).figure(spread(l)));
            return section.figure(neighbors(f)).build();
        }
        section.metrics(metrics(f)).findings(findings(f)).figure(histogram(f.histogram()));
        f.logits().ifPresent(l -> section.figure(spread(l)));
        strips(f, section);
        f.logits().ifPresent(l -> section.figure(effects(l)));
        f.removal().ifPresent(r -> section.figure(shifts(r)).figure(predictions(r)));
        if (!f.facts().isEmpty()) {
            section.figure(facts(f));
        }
        if (!f.labels().isEmpty()) {
            section.figure(labels(f));
        }
        return section.figure(neighbors(f)).build();
    }

    private List<Metric> metrics(FeatureProfile f) {
        List<Metric> metrics = new ArrayList<>();
        metrics.add(new Metric("density", 100 * f.density(), "% of tokens", Optional.empty(), profiles.tokens()));
        metrics.add(Metric.of("log10 density", Math.log10(f.density()), ""));
        metrics.add(Metric.of("max activation", f.max(), ""));
        f.labels().stream().findFirst().ifPresent(best -> metrics.add(new Metric("AUROC over documents", best.documentAuroc(), best.label(),
                Optional.empty(), profiles.documents())));
        f.removal().ifPresent(r -> metrics.add(Metric.of("loss change without it", r.lossChange(), "nats", r.interval(), r.documents())));
        return metrics;
    }

    private List<String> findings(FeatureProfile f) {
        List<String> findings = new ArrayList<>();
        f.labels().stream().findFirst().ifPresent(best -> findings.add(format("%.1f%% of the %,d tokens in which it is active lie in "
                + "documents of the label %s; the AUROC is %.4f over documents and %.4f over tokens (of several labels the best).",
                100 * best.share(), f.active(), best.label(), best.documentAuroc(), best.tokenAuroc())));
        f.removal().ifPresent(r -> {
            Estimate change = new Estimate(r.lossChange(), r.interval(), r.documents());
            findings.add("Without it, at its strongest tokens, the loss of the next token " + change.change("rises", "falls", "nats") + " ("
                    + r.documents() + " documents)." + change.verdict(0, less(r), less(r), ""));
        });
        return findings;
    }

    private static String less(Removal r) {
        return r.fallen().isEmpty() ? "" : " Less likely become, above all, "
                + r.fallen().stream().limit(3).map(t -> "“" + shown(t.text()) + "”").collect(Collectors.joining(", ")) + ".";
    }

    private Figure histogram(ActivationHistogram h) {
        List<BarSeries> series = new ArrayList<>();
        int own = h.labels().size() <= SERIES + 1 ? h.labels().size() : SERIES;
        for (int l = 0; l < own; l++) {
            String name = h.labels().get(l).isEmpty() ? profiles.labels().isEmpty() ? "tokens" : "no label" : h.labels().get(l);
            series.add(BarSeries.of(name, Arrays.stream(h.counts()[l]).asDoubleStream().toArray()));
        }
        if (own < h.labels().size()) {
            double[] rest = new double[h.edges().length - 1];
            for (int l = own; l < h.labels().size(); l++) {
                for (int bin = 0; bin < rest.length; bin++) {
                    rest[bin] += h.counts()[l][bin];
                }
            }
            series.add(BarSeries.of(h.labels().size() - own + " other labels", rest));
        }
        return new Figure.Histogram("activations", "How strongly it fires", "Tokens in which it is active, by activation"
                + (profiles.labels().isEmpty() ? ". " : " and label of the document. ") + sample, Axis.of("activation"), Axis.of("tokens"),
                h.edges(), series, true);
    }

    private Figure labels(FeatureProfile f) {
        List<String> names = f.labels().stream().map(LabelScore::label).toList();
        return new Figure.Bars("labels", "How well it detects each label", "Documents and tokens of each label against all others; 0.5 is "
                + "chance. " + sample, Axis.of("label"), Axis.of("AUROC"), names,
                List.of(BarSeries.of("documents", f.labels().stream().mapToDouble(LabelScore::documentAuroc).toArray()),
                        BarSeries.of("tokens", f.labels().stream().mapToDouble(LabelScore::tokenAuroc).toArray())), false);
    }

    private void strips(FeatureProfile f, Section.Builder section) {
        var scale = new Figure.ColorScale(Figure.Palette.SEQUENTIAL, 0, f.max(), "activation");
        section.figure(new Figure.TokenStrips("top", "Largest activations", "The documents in which it fires most strongly, around "
                + "their strongest token, with the document's label and number. " + sample, scale,
                f.examples().stream().filter(e -> e.interval() == 0).map(e -> strip("", e)).toList()));
        List<Figure.Strip> drawn = f.examples().stream().filter(e -> e.interval() > 0)
                .map(e -> strip(format("%d–%d%% at “%s”, ", 100 * (e.interval() - 1) / settings.intervals(),
                        100 * e.interval() / settings.intervals(), shown(e.tokens().get(e.position() - e.from()))), e)).toList();
        if (!drawn.isEmpty()) {
            section.figure(new Figure.TokenStrips("intervals", "Examples from strong to weak", format("Active tokens in context, drawn at "
                    + "random from %d equal intervals of activation, in %% of the largest, %.4g; those above are left out. ",
                    settings.intervals(), f.max()) + sample, scale, drawn));
        }
    }

    private static Figure.Strip strip(String prefix, Example e) {
        return new Figure.Strip(prefix + (e.label().isEmpty() ? "document" : e.label()) + " " + e.document(), e.tokens(), e.activations());
    }

    private Figure effects(LogitEffects l) {
        List<TokenEffect> both = Stream.concat(l.top().stream(), l.bottom().reversed().stream()).toList();
        return new Figure.Bars("logits", "Promoted and suppressed", "Direct effect of a unit of activation on logits, the "
                + l.top().size() + " largest and " + l.bottom().size() + " smallest of " + format("%,d", Arrays.stream(l.counts()).sum())
                + " tokens: " + profiles.directPath() + ".", Axis.of("token"), Axis.of("effect on the logit (arbitrary unit)"),
                both.stream().map(t -> shown(t.text())).toList(),
                List.of(BarSeries.of("effect", both.stream().mapToDouble(TokenEffect::effect).toArray())), true);
    }

    private Figure spread(LogitEffects l) {
        return new Figure.Histogram("logit-spread", "Effects on logits", format("Direct effects on the logits of all tokens; "
                + "their standard deviation is %.3g. A tail to the right is a set of tokens that the feature promotes. n = %,d tokens.",
                l.standardDeviation(), Arrays.stream(l.counts()).sum()), Axis.of("effect on the logit (arbitrary unit)"),
                new Axis("tokens of the vocabulary", true), l.edges(),
                List.of(BarSeries.of("tokens", Arrays.stream(l.counts()).asDoubleStream().toArray())), false);
    }

    private Figure shifts(Removal r) {
        List<TokenShift> both = Stream.concat(r.risen().stream(), r.fallen().reversed().stream()).toList();
        return new Figure.Bars("shifts", "Predictions without it", format("Mean change of the next token's probability when the feature is "
                + "removed at its strongest token. The mean divergence of the predictions is %.3g nats. n = %d documents; seed %d.",
                r.kl(), r.documents(), settings.seed()), Axis.of("token"), Axis.of("change of the mean probability (percentage points)"),
                both.stream().map(t -> shown(t.text())).toList(),
                List.of(BarSeries.of("change", both.stream().mapToDouble(t -> 100 * (t.after() - t.before())).toArray())), true);
    }

    private Figure predictions(Removal r) {
        List<List<Object>> rows = r.predictions().stream().limit(PREDICTIONS).map(p -> List.<Object>of(end(p.context()), shown(p.next()),
                p.activation(), 100 * p.before(), 100 * p.after(), p.lossChange())).toList();
        return new Figure.Table("predictions", "The next token with and without it", "The documents with the largest activations, up to "
                + "the token at which the feature is removed, and the probability of the token that follows. Loss in nats.",
                List.of("text", "next token", "activation", "with (%)", "without (%)", "loss change"), rows);
    }

    private static String end(String text) {
        int n = text.codePointCount(0, text.length());
        return n <= CONTEXT_CHARACTERS ? text : "…" + text.substring(text.offsetByCodePoints(0, n - CONTEXT_CHARACTERS));
    }

    private Figure facts(FeatureProfile f) {
        return new Figure.Table("facts", "Facts with and without it", "Facts whose prompts activate it most; it is removed at all tokens "
                + "of the prompt. The probability is that of the answer's first token.",
                List.of("prompt", "answer", "activation", "with (%)", "without (%)"), f.facts().stream().map(fact -> List.<Object>of(
                        fact.prompt(), shown(fact.answer()), fact.activation(), 100 * fact.before(), 100 * fact.after())).toList());
    }

    private Figure neighbors(FeatureProfile f) {
        boolean labelled = !profiles.labels().isEmpty();
        List<String> columns = new ArrayList<>(List.of("feature", "cosine", "correlation", "density (%)"));
        if (labelled) {
            columns.addAll(List.of("label", "AUROC"));
        }
        return new Figure.Table("neighbors", "Nearest features", "The most similar decoder directions among all features, the "
                + "correlation of their activations over all tokens, and the label that each detects best. " + sample, columns,
                f.neighbors().stream().map(n -> {
                    List<Object> row = new ArrayList<>(List.of(new Link(Integer.toString(n.feature()), id(n.feature())), n.cosine(),
                            n.correlation(), 100 * n.density()));
                    if (labelled) {
                        row.addAll(List.of(n.label(), n.documentAuroc()));
                    }
                    return row;
                }).toList());
    }
}
