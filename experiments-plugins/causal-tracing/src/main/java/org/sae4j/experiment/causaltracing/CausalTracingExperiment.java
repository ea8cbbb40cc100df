package org.sae4j.experiment.causaltracing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FeatureEffect;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FeatureShare;
import org.sae4j.experiment.causaltracing.CausalTracingResult.ReplacementAverage;
import org.sae4j.experiment.causaltracing.CausalTracingResult.SiteTrace;
import org.sae4j.experiment.causaltracing.CausalTracingResult.SweepPoint;
import org.sae4j.experiment.causaltracing.CausalTracingResult.TracedFact;
import org.sae4j.experiment.causaltracing.internal.Averages;
import org.sae4j.experiment.causaltracing.internal.BatchedRuns;
import org.sae4j.experiment.causaltracing.internal.Corruption;
import org.sae4j.experiment.causaltracing.internal.EditSeries;
import org.sae4j.experiment.causaltracing.internal.FeatureTracer;
import org.sae4j.experiment.causaltracing.internal.Figures;
import org.sae4j.experiment.causaltracing.internal.FirstPositions;
import org.sae4j.experiment.causaltracing.internal.NoiseSweep;
import org.sae4j.experiment.causaltracing.internal.NoiseValues;
import org.sae4j.experiment.causaltracing.internal.Place;
import org.sae4j.experiment.causaltracing.internal.Prompt;
import org.sae4j.experiment.causaltracing.internal.Prompts;
import org.sae4j.experiment.causaltracing.internal.Summary;
import org.sae4j.experiment.causaltracing.internal.Tracer;

/**
 * Causal tracing and rank-one editing (Meng et al. 2022, "Locating and editing factual associations in GPT"): which activations, restored
 * to their clean values, bring a fact back that noise on its subject destroyed.
 */
public final class CausalTracingExperiment implements Experiment<CausalTracingConfig, CausalTracingResult> {
    private static final List<Site> MAIN_SITES = List.of(Site.BLOCK_OUTPUT, Site.MLP_OUTPUT, Site.ATTENTION_OUTPUT);

    /** Creates the experiment. It holds no state. */
    public CausalTracingExperiment() {}

    @Override
    public String id() {
        return "causal-tracing";
    }

    @Override
    public String title() {
        return "Causal tracing";
    }

    @Override
    public String description() {
        return "Destroys a fact by noise on its subject and restores single activations to find those that carry it; then rewrites facts by"
                + " rank-one edits of single MLPs.";
    }

    @Override
    public CausalTracingConfig defaults() {
        return new CausalTracingConfig("", List.of(), List.of(), List.of(), 100, 0, 10, 3, List.of(), 0,
                List.of(Site.BLOCK_OUTPUT_MLP_SEVERED, Site.BLOCK_OUTPUT_ATTENTION_SEVERED), 2, 6, 16, 1000, 4096,
                new CausalTracingConfig.Edit(10, 5, "", "", List.of(), List.of(), List.of(), 10_000, 0.01, 60, 0.2, 4, 0.2, 0.0625, 500, 20,
                        List.of(), 100));
    }

