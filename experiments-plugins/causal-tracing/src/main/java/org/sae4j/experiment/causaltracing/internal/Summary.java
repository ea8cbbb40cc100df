package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.causaltracing.CausalTracingResult;
import org.sae4j.experiment.causaltracing.CausalTracingResult.LayerChoice;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEditedFact;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RoleAverage;
import org.sae4j.experiment.causaltracing.CausalTracingResult.TracedFact;
import org.sae4j.experiment.causaltracing.Site;
import org.sae4j.experiment.causaltracing.TokenRole;

/** Says what was found. */
public final class Summary {
    private static final List<TokenRole> EARLY = List.of(TokenRole.FIRST_SUBJECT, TokenRole.MIDDLE_SUBJECT, TokenRole.LAST_SUBJECT);
    /** A site at the subject counts as one where the fact is found if it recovers at least this share of the total effect. */
    private static final double SUBSTANTIAL = 0.1;

    private final CausalTracingResult result;
    private final Averages averages;
    private final List<TracedFact> studied;
    private final boolean given;
    private final boolean anyKnown;
    private final Optional<HookPoint> features;

    /**
     * Prepares a summary.
     *
     * @param result what was measured
     * @param averages makes intervals
     * @param given whether some facts give their answers; otherwise the model's own top predictions are traced
     * @param anyKnown whether the model knows some of the given answers
     * @param features the hook point of the autoencoder whose features were sites, if any
     */
    public Summary(CausalTracingResult result, Averages averages, boolean given, boolean anyKnown, Optional<HookPoint> features) {
        this.result = result;
        this.averages = averages;
        this.given = given;
        this.anyKnown = anyKnown;
        this.features = features;
        studied = result.facts().stream().filter(f -> !anyKnown || f.given() && f.known()).toList();
    }

    private double[] clean() {
        return studied.stream().mapToDouble(TracedFact::clean).toArray();
    }

    private double[] corrupted() {
        return studied.stream().mapToDouble(TracedFact::corrupted).toArray();
    }

    private Estimate totalEffect() {
        return averages.mean(studied.stream().mapToDouble(f -> f.clean() - f.corrupted()).toArray(), "total effect");
    }

    private static String number(double value) {
        return Estimate.number(value);
    }

    private static String facts(long n) {
        return n == 1 ? "1 fact" : n + " facts";
    }

    /** {@return sentences with numbers, the most important first} */
    public List<String> findings() {
        List<String> findings = new ArrayList<>();
        Estimate total = totalEffect();
        findings.add("Noise on the subject of " + facts(studied.size()) + " of the relation \"" + result.relation() + "\": the mean"
                + " probability of the answer is " + number(Statistics.mean(clean())) + " without it and "
                + number(Statistics.mean(corrupted())) + " with it. The total effect, " + total.text() + ", is "
                + total.verdict(0, "the answer's loss.", "a gain: noise does not destroy these answers.",
                        total.hasInterval() ? "not distinguishable from 0." : "that of this fact only."));
        findings.add(known());
        if (!total.hasInterval()) {
            findings.add("One fact says nothing about the relation: see its heat maps, and trace several facts for averages.");
        } else if (!total.above(0)) {
            findings.add("As the total effect is not above 0, indirect effects cannot locate anything here.");
        } else if (anyKnown || !given) {
            findings.add(earlySite());
            lastToken().ifPresent(findings::add);
            strongest(Site.MLP_OUTPUT).ifPresent(findings::add);
            embedding().ifPresent(findings::add);
            strongest(Site.ATTENTION_OUTPUT).ifPresent(findings::add);
            severed(Site.BLOCK_OUTPUT_MLP_SEVERED, "MLPs").ifPresent(findings::add);
            severed(Site.BLOCK_OUTPUT_ATTENTION_SEVERED, "attention").ifPresent(findings::add);
        }
        if (result.firstPosition().sink() && result.firstPosition().subjects() > 0) {
            findings.add("In " + facts(result.firstPosition().subjects()) + " the subject begins at position 0, which is an attention sink"
                    + " here (its residual stream is up to " + number(sink()) + " times as long as the others'), so the model hardly reads"
                    + " it there. Put a text before the subject.");
        }
        replaced().ifPresent(findings::add);
        result.featureShares().stream().max(Comparator.comparingDouble(s -> Math.abs(s.full().value()))).ifPresent(s -> findings.add("At "
                + features.map(HookPoint::toString).orElse("the autoencoder") + ", " + s.role().title() + ", all features together have an"
                + " indirect effect of " + s.allFeatures().text() + ", the part that is not reconstructed " + s.error().text() + ", both "
                + s.full().text() + " (n = " + facts(s.full().n()) + ")."));
        findings.addAll(editFindings());
        return findings;
    }

