package org.sae4j.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.Trainer;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** Whether recipes find the directions that {@link SuperpositionSource} is made of. */
public final class Superposition {
    private static final Map<String, String> COMMON = Map.of("d_sae", "1024", "batch", "1024", "steps", "2441");
    private static final List<String> STUDY = List.of(
            "openai-topk k=6 lr=1e-3 dead_after=200000",
            "openai-topk k=6 lr=1e-3 dead=none",
            "batch-topk k=5 lr=3e-3 beta2=0.999 lr_decay=500 error=normalized dead_after=20000",
            "batch-topk k=5 lr=3e-3 beta2=0.999 lr_decay=500 error=normalized dead=none",
            "neel-run1 lr=1e-3 dead=none l1=3e-5/1e-4/2e-4/3e-4/5e-4",
            "neel-run1 lr=1e-3 l1=3e-4/5e-4 dead=resample dead_after=50000 resample_every=300 resample_until=1500 resample_inputs=20480",
            "anthropic-april-2024 lr=1e-3 lr_decay=500 l1_warm_up=500 l1=0.5/1/2/4/8",
            "jumprelu batch=256 steps=9765 lr=1e-3 lr_warm_up=100 lr_decay=2000 l1_warm_up=4000 bandwidth=1 threshold_init=0.5 dead=aux_k "
                    + "dead_after=20000 l1=1.5/2.5/4/8",
            "jumprelu batch=256 steps=9765 lr=1e-3 lr_warm_up=100 lr_decay=2000 l1_warm_up=4000 bandwidth=1 threshold_init=0.5 l1=2.5");

    private final Engine engine;
    private final int directions;
    private final int width;
    private final double probability;
    private final long seed;
    private final int heldOut;

    /**
     * Chooses the data.
     *
     * @param engine trains and evaluates
     * @param directions number of true directions
     * @param width dimensions
     * @param probability of a direction to be active
     * @param seed of the data
     * @param heldOut rows to evaluate on
     */
    Superposition(Engine engine, int directions, int width, double probability, long seed, int heldOut) {
        this.engine = engine;
        this.directions = directions;
        this.width = width;
        this.probability = probability;
        this.seed = seed;
        this.heldOut = heldOut;
    }

    /**
     * How one recipe did.
     *
     * @param recipe the recipe
     * @param similarity mean over the true directions of the largest cosine with a decoder row
     * @param dead features that never fire in the held-out rows
     * @param evaluation on the held-out rows
     * @param seconds of training
     */
    record Outcome(Recipe recipe, double similarity, int dead, Evaluation evaluation, double seconds) {
        double deadShare() {
            return (double) dead / recipe.dSae();
        }
    }

    /** Trains and looks. */
    Outcome train(Recipe recipe) {
        SuperpositionSource source = new SuperpositionSource(directions, width, probability, seed, "training");
        long start = System.nanoTime();
        TrainedSae trained;
        try (Trainer trainer = Trainer.builder(engine, recipe, source).build()) {
            trainer.run(Progress.NONE);
            trained = trainer.result();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        float[] rows = new float[Math.multiplyExact(heldOut, width)];
        new SuperpositionSource(directions, width, probability, seed, "held out").next(rows);
        try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
            Evaluation evaluation = Evaluator.evaluate(sae, Tensor.of(rows, heldOut, width), Progress.NONE);
            double similarity = similarity(source.directions(), Objects.requireNonNull(trained.parameters().get("W_dec")));
            return new Outcome(recipe, similarity, evaluation.dead(), evaluation, seconds);
        }
    }

    /** The mean over unit directions of the largest cosine with a row. */
    static double similarity(float[][] directions, Tensor decoder) {
        int width = directions[0].length;
        float[][] rows = new float[decoder.dim(0)][];
        double[] norms = new double[rows.length];
        for (int r = 0; r < rows.length; r++) {
            rows[r] = decoder.row(r);
            double sum = 0;
            for (float value : rows[r]) {
                sum += (double) value * value;
            }
            norms[r] = Math.sqrt(sum);
        }
        double total = 0;
        for (float[] direction : directions) {
            double best = -1;
            for (int r = 0; r < rows.length; r++) {
                double dot = 0;
                for (int c = 0; c < width; c++) {
                    dot += (double) direction[c] * rows[r][c];
                }
                best = norms[r] > 0 ? Math.max(best, dot / norms[r]) : best;
            }
            total += best;
        }
        return total / directions.length;
    }

    /**
     * The recipes of a line such as {@code jumprelu bandwidth=1 l1=1/2/3}: one for each value between slashes.
     *
     * @param line a recipe's name and settings
     * @return the recipes
     */
    static List<Recipe> recipes(String line) {
        List<Recipe> recipes = new ArrayList<>();
        String[] words = line.split(" ");
        Map<String, String> settings = new LinkedHashMap<>(COMMON);
        String swept = null;
        for (String word : List.of(words).subList(1, words.length)) {
            String[] pair = word.split("=", 2);
            settings.put(pair[0], pair[1]);
            swept = pair[1].contains("/") ? pair[0] : swept;
        }
        for (String value : swept == null ? new String[] {""} : Objects.requireNonNull(settings.get(swept)).split("/")) {
            if (swept != null) {
                settings.put(swept, value);
            }
            recipes.add(Recipes.get(words[0]).with(settings));
        }
        return recipes;
    }

    /** What differs from the recipe's own settings. */
    private static String changes(Recipe recipe) {
        Map<String, String> own = Recipes.get(recipe.name()).settings();
        return recipe.name() + recipe.settings().entrySet().stream()
                .filter(e -> !e.getValue().equals(COMMON.get(e.getKey())) && !e.getValue().equals(own.get(e.getKey())))
                .map(e -> " " + e.getKey() + "=" + e.getValue()).collect(Collectors.joining());
    }

    /**
     * Trains on 2.5 million rows of 1,024 directions in 128 dimensions, each active with probability 0.005, and prints a row of a table for
     * every recipe.
     *
     * @param lines recipes and settings, each in one argument, such as {@code "jumprelu bandwidth=1 l1=1/2/3"}; none for the whole study
     */
    public static void main(String[] lines) {
        try (Engine engine = new CpuEngineProvider().open(EngineOptions.DEFAULT)) {
            Superposition study = new Superposition(engine, 1024, 128, 0.005, 0, 200_000);
            System.out.println("| recipe | mean max cosine | dead features | L0 | explained variance | seconds |");
            System.out.println("|---|---|---|---|---|---|");
            for (String line : lines.length == 0 ? STUDY : List.of(lines)) {
                for (Recipe recipe : recipes(line)) {
                    Outcome o = study.train(recipe);
                    System.out.printf(Locale.ROOT, "| %s | %.3f | %.1f%% | %.1f | %.3f | %.0f |%n", changes(recipe), o.similarity(),
                            100 * o.deadShare(), o.evaluation().l0(), o.evaluation().explainedVariance(), o.seconds());
                }
            }
        }
    }
}
