package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Supplier;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;

/** Trains autoencoders of several sizes and sparsities and tabulates how well they do: the data of scaling laws. */
public final class ScalingSweep {
    private ScalingSweep() {}

    /**
     * One trained autoencoder.
     *
     * @param recipe how it was trained
     * @param dSae number of features
     * @param sparsity k, or l1 where the recipe has no k
     * @param l0 mean number of active features
     * @param explainedVariance with the global mean
     * @param ceRecovered recovered cross-entropy, or empty if the evaluation had no model
     * @param dead features that never fired in the evaluated tokens
     * @param tokens evaluated
     */
    public record Row(Recipe recipe, int dSae, double sparsity, double l0, double explainedVariance, OptionalDouble ceRecovered, int dead,
            long tokens) {}

    /**
     * A recipe with every combination of sizes and sparsities.
     *
     * @param base the recipe
     * @param sizes numbers of features
     * @param sparsities values of k, or of l1 where the recipe has no k
     * @return the recipes, sparsities varying fastest
     * @throws org.sae4j.api.Sae4jException if a value is out of range
     */
    public static List<Recipe> grid(Recipe base, List<Integer> sizes, List<Double> sparsities) {
        List<Recipe> recipes = new ArrayList<>();
        for (int size : sizes) {
            for (double sparsity : sparsities) {
                recipes.add(base.with("d_sae", Integer.toString(size)).with(sparsityOf(base).key(), Double.toString(sparsity)));
            }
        }
        return recipes;
    }

    private static Setting sparsityOf(Recipe recipe) {
        return recipe.hasK() ? Setting.K : Setting.L1;
    }

    /**
     * Trains and evaluates, one recipe after the other.
     *
     * @param engine runs training and evaluation
     * @param recipes what to train
     * @param source makes a source at its start for each of them
     * @param evaluation evaluates an open autoencoder, for example over held-out activations
     * @param progress told of every step
     * @return one row for each recipe
     * @throws java.util.concurrent.CancellationException if cancelled
     * @throws org.sae4j.api.Sae4jException as {@link Trainer}
     */
    public static List<Row> run(Engine engine, List<Recipe> recipes, Supplier<ActivationSource> source,
            Function<SparseAutoencoder, Evaluation> evaluation, Progress progress) {
        List<Row> rows = new ArrayList<>();
        for (Recipe recipe : recipes) {
            TrainedSae trained;
            try (Trainer trainer = Trainer.builder(engine, recipe, source.get()).build()) {
                trainer.run(progress);
                trained = trainer.result();
            }
            try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
                Evaluation result = evaluation.apply(sae);
                double sparsity = recipe.hasK() ? recipe.whole(Setting.K) : recipe.number(Setting.L1);
                OptionalDouble recovered = result.recovered().map(r -> OptionalDouble.of(r.ceRecovered())).orElse(OptionalDouble.empty());
                rows.add(new Row(recipe, recipe.dSae(), sparsity, result.l0(), result.explainedVariance(), recovered, result.dead(),
                        result.tokens()));
            }
        }
        return rows;
    }
}