    private double sink() {
        return Arrays.stream(result.firstPosition().ratios()).max().orElse(Double.NaN);
    }

    private String known() {
        if (!given) {
            return "No answers were given: what is traced is the model's own top prediction after each prompt, whether right or wrong.";
        }
        long known = result.facts().stream().filter(f -> f.given() && f.known()).count();
        long asked = result.facts().stream().filter(TracedFact::given).count();
        return anyKnown ? "The model's top prediction, token by token, is the given answer for " + known + " of " + facts(asked)
                + "; averages are over these." : "The model knows none of the " + facts(asked) + ", so these traces say nothing about"
                + " where facts are stored.";
    }

    private String earlySite() {
        Optional<RoleAverage> found = result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && EARLY.contains(a.role()))
                .max(Comparator.comparingDouble(a -> a.indirectEffect().value()));
        if (found.isEmpty()) {
            return "No prompt has a subject before its last token, so there is no early site to look for.";
        }
        RoleAverage best = found.orElseThrow();
        String share = number(100 * best.recovery()) + "% of the total effect (n = " + facts(best.indirectEffect().n()) + ", the best of "
                + result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && EARLY.contains(a.role())).count() + " places).";
        return best.indirectEffect().above(0) && best.recovery() >= SUBSTANTIAL ? "There is an early site: the block output of layer "
                + best.place() + " at the " + best.role().title() + " restores " + best.indirectEffect().text() + " of probability, " + share
                : "No early site was found: at the subject, the best block output (layer " + best.place() + ", " + best.role().title()
                + ") restores " + best.indirectEffect().text() + " of probability, " + share;
    }

    private Optional<String> lastToken() {
        List<RoleAverage> late = result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && a.role() == TokenRole.LAST)
                .toList();
        return late.isEmpty() ? Optional.empty() : Optional.of("Block outputs at the last token restore, by layer, " + late.stream()
                .map(a -> a.place() + ": " + a.indirectEffect().text()).collect(Collectors.joining("; "))
                + (studied.stream().allMatch(f -> f.answerTokens().size() == 1) ? "; the last layer restores everything by construction."
                : "."));
    }

    private Optional<String> strongest(Site site) {
        return result.averages().stream().filter(a -> a.site() == site && !embeds(a)).max(Comparator.comparingDouble(a -> a.indirectEffect().value()))
                .map(a -> a.indirectEffect().above(0) ? "Of the " + site.title() + "s, the one of layer " + a.place() + " at the "
                        + a.role().title() + " has the largest average indirect effect, " + a.indirectEffect().text() + " over "
                        + facts(a.indirectEffect().n()) + "." : "No " + site.title() + " has an average indirect effect above 0; the largest"
                        + " is " + a.indirectEffect().text() + ".");
    }

    /** Whether a place holds the MLP of a block 0 that does the work of an embedding. */
    private boolean embeds(RoleAverage a) {
        return a.site() == Site.MLP_OUTPUT && result.firstBlock().embeds() && Integer.parseInt(a.place()) <= result.window() / 2;
    }

    private Optional<String> embedding() {
        return result.averages().stream().filter(this::embeds).max(Comparator.comparingDouble(a -> a.indirectEffect().value())).map(a ->
                "The MLP of layer 0 acts as the embedding here (the residual stream is " + number(result.firstBlock().growth())
                + " times as long after block 0 as before): the MLP outputs that hold it are left out of the comparison above. The strongest"
                + " of them, layer " + a.place() + " at the " + a.role().title() + ", restores " + a.indirectEffect().text()
                + ", the subject itself rather than its recall.");
    }

    /** Where severing a path takes most from the effect of a block output. */
    private Optional<String> severed(Site site, String path) {
        record Pair(RoleAverage whole, RoleAverage severed) {
            double lost() {
                return whole.indirectEffect().value() - severed.indirectEffect().value();
            }
        }
        return result.averages().stream().filter(a -> a.site() == site).flatMap(a -> result.averages().stream()
                .filter(w -> w.site() == Site.BLOCK_OUTPUT && w.place().equals(a.place()) && w.role() == a.role())
                .map(w -> new Pair(w, a))).max(Comparator.comparingDouble(Pair::lost)).map(p -> "With later " + path
                + " held at the corrupted values of the restored token, the block output of layer " + p.whole().place() + " at the "
                + p.whole().role().title() + " restores " + p.severed().indirectEffect().text() + " instead of "
                + p.whole().indirectEffect().text() + (separate(p.severed(), p.whole()) && p.lost() > SUBSTANTIAL
                * Math.abs(p.whole().indirectEffect().value()) ? "; nowhere does more pass through this path."
                : ": no place was found whose effect passes through this path."));
    }

    /** Whether the interval of one mean lies below that of the other. */
    private static boolean separate(RoleAverage lower, RoleAverage higher) {
        return higher.indirectEffect().hasInterval() && lower.indirectEffect().below(higher.indirectEffect().interval().low());
    }

    private Optional<String> replaced() {
        return result.replacement().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && EARLY.contains(a.role()))
                .max(Comparator.comparingDouble(a -> a.recovery().value())).map(a -> "When the subject is replaced by another one, the best"
                        + " block output at the subject (" + a.role().title() + ", layer " + a.place() + ") recovers " + a.recovery().text()
                        + " of the logit difference (n = " + facts(a.recovery().n()) + ").");
    }

    /** The edits of one layer, and what is averaged over them. */
    private record LayerEdits(int layer, List<RankOneEdit> edits, Averages averages) {
        double before() {
            return edits.stream().mapToDouble(RankOneEdit::newBefore).average().orElseThrow();
        }

        Estimate after() {
            return averages.mean(edits.stream().mapToDouble(RankOneEdit::newAfter).toArray(), "edits " + layer);
        }

        Estimate rise() {
            return averages.mean(edits.stream().mapToDouble(e -> e.newAfter() - e.newBefore()).toArray(), "rise by edits " + layer);
        }

        Estimate changed() {
            return Statistics.shareEstimate(edits.stream().filter(RankOneEdit::changed).count(), edits.size(), "edits");
        }

        int neighbors() {
            return edits.stream().mapToInt(RankOneEdit::neighbors).sum();
        }

        /** What C and C = I leave to neighbors, and how much of the edit they get. */
        Optional<String> spread() {
            int contested = edits.stream().mapToInt(RankOneEdit::contestedNeighbors).sum();
            if (contested == 0 || edits.stream().anyMatch(e -> e.identity().isEmpty())) {
                return Optional.empty();
            }
            return Optional.of("Other subjects of the relation get " + averages.mean(edits.stream().flatMap(e -> e.neighborGains().stream())
                    .mapToDouble(Double::doubleValue).toArray(), "gains " + layer).text() + " of an edit at layer " + layer + ", which is"
                    + " known from the update alone. After it their own answer is likelier than the new one in "
                    + edits.stream().mapToInt(RankOneEdit::likelierNeighbors).sum() + " of " + contested + " cases; with C = I in the"
                    + " place of the keys' covariance in " + edits.stream().mapToInt(e -> e.identity().orElseThrow().likelierNeighbors())
                    .sum() + " of " + contested + ", with a mean probability of the new answer of " + averages.mean(edits.stream()
                    .mapToDouble(e -> e.identity().orElseThrow().newAfter()).toArray(), "identity " + layer).text() + ".");
        }

        int unchangedNeighbors() {
            return edits.stream().mapToInt(RankOneEdit::unchangedNeighbors).sum();
        }

        /** Neighbors of one edit stand or fall together, so edits are resampled; where all stand, that has no width, but Wilson's has. */
        Estimate unchanged() {
            return unchangedNeighbors() == neighbors() ? Statistics.shareEstimate(edits.size(), edits.size(), "edits")
                    : averages.mean(edits.stream().mapToDouble(e -> (double) e.unchangedNeighbors() / e.neighbors()).toArray(),
                            "neighbors of edits " + layer);
        }
    }

    private List<LayerEdits> editsByLayer() {
        return result.edits().stream().map(RankOneEdit::layer).distinct().map(layer -> new LayerEdits(layer,
                result.edits().stream().filter(e -> e.layer() == layer).toList(), averages)).toList();
    }

    private List<String> editFindings() {
        List<String> findings = new ArrayList<>();
        result.layerChoices().stream().filter(LayerChoice::chosen).findFirst().ifPresent(c -> findings.add("By " + c.facts()
                + " held-out facts, layer " + c.layer() + " is the one to edit: the product of efficacy and specificity is, by layer, "
                + result.layerChoices().stream().map(l -> l.layer() + ": " + number(l.efficacy()) + " x " + number(l.specificity()))
                .collect(Collectors.joining("; ")) + "."));
        for (LayerEdits own : editsByLayer()) {
            int n = own.edits().size();
            findings.add("By " + n + (n == 1 ? " rank-one edit" : " rank-one edits") + " at layer " + own.layer() + ", one at a time, the"
                    + " mean probability of the new answer, " + number(own.before()) + " before, " + own.rise().change("rises", "falls", "")
                    + "; " + own.changed().text() + " of the edits make it the top prediction" + (own.neighbors() > 0 ? "; "
                    + own.unchangedNeighbors() + " of " + own.neighbors() + " other answers of the relation stay, " + own.unchanged().text()
                    : "") + ".");
        }
        editsByLayer().forEach(own -> own.spread().ifPresent(findings::add));
        result.massEdit().ifPresent(m -> findings.add("All " + m.facts().size() + " edits at once, spread over layers " + m.layers()
                + ": the mean probability of the new answer, " + number(m.facts().stream().mapToDouble(MassEditedFact::newBefore).average()
                .orElseThrow()) + " before, " + averages.mean(m.facts().stream().mapToDouble(f -> f.newAfter() - f.newBefore()).toArray(),
                "rise by mass edit").change("rises", "falls", "") + "; " + massChanged(m).text() + " of the answers become the top"
                + " prediction; " + m.unchangedNeighbors() + " of " + m.neighbors() + " answers of the relation that were not edited stay;"
                + " entropy of what is written after the prompts " + number(m.fluencyBefore()) + " bits before and "
                + number(m.fluencyAfter()) + " after."));
        if (!result.edits().isEmpty()) {
            long undone = result.edits().stream().filter(RankOneEdit::undone).count();
            findings.add("After " + undone + " of " + result.edits().size() + " edits the original model gives the same bits as before.");
        }
        return findings;
    }

    private static Estimate massChanged(MassEdit mass) {
        return Statistics.shareEstimate(mass.facts().stream().filter(MassEditedFact::changed).count(), mass.facts().size(), "facts");
    }

    private void add(List<Metric> metrics, MassEdit mass) {
        metrics.add(Metric.of("mass edit efficacy", averages.mean(mass.facts().stream().mapToDouble(MassEditedFact::newAfter).toArray(),
                "mass edit"), "probability"));
        metrics.add(Metric.of("mass-edited answers changed", massChanged(mass), "share"));
        if (mass.neighbors() > 0) {
            metrics.add(Metric.of("other answers unchanged, mass edit", Statistics.shareEstimate(mass.unchangedNeighbors(),
                    mass.neighbors(), "facts"), "share"));
        }
    }

    /** {@return the numbers to look at first} */
    public List<Metric> metrics() {
        List<Metric> metrics = new ArrayList<>();
        metrics.add(Metric.of("clean probability", averages.mean(clean(), "clean"), "probability"));
        metrics.add(Metric.of("corrupted probability", averages.mean(corrupted(), "corrupted"), "probability"));
        metrics.add(Metric.of("total effect", totalEffect(), "probability"));
        metrics.add(Metric.of("noise", result.noise(), "embedding units"));
        for (RoleAverage a : result.averages()) {
            if (a.site() == Site.BLOCK_OUTPUT && (a.role() == TokenRole.LAST_SUBJECT || a.role() == TokenRole.LAST)) {
                metrics.add(Metric.of("indirect effect, block output, " + a.role().title() + ", layer " + a.place(), a.indirectEffect(),
                        "probability"));
            }
        }
        for (LayerEdits own : editsByLayer()) {
            metrics.add(Metric.of("edit efficacy, layer " + own.layer(), own.after(), "probability"));
            metrics.add(Metric.of("edited answers changed, layer " + own.layer(), own.changed(), "share"));
            if (own.neighbors() > 0) {
                metrics.add(Metric.of("other answers unchanged, layer " + own.layer(), own.unchanged(), "share"));
            }
        }
        result.massEdit().ifPresent(mass -> add(metrics, mass));
        return metrics;
    }

    /**
     * Limits of the method.
     *
     * @param noCorpus whether the run has no corpus
     * @param drawn whether the facts to edit were drawn, not configured
     * @return sentences
     */
    public List<String> notes(boolean noCorpus, boolean drawn) {
        List<String> notes = new ArrayList<>(List.of(
                "An answer is scored by all of its tokens: the product of their probabilities, each after the prompt and the tokens before"
                + " it.",
                "Noise takes the model off its data, and restoring one place in a noisy run can understate it; token replacement is the"
                + " check.",
                "A restored activation that recovers the answer carries enough information; it need not be where the fact is stored, and"
                + " edits can succeed at places that tracing does not single out (Hase et al. 2023).",
                "Runs resume from the corrupted residual stream before the restored layer; restorations that change no value are not run.",
                "At the last token the last block's output restores the clean score of an answer of one token by construction, and before"
                + " the subject nothing can change."));
        if (result.firstPosition().prompts() > 0) {
            notes.add((result.firstPosition().sink() ? "Position 0 is an attention sink" : "Position 0 is not an attention sink") + ": its"
                    + " residual stream is at most " + number(sink()) + " times as long as the mean of the other positions (over layers and "
                    + result.firstPosition().prompts() + " prompts)" + (result.firstPosition().sink() ? "; the token there is hardly read."
                    : "."));
        }
        if (result.window() > 1 && !result.firstBlock().embeds()) {
            notes.add("Windows that reach layer 0 hold its MLP, which often is a part of the embedding: what they restore is not a sign of a"
                    + " place to edit.");
        }
        if (result.averages().stream().anyMatch(a -> a.site().isSevered())) {
            notes.add("A severed path is only that at the restored token: other tokens' MLPs and attention see the restored value.");
        }
        if (!result.edits().isEmpty()) {
            notes.add("The value of an edit is optimized on all tokens of the answer with exact gradients; positions"
                    + " before the subject's last token are constants of it.");
            if (drawn) {
                notes.add("The facts to edit are drawn by the run's seed before anything is edited; each gets the answer of the fact two"
                        + " places on. The other facts of the relation, those whose edits choose the layer among them, are what must stay"
                        + " unchanged; no edit is optimized on them, but the corpus of the keys' covariance may mention them.");
            }
            if (noCorpus) {
                notes.add("Without a corpus the covariance of keys is estimated from the traced prompts only, and off-target divergence"
                        + " is not measured.");
            }
        }
        return notes;
    }
}
