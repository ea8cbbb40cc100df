package org.sae4j.experiment.neighborhood;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Completeness;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Concept;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Focus;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Method;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Neighbor;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.ProjectionResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.SourceResult;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Splitting;
import org.sae4j.testkit.ReferenceEngine;

class NeighborhoodExperimentTest {
    private static final int CLUSTERS = 6;
    private static final int PER_CLUSTER = 8;
    private static final int N = CLUSTERS * PER_CLUSTER;
    private static final int WIDTH = 32;
    private static final Engine ENGINE = new ReferenceEngine();

    private final NeighborhoodExperiment experiment = new NeighborhoodExperiment();

    @AfterAll
    static void closeEngine() {
        ENGINE.close();
    }

    @Test
    void recoversPlantedClusters() {
        NeighborhoodResult data = run(weights(planted(1), planted(1))).data();
        SourceResult decoder = data.sources().getFirst();
        assertThat(decoder.source()).isEqualTo(Source.DECODER);
        assertThat(decoder.clusters()).hasSize(CLUSTERS).allSatisfy(c -> assertThat(c.size()).isEqualTo(PER_CLUSTER));
        assertThat(data.focus()).hasSize(8).allSatisfy(f -> {
            assertThat(f.neighbors()).hasSize(10);
            assertThat(f.neighbors().subList(0, PER_CLUSTER - 1)).extracting(n -> n.feature() % CLUSTERS)
                    .containsOnly(f.feature() % CLUSTERS);
        });
        ProjectionResult umap = data.projections().stream().filter(p -> p.method() == Method.UMAP).findFirst().orElseThrow();
        assertThat(umap.trustworthiness().value()).isGreaterThan(0.75);
        assertThat(umap.randomTrustworthiness()).isBetween(0.3, 0.65);
    }

    @Test
    void anOrthonormalDictionaryHasNoNeighbors() {
        float[] identity = new float[WIDTH * WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            identity[i * WIDTH + i] = 1 + i;
        }
        NeighborhoodResult data = run(weights(Tensor.of(identity, WIDTH, WIDTH), Tensor.of(identity, WIDTH, WIDTH))).data();
        for (SourceResult source : data.sources()) {
            assertThat(source.mean()).isZero();
            assertThat(source.standardDeviation()).isZero();
            assertThat(source.nearest()).containsOnly(0);
            assertThat(source.clusters()).isEmpty();
        }
        assertThat(data.projections().getFirst().varianceShares()[0]).isCloseTo(1.0 / (WIDTH - 1), within(1e-6));
    }

    @Test
    void rotatingTheSpaceChangesNothing() {
        Tensor decoder = planted(2);
        Tensor encoder = planted(3);
        NeighborhoodResult plain = run(weights(encoder, decoder)).data();
        double[][] rotation = rotation(4);
        NeighborhoodResult rotated = run(weights(rotate(encoder, rotation), rotate(decoder, rotation))).data();
        for (int s = 0; s < plain.sources().size(); s++) {
            assertThat(rotated.sources().get(s).nearest()).containsExactly(plain.sources().get(s).nearest(), within(1e-5));
            assertThat(rotated.sources().get(s).clusters()).isEqualTo(plain.sources().get(s).clusters());
        }
        assertThat(rotated.focus()).extracting(Focus::feature).isEqualTo(plain.focus().stream().map(Focus::feature).toList());
        assertThat(rotated.agreements().getFirst().jaccard().value()).isCloseTo(plain.agreements().getFirst().jaccard().value(),
                within(1e-9));
        double[][] before = plain.projections().getFirst().coordinates();
        double[][] after = rotated.projections().getFirst().coordinates();
        assertThat(rotated.projections().getFirst().varianceShares())
                .containsExactly(plain.projections().getFirst().varianceShares(), within(1e-6));
        for (int axis = 0; axis < 2; axis++) {
            // The sign of a component is arbitrary.
            double sign = Math.signum(before[axis][0] * after[axis][0]);
            assertThat(Arrays.stream(after[axis]).map(x -> sign * x).toArray()).containsExactly(before[axis], within(1e-4));
        }
    }

