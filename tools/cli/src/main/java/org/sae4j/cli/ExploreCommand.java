package org.sae4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Transformers;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.OutputFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** From a model and texts to features. */
@Command(name = "explore", description = {"Look into a model: from its folder and some texts to a page of all its features.",
        "Picks hook point, number of features and length of training for the texts and this machine, says what it picked and how long it "
                + "will take, and then harvests activations, trains an autoencoder, evaluates it and profiles every feature. On a terminal "
                + "it then opens the page of sae serve.",
        "After Ctrl-C, the same command goes on where it was."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ExploreCommand implements Runnable {
    /** What a plan may be longer than was asked for before that is said. */
    private static final double LONGER = 1.2;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "MODEL", description = "The transformer's folder, or a GGUF file, with a tokenizer.")
    private Path model;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "TEXT", description = "Files and folders of texts in UTF-8; other files in a "
            + "folder are skipped. Of several, each is a label; of one folder, its folders are, or else the endings of its files.")
    private List<Path> texts;

    @Option(names = "--hook", paramLabel = "HOOK", description = "The hook point. Default: the residual stream in the middle of the model; "
            + "of a model with one block, its MLP's hidden layer.")
    private String hook;

    @Option(names = "--features", paramLabel = "N", description = "Number of features, d_sae. Default: up to four times the width, as time "
            + "allows.")
    private Integer features;

    @Option(names = "--recipe", paramLabel = "NAME", defaultValue = "batch-topk", description = "How to train; see sae train "
            + "--list-recipes. Default: ${DEFAULT-VALUE}.")
    private String recipe;

    @Option(names = "--k", paramLabel = "N", defaultValue = "32", description = "Features that are active for a token, as a mean. Default: "
            + "${DEFAULT-VALUE}.")
    private int k;

    @Option(names = "--minutes", paramLabel = "M", defaultValue = "10", description = "About how long all of it may take; more gives better "
            + "features. Default: ${DEFAULT-VALUE}.")
    private double minutes;

    @Option(names = "--plan", description = "Say what would be done and how long it would take, and end.")
    private boolean planOnly;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of all random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--output", paramLabel = "DIR", description = "The folder to write. Default: explore- and the model's name, in the "
            + "current folder.")
    private Path output;

    @Option(names = "--serve", negatable = true, description = "When done, open the page of sae serve on this machine until Ctrl-C. Default: on "
            + "a terminal.")
    private Boolean serve;

    @Option(names = "--port", paramLabel = "N", defaultValue = ServeCommand.PORT, description = ServeCommand.PORT_DESCRIPTION)
    private int port;

    @Mixin
    private LabelsOption labels;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private EngineOption engineOption;

    ExploreCommand() {
    }

    @Override
    public void run() {
        if (!(minutes > 0)) {
            throw new ParameterException(spec.commandLine(), "--minutes is more than 0, found " + minutes);
        }
        if (k < 1 || features != null && features < k) {
            throw new ParameterException(spec.commandLine(), "--k is at least 1 and at most the number of features, found " + k);
        }
        ServeCommand.checkPort(port, spec);
        Paths.existing(model, "MODEL");
        texts.forEach(path -> Paths.existing(path, "TEXT"));
        Path folder = output != null ? output : Path.of("explore-" + name());
        Terminal terminal = new Terminal();
        boolean anew = overwriteOption.existing() == Existing.OVERWRITE;
        try (OutputFolder target = OutputFolder.open(folder, OutputKinds.EXPLORATION, anew ? Existing.OVERWRITE : Existing.RESUME);
                Engine engine = engineOption.open(terminal);
                Transformer transformer = ProcessOption.whole(Transformers.open(model, engine))) {
            transformer.tokenization();
            Exploration exploration = new Exploration(transformer, engine, folder, model, texts, seed, terminal);
            Path planFile = folder.resolve(OutputKinds.PLAN);
            Map<String, String> inputs = inputs(transformer);
            ExplorePlan plan;
            if (!anew && Files.exists(planFile)) {
                plan = ExplorePlan.read(planFile);
                same(plan.inputs(), inputs, folder);
                terminal.say("going on with " + folder + ", as picked before:");
                exploration.readTexts();
            } else {
                target.begin();
                exploration.writeTexts();
                plan = exploration.plan(inputs, hook, features, recipe, k, minutes);
                terminal.say("picked, and the options that pick otherwise:");
            }
            plan.lines().forEach(terminal::say);
            terminal.say(plan.time() + " (as measured on this machine just now; Ctrl-C ends it, the same command goes on)");
            if (plan.total() > LONGER * 60 * minutes) {
                terminal.say("note: that is longer than --minutes " + minutes + ": it is the least that gives features at all here");
            }
            if (planOnly) {
                return;
            }
            plan.write(planFile);
            exploration.carryOut(plan, labels);
            if (serve == null ? Terminal.isInteractive() : serve) {
                exploration.serve(plan, labels, port);
            }
        }
    }

    private String name() {
        Path last = model.toAbsolutePath().normalize().getFileName();
        return last == null ? "model" : last.toString().replaceFirst("\\.gguf$", "").replaceAll("[^A-Za-z0-9._-]", "-");
    }

    /** What an exploration is of; another command line must not go on with it. */
    private Map<String, String> inputs(Transformer transformer) {
        Map<String, String> inputs = new LinkedHashMap<>();
        inputs.put("model", transformer.fingerprint());
        inputs.put("texts", ExploreTexts.fingerprint(texts));
        inputs.put("--hook", hook == null ? "" : hook);
        inputs.put("--features", features == null ? "" : features.toString());
        inputs.put("--recipe", recipe);
        inputs.put("--k", Integer.toString(k));
        inputs.put("--minutes", Double.toString(minutes));
        inputs.put("--seed", Long.toString(seed));
        return inputs;
    }

    private static void same(Map<String, String> before, Map<String, String> now, Path folder) {
        TreeSet<String> changed = new TreeSet<>();
        now.forEach((name, value) -> {
            if (!value.equals(before.get(name))) {
                changed.add(name);
            }
        });
        if (!changed.isEmpty()) {
            throw new Sae4jException("an exploration with other inputs stands here, differing in " + String.join(", ", changed),
                    folder.toString(), "give another --output, or --overwrite to begin anew");
        }
    }
}
