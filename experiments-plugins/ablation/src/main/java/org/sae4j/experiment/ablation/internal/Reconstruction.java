package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationMode;
import org.sae4j.experiment.ablation.AblationResult.ReconstructionEffect;

/** Effects of an ablation on the reconstruction, and on other features when the reconstruction is encoded again. */
public final class Reconstruction {
    private static final int SORTED = 100;
    /** Architectures whose active features are linear functions of the input. */
    private static final Set<Architecture> LINEAR = Set.of(Architecture.RELU, Architecture.TOPK, Architecture.JUMP_RELU,
            Architecture.ABS_TOPK, Architecture.GROUP_MAX);

    private final Subject subject;
    private final SparseAutoencoder sae;
    private final AblationConfig config;
    private final Replacements replacements;
    private final @Nullable Tensor encoder;

    /**
     * Prepares measurements.
     *
     * @param subject the text
     * @param sae the autoencoder
     * @param config modes and tolerance
     * @param replacements vectors by mode
     */
    public Reconstruction(Subject subject, SparseAutoencoder sae, AblationConfig config, Replacements replacements) {
        this.subject = subject;
        this.sae = sae;
        this.config = config;
        this.replacements = replacements;
        encoder = sae.parameters().get("W_enc");
    }

    /**
     * What was measured.
     *
     * @param effects one for each feature and mode
     * @param relative mean change of detailed features by the feature set to zero, relative to their mean activation
     * @param sorted largest mean absolute changes of features by the feature set to zero
     */
    public record Measured(List<ReconstructionEffect> effects, double[][] relative, double[][] sorted) {}

    /**
     * Measures features.
     *
     * @param features the detailed features
     * @return effects; a feature that is never active has NaN means over no tokens
     */
    public Measured measure(List<Integer> features) {
        List<ReconstructionEffect> effects = new ArrayList<>();
        double[][] relative = new double[features.size()][features.size()];
        double[][] sorted = new double[features.size()][];
        for (int row = 0; row < relative.length; row++) {
            Set<AblationMode> modes = new LinkedHashSet<>(config.modes());
            modes.add(AblationMode.ZERO);
            for (AblationMode mode : modes) {
                Accumulator sum = new Accumulator(features.get(row), mode);
                replacements.vectors(features.get(row), mode).forEach(sum::add);
                if (config.modes().contains(mode)) {
                    effects.add(sum.effect());
                }
                if (mode == AblationMode.ZERO) {
                    relative[row] = sum.relative(features);
                    sorted[row] = sum.sorted();
                }
            }
        }
        return new Measured(effects, relative, sorted);
    }

    /** Sums over the tokens where one feature is active. */
    private final class Accumulator {
        private final int feature;
        private final AblationMode mode;
        private final Map<Integer, Double> before = new TreeMap<>();
        private final Map<Integer, Double> change = new TreeMap<>();
        private final Map<Integer, Double> absolute = new TreeMap<>();
        private int n;
        private double activation;
        private double norm;
        private double normExpected;
        private double mse;
        private double mseAfter;
        private double mseExpected;
        private double cosine;
        private double changed;
        private double reencodeError;

        Accumulator(int feature, AblationMode mode) {
            this.feature = feature;
            this.mode = mode;
        }

        void add(float[][] added) {
            int[] positions = IntStream.range(0, added.length).filter(p -> added[p] != null).toArray();
            if (positions.length == 0) {
                return;
            }
            float[][] after = reconstructions(positions, added, feature, mode);
            if (sae.config().transcoder()) {
                for (int i = 0; i < positions.length; i++) {
                    add(positions[i], added[positions[i]], after[i]);
                }
                return;
            }
            SparseRows codeBefore = encode(Arrays.stream(positions).mapToObj(p -> subject.reconstruction()[p]).toArray(float[][]::new));
            SparseRows codeAfter = encode(after);
            for (int i = 0; i < positions.length; i++) {
                double delta = add(positions[i], added[positions[i]], after[i]);
                compare(codeBefore.rows(i, i + 1), codeAfter.rows(i, i + 1), delta, subject.decoder()[feature]);
            }
        }

        /** Adds what one token shows; {@return the change of the activation} */
        private double add(int position, float[] vector, float[] after) {
            float[] x = subject.x()[position];
            float[] reconstruction = subject.reconstruction()[position];
            float[] direction = subject.decoder()[feature];
            double f = subject.activation(position, feature);
            double scale = subject.scale()[position];
            double delta = Vectors.dot(vector, direction) / (scale * Vectors.dot(direction, direction));
            n++;
            activation += f;
            norm += Vectors.norm(Vectors.minus(after, reconstruction));
            normExpected += mode == AblationMode.NOISE ? Double.NaN : Math.abs(delta) * subject.norms()[feature] * scale;
            mse += Vectors.meanSquare(x, reconstruction);
            mseAfter += Vectors.meanSquare(x, after);
            mseExpected += mode == AblationMode.ZERO ? subject.mseChange(position, feature) : Double.NaN;
            cosine += Vectors.cosine(reconstruction, after);
            return delta;
        }