    @Test
    void randomDirectionsMatchTheirNull() {
        CounterRandom random = new CounterRandom(8);
        float[] values = new float[300 * 64];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Tensor decoder = Tensor.of(values, 300, 64);
        PlantedWorld world = world(List.of(new PlantedWorld.Planted(transposed(decoder), decoder, c -> new float[300])), 64, List.of());
        SourceResult source = experiment.run(small(), world).data().sources().getFirst();
        assertThat(source.nullStandardDeviation()).isEqualTo(0.125);
        assertThat(source.standardDeviation()).isCloseTo(0.125, within(0.005));
        assertThat(Arrays.stream(source.nullPairs()).sum()).isCloseTo(300 * 299 / 2.0, within(1e-6));
        double[] nearest = source.nearest().clone();
        Arrays.sort(nearest);
        assertThat(nearest[150]).isCloseTo(source.nearestNullMedian(), within(0.02));
    }

    @Test
    void aBlobInTheEncoderIsNotABlobInTheDecoder() {
        // As in public autoencoders: rare features share one encoder direction, but not one decoder direction.
        CounterRandom random = new CounterRandom(9);
        float[] encoder = new float[N * WIDTH];
        float[] decoder = new float[N * WIDTH];
        for (int i = 0; i < encoder.length; i++) {
            boolean rare = i / WIDTH < 30;
            encoder[i] = (float) (random.nextGaussian() * (rare ? 0.05 : 1) + (rare ? 1 : 0));
            decoder[i] = (float) random.nextGaussian();
        }
        NeighborhoodResult data = run(weights(Tensor.of(encoder, N, WIDTH), Tensor.of(decoder, N, WIDTH))).data();
        assertThat(data.sources().get(0).clusters()).isEmpty();
        assertThat(data.sources().get(1).clusters()).first().satisfies(c -> assertThat(c.size()).isEqualTo(30));
        assertThat(data.agreements().getFirst().jaccard().value()).isLessThan(0.3);
    }

    @Test
    void equalWeightsAgreeFully() {
        NeighborhoodResult data = run(weights(planted(1), planted(1))).data();
        assertThat(data.agreements()).singleElement().satisfies(a -> {
            assertThat(a.jaccard().value()).isEqualTo(1);
            assertThat(a.chance()).isBetween(0.05, 0.3);
        });
    }

    @Test
    void aCorpusAddsActivationsLabelsAndConcepts() {
        ExperimentResult<NeighborhoodResult> result = experiment.run(experiment.defaults(), labelledWorld());
        NeighborhoodResult data = result.data();
        assertThat(data.sources()).extracting(SourceResult::source).containsExactly(Source.values());
        // Features 0 and 6 fire on the same letters, wherever their weights point.
        Focus focus = data.focus().stream().filter(f -> f.name().equals("first")).findFirst().orElseThrow();
        Neighbor twin = focus.neighbors().stream().filter(n -> n.feature() % CLUSTERS == 0 && n.feature() != focus.feature()).findFirst()
                .orElseThrow();
        assertThat(twin.activations()).isCloseTo(1, within(1e-6));
        assertThat(twin.name()).isEqualTo("first");
        assertThat(data.labelAgreement()).hasValueSatisfying(l -> {
            assertThat(l.share().measured().value()).isBetween(0.7, 1.0);
            assertThat(l.share().control().value()).isLessThan(0.6);
        });
        Completeness found = data.completeness().getFirst();
        assertThat(found.concepts()).filteredOn(Concept::isLabel).hasSize(2).allSatisfy(c -> assertThat(c.f1()).isEqualTo(1));
        assertThat(found.share().difference().value()).isPositive();
        double density = data.facts().density()[0];
        assertThat(density).isEqualTo(15 * 3 / (double) data.tokens());
        assertThat(result.figures()).extracting(Figure::id).contains("map-umap-2d-decoder-labels", "similarity-activations",
                "completeness");
    }

