package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.sae4j.api.experiment.Figure;
import org.sae4j.experiment.causaltracing.CausalTracingResult;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.ReplacementAverage;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RoleAverage;
import org.sae4j.experiment.causaltracing.CausalTracingResult.SiteTrace;
import org.sae4j.experiment.causaltracing.CausalTracingResult.TracedFact;
import org.sae4j.experiment.causaltracing.Site;
import org.sae4j.experiment.causaltracing.TokenRole;

/** Draws the results. */
public final class Figures {
    private static final Figure.Axis PLACE = Figure.Axis.of("layer");
    private static final String EMBEDS = " Windows with a star hold the MLP of layer 0, which acts as the embedding in this model: they"
            + " restore the subject itself, not its recall.";

    private final CausalTracingResult result;
    private final TracedFact shown;
    private final long seed;

    /**
     * Prepares figures.
     *
     * @param result what was measured
     * @param shown the fact whose traces are drawn
     * @param seed the run's seed
     */
    public Figures(CausalTracingResult result, TracedFact shown, long seed) {
        this.result = result;
        this.shown = shown;
        this.seed = seed;
    }

    /** {@return all figures} */
    public List<Figure> draw() {
        List<Figure> figures = new ArrayList<>();
        shown.sites().forEach(site -> figures.add(trace(site)));
        result.averages().stream().map(RoleAverage::site).distinct().forEach(site -> figures.add(averages(site)));
        if (result.averages().stream().anyMatch(a -> a.site().isSevered())) {
            figures.add(severed(TokenRole.LAST_SUBJECT));
            figures.add(severed(TokenRole.LAST));
        }
        result.replacement().stream().map(ReplacementAverage::site).distinct().forEach(site -> figures.add(replacement(site)));
        if (!result.sweep().isEmpty()) {
            figures.add(sweep());
        }
        if (!result.features().isEmpty()) {
            figures.add(features());
        }
        if (!result.featureShares().isEmpty()) {
            figures.add(shares());
        }
        if (!result.edits().isEmpty()) {
            figures.add(efficacy());
            figures.add(edits());
        }
        result.massEdit().ifPresent(mass -> figures.add(massEdit(mass)));
        return figures;
    }

