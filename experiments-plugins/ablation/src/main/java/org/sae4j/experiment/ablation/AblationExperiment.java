package org.sae4j.experiment.ablation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.experiment.ablation.AblationResult.FeatureEffect;
import org.sae4j.experiment.ablation.internal.Figures;
import org.sae4j.experiment.ablation.internal.Labels;
import org.sae4j.experiment.ablation.internal.ModelEffects;
import org.sae4j.experiment.ablation.internal.Passes;
import org.sae4j.experiment.ablation.internal.Reconstruction;
import org.sae4j.experiment.ablation.internal.Replacements;
import org.sae4j.experiment.ablation.internal.Subject;
import org.sae4j.experiment.ablation.internal.Summary;

/**
 * Ablates features of an autoencoder and measures what that changes: the reconstruction, other features, and the model's own predictions.
 */
public final class AblationExperiment implements Experiment<AblationConfig, AblationResult> {
    /** Creates the experiment. It holds no state. */
    public AblationExperiment() {}

    @Override
    public String id() {
        return "ablation";
    }

    @Override
    public String title() {
        return "Feature ablation";
    }

    @Override
    public String description() {
        return "Takes features out of a reconstruction and out of the running model, and measures what changes: reconstruction, other"
                + " features, loss and predictions, with controls.";
    }

    @Override
    public AblationConfig defaults() {
        return new AblationConfig(List.of(), "", List.of(), 64, List.of(AblationMode.values()), 1, 5, 12, 4096, 0.01, 40, 1000, 4096);
    }

    @Override
    public ExperimentResult<AblationResult> run(AblationConfig config, ExperimentContext context) {
        SparseAutoencoder sae = context.sae();
        CounterRandom random = context.random("ablation");
        Subject subject = Subject.of(config, context, random.stream("text"));
        for (int feature : config.features()) {
            if (feature < 0 || feature >= sae.config().dSae()) {
                throw new Sae4jException("the autoencoder has no feature " + feature, "configuration of ablation, features",
                        "use numbers from 0 to " + (sae.config().dSae() - 1));
            }
        }
        Optional<Tokenizer> tokenizer = context.model().tokenizer();
        boolean corpus = !context.corpus().isEmpty() && tokenizer.isPresent();
        SparseRows reference = corpus ? context.encodedCorpus().features()
                : subject.features().rows(Math.min(subject.first(), subject.tokens().length - 1), subject.tokens().length);
        List<Integer> active = subject.active();
        List<Integer> detailed = config.features().isEmpty() ? active.stream().limit(config.detailed()).toList()
                : config.features().stream().distinct().toList();
        Replacements replacements = new Replacements(subject, config, reference, random.stream("replacements"));
        Passes passes = new Passes(context.model(), subject.hook(), config.batchTokens(), context.progress());
        ModelEffects effects = new ModelEffects(subject, config, passes, replacements, random.stream("intervals"), context.progress());

        Reconstruction.Measured reconstruction = new Reconstruction(subject, sae, config, replacements).measure(detailed);
        List<FeatureEffect> zero = effects.zero(Stream.concat(active.stream().limit(config.ranked()), config.features().stream())
                .distinct().toList());
        Labels.Measured labels = corpus && config.labelDocuments() > 0 ? new Labels(context, subject, config, passes,
                random.stream("labels")).measure() : new Labels.Measured(List.of(), new double[0][]);
        AblationResult result = new AblationResult(subject.hook().toString(), subject.labels(),
                IntStream.of(subject.tokens()).boxed().toList(), tokenizer.map(t -> t.token(subject.target()))
                .orElse("#" + subject.target()), subject.target(), subject.second(), subject.loss(), detailed, reconstruction.effects(),
                reconstruction.relative(), reconstruction.sorted(), zero, effects.modes(detailed, active), effects.byPosition(detailed),
                effects.byToken(detailed), effects.movers(detailed, tokenizer), effects.ranks(zero), labels.effects(), labels.matrix());
        Summary summary = new Summary(result, config, corpus, random.stream("summary"));
        List<String> notes = new ArrayList<>(summary.notes());
        effects.unattributed().ifPresent(why -> notes.add("Attributions are left out, as they need gradients. " + why + "."));
        if (sae.config().transcoder()) {
            notes.add("A transcoder's output is not encoded again, as it reads another hook point: effects on other features are left out.");
        }
        if (!corpus) {
            notes.add("Without a labeled corpus, means and resampled activations come from the text itself, and no labels are studied.");
        }
        return new ExperimentResult<>(result, summary.findings(), summary.metrics(), new Figures(result, config, context.seed()).draw(),
                notes);
    }
}
