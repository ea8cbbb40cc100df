package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Method;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.ProjectionResult;

/** Maps of features by principal components and by UMAP, with how far they can be trusted. */
final class Projections {
    private static final int COMPONENTS = 10;
    private static final int LEAST_POINTS = 5;

    private final NeighborhoodConfig config;
    private final ExperimentContext context;
    private final Function<Source, int[]> points;
    private final Layout layout;

    Projections(NeighborhoodConfig config, ExperimentContext context, Function<Source, int[]> points) {
        this.config = config;
        this.context = context;
        this.points = points;
        layout = new UmapLayout(config.umapNeighbors(), config.umapEpochs());
    }

    /** Features by what makes them similar. */
    interface Table {
        /** All similarities. */
        Similarities all();

        /** The vectors of some features: unit rows, or for correlations the rows of their matrix. */
        UnitRows vectors(int[] chosen, float[][] similarities);

        /** The similarities among some features. */
        float[][] among(int[] chosen);

        /** Features given as unit rows. */
        static Table of(Engine engine, UnitRows rows, String stage, Progress progress) {
            return new Table() {
                @Override
                public Similarities all() {
                    return new Cosines(engine, rows, rows, stage, progress);
                }

                @Override
                public UnitRows vectors(int[] chosen, float[][] similarities) {
                    return rows.pick(chosen);
                }

                @Override
                public float[][] among(int[] chosen) {
                    UnitRows picked = rows.pick(chosen);
                    float[][] among = new float[chosen.length][];
                    new Cosines(engine, picked, picked, stage, progress).forEach((i, row) -> among[i] = row.clone());
                    return among;
                }
            };
        }

        /** Features given by their activations. */
        static Table of(Correlations correlations) {
            return new Table() {
                @Override
                public Similarities all() {
                    return correlations;
                }

                @Override
                public UnitRows vectors(int[] chosen, float[][] similarities) {
                    int n = chosen.length;
                    float[] data = new float[n * n];
                    for (int i = 0; i < n; i++) {
                        System.arraycopy(similarities[i], 0, data, i * n, n);
                    }
                    return new UnitRows(data, n, n);
                }

                @Override
                public float[][] among(int[] chosen) {
                    int[] place = new int[correlations.features()];
                    Arrays.fill(place, -1);
                    for (int i = 0; i < chosen.length; i++) {
                        place[chosen[i]] = i;
                    }
                    float[][] among = new float[chosen.length][chosen.length];
                    correlations.forEach((f, row) -> {
                        for (int j = 0; place[f] >= 0 && j < chosen.length; j++) {
                            among[place[f]][j] = row[chosen[j]];
                        }
                    });
                    return among;
                }
            };
        }
    }

    /**
     * Maps one source.
     *
     * @param source what makes features similar
     * @param table its features
     * @param dimensions 2, or 3 for maps of both
     * @return the maps; none below 5 points
     */
    List<ProjectionResult> project(Source source, Table table, int dimensions) {
        int[] chosen = points.apply(source);
        if (chosen.length < LEAST_POINTS) {
            return List.of();
        }
        CounterRandom random = context.random("maps").stream(source.name());
        float[][] distances = table.among(chosen);
        UnitRows vectors = table.vectors(chosen, distances);
        for (int i = 0; i < chosen.length; i++) {
            for (int j = 0; j < i; j++) {
                // Both halves of a product may differ in the last bit.
                float distance = Math.max(0, 1 - distances[i][j]);
                distances[i][j] = distance;
                distances[j][i] = distance;
            }
            distances[i][i] = 0;
        }
        Pca pca = Pca.of(vectors.data(), vectors.count(), vectors.width(), COMPONENTS, context.engine(), random.stream("pca"));
        UnitRows noise = UnitRows.random(vectors.count(), vectors.width(), random.stream("null"));
        double[] nullShares = Pca.of(noise.data(), noise.count(), noise.width(), COMPONENTS, context.engine(),
                random.stream("pca")).shares();
        CounterRandom positions = random.stream("positions");
        double[][] scattered = new double[2][chosen.length];
        for (double[] axis : scattered) {
            Arrays.setAll(axis, i -> positions.nextGaussian());
        }
        double chance = Statistics.mean(Trustworthiness.of(distances, scattered, config.k()));
        List<ProjectionResult> results = new ArrayList<>();
        for (int d = 2; d <= dimensions; d++) {
            results.add(result(source, Method.PCA, chosen, Arrays.copyOf(pca.coordinates(), d), distances, chance, pca.shares(), nullShares,
                    random.stream("pca interval").stream(d)));
        }
        for (int d = 2; d <= dimensions && config.umap(); d++) {
            context.progress().checkCancelled();
            context.progress().update("UMAP in " + d + " dimensions", 0, 1);
            double[][] laidOut = layout.layOut(distances, d, random.stream("umap").stream(d).nextLong());
            context.progress().update("UMAP in " + d + " dimensions", 1, 1);
            results.add(result(source, Method.UMAP, chosen, laidOut, distances, chance, new double[0], new double[0],
                    random.stream("umap interval").stream(d)));
        }
        return results;
    }

    private ProjectionResult result(Source source, Method method, int[] chosen, double[][] coordinates, float[][] distances, double chance,
            double[] shares, double[] nullShares, CounterRandom random) {
        return new ProjectionResult(source, method, chosen, coordinates, Statistics.meanEstimate(Trustworthiness.of(distances,
                coordinates, config.k()), config.resamples(), "features", random), chance, shares, nullShares);
    }
}