        private void compare(SparseRows codeBefore, SparseRows codeAfter, double delta, float[] direction) {
            Map<Integer, float[]> pairs = new TreeMap<>();
            double largest = 0;
            for (int e = 0; e < codeBefore.entries(); e++) {
                pairs.computeIfAbsent(codeBefore.index(e), _ -> new float[2])[0] = codeBefore.value(e);
                largest = Math.max(largest, codeBefore.value(e));
            }
            for (int e = 0; e < codeAfter.entries(); e++) {
                pairs.computeIfAbsent(codeAfter.index(e), _ -> new float[2])[1] = codeAfter.value(e);
            }
            boolean linear = sae.config().normalization() == SaeConfig.Normalization.NONE && mode != AblationMode.NOISE
                    && LINEAR.contains(sae.config().architecture());
            int moved = 0;
            for (Map.Entry<Integer, float[]> pair : pairs.entrySet()) {
                int other = pair.getKey();
                double difference = (double) pair.getValue()[1] - pair.getValue()[0];
                moved += Math.abs(difference) > config.tolerance() * largest ? 1 : 0;
                before.merge(other, (double) pair.getValue()[0], Double::sum);
                change.merge(other, difference, Double::sum);
                absolute.merge(other, Math.abs(difference), Double::sum);
                if (linear && pair.getValue()[0] > 0 && pair.getValue()[1] > 0) {
                    reencodeError = Math.max(reencodeError, Math.abs(difference - delta * dotEncoder(direction, other)));
                }
            }
            reencodeError = linear ? reencodeError : Double.NaN;
            changed += (double) moved / subject.norms().length;
        }

        private double dotEncoder(float[] direction, int other) {
            double sum = 0;
            for (int i = 0; i < direction.length; i++) {
                sum += (double) direction[i] * Objects.requireNonNull(encoder).at(i, other);
            }
            return sum;
        }

        ReconstructionEffect effect() {
            return new ReconstructionEffect(feature, mode, n, activation / n, norm / n, normExpected / n, mse / n, mseAfter / n,
                    mseExpected / n, cosine / n, sae.config().transcoder() ? Double.NaN : changed / n,
                    n == 0 || sae.config().transcoder() ? Double.NaN : reencodeError);
        }

        double[] relative(List<Integer> others) {
            return others.stream().mapToDouble(other -> {
                double sum = before.getOrDefault(other, 0.0);
                return sum == 0 ? Double.NaN : change.getOrDefault(other, 0.0) / sum;
            }).toArray();
        }

        double[] sorted() {
            double[] values = absolute.entrySet().stream().filter(e -> e.getKey() != feature).mapToDouble(e -> e.getValue() / n).sorted()
                    .toArray();
            double[] descending = new double[Math.min(values.length, SORTED)];
            Arrays.setAll(descending, i -> values[values.length - 1 - i]);
            return descending;
        }
    }

    /** Decodes the changed features, where they alone decide; otherwise adds the vectors to the reconstruction, which is the same. */
    private float[][] reconstructions(int[] positions, float[][] added, int feature, AblationMode mode) {
        float[][] after = new float[positions.length][];
        if (mode == AblationMode.NOISE || sae.config().normalization() != SaeConfig.Normalization.NONE || sae.config().skip()) {
            for (int i = 0; i < positions.length; i++) {
                after[i] = Vectors.plus(subject.reconstruction()[positions[i]], added[positions[i]]);
            }
            return after;
        }
        SparseRows features = subject.features();
        int[] offsets = new int[positions.length + 1];
        for (int i = 0; i < positions.length; i++) {
            offsets[i + 1] = offsets[i] + features.count(positions[i]);
        }
        int[] indices = new int[offsets[positions.length]];
        float[] values = new float[indices.length];
        float[] direction = subject.decoder()[feature];
        for (int i = 0; i < positions.length; i++) {
            double change = Vectors.dot(added[positions[i]], direction) / Vectors.dot(direction, direction);
            for (int e = 0; e < features.count(positions[i]); e++) {
                int entry = features.start(positions[i]) + e;
                indices[offsets[i] + e] = features.index(entry);
                values[offsets[i] + e] = (float) (features.value(entry) + (features.index(entry) == feature ? change : 0));
            }
        }
        Tensor decoded = sae.decode(new SparseRows(features.columns(), offsets, indices, values));
        for (int i = 0; i < positions.length; i++) {
            after[i] = decoded.row(i);
        }
        return after;
    }

    private SparseRows encode(float[][] rows) {
        int width = rows[0].length;
        float[] flat = new float[rows.length * width];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(rows[row], 0, flat, row * width, width);
        }
        return sae.encode(Tensor.of(flat, rows.length, width));
    }
}