    @Test
    void neighborsByActivationsNeedACorpus() {
        NeighborhoodConfig d = NeighborhoodConfig.defaults();
        NeighborhoodConfig config = new NeighborhoodConfig(List.of(0), d.focus(), Source.ACTIVATIONS, 3, d.maxPoints(), d.umap(),
                d.umapNeighbors(), d.umapEpochs(), d.clusterCosine(), d.childCosine(), List.of("aab", "nowhere"), 5, d.conceptF1(),
                d.labelAuroc(), 100);
        assertThatThrownBy(() -> experiment.run(config, weights(planted(1), planted(1)))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("ExperimentRun.Builder.corpus");
        ExperimentResult<NeighborhoodResult> result = experiment.run(config, labelledWorld());
        assertThat(result.data().focus().getFirst().neighbors()).allSatisfy(n -> assertThat(n.feature() % CLUSTERS).isZero());
        assertThat(result.notes()).anyMatch(n -> n.contains("nowhere"));
    }

    @Test
    void matchesASecondAutoencoderOfAnotherSize() {
        // Every feature of the smaller dictionary is the centre of one planted cluster of the larger one.
        float[] centres = new float[CLUSTERS * WIDTH];
        double[][] directions = directions(1);
        for (int i = 0; i < centres.length; i++) {
            centres[i] = (float) directions[i / WIDTH][i % WIDTH];
        }
        Tensor small = Tensor.of(centres, CLUSTERS, WIDTH);
        PlantedWorld world = world(List.of(new PlantedWorld.Planted(transposed(small), small, c -> new float[CLUSTERS]),
                new PlantedWorld.Planted(transposed(planted(1)), planted(1), c -> new float[N])), WIDTH, List.of());
        Splitting splitting = run(world).data().splitting().orElseThrow();
        assertThat(splitting.studiedIsSmaller()).isTrue();
        assertThat(splitting.parents()).containsExactly(IntStream.range(0, N).map(i -> i % CLUSTERS).toArray());
        assertThat(splitting.families()).hasSize(CLUSTERS).allSatisfy(f -> {
            assertThat(f.children()).hasSize(PER_CLUSTER);
            assertThat(IntStream.of(f.children()).map(c -> c % CLUSTERS).distinct()).containsExactly(f.parent());
        });
        Splitting other = run(world(world.autoencoders().reversed(), WIDTH, List.of())).data().splitting().orElseThrow();
        assertThat(other.studiedIsSmaller()).isFalse();
        assertThat(other.parents()).containsExactly(splitting.parents());
    }

    /** The larger autoencoder begins with the rows of the smaller one, as two of one seed did: their matches are no splitting. */
    @Test
    void sharedInitialisationIsSaid() {
        float[] larger = new float[N * WIDTH];
        CounterRandom random = new CounterRandom(7);
        for (int i = 0; i < larger.length; i++) {
            larger[i] = (float) random.nextGaussian();
        }
        Tensor large = Tensor.of(larger, N, WIDTH);
        for (boolean shared : new boolean[] {true, false}) {
            float[] rows = new float[N / 2 * WIDTH];
            for (int i = 0; i < rows.length; i++) {
                // The shared rows moved in training, the others are other ones.
                rows[i] = (float) ((shared ? larger[i] : 0) + 0.5 * random.nextGaussian());
            }
            Tensor small = Tensor.of(rows, N / 2, WIDTH);
            ExperimentResult<NeighborhoodResult> result = run(world(List.of(
                    new PlantedWorld.Planted(transposed(large), large, c -> new float[N]),
                    new PlantedWorld.Planted(transposed(small), small, c -> new float[N / 2])), WIDTH, List.of()));
            assertThat(result.data().splitting().orElseThrow().sharedInitialisation()).isEqualTo(shared);
            assertThat(result.findings().stream().anyMatch(f -> f.contains("is unknown"))).isEqualTo(shared);
            assertThat(result.findings().stream().anyMatch(f -> f.contains("reappear"))).isEqualTo(!shared);
        }
    }

    @Test
    void tinyAutoencodersWork() {
        for (int n : new int[] {1, 2, 4, 5, 20}) {
            float[] values = new float[n * 3];
            CounterRandom random = new CounterRandom(n);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            Tensor decoder = Tensor.of(values, n, 3);
            PlantedWorld world = world(List.of(new PlantedWorld.Planted(transposed(decoder), decoder, c -> new float[n])), 3, List.of());
            ExperimentResult<NeighborhoodResult> result = run(world);
            assertThat(result.data().focus()).hasSize(Math.min(n, 8));
            assertThat(result.data().projections()).hasSize(n < 5 ? 0 : 8);
        }
    }

    @Test
    void featuresWithoutADirectionAreLeftOut() {
        float[] values = planted(1).toArray();
        Arrays.fill(values, 0, WIDTH, 0);
        NeighborhoodResult data = run(weights(planted(1), Tensor.of(values, N, WIDTH))).data();
        assertThat(data.sources().getFirst().compared()).isEqualTo(N - 1);
        assertThat(data.projections().getFirst().points()).doesNotContain(0).hasSize(N - 1);
    }

    @Test
    void mapsOfManyFeaturesAreSamples() {
        NeighborhoodConfig d = NeighborhoodConfig.defaults();
        NeighborhoodConfig config = new NeighborhoodConfig(List.of(5, 47), d.focus(), d.source(), 3, 20, false, d.umapNeighbors(),
                d.umapEpochs(), d.clusterCosine(), d.childCosine(), d.concepts(), d.automaticConcepts(), d.conceptF1(), d.labelAuroc(),
                d.resamples());
        NeighborhoodResult data = experiment.run(config, weights(planted(1), planted(1))).data();
        assertThat(data.projections()).hasSize(4).allSatisfy(p -> {
            assertThat(p.method()).isEqualTo(Method.PCA);
            assertThat(p.points()).hasSize(20).contains(5, 47).isSorted().doesNotHaveDuplicates();
        });
        data.focus().getFirst().neighbors().forEach(n -> assertThat(data.projections().getFirst().points()).contains(n.feature()));
    }

    @Test
    void equalRunsGiveEqualResults() {
        ExperimentResult<NeighborhoodResult> first = experiment.run(experiment.defaults(), labelledWorld());
        ExperimentResult<NeighborhoodResult> second = experiment.run(experiment.defaults(), labelledWorld());
        assertThat(second.findings()).isEqualTo(first.findings());
        assertThat(second.metrics()).isEqualTo(first.metrics());
        // Double.equals counts NaN as equal to itself.
        assertThat(second.data()).usingRecursiveComparison().withEqualsForType(Double::equals, Double.class).isEqualTo(first.data());
        assertThat(second.figures()).usingRecursiveComparison().withEqualsForType(Double::equals, Double.class)
                .isEqualTo(first.figures());
    }

    @Test
    void namesAndFiguresAreUnique() {
        ExperimentResult<NeighborhoodResult> result = experiment.run(experiment.defaults(), labelledWorld());
        assertThat(result.metrics()).extracting(Metric::name).doesNotHaveDuplicates();
        assertThat(result.figures()).allSatisfy(f -> {
            assertThat(f.id()).matches("[a-z0-9-]+");
            assertThat(f.caption()).contains("seed 7").contains("48 features");
        });
    }

    @Test
    void unknownFeaturesAreRefused() {
        NeighborhoodConfig d = NeighborhoodConfig.defaults();
        NeighborhoodConfig config = new NeighborhoodConfig(List.of(N), d.focus(), d.source(), d.k(), d.maxPoints(), d.umap(),
                d.umapNeighbors(), d.umapEpochs(), d.clusterCosine(), d.childCosine(), d.concepts(), d.automaticConcepts(), d.conceptF1(),
                d.labelAuroc(), d.resamples());
        assertThatThrownBy(() -> experiment.run(config, weights(planted(1), planted(1)))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no feature 48").hasMessageContaining("0 to 47");
    }

    @Test
    void cancellingStopsTheRun() {
        Progress cancelled = new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                // Nobody watches.
            }

            @Override
            public boolean isCancelled() {
                return true;
            }
        };
        PlantedWorld world = new PlantedWorld(weights(planted(1), planted(1)).autoencoders(), WIDTH, ENGINE, List.of(), 7, cancelled);
        assertThatThrownBy(() -> run(world)).isInstanceOf(CancellationException.class);
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Experiment.class).stream().map(ServiceLoader.Provider::type)).contains(NeighborhoodExperiment.class);
    }

    /** Its encoder reads another hook point, of another width here, so that only directions of one kind are compared. */
    @Test
    void aTranscodersEncoderAndDecoderAreNotCompared() {
        Tensor decoder = planted(1);
        float[] columns = new float[3 * decoder.dim(0)];
        for (int i = 0; i < columns.length; i++) {
            columns[i] = (float) Math.sin(1.0 + i);
        }
        ExperimentResult<NeighborhoodResult> result = run(world(List.of(new PlantedWorld.Planted(Tensor.of(columns, 3, decoder.dim(0)), decoder, c -> new float[decoder.dim(0)], true)), WIDTH, List.of()));
        assertThat(result.data().facts().encoderDecoderCosine()).containsOnly(Double.NaN);
        assertThat(result.notes()).anyMatch(note -> note.startsWith("A transcoder's encoder and decoder"));
        assertThat(result.data().sources()).extracting(NeighborhoodResult.SourceResult::source).contains(Source.DECODER, Source.ENCODER);
    }

    private ExperimentResult<NeighborhoodResult> run(PlantedWorld world) {
        return experiment.run(experiment.defaults(), world);
    }

    private static NeighborhoodConfig small() {
        NeighborhoodConfig d = NeighborhoodConfig.defaults();
        return new NeighborhoodConfig(d.features(), d.focus(), d.source(), 3, 20, false, d.umapNeighbors(), d.umapEpochs(),
                d.clusterCosine(),
                d.childCosine(), d.concepts(), d.automaticConcepts(), d.conceptF1(), d.labelAuroc(), 100);
    }

    private static PlantedWorld weights(Tensor encoderRows, Tensor decoder) {
        return world(List.of(new PlantedWorld.Planted(transposed(encoderRows), decoder, c -> new float[decoder.dim(0)])), decoder.dim(1),
                List.of());
    }

    private static PlantedWorld world(List<? extends org.sae4j.api.sae.SparseAutoencoder> autoencoders, int width,
            List<Document> corpus) {
        return new PlantedWorld(List.copyOf(autoencoders), width, ENGINE, corpus, 7, Progress.NONE);
    }

    /** Features of cluster c fire on letter c; documents labelled "first" have the letters of clusters 0 to 2 only. */
    private static PlantedWorld labelledWorld() {
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            boolean first = i % 2 == 0;
            corpus.add(new Document(first ? "first" : "second", (first ? "aab abc " : "dde def ") + "x".repeat(i % 4)));
        }
        PlantedWorld.Planted sae = new PlantedWorld.Planted(transposed(planted(5)), planted(1), code -> {
            float[] features = new float[N];
            for (int f = 0; f < N; f++) {
                features[f] = code - 'a' == f % CLUSTERS ? 1 + f : 0;
            }
            return features;
        });
        return world(List.of(sae), WIDTH, corpus);
    }

    private static double[][] directions(long seed) {
        CounterRandom random = new CounterRandom(seed).stream("directions");
        double[][] directions = new double[CLUSTERS][WIDTH];
        for (double[] direction : directions) {
            Arrays.setAll(direction, i -> random.nextGaussian());
        }
        return directions;
    }

    /** Rows that lie near one of a few random directions: row i near direction i modulo their number. */
    private static Tensor planted(long seed) {
        double[][] directions = directions(seed);
        CounterRandom random = new CounterRandom(seed).stream("noise");
        float[] values = new float[N * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (directions[i / WIDTH % CLUSTERS][i % WIDTH] + 0.3 * random.nextGaussian());
        }
        return Tensor.of(values, N, WIDTH);
    }

    private static Tensor transposed(Tensor matrix) {
        float[] values = new float[Math.toIntExact(matrix.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = matrix.at(i % matrix.dim(0), i / matrix.dim(0));
        }
        return Tensor.of(values, matrix.dim(1), matrix.dim(0));
    }

    /** An orthogonal matrix, by the Gram-Schmidt process on random vectors. */
    private static double[][] rotation(long seed) {
        CounterRandom random = new CounterRandom(seed);
        double[][] q = new double[WIDTH][WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            Arrays.setAll(q[i], j -> random.nextGaussian());
            for (int pass = 0; pass < 2; pass++) {
                for (int b = 0; b < i; b++) {
                    double along = 0;
                    for (int j = 0; j < WIDTH; j++) {
                        along += q[i][j] * q[b][j];
                    }
                    for (int j = 0; j < WIDTH; j++) {
                        q[i][j] -= along * q[b][j];
                    }
                }
            }
            double norm = Math.sqrt(Arrays.stream(q[i]).map(x -> x * x).sum());
            for (int j = 0; j < WIDTH; j++) {
                q[i][j] /= norm;
            }
        }
        return q;
    }

    private static Tensor rotate(Tensor rows, double[][] rotation) {
        float[] values = new float[Math.toIntExact(rows.size())];
        for (int i = 0; i < values.length; i++) {
            double sum = 0;
            for (int j = 0; j < WIDTH; j++) {
                sum += rows.at(i / WIDTH, j) * rotation[i % WIDTH][j];
            }
            values[i] = (float) sum;
        }
        return Tensor.of(values, rows.dim(0), WIDTH);
    }
}
