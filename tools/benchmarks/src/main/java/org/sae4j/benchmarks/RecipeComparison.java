package org.sae4j.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.Trainer;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** How good an autoencoder every recipe gives, on activations that it has not seen: explained variance, L0, dead features. */
public final class RecipeComparison {
    private static final int HELD_OUT = 50_000;

    private RecipeComparison() {}

    /**
     * Prints a table.
     *
     * @param args a store to train on and a store of held-out activations, as {@code sae harvest} writes them; then names of recipes (none
     *     for all) and settings {@code KEY=VALUE} for each of them
     */
    public static void main(String[] args) {
        if (args.length < 2) {
            throw new IllegalArgumentException("expected a store, a store of held-out activations, recipes, settings");
        }
        List<String> names = new ArrayList<>();
        Map<String, String> settings = new LinkedHashMap<>();
        for (String argument : List.of(args).subList(2, args.length)) {
            int at = argument.indexOf('=');
            if (at < 0) {
                names.add(argument);
            } else {
                settings.put(argument.substring(0, at), argument.substring(at + 1));
            }
        }
        System.out.println("| recipe | features | steps of rows | explained variance | L0 | dead | tokens/s |");
        System.out.println("|---|---|---|---|---|---|---|");
        try (Engine engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
                ActivationStore store = ActivationStore.open(Path.of(args[0]));
                ActivationStore heldOut = ActivationStore.open(Path.of(args[1]))) {
            for (Recipe recipe : Recipes.all()) {
                if (names.isEmpty() || names.contains(recipe.name())) {
                    print(engine, recipe.with(settings), store, heldOut);
                }
            }
        }
    }

    private static void print(Engine engine, Recipe recipe, ActivationStore store, ActivationStore heldOut) {
        TrainedSae trained;
        long start = System.nanoTime();
        try (Trainer trainer = Trainer.builder(engine, recipe, store.all().shuffled(recipe.seed())).build()) {
            trainer.run(Progress.NONE);
            trained = trainer.result();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        ActivationSource rows = heldOut.all().sequential();
        try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
            Evaluation e = Evaluator.evaluate(sae, rows::next, Math.min(HELD_OUT, heldOut.rows()), Double.POSITIVE_INFINITY,
                    Progress.NONE);
            System.out.printf(Locale.ROOT, "| %s | %d | %d of %d | %.3f | %.1f | %.1f%% | %,.0f |%n", recipe.name(), recipe.dSae(),
                    recipe.steps(), recipe.batch(), e.explainedVariance(), e.l0(), 100.0 * e.dead() / recipe.dSae(),
                    recipe.steps() * recipe.batch() / seconds);
        }
    }
}
