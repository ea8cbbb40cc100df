package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.store.RowSummary;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.ScalingLaw;
import org.sae4j.core.train.Setting;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures scaling laws. */
@Command(name = "sweep", mixinStandardHelpOptions = true, versionProvider = Version.class,
        description = {"Measure how an autoencoder's loss falls with compute, and which number of features and of steps a budget is best "
                + "spent on.", "Every pair of --features and --steps is trained separately, so that learning rate schedules end as "
                + "they should. Losses are of held-out rows: squared error summed over d plus the recipe's effective lambda times what it "
                + "penalizes. Compute is 12 d_in d_sae floating point operations for a token. Pairs that no cheaper pair matches form the "
                + "frontier; power laws are fitted to it.",
                "To continue after an interruption, run the same command with --resume: finished pairs are kept, started ones continue "
                + "from its last checkpoint."})
final class SweepCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--recipe", required = true, paramLabel = "NAME", description = "How to train; see sae train --list-recipes.")
    private String recipeName;

    @Option(names = "--activations", required = true, paramLabel = "FILE", description = "A safetensors file with activations.")
    private Path activations;

    @Option(names = "--tensor", paramLabel = "NAME", defaultValue = "data",
            description = "The tensor in it: [rows, d_in]. Default: ${DEFAULT-VALUE}.")
    private String tensor;

    @Option(names = "--features", required = true, split = ",", paramLabel = "N",
            description = "Numbers of features, such as 256,512,1024.")
    private List<Integer> features;

    @Option(names = "--steps", required = true, split = ",", paramLabel = "N", description = "Numbers of steps, such as 500,1000,2000.")
    private List<Long> steps;

    @Option(names = "--budget", paramLabel = "FLOP",
            description = "The compute to recommend a pair for; pairs that cost more are not trained. "
                    + "Default: the cost of the most expensive pair.")
    private Double budget;

    @Option(names = "--batch", paramLabel = "B", description = "Rows in a step. Default: the recipe's.")
    private Integer batch;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of initialisation and order. Default: the recipe's.")
    private Long seed;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting of the recipe, such as l1=1e-3; repeat for more.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--held-out", paramLabel = "ROWS",
            description = "Last rows of the file that are kept for evaluation. Default: a tenth of them, at most 10,000.")
    private Integer heldOut;

    @Option(names = "--jobs", paramLabel = "N", defaultValue = "1",
            description = "Pairs trained at once, each with its share of the processors. Results do not depend on it. Default: "
                    + "${DEFAULT-VALUE}.")
    private int jobs;

    @Option(names = "--output", required = true, paramLabel = "DIR",
            description = "The folder to write: runs/ with an autoencoder for each pair, sweep.json, report.html.")
    private Path output;

    @Mixin
    private ResumeOption resumeOption;

    @Mixin
    private EngineOption engineOption;

    SweepCommand() {
    }

    @Override
    public void run() {
        check("--features", features.stream().allMatch(n -> n > 0) && features.stream().distinct().count() == features.size());
        check("--steps", steps.stream().allMatch(n -> n > 0) && steps.stream().distinct().count() == steps.size());
        check("--jobs", jobs > 0);
        check("--budget", budget == null || budget > 0);
        Recipe recipe = recipe();
        ScalingLaw.checkComparable(recipe);
        Paths.existing(activations, "--activations");
        Terminal terminal = new Terminal();
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.SWEEP, resumeOption.existing(), activations);
                SafetensorsFile file = SafetensorsFile.open(activations)) {
            Tensor rows = Inputs.rows(file, tensor, 0);
            int width = rows.dim(-1);
            int count = Math.toIntExact(rows.size() / width);
            int kept = heldOut == null ? Math.clamp(count / 10, 1, 10_000) : heldOut;
            if (kept < 1 || kept >= count) {
                throw new Sae4jException("--held-out is " + kept + ", expected 1 to " + (count - 1), activations + " tensor " + tensor,
                        "keep some rows for training and some for evaluation");
            }
            SweepRuns runs = new SweepRuns(part(rows, 0, count - kept), part(rows, count - kept, count), output, engineOption, terminal);
            List<Recipe> pairs = pairs(recipe, width, terminal);
            String fingerprint = RowSummary.of(ActivationSource.sequential(rows), count, activations + " tensor " + tensor, terminal)
                    .sha256();
            target.begin();
            List<ScalingLaw.Point> points = runs.train(pairs, jobs, fingerprint);
            double spent = budget == null ? points.stream().mapToDouble(ScalingLaw.Point::compute).max().orElseThrow() : budget;
            SweepReport report = new SweepReport(recipe, points, spent, width, kept, "sha256 " + fingerprint);
            report.write(output);
            terminal.say(report.summary());
            terminal.say("wrote " + output.resolve("sweep.json") + " and " + output.resolve("report.html"));
        }
    }

    private void check(String option, boolean good) {
        if (!good) {
            throw new ParameterException(spec.commandLine(), option + " takes distinct positive numbers");
        }
    }

    private Recipe recipe() {
        Recipe recipe = Usage.argument(spec, () -> Recipes.get(recipeName)).with(settings);
        for (Setting swept : List.of(Setting.D_SAE, Setting.STEPS)) {
            if (settings.keySet().stream().anyMatch(key -> Setting.of(key) == swept)) {
                throw new ParameterException(spec.commandLine(), "--set " + swept.key() + " is swept; use --features and --steps instead");
            }
        }
        if (batch != null) {
            recipe = recipe.with(Setting.BATCH.key(), batch.toString());
        }
        return seed == null ? recipe : recipe.with(Setting.SEED.key(), seed.toString());
    }

    /** The pairs within the budget, the cheapest first. */
    private List<Recipe> pairs(Recipe recipe, int width, Terminal terminal) {
        List<Recipe> pairs = new ArrayList<>();
        int dear = 0;
        for (int n : features) {
            for (long s : steps) {
                if (budget != null && ScalingLaw.compute(width, n, recipe.batch(), s) > budget) {
                    dear++;
                } else {
                    pairs.add(recipe.with(Map.of(Setting.D_SAE.key(), Integer.toString(n), Setting.STEPS.key(), Long.toString(s))));
                }
            }
        }
        if (pairs.isEmpty()) {
            throw new Sae4jException(String.format(Locale.ROOT, "no pair costs at most %.3g floating point operations", budget),
                    "--budget", "raise it, or use fewer features or steps");
        }
        terminal.say(pairs.size() + " pairs to train" + (dear > 0 ? ", " + dear + " beyond the budget" : ""));
        pairs.sort(java.util.Comparator.comparingDouble(pair -> ScalingLaw.compute(width, pair.dSae(), pair.batch(), pair.steps())));
        return pairs;
    }

    private static Tensor part(Tensor rows, int from, int to) {
        long bytes = (long) rows.dim(-1) * Float.BYTES;
        return Tensor.ofSegment(rows.segment().asSlice(from * bytes, (to - from) * bytes), to - from, rows.dim(-1));
    }
}
