package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.causaltracing.CausalTracingResult;
import org.sae4j.experiment.causaltracing.CausalTracingResult.LayerChoice;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEditedFact;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.ReplacementAverage;
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
    private final boolean anyKnown;
    private final Optional<HookPoint> features;

    /**
     * Prepares a summary.
     *
     * @param result what was measured
     * @param averages makes intervals
     * @param anyKnown whether the model knows some of the facts
     * @param features the hook point of the autoencoder whose features were sites, if any
     */
    public Summary(CausalTracingResult result, Averages averages, boolean anyKnown, Optional<HookPoint> features) {
        this.result = result;
        this.averages = averages;
        this.anyKnown = anyKnown;
        this.features = features;
        studied = result.facts().stream().filter(f -> f.known() || !anyKnown).toList();
    }

    private double[] clean() {
        return studied.stream().mapToDouble(TracedFact::clean).toArray();
    }

    private double[] corrupted() {
        return studied.stream().mapToDouble(TracedFact::corrupted).toArray();
    }

    private double[] totalEffects() {
        return studied.stream().mapToDouble(f -> f.clean() - f.corrupted()).toArray();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    private static String text(double value, Interval interval) {
        return Double.isNaN(interval.low()) ? number(value)
                : number(value) + " [" + number(interval.low()) + ", " + number(interval.high()) + "]";
    }

    /** {@return sentences with numbers, the most important first} */
    public List<String> findings() {
        List<String> findings = new ArrayList<>();
        int n = studied.size();
        Interval total = averages.interval(totalEffects(), "total effect");
        findings.add("Noise on the subject lowers the mean probability of the answer from " + number(Statistics.mean(clean())) + " to "
                + number(Statistics.mean(corrupted())) + " over " + n + (n == 1 ? " fact" : " facts") + " of the relation \""
                + result.relation()
                + "\": a total effect of " + text(Statistics.mean(totalEffects()), total) + ".");
        long known = result.facts().stream().filter(TracedFact::known).count();
        findings.add(anyKnown ? "The model's top prediction is the right answer for " + known + " of " + result.facts().size()
                + " facts; averages are over these." : "The model knows none of the " + result.facts().size()
                + " facts, so these traces say nothing about where facts are stored.");
        if (anyKnown && total.low() <= 0) {
            findings.add("The total effect is not distinguishable from 0, so indirect effects cannot locate anything here.");
        } else if (anyKnown) {
            findings.add(earlySite());
            lastToken().ifPresent(findings::add);
            strongest(Site.MLP_OUTPUT).ifPresent(findings::add);
            strongest(Site.ATTENTION_OUTPUT).ifPresent(findings::add);
            severed(Site.BLOCK_OUTPUT_MLP_SEVERED, "MLPs").ifPresent(findings::add);
            severed(Site.BLOCK_OUTPUT_ATTENTION_SEVERED, "attention").ifPresent(findings::add);
        }
        result.replacement().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && EARLY.contains(a.role()))
                .max(Comparator.comparingDouble(ReplacementAverage::recovery)).ifPresent(a -> findings.add("When the subject is replaced by"
                        + " another one, the best block output at the subject (" + a.role().title() + ", layer " + a.place() + ") recovers "
                        + text(a.recovery(), a.interval()) + " of the logit difference over " + a.n() + " facts."));
        result.featureShares().stream().max(Comparator.comparingDouble(s -> Math.abs(s.full()))).ifPresent(s -> findings.add("At "
                + features.map(HookPoint::toString).orElse("the autoencoder") + ", " + s.role().title() + ", all features together have an"
                + " indirect effect of " + text(s.allFeatures(), s.allFeaturesInterval()) + ", the part that is not reconstructed "
                + text(s.error(), s.errorInterval()) + ", both " + text(s.full(), s.fullInterval()) + "."));
        findings.addAll(editFindings());
        return findings;
    }

    private String earlySite() {
        List<RoleAverage> early = result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && EARLY.contains(a.role()))
                .toList();
        if (early.isEmpty()) {
            return "No prompt has a subject before its last token, so there is no early site to look for.";
        }
        RoleAverage best = early.stream().max(Comparator.comparingDouble(RoleAverage::indirectEffect)).orElseThrow();
        boolean found = !(best.interval().low() <= 0) && best.recovery() >= SUBSTANTIAL;
        return found ? "There is an early site: the block output of layer " + best.place() + " at the " + best.role().title() + " restores "
                + text(best.indirectEffect(), best.interval()) + " of probability, " + number(100 * best.recovery())
                + "% of the total effect." : "No early site was found: at the subject, the best block output (layer " + best.place() + ", "
                + best.role().title() + ") restores " + text(best.indirectEffect(), best.interval()) + " of probability, "
                + number(100 * best.recovery()) + "% of the total effect.";
    }

    private Optional<String> lastToken() {
        List<RoleAverage> late = result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && a.role() == TokenRole.LAST)
                .toList();
        return late.isEmpty() ? Optional.empty() : Optional.of("Block outputs at the last token restore, by layer, " + late.stream()
                .map(a -> a.place() + ": " + text(a.indirectEffect(), a.interval())).collect(Collectors.joining("; "))
                + "; the last layer restores everything by construction.");
    }

    private Optional<String> strongest(Site site) {
        return result.averages().stream().filter(a -> a.site() == site).max(Comparator.comparingDouble(RoleAverage::indirectEffect))
                .map(a -> "Of the " + site.title() + "s, the one of layer " + a.place() + " at the " + a.role().title()
                        + " has the largest average indirect effect, " + text(a.indirectEffect(), a.interval()) + " over " + a.n()
                        + " facts.");
    }

    /** Where severing a path takes most from the effect of a block output. */
    private Optional<String> severed(Site site, String path) {
        record Pair(RoleAverage whole, RoleAverage severed) {
            double lost() {
                return whole.indirectEffect() - severed.indirectEffect();
            }
        }
        return result.averages().stream().filter(a -> a.site() == site).flatMap(a -> result.averages().stream()
                .filter(w -> w.site() == Site.BLOCK_OUTPUT && w.place().equals(a.place()) && w.role() == a.role())
                .map(w -> new Pair(w, a))).max(Comparator.comparingDouble(Pair::lost)).map(p -> "With later " + path
                + " held at the corrupted values of the restored token, the block output of layer " + p.whole().place() + " at the "
                + p.whole().role().title() + " restores " + text(p.severed().indirectEffect(), p.severed().interval()) + " instead of "
                + text(p.whole().indirectEffect(), p.whole().interval()) + (p.lost() > SUBSTANTIAL * Math.abs(p.whole().indirectEffect())
                ? "; nowhere does more pass through this path." : ": the effect hardly passes through this path anywhere."));
    }

    /** The edits of one layer, and what is averaged over them. */
    private record LayerEdits(int layer, List<RankOneEdit> edits, Averages averages) {
        double[] before() {
            return edits.stream().mapToDouble(RankOneEdit::newBefore).toArray();
        }

        double[] after() {
            return edits.stream().mapToDouble(RankOneEdit::newAfter).toArray();
        }

        Interval afterInterval() {
            return averages.interval(after(), "edits " + layer);
        }

        int changed() {
            return (int) edits.stream().filter(RankOneEdit::changed).count();
        }

        Interval changedInterval() {
            return Averages.share(changed(), edits.size(), "edits");
        }

        int neighbors() {
            return edits.stream().mapToInt(RankOneEdit::neighbors).sum();
        }

        int unchanged() {
            return edits.stream().mapToInt(RankOneEdit::unchangedNeighbors).sum();
        }

        /** Neighbors of one edit stand or fall together, so edits are resampled. */
        Interval unchangedInterval() {
            return averages.interval(edits.stream().mapToDouble(e -> (double) e.unchangedNeighbors() / e.neighbors()).toArray(),
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
            findings.add("Rank-one edits at layer " + own.layer() + " raise the mean probability of the new answer from "
                    + number(Statistics.mean(own.before())) + " to " + text(Statistics.mean(own.after()), own.afterInterval())
                    + " over " + n
                    + (n == 1 ? " edit" : " edits") + "; " + own.changed() + " of " + n + " make it the top prediction"
                    + (own.neighbors() > 0 ? "; " + own.unchanged() + " of " + own.neighbors() + " other answers of the relation stay, "
                    + text((double) own.unchanged() / own.neighbors(), own.unchangedInterval()) : "") + ".");
        }
        result.massEdit().ifPresent(m -> findings.add("All " + m.facts().size() + " edits at once, spread over layers " + m.layers()
                + ", raise the mean probability of the new answer to " + text(Statistics.mean(massAfter(m)), massInterval(m)) + "; "
                + massChanged(m) + " of " + m.facts().size() + " make it the top prediction; " + m.unchangedNeighbors() + " of "
                + m.neighbors() + " answers of the relation that were not edited stay; entropy of what is written after the prompts "
                + number(m.fluencyBefore()) + " bits before and " + number(m.fluencyAfter()) + " after."));
        if (!result.edits().isEmpty()) {
            long undone = result.edits().stream().filter(RankOneEdit::undone).count();
            findings.add("After " + undone + " of " + result.edits().size() + " edits the original model gives the same bits as before.");
        }
        return findings;
    }

    private static double[] massAfter(MassEdit mass) {
        return mass.facts().stream().mapToDouble(MassEditedFact::newAfter).toArray();
    }

    private Interval massInterval(MassEdit mass) {
        return averages.interval(massAfter(mass), "mass edit");
    }

    private static long massChanged(MassEdit mass) {
        return mass.facts().stream().filter(MassEditedFact::changed).count();
    }

    private void add(List<Metric> metrics, MassEdit mass) {
        int n = mass.facts().size();
        metrics.add(Metric.of("mass edit efficacy", Statistics.mean(massAfter(mass)), "probability", massInterval(mass), n));
        metrics.add(Metric.of("mass-edited answers changed", (double) massChanged(mass) / n, "share",
                Averages.share((int) massChanged(mass), n, "facts"), n));
        if (mass.neighbors() > 0) {
            metrics.add(Metric.of("other answers unchanged, mass edit", (double) mass.unchangedNeighbors() / mass.neighbors(), "share",
                    Averages.share(mass.unchangedNeighbors(), mass.neighbors(), "facts"), mass.neighbors()));
        }
    }

    /** {@return the numbers to look at first} */
    public List<Metric> metrics() {
        List<Metric> metrics = new ArrayList<>();
        int n = studied.size();
        metrics.add(Metric.of("clean probability", Statistics.mean(clean()), "probability", averages.interval(clean(), "clean"), n));
        metrics.add(Metric.of("corrupted probability", Statistics.mean(corrupted()), "probability",
                averages.interval(corrupted(), "corrupted"), n));
        metrics.add(Metric.of("total effect", Statistics.mean(totalEffects()), "probability",
                averages.interval(totalEffects(), "total effect"), n));
        metrics.add(Metric.of("noise", result.noise(), "embedding units"));
        for (RoleAverage a : result.averages()) {
            if (a.site() == Site.BLOCK_OUTPUT && (a.role() == TokenRole.LAST_SUBJECT || a.role() == TokenRole.LAST)) {
                metrics.add(Metric.of("indirect effect, block output, " + a.role().title() + ", layer " + a.place(), a.indirectEffect(),
                        "probability", a.interval(), a.n()));
            }
        }
        for (LayerEdits own : editsByLayer()) {
            int edits = own.edits().size();
            metrics.add(Metric.of("edit efficacy, layer " + own.layer(), Statistics.mean(own.after()), "probability", own.afterInterval(),
                    edits));
            metrics.add(Metric.of("edited answers changed, layer " + own.layer(), (double) own.changed() / edits, "share",
                    own.changedInterval(), edits));
            if (own.neighbors() > 0) {
                metrics.add(Metric.of("other answers unchanged, layer " + own.layer(), (double) own.unchanged() / own.neighbors(), "share",
                        own.unchangedInterval(), own.neighbors()));
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
                "An answer is scored by its first token; answers that share it are not told apart.",
                "Noise takes the model off its data, and restoring one place in a noisy run can understate it; token replacement is the"
                + " check.",
                "A restored activation that recovers the answer carries enough information; it need not be where the fact is stored, and"
                + " edits can succeed at places that tracing does not single out (Hase et al. 2023).",
                "Runs resume from the corrupted residual stream before the restored layer; restorations that change no value are not run.",
                "At the last token the last block's output restores the clean score by construction, and before the subject nothing can"
                + " change."));
        if (result.averages().stream().anyMatch(a -> a.site().isSevered())) {
            notes.add("A severed path is that at the restored token alone: other tokens' MLPs and attention see the restored value.");
        }
        if (!result.edits().isEmpty()) {
            notes.add("The value of an edit is optimised on the answer's first token with exact gradients in double precision; positions"
                    + " before the subject's last token are constants of it.");
            if (drawn) {
                notes.add("The facts to edit are drawn by the run's seed before anything is edited; each gets the answer of the fact two"
                        + " places on. The other facts of the relation, those whose edits choose the layer among them, are what must stay"
                        + " unchanged; no edit is optimised on them, but the corpus of the keys' covariance may mention them.");
            }
            if (noCorpus) {
                notes.add("Without a corpus the covariance of keys is estimated from the traced prompts alone and off-target divergence"
                        + " is not measured.");
            }
        }
        return notes;
    }
}