    @Override
    public ExperimentResult<CausalTracingResult> run(CausalTracingConfig config, ExperimentContext context) {
        TransformerConfig model = context.model().config();
        if (model.nLayers() == 0) {
            throw new Sae4jException("there is nothing to restore in a model without blocks", model.name(), "use another model");
        }
        Optional<String> unedited = config.edit().facts() == 0 ? Optional.empty() : whyUnedited(context.model());
        BatchedRuns runs = new BatchedRuns(context.model(), config.batchTokens(), context.progress());
        Prompts prompts = new Prompts(context, runs);
        List<Prompt> read = prompts.read(Prompts.select(config, context.facts()));
        if (config.shownFact() >= read.size()) {
            throw new Sae4jException("no fact number " + config.shownFact() + ": the run has " + read.size(),
                    "configuration of causal tracing, shownFact", "choose a number from 0 to " + (read.size() - 1));
        }
        int window = config.window() > 0 ? config.window() : (int) Math.max(1, Math.round(model.nLayers() * 10 / 48.0));
        List<Place> places = sites(config, model).stream().flatMap(site -> Place.of(site, model, window).stream())
                .filter(place -> context.model().hookPoints().containsAll(Place.hooks(List.of(place)))).toList();
        CounterRandom random = context.random("causal-tracing");
        double deviation = Corruption.embeddingDeviation(read, Objects.requireNonNull(context.model().parameters().get("embed.W_E")));
        CounterRandom noise = random.stream("noise");
        float[][][] ownNoise = NoiseValues.of(config, read, model.dModel());
        List<Corruption.Case> cases = read.stream().map(p -> ownNoise.length > 0 ? Corruption.noise(p, ownNoise)
                : Corruption.noise(p, config.noiseRows(), config.noise() * deviation, model.dModel(), noise)).toList();

        Tracer tracer = new Tracer(runs, context.model(), context.progress());
        List<Tracer.Trace> traces = tracer.trace(cases, places, "tracing facts");
        List<TracedFact> facts = traces.stream().map(trace -> traced(trace, prompts)).toList();
        boolean given = read.stream().anyMatch(Prompt::given);
        boolean anyKnown = read.stream().anyMatch(p -> p.given() && p.known());
        List<Prompt> studied = anyKnown ? read.stream().filter(p -> p.given() && p.known()).toList() : read;
        List<Tracer.Trace> averaged = traces.stream().filter(t -> studied.contains(t.traced().prompt())).toList();
        Averages averages = new Averages(config.resamples(), random.stream("averages"));

        List<ReplacementAverage> replacement = List.of();
        if (config.replacements() > 0) {
            List<Place> main = places.stream().filter(p -> MAIN_SITES.contains(p.site())).toList();
            replacement = averages.recoveries(tracer.trace(Corruption.replacement(studied, config.replacements(),
                    random.stream("replacement")), main, "replacing subjects"), main);
        }
        List<SweepPoint> sweep = config.sweepTo() == 0 ? List.of() : NoiseSweep.run(runs, config.sweepTo(), multiple -> studied.stream()
                .map(p -> Corruption.noise(p, config.noiseRows(), multiple * deviation, model.dModel(), noise)).toList(), averages,
                context.progress());

        List<FeatureEffect> features = List.of();
        List<FeatureShare> shares = List.of();
        Optional<SparseAutoencoder> sae = FeatureTracer.fitting(context);
        if (config.features() > 0 && sae.isPresent()) {
            FeatureTracer featureTracer = new FeatureTracer(runs, tracer, sae.get());
            features = featureTracer.single(cases.get(config.shownFact()), config.features());
            shares = featureTracer.shares(cases.stream().filter(c -> studied.contains(c.prompt())).toList(), averages);
        }
        EditSeries.Outcome edits = unedited.isEmpty() ? new EditSeries(config, context, runs, prompts).run(studied)
                : new EditSeries.Outcome(List.of(), List.of(), Optional.empty());

        CausalTracingResult result = new CausalTracingResult(read.getFirst().fact().relation(), ownNoise.length > 0
                ? NoiseValues.deviation(ownNoise) : config.noise() * deviation, Corruption.values(cases.get(config.shownFact())), window, facts,
                averages.indirectEffects(averaged, places), replacement, sweep, FirstPositions.of(runs, read, model.nLayers()),
                FirstPositions.firstBlock(runs, read), features,
                shares, edits.choices(), edits.edits(), edits.mass());
        TracedFact shown = facts.get(config.shownFact());
        Summary summary = new Summary(result, averages, given, anyKnown, sae.flatMap(s -> s.config().hook()));
        List<String> notes = new ArrayList<>(Prompts.notes(read));
        unedited.ifPresent(why -> notes.add("Facts are not edited: " + why + "."));
        notes.addAll(summary.notes(context.corpus().isEmpty(), config.edit().subject().isEmpty()));
        return new ExperimentResult<>(result, summary.findings(), summary.metrics(), new Figures(result, shown, context.seed()).draw(),
                notes);
    }

    /**
     * Why facts are not edited, if they cannot be. It is asked before the traces, which take long: an edit sets what W_out gives, so no norm
     * may lie behind it, and it is found by gradients, which not every engine has.
     */
    private static Optional<String> whyUnedited(Transformer model) {
        TransformerConfig config = model.config();
        List<HookPoint> hooks = model.hookPoints();
        HookPoint output = new HookPoint(HookPoint.Site.MLP_OUT, 0);
        int hidden = hooks.indexOf(HookPoint.mlpPost(0));
        if (hidden < 0 || hidden > hooks.indexOf(output)
                || hooks.subList(hidden, hooks.indexOf(output)).stream().anyMatch(hook -> hook.site().suffix().endsWith("hook_scale"))) {
            return Optional.of("an edit sets what W_out gives, and this model of family " + config.family()
                    + (config.dMlp() == 0 ? " has no MLPs" : " normalizes that before it becomes the MLP's output"));
        }
        try {
            model.gradients(new int[][] {{0, 0}}, GradientPlan.of(GradientPlan.Objective.logProbability(0, -1, 0)).by(output).build());
            return Optional.empty();
        } catch (Sae4jException e) {
            return Optional.of("an edit needs gradients. " + e.getMessage());
        }
    }

    private static List<Site> sites(CausalTracingConfig config, TransformerConfig model) {
        Set<Site> sites = new LinkedHashSet<>(MAIN_SITES);
        sites.addAll(model.nLayers() == 1 ? Arrays.asList(Site.values()) : config.sites());
        if (model.nLayers() == 1) {
            sites.removeIf(Site::isSevered); // there is nothing behind the only block
        }
        return List.copyOf(sites);
    }

    private static TracedFact traced(Tracer.Trace trace, Prompts prompts) {
        Prompt prompt = trace.traced().prompt();
        List<SiteTrace> sites = new ArrayList<>();
        for (Site site : Site.values()) {
            List<Place> places = trace.restored().keySet().stream().filter(p -> p.site() == site).toList();
            if (!places.isEmpty()) {
                double[][] restored = new double[prompt.tokens().length][places.size()];
                for (int column = 0; column < places.size(); column++) {
                    double[] byToken = Objects.requireNonNull(trace.restored().get(places.get(column)));
                    for (int token = 0; token < byToken.length; token++) {
                        restored[token][column] = byToken[token];
                    }
                }
                sites.add(new SiteTrace(site, places.stream().map(Place::label).toList(), restored));
            }
        }
        return new TracedFact(prompt.fact().prompt(), prompt.fact().subject(), prompt.fact().answer(),
                prompts.tokenizer().tokens(prompt.answer()), prompt.given(), prompts.tokenizer().token(prompt.top()), prompt.known(),
                prompt.labels(),
                prompt.roles(), trace.clean(), trace.corruptedMean(), trace.corrupted(), sites);
    }
}