    private static String id(Site site) {
        return site.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static Figure.Palette palette(Site site) {
        return switch (site) {
            case MLP_OUTPUT, MLP_POST -> Figure.Palette.GREENS;
            case ATTENTION_OUTPUT, HEAD_Z -> Figure.Palette.REDS;
            default -> Figure.Palette.PURPLES;
        };
    }

    private Figure trace(SiteTrace trace) {
        double high = Math.max(shown.clean(), shown.corrupted());
        for (double[] row : trace.restored()) {
            for (double value : row) {
                high = Math.max(high, value);
            }
        }
        boolean windowed = result.window() > 1 && (trace.site() == Site.MLP_OUTPUT || trace.site() == Site.ATTENTION_OUTPUT);
        String caption = String.format(Locale.ROOT, "Probability of \"%s\" after \"%s\" when the clean %s is restored at one token%s in"
                + " runs whose subject (starred) is corrupted by noise. Mean over %d corrupted runs; clean %.3f, corrupted %.3f, where the"
                + " color scale begins; noise %.3f on the subject's embeddings only; seed %d.", shown.answer(), shown.prompt(),
                trace.site().title(), windowed ? " in a window of " + result.window() + " layers" : "", shown.corruptedRows().length,
                shown.clean(), shown.corrupted(), result.noise(), seed);
        boolean marked = embeds(trace.site());
        List<String> columns = marked ? trace.columns().stream().map(c -> Integer.parseInt(c) <= result.window() / 2 ? c + "*" : c).toList()
                : trace.columns();
        return new Figure.Heatmap("trace-" + id(trace.site()), "Restoring " + trace.site().title() + ": " + shown.prompt(), caption
                + (marked ? EMBEDS : ""),
                trace.site() == Site.HEAD_Z ? Figure.Axis.of("layer and head") : windowed ? Figure.Axis.of("middle layer of the window")
                : PLACE, Figure.Axis.of("token"), columns, shown.tokens(), trace.restored(),
                new Figure.ColorScale(palette(trace.site()), Math.min(shown.corrupted(), shown.clean()), high,
                        "p(" + shown.answer() + ")"));
    }

    /** Whether some of a site's windows hold the MLP of a block 0 that does the work of an embedding. */
    private boolean embeds(Site site) {
        return site == Site.MLP_OUTPUT && result.firstBlock().embeds();
    }

    private Figure averages(Site site) {
        List<RoleAverage> own = result.averages().stream().filter(a -> a.site() == site).toList();
        List<String> places = own.stream().map(RoleAverage::place).distinct().map(p -> embeds(site) && Integer.parseInt(p)
                <= result.window() / 2 ? p + "*" : p).toList();
        List<Figure.BarSeries> series = new ArrayList<>();
        for (TokenRole role : TokenRole.values()) {
            List<RoleAverage> bars = own.stream().filter(a -> a.role() == role).toList();
            if (!bars.isEmpty()) {
                series.add(Figure.BarSeries.of(role.title(), bars.stream().map(RoleAverage::indirectEffect).toList()));
            }
        }
        long n = own.stream().mapToLong(a -> a.indirectEffect().n()).max().orElse(0);
        return new Figure.Bars("averages-" + id(site), "Average indirect effect of the " + site.title(), "Mean over " + n
                + " facts of the relation \"" + result.relation() + "\" of restored minus corrupted probability, by the token's role; error"
                + " bars are 95% intervals over facts; a subject of one token counts as its last token; seed " + seed + "."
                + (embeds(site) ? EMBEDS : ""),
                PLACE, Figure.Axis.of("indirect effect (probability)"), places, series, false);
    }

    private Figure severed(TokenRole role) {
        List<RoleAverage> own = result.averages().stream().filter(a -> a.role() == role && a.site().isBlockOutput()).toList();
        List<Figure.BarSeries> series = new ArrayList<>();
        for (Site site : own.stream().map(RoleAverage::site).distinct().toList()) {
            List<RoleAverage> bars = own.stream().filter(a -> a.site() == site).toList();
            series.add(Figure.BarSeries.of(site.title(), bars.stream().map(RoleAverage::indirectEffect).toList()));
        }
        return new Figure.Bars("severed-" + role.name().toLowerCase(Locale.ROOT).replace('_', '-'), "Severed paths: restoring block"
                + " outputs at the " + role.title(), "Mean over " + own.stream().mapToLong(a -> a.indirectEffect().n()).max().orElse(0) + " facts of"
                + " restored minus corrupted probability, as it is, and with the outputs of all later MLPs or attentions at the restored"
                + " token held at their corrupted values; 95% intervals over facts; seed " + seed + ".", PLACE,
                Figure.Axis.of("indirect effect (probability)"), own.stream().map(RoleAverage::place).distinct().toList(), series, false);
    }

    private Figure massEdit(CausalTracingResult.MassEdit mass) {
        List<List<Object>> rows = new ArrayList<>();
        mass.facts().forEach(f -> rows.add(List.of(f.subject(), f.oldAnswer(), f.newAnswer(), f.newBefore(), f.newAfter(), f.oldAfter(),
                f.changed() ? "yes" : "no", f.paraphraseAfter())));
        return new Figure.Table("mass-edit", "All edits at once", String.format(Locale.ROOT, "One edit of %d facts, spread over the MLPs of"
                + " layers %s (MEMIT). %d of %d answers of the relation that were not edited and %d of %d answers of other relations about"
                + " the edited subjects stay; off-target divergence %.4f nats over %d tokens; entropy of what is written after the prompts"
                + " %.2f bits before, %.2f after; undone to the bit: %s; seed %d.", mass.facts().size(), mass.layers(),
                mass.unchangedNeighbors(), mass.neighbors(), mass.unchangedOther(), mass.other(), mass.offTargetKl(),
                mass.offTargetTokens(), mass.fluencyBefore(), mass.fluencyAfter(), mass.undone() ? "yes" : "no", seed),
                List.of("subject", "old answer", "new answer", "p(new) before", "p(new) after", "p(old) after", "new answer on top",
                        "p(new) on paraphrases"), rows);
    }

    private Figure replacement(Site site) {
        List<ReplacementAverage> own = result.replacement().stream().filter(a -> a.site() == site).toList();
        List<String> places = own.stream().map(ReplacementAverage::place).distinct().toList();
        List<Figure.BarSeries> series = new ArrayList<>();
        for (TokenRole role : TokenRole.values()) {
            List<ReplacementAverage> bars = own.stream().filter(a -> a.role() == role).toList();
            if (!bars.isEmpty()) {
                series.add(Figure.BarSeries.of(role.title(), bars.stream().map(ReplacementAverage::recovery).toList()));
            }
        }
        long n = own.stream().mapToLong(a -> a.recovery().n()).max().orElse(0);
        return new Figure.Bars("replacement-" + id(site), "Recovery after replacing the subject: " + site.title(), "Share of the logit"
                + " difference (answer minus the other subject's answer, at the first token where they"
                + " differ) that restoring recovers, when the subject is replaced by another"
                + " one of as many tokens. Mean over " + n + " facts, 95% intervals over facts; seed " + seed + ".", PLACE,
                Figure.Axis.of("normalized recovery (share)"), places, series, false);
    }

    private Figure sweep() {
        var points = result.sweep();
        return new Figure.Lines("noise-sweep", "Corrupted score by strength of the noise", "Mean probability of the answer over "
                + points.getFirst().probability().n() + " facts and " + shown.corruptedRows().length + " runs each, with 95% intervals (bootstrap over"
                + " facts); the same noise, scaled; seed " + seed + ".",
                Figure.Axis.of("noise (standard deviations of the subjects' embeddings)"), Figure.Axis.of("p(answer) (probability)"),
                List.of(Figure.Line.of("corrupted", array(points, p -> p.multiple()), points.stream().map(p -> p.probability()).toList())));
    }

    private Figure features() {
        var strongest = result.features().stream().sorted(Comparator.comparingDouble(e -> -Math.abs(e.indirectEffect()))).limit(20)
                .toList();
        return new Figure.Bars("features", "SAE features restored by themselves", "Restored minus corrupted probability of \""
                + shown.answer() + "\" after \"" + shown.prompt() + "\" for the 20 strongest of " + result.features().size()
                + " pairs of token and feature; the part of the activation that the autoencoder does not reconstruct stays corrupted;"
                + " mean over "
                + shown.corruptedRows().length + " corrupted runs; seed " + seed + ".", Figure.Axis.of("token and feature"),
                Figure.Axis.of("indirect effect (probability)"),
                strongest.stream().map(e -> e.token() + " " + e.text() + " #" + e.feature()).toList(),
                List.of(Figure.BarSeries.of("indirect effect", array(strongest, e -> e.indirectEffect()))), true);
    }

    private Figure shares() {
        var shares = result.featureShares();
        return new Figure.Bars("feature-shares", "How much of the site the features carry", "Mean indirect effect of restoring all"
                + " features, the autoencoder's error, and both at one token, over up to"
                + " " + shares.stream().mapToLong(s -> s.full().n()).max().orElse(0)
                + " facts; 95% intervals over facts; seed " + seed + ".", Figure.Axis.of("token"),
                Figure.Axis.of("indirect effect (probability)"), shares.stream().map(s -> s.role().title()).toList(), List.of(
                Figure.BarSeries.of("all features", shares.stream().map(s -> s.allFeatures()).toList()),
                Figure.BarSeries.of("error term", shares.stream().map(s -> s.error()).toList()),
                Figure.BarSeries.of("both", shares.stream().map(s -> s.full()).toList())), false);
    }

    private Figure efficacy() {
        List<Integer> layers = result.edits().stream().map(RankOneEdit::layer).distinct().sorted().toList();
        List<Figure.Sample> samples = layers.stream().map(layer -> new Figure.Sample("layer " + layer,
                result.edits().stream().filter(e -> e.layer() == layer).mapToDouble(RankOneEdit::newAfter).toArray())).toList();
        return new Figure.Distributions("edit-efficacy", "Rank-one edits: probability of the new answer", "One value for each of "
                + result.edits().size() / layers.size() + " edited facts; seed " + seed + ".", Figure.Axis.of("edited layer"),
                Figure.Axis.of("p(new answer) (probability)"), samples);
    }

    private Figure edits() {
        List<List<Object>> rows = new ArrayList<>();
        for (RankOneEdit e : result.edits()) {
            rows.add(List.of(e.subject(), e.oldAnswer(), e.newAnswer(), e.layer(), e.newBefore(), e.newAfter(), e.oldAfter(),
                    e.changed() ? "yes" : "no",
                    e.paraphraseAfter(), e.unchangedNeighbors() + " of " + e.neighbors(), e.likelierNeighbors() + " of " + e.contestedNeighbors(),
                    e.neighborGains().stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN),
                    e.identity().map(CausalTracingResult.IdentityEdit::newAfter).orElse(Double.NaN),
                    e.identity().map(i -> i.unchangedNeighbors() + " of " + e.neighbors()).orElse(""),
                    e.identity().map(i -> i.likelierNeighbors() + " of " + e.contestedNeighbors()).orElse(""), e.unchangedOther() + " of " + e.other(),
                    e.offTargetKl(), e.fluencyBefore(), e.fluencyAfter(), e.relativeChange(), e.undone() ? "yes" : "no"));
        }
        return new Figure.Table("edits", "Rank-one edits", "Each row is one edit of the original model; the probability of an answer is"
                + " that of all its tokens; seed " + seed + ".", List.of("subject", "old answer", "new answer", "layer", "p(new) before", "p(new) after",
                "p(old) after", "new answer on top", "p(new) on paraphrases", "neighbors unchanged",
                "neighbors' own answer likelier", "neighbors' gain, mean (share of the edit)", "with C = I: p(new) after",
                "with C = I: neighbors unchanged", "with C = I: own answer likelier", "other relations unchanged",
                "off-target KL (nats)", "entropy of continuations before (bits)", "after (bits)",
                "relative change of the weights", "undone to the bit"), rows);
    }

    private static <T> double[] array(List<T> list, ToDoubleFunction<T> value) {
        return list.stream().mapToDouble(value).toArray();
    }
}
