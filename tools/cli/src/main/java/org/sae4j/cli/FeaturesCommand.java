package org.sae4j.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.features.ProfileSettings;
import org.sae4j.core.output.OutputFolder;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes the pages of features. */
@Command(name = "features", description = {"Show what features are about: where they fire, what they write, what is lost without them.",
        "Without --feature and --top: the best feature of each label, or 12 at random if the corpus has no labels."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class FeaturesCommand implements Runnable, Needs {
    private static final int UNLABELLED = 12;

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "The transformer's folder, or a GGUF file, with a tokenizer.")
    private Path model;

    @Option(names = "--sae", required = true, paramLabel = "DIR", description = "The autoencoder's folder or file.")
    private Path sae;

    @Mixin
    private CorpusOptions corpus;

    @ArgGroup
    private Choice choice = new Choice();

    @Option(names = "--facts", paramLabel = "FILE",
            description = "Facts to ask for with and without each feature: a JSON list of {relation, prompt, subject, answer}.")
    private Path facts;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of all random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "The folder to write: features.html and features.json.")
    private Path output;

    @Mixin
    private LabelsOption labels;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    /** Which features. */
    static final class Choice {
        @Option(names = "--feature", split = ",", paramLabel = "N", description = "Numbers of features, such as 12,34.")
        private List<Integer> features = List.of();

        @Option(names = "--top", paramLabel = "N", description = "The N best features of each label.")
        private Integer top;

        Choice() {
        }
    }

    FeaturesCommand() {
    }

    @Override
    public List<String> missing() {
        return corpus.missing();
    }

    @Override
    public void run() {
        if (choice.top != null && choice.top < 1) {
            throw new ParameterException(spec.commandLine(), "--top is at least 1, found " + choice.top);
        }
        processOption.check();
        Paths.existing(model, "--model");
        Paths.existing(sae, "--sae");
        List<Fact> asked = facts == null ? List.of() : DataFiles.facts(Paths.existing(facts, "--facts"));
        Terminal terminal = new Terminal();
        List<Document> documents = corpus.documents(spec, terminal);
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.FEATURES, overwriteOption.existing(), corpus.inputs(facts));
                Engine engine = engineOption.open(terminal);
                Transformer transformer = processOption.open(model, engine);
                SparseAutoencoder autoencoder = SparseAutoencoders.open(sae, engine)) {
            checkFeatures(autoencoder.config().dSae());
            Map<Integer, FeatureLabels.Label> names = labels.of(autoencoder);
            ExperimentRun run = ExperimentRun.builder(transformer, engine).autoencoder(autoencoder).corpus(documents)
                    .tokenization(corpus.tokenization(transformer)).facts(asked).seed(seed).progress(terminal).build();
            EncodedCorpus encoded = run.encodedCorpus();
            terminal.say(String.format(Locale.ROOT, "%,d tokens of %,d documents; %,d more were read and excluded",
                    encoded.features().rows(), documents.size(), encoded.leftOut()));
            LabelScores scores = LabelScores.of(encoded, terminal);
            FeatureProfiles profiles = FeatureProfiles.compute(transformer, autoencoder, scores, features(scores), asked,
                    ProfileSettings.of(seed), terminal);
            target.begin();
            new FeaturePages(profiles, names).write(output, run.provenance());
        }
        terminal.say("wrote " + output.resolve(FeaturePages.PAGE) + " and " + output.resolve(FeaturePages.DATA));
    }

    /** Before the corpus is encoded, which takes its time. */
    private void checkFeatures(int dSae) {
        for (int feature : choice.features) {
            if (feature < 0 || feature >= dSae) {
                throw new Sae4jException("no feature " + feature + ", only 0 to " + (dSae - 1), "--feature",
                        "choose features of this autoencoder");
            }
        }
    }

    private int[] features(LabelScores scores) {
        if (!choice.features.isEmpty()) {
            return choice.features.stream().mapToInt(Integer::intValue).toArray();
        }
        int[] best = FeatureProfiles.best(scores, choice.top == null ? 1 : choice.top);
        if (best.length > 0) {
            return best;
        }
        if (choice.top != null) {
            throw new Sae4jException("--top needs active features and at least two labels, found the labels " + scores.labels(),
                    corpus.paths().toString(), "label the texts (label, tab, text), or choose features with --feature");
        }
        int[] sample = FeatureProfiles.sample(scores, UNLABELLED, seed);
        if (sample.length == 0) {
            throw new Sae4jException("no feature is active in the corpus", corpus.paths().toString(),
                    "pass texts like those it was trained on, or choose features with --feature");
        }
        return sample;
    }
}
