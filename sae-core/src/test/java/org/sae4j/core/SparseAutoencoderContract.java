package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/** What an autoencoder does on any engine. */
abstract class SparseAutoencoderContract {
    private Engine engine;

    abstract Engine open();

    @BeforeEach
    void openEngine() {
        engine = open();
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    static Stream<SaeConfig> variants() {
        return Architecture.BUILT_IN.stream().flatMap(architecture -> Stream.of(Normalization.values())
                .flatMap(normalization -> Stream.of(true, false)
                        .map(applied -> RandomModels.sae(architecture, normalization, applied, 7, 19))));
    }

    private SparseAutoencoder autoencoder(SaeConfig config) {
        return SparseAutoencoders.of(config, RandomModels.parameters(config, 3), engine);
    }

    private static Tensor inputs(int... shape) {
        return RandomModels.gaussian(new CounterRandom(11), 2, shape);
    }

    /** One row by the formulas of SAELens, in double precision: feature activations, then the reconstruction. */
    private static double[][] plain(SaeConfig config, Map<String, Tensor> p, float[] row) {
        int dIn = config.dIn();
        double mean = IntStream.range(0, dIn).mapToDouble(i -> row[i]).sum() / dIn;
        double std = Math.sqrt(IntStream.range(0, dIn).mapToDouble(i -> Math.pow(row[i] - mean, 2)).sum() / (dIn - 1));
        double norm = Math.sqrt(IntStream.range(0, dIn).mapToDouble(i -> (double) row[i] * row[i]).sum());
        double coefficient = Math.sqrt(dIn) / norm;
        double[] x = IntStream.range(0, dIn).mapToDouble(i -> switch (config.normalization()) {
            case NONE -> row[i];
            case LAYER_NORM -> (row[i] - mean) / (std + 1e-5);
            case CONSTANT_NORM_RESCALE -> row[i] * coefficient;
        } - (config.applyBDecToInput() ? p.get("b_dec").get(i) : 0)).toArray();
        double[] f = config.architecture().equals(Architecture.MATCHING_PURSUIT) ? pursuit(config, p.get("W_dec"), x) : features(config, p, x);
        double[] reconstruction = IntStream.range(0, dIn)
                .mapToDouble(i -> p.get("b_dec").get(i)
                        + IntStream.range(0, f.length).mapToDouble(j -> f[j] * p.get("W_dec").at(j, i)).sum())
                .map(y -> switch (config.normalization()) {
                    case NONE -> y;
                    case LAYER_NORM -> y * std + mean;
                    case CONSTANT_NORM_RESCALE -> y / coefficient;
                }).toArray();
        return new double[][] {f, reconstruction};
    }

    private static double[] features(SaeConfig config, Map<String, Tensor> p, double[] x) {
        double[] products = IntStream.range(0, config.dSae())
                .mapToDouble(j -> IntStream.range(0, x.length).mapToDouble(i -> x[i] * p.get("W_enc").at(i, j)).sum()).toArray();
        double[] pre = new double[products.length];
        boolean gated = config.architecture().equals(Architecture.GATED);
        Arrays.setAll(pre, j -> products[j] + p.get(gated ? "b_gate" : "b_enc").get(j));
        double[] sorted = pre.clone();
        Arrays.sort(sorted);
        double[] magnitudes = Arrays.stream(pre).map(Math::abs).sorted().toArray();
        int group = config.architecture().equals(Architecture.GROUP_MAX) ? config.dSae() / config.k() : 1;
        double[] f = new double[pre.length];
        Arrays.setAll(f, j -> switch (config.architecture().name()) {
            case "relu" -> Math.max(0, pre[j]);
            case "topk" -> pre[j] >= sorted[sorted.length - config.k()] ? Math.max(0, pre[j]) : 0;
            case "abs_topk" -> Math.abs(pre[j]) >= magnitudes[magnitudes.length - config.k()] ? pre[j] : 0;
            case "group_max" -> pre[j] >= IntStream.range(j / group * group, (j / group + 1) * group).mapToDouble(i -> pre[i]).max()
                    .orElseThrow() ? Math.max(0, pre[j]) : 0;
            case "jump_relu" -> pre[j] > p.get("threshold").get(j) ? Math.max(0, pre[j]) : 0;
            case "gated" -> pre[j] > 0
                    ? Math.max(0, products[j] * Math.exp(p.get("r_mag").get(j)) + p.get("b_mag").get(j)) : 0;
            default -> throw new AssertionError(config);
        });
        return f;
    }

    private static double[] pursuit(SaeConfig config, Tensor decoder, double[] x) {
        double[] residual = x.clone();
        double[] f = new double[config.dSae()];
        boolean going = true;
        for (int step = 0; step < x.length && going; step++) {
            double[] products = IntStream.range(0, f.length)
                    .mapToDouble(j -> IntStream.range(0, x.length).mapToDouble(i -> residual[i] * decoder.at(j, i)).sum()).toArray();
            int best = IntStream.range(0, f.length).boxed().max(Comparator.comparingDouble(j -> products[j])).orElseThrow();
            double value = Math.max(0, products[best]);
            going = f[best] == 0 && value > 0;
            f[best] += value;
            Arrays.setAll(residual, i -> residual[i] - value * decoder.at(best, i));
        }
        return f;
    }

    @ParameterizedTest
    @MethodSource("variants")
    void everyVariantComputesItsFormula(SaeConfig config) {
        try (SparseAutoencoder sae = autoencoder(config)) {
            Tensor x = inputs(3, 4, 7);
            SparseRows features = sae.encode(x);
            Tensor reconstruction = sae.reconstruct(x);
            assertThat(features.rows()).isEqualTo(12);
            assertThat(reconstruction.shape()).containsExactly(3, 4, 7);
            for (int row = 0; row < 12; row++) {
                double[][] expected = plain(config, sae.parameters(), x.row(row));
                for (int j = 0; j < config.dSae(); j++) {
                    assertThat((double) features.get(row, j)).isCloseTo(expected[0][j], within(1e-4));
                }
                for (int i = 0; i < config.dIn(); i++) {
                    assertThat((double) reconstruction.row(row)[i]).isCloseTo(expected[1][i], within(2e-4));
                }
            }
        }
    }

    @ParameterizedTest
    @FieldSource("org.sae4j.api.sae.SaeConfig$Architecture#BUILT_IN")
    void reconstructionIsTheDecodedEncoding(Architecture architecture) {
        try (SparseAutoencoder sae = autoencoder(RandomModels.sae(architecture, Normalization.NONE, true, 7, 19))) {
            Tensor x = inputs(5, 7);
            assertThat(sae.decode(sae.encode(x)).toArray()).containsExactly(sae.reconstruct(x).toArray());
        }
    }

    @ParameterizedTest
    @FieldSource("org.sae4j.api.sae.SaeConfig$Architecture#BUILT_IN")
    void theSizeOfTheBatchChangesNoBit(Architecture architecture) {
        SaeConfig config = RandomModels.sae(architecture, Normalization.LAYER_NORM, true, 5, 40);
        try (SparseAutoencoder sae = autoencoder(config)) {
            // Two whole chunks and a part of one.
            Tensor x = inputs(2100, 5);
            SparseRows features = sae.encode(x);
            Tensor reconstruction = sae.reconstruct(x);
            Tensor decoded = sae.decode(features);
            assertThat(features.entries()).isGreaterThan(2100);
            for (int row : new int[] {0, 1, 1023, 1024, 2047, 2048, 2099}) {
                Tensor one = Tensor.of(x.row(row), 1, 5);
                SparseRows alone = sae.encode(one);
                assertThat(alone.entries()).isEqualTo(features.count(row));
                for (int e = 0; e < alone.entries(); e++) {
                    assertThat(alone.index(e)).isEqualTo(features.index(features.start(row) + e));
                    assertThat(alone.value(e)).isEqualTo(features.value(features.start(row) + e));
                }
                assertThat(sae.reconstruct(one).row(0)).containsExactly(reconstruction.row(row));
                assertThat(sae.decode(features.rows(row, row + 1)).row(0)).containsExactly(decoded.row(row));
            }
        }
    }

    @Test
    void rowsOfZerosStayZeroUnderBothNormalizations() {
        for (Normalization normalization : Normalization.values()) {
            try (SparseAutoencoder sae = autoencoder(RandomModels.sae(Architecture.RELU, normalization, true, 7, 19))) {
                Tensor reconstruction = sae.reconstruct(Tensor.zeros(2, 7));
                assertThat(reconstruction.toArray()).doesNotContain(Float.NaN);
                if (normalization != Normalization.NONE) {
                    assertThat(reconstruction.toArray()).containsOnly(0f);
                }
            }
        }
    }

    @Test
    void noRowsGiveNoRows() {
        try (SparseAutoencoder sae = autoencoder(RandomModels.sae(Architecture.RELU, Normalization.NONE, true, 7, 19))) {
            assertThat(sae.encode(Tensor.zeros(0, 7)).rows()).isZero();
            assertThat(sae.reconstruct(Tensor.zeros(0, 3, 7)).shape()).containsExactly(0, 3, 7);
            assertThat(sae.decode(sae.encode(Tensor.zeros(0, 7))).shape()).containsExactly(0, 7);
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        try (SparseAutoencoder sae = autoencoder(RandomModels.sae(Architecture.TOPK, Normalization.NONE, true, 7, 19))) {
            assertThatIllegalArgumentException().isThrownBy(() -> sae.encode(inputs(2, 6))).withMessageContainingAll("d_in 7", "[2, 6]");
            assertThatIllegalArgumentException().isThrownBy(() -> sae.reconstruct(inputs())).withMessageContaining("d_in 7");
            assertThatIllegalArgumentException().isThrownBy(() -> sae.decode(SparseRows.ofDense(inputs(2, 18))))
                    .withMessageContainingAll("d_sae 19", "18");
            float[] broken = inputs(2, 7).toArray();
            broken[9] = Float.NaN;
            assertThatIllegalArgumentException().isThrownBy(() -> sae.encode(Tensor.of(broken, 2, 7)))
                    .withMessageContainingAll("NaN", "row 1", "column 2");
        }
        assertThatIllegalArgumentException().isThrownBy(() -> autoencoder(
                RandomModels.sae(Architecture.RELU, Normalization.LAYER_NORM, true, 1, 4))).withMessageContaining("d_in of at least 2");
    }

    @ParameterizedTest
    @FieldSource("org.sae4j.api.sae.SaeConfig$Architecture#BUILT_IN")
    void parametersAreChecked(Architecture architecture) {
        SaeConfig config = RandomModels.sae(architecture, Normalization.NONE, true, 7, 19);
        Map<String, Tensor> parameters = RandomModels.parameters(config, 1);
        for (String name : parameters.keySet()) {
            Map<String, Tensor> changed = new HashMap<>(parameters);
            Tensor tensor = changed.remove(name);
            refuse(config, changed, "missing are [" + name + "]");
            changed.put(name, tensor.reshape(1, -1));
            refuse(config, changed, "parameter " + name + ": expected shape");
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                float[] values = tensor.toArray();
                values[values.length - 1] = bad;
                changed.put(name, Tensor.of(values, tensor.shape()));
                refuse(config, changed, "parameter " + name + " holds " + bad);
            }
        }
        Map<String, Tensor> more = new HashMap<>(parameters);
        more.put("W_skip", Tensor.zeros(7, 7));
        refuse(config, more, "not known are [W_skip]");
    }

    private void refuse(SaeConfig config, Map<String, Tensor> parameters, String message) {
        assertThatIllegalArgumentException().isThrownBy(() -> SparseAutoencoders.of(config, parameters, engine))
                .withMessageContaining(message);
    }

    @Test
    void useAfterCloseIsAnException() {
        SparseAutoencoder sae = autoencoder(RandomModels.sae(Architecture.GATED, Normalization.NONE, true, 7, 19));
        SparseRows kept = sae.encode(inputs(2, 7));
        String fingerprint = sae.fingerprint();
        assertThat(fingerprint).matches("[0-9a-f]{64}");
        try (SparseAutoencoder same = autoencoder(sae.config())) {
            assertThat(same.fingerprint()).isEqualTo(fingerprint);
        }
        sae.close();
        sae.close();
        assertThatIllegalStateException().isThrownBy(() -> sae.encode(inputs(2, 7))).withMessageContaining("closed");
        assertThatIllegalStateException().isThrownBy(() -> sae.decode(kept));
        assertThatIllegalStateException().isThrownBy(() -> sae.reconstruct(inputs(2, 7)));
        assertThatIllegalStateException().isThrownBy(sae::parameters);
        assertThatIllegalStateException().isThrownBy(sae::fingerprint);
        assertThat(sae.config().dIn()).isEqualTo(7);
        assertThat(kept.rows()).isEqualTo(2);
    }
}
