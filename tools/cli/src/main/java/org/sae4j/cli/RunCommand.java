package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
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
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one experiment. */
@Command(name = "run", description = "Run an experiment and write result.json, its figures as data, and report.html.",
        versionProvider = Version.class)
final class RunCommand implements Runnable, Needs {
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
    private JsonOption json;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    RunCommand() {
    }

    @Override
    public List<String> missing() {
        return help ? List.of() : Usage.absent("'EXPERIMENT'", id, "'--model=DIR'", model, "'--output=DIR'", output);
    }

    @Override
    public void run() {
        if (id == null) {
            spec.commandLine().usage(spec.commandLine().getOut());
            return;
        }
        Experiment<?, ?> experiment = named(engineOption.experiments());
        if (help) {
            describe(experiment);
            return;
        }
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
        boolean data = json.begin();
        Terminal terminal = new Terminal();
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.RUN, overwriteOption.existing(), corpus.inputs(config, facts));
                Engine engine = engineOption.open(terminal);
                Transformer transformer = processOption.openWhole(model, engine)) {
            ExperimentRun.Builder builder = ExperimentRun.builder(transformer, engine).seed(seed).progress(terminal);
            try (SaeSet set = SaeSet.open(autoencoders, engine)) {
                set.autoencoders().forEach(builder::autoencoder);
                builder.corpus(corpus.documents(spec, terminal));
                if (transformer.tokenizer().isPresent()) {
                    builder.tokenization(corpus.tokenization(transformer));
                }
                if (facts != null) {
                    builder.facts(DataFiles.facts(facts));
                }
                ExperimentRun run = builder.build();
                ExperimentResult<R> result = run.run(experiment, bound);
                target.begin();
                Map<String, Object> provenance = run.provenance(experiment, bound);
                write(experiment, result, provenance);
                Terminal.endLine();
                if (data) {
                    json.print("run", values(experiment, result));
                } else {
                    print(result);
                }
            }
        }
        terminal.say("wrote " + output.resolve(OutputKinds.RESULT) + " and " + output.resolve(OutputKinds.REPORT));
    }

    private void print(ExperimentResult<?> result) {
        PrintWriter out = spec.commandLine().getOut();
        result.findings().forEach(finding -> out.println("- " + finding));
        out.flush();
    }

    private Map<String, Object> values(Experiment<?, ?> experiment, ExperimentResult<?> result) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("experiment", experiment.id());
        values.put("result", output.resolve(OutputKinds.RESULT).toString());
        values.put("report", output.resolve(OutputKinds.REPORT).toString());
        values.put("findings", result.findings());
        values.put("metrics", result.metrics().stream().map(metric -> {
            Map<String, @Nullable Object> m = new LinkedHashMap<>();
            m.put("name", metric.name());
            m.put("value", metric.value());
            m.put("unit", metric.unit());
            m.put("interval", metric.interval().map(i -> List.of(i.low(), i.high())).orElse(null));
            m.put("n", metric.n());
            return m;
        }).toList());
        return values;
    }

    private void write(Experiment<?, ?> experiment, ExperimentResult<?> result, Map<String, Object> provenance) {
        ResultJson.write(output.resolve(OutputKinds.RESULT), experiment, result, provenance);
        ResultJson.writeFigures(Paths.newFolder(output.resolve("figures")), result.figures());
        Report.builder(experiment.title()).subtitle(experiment.description()).provenance(provenance)
                .section(Section.of(experiment, result)).build().write(output.resolve(OutputKinds.REPORT));
    }
}
