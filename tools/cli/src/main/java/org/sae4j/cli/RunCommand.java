package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.report.Report;
import org.sae4j.report.ResultJson;
import org.sae4j.report.Section;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one experiment. */
@Command(name = "run", description = "Run an experiment and write result.json, its figures as data, and report.html.",
        versionProvider = Version.class)
final class RunCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "EXPERIMENT", arity = "0..1", description = "The experiment's id; see sae experiments.")
    private String id;

    @Option(names = {"-h", "--help"}, description = "Show this help; after an experiment's id, also its settings.")
    private boolean help;

    @Option(names = "--model", paramLabel = "DIR", description = "The transformer's folder, or a GGUF file.")
    private Path model;

    @Option(names = "--sae", paramLabel = "DIR",
            description = "The autoencoder's folder or file; repeat it for more, the first one is under study.")
    private List<Path> autoencoders = List.of();

    @Option(names = "--config", paramLabel = "FILE", description = "Settings of the experiment, a JSON object.")
    private Path config;

    @Mixin
    private CorpusOptions corpus;

    @Option(names = "--facts", paramLabel = "FILE", description = "Facts: a JSON list of {relation, prompt, subject, answer}.")
    private Path facts;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of all random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--output", paramLabel = "DIR", description = "The folder to write to.")
    private Path output;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    RunCommand() {
    }

    @Override
    public void run() {
        if (id == null) {
            if (help) {
                spec.commandLine().usage(spec.commandLine().getOut());
                return;
            }
            throw new ParameterException(spec.commandLine(), "Missing required parameter: 'EXPERIMENT'");
        }
        Experiment<?, ?> experiment = named(engineOption.experiments());
        if (help) {
            describe(experiment);
            return;
        }
        Usage.require(spec, "'--model=DIR'", model, "'--output=DIR'", output);
        execute(experiment);
    }

    private Experiment<?, ?> named(Experiments experiments) {
        return Usage.argument(spec, () -> experiments.get(id));
    }

    private void describe(Experiment<?, ?> experiment) {
        spec.commandLine().usage(spec.commandLine().getOut());
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%n%s: %s%n%n%s%n%nSettings, for --config:%n", experiment.id(), experiment.title(), experiment.description());
        for (ConfigBinder.Setting setting : ConfigBinder.describe(experiment.defaults())) {
            out.printf("  %s (%s%s%s)%s%n      %s%n", setting.name(), setting.type(),
                    setting.unit().isEmpty() ? "" : " in " + setting.unit(), setting.range().isEmpty() ? "" : ", " + setting.range(),
                    setting.defaultValue().isEmpty() ? "" : " default " + setting.defaultValue(), setting.description());
        }
        out.flush();
    }

    private <C extends Record, R extends Record> void execute(Experiment<C, R> experiment) {
        C bound = config == null ? experiment.defaults() : ConfigBinder.bind(experiment.defaults(), config);
        processOption.check();
        Paths.existing(model, "--model");
        autoencoders.forEach(path -> Paths.existing(path, "--sae"));
        Terminal terminal = new Terminal();
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.RUN, overwriteOption.existing(), corpus.inputs(config, facts));
                Engine engine = engineOption.open(terminal);
                Transformer transformer = processOption.open(model, engine)) {
            ExperimentRun.Builder builder = ExperimentRun.builder(transformer, engine).seed(seed).progress(terminal);
            try (SaeSet set = SaeSet.open(autoencoders, engine)) {
                set.autoencoders().forEach(builder::autoencoder);
                if (corpus.isGiven()) {
                    builder.corpus(corpus.documents(spec, terminal)).tokenization(corpus.tokenization(transformer));
                }
                if (facts != null) {
                    builder.facts(DataFiles.facts(facts));
                }
                ExperimentRun run = builder.build();
                ExperimentResult<R> result = run.run(experiment, bound);
                target.begin();
                write(experiment, result, run.provenance(experiment, bound));
            }
        }
        terminal.say("wrote " + output.resolve(OutputKinds.RESULT) + " and " + output.resolve(OutputKinds.REPORT));
    }

    private void write(Experiment<?, ?> experiment, ExperimentResult<?> result, Map<String, Object> provenance) {
        ResultJson.write(output.resolve(OutputKinds.RESULT), experiment, result, provenance);
        ResultJson.writeFigures(Paths.newFolder(output.resolve("figures")), result.figures());
        Report.builder(experiment.title()).subtitle(experiment.description()).provenance(provenance)
                .section(Section.of(experiment, result)).build().write(output.resolve(OutputKinds.REPORT));
    }
}
