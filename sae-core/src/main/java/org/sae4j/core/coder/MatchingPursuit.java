package org.sae4j.core.coder;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.HostChoice;
import org.sae4j.core.program.Value;

/** Matching pursuit on the decoder's rows, as SAELens 6.54 has it: the engine computes the products, the host chooses. */
final class MatchingPursuit extends CoderArchitecture {
    private static final String MAX_ITERATIONS = "max_iterations";
    private static final String RESIDUAL_THRESHOLD = "residual_threshold";
    private static final String STOP_ON_DUPLICATE_SUPPORT = "stop_on_duplicate_support";

    MatchingPursuit() {
        super("matching_pursuit");
    }

    @Override
    public Set<String> settings() {
        return Set.of(MAX_ITERATIONS, RESIDUAL_THRESHOLD, STOP_ON_DUPLICATE_SUPPORT);
    }

    @Override
    protected void checkSettings(SaeConfig config) {
        if (config.transcoder()) {
            throw new IllegalArgumentException(this + " reconstructs what it reads, so it is no transcoder");
        }
        flag(config, STOP_ON_DUPLICATE_SUPPORT, true);
        long steps = whole(config, MAX_ITERATIONS, config.dIn());
        double threshold = number(config, RESIDUAL_THRESHOLD, 0);
        if (steps < 1 || steps > Integer.MAX_VALUE || !(threshold >= 0)) {
            throw new IllegalArgumentException("matching pursuit takes at least 1 step and a residual threshold from 0, found " + steps
                    + " and " + threshold);
        }
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        Value residual = b.copy("residual", x);
        Value projections = b.inner("projections", b.productByTransposed(residual, b.matrix("W_dec", config.dSae(), config.dOut())));
        return b.choose(steps -> new Pursuit(config, steps).run(), config.dSae(), projections);
    }

    @Override
    public List<String> encoderBiases() {
        return List.of();
    }

    @Override
    public Optional<Map<String, Object>> saeLens(SaeConfig config) {
        Map<String, Object> entries = new LinkedHashMap<>();
        entries.put(RESIDUAL_THRESHOLD, number(config, RESIDUAL_THRESHOLD, 0));
        entries.put(MAX_ITERATIONS, whole(config, MAX_ITERATIONS, config.dIn()));
        entries.put(STOP_ON_DUPLICATE_SUPPORT, flag(config, STOP_ON_DUPLICATE_SUPPORT, true));
        return Optional.of(named(architecture().name(), entries));
    }

    /** The pursuit of some rows; rows that are done leave the products. */
    private static final class Pursuit {
        private final HostChoice.Steps steps;
        private final int d;
        private final int n;
        private final long maxIterations;
        private final double residualThreshold;
        private final boolean stopOnDuplicateSupport;
        private final Tensor decoder;
        private final float[] residuals;
        private final float[] features;

        Pursuit(SaeConfig config, HostChoice.Steps steps) {
            this.steps = steps;
            d = config.dIn();
            n = config.dSae();
            maxIterations = whole(config, MAX_ITERATIONS, config.dIn());
            residualThreshold = number(config, RESIDUAL_THRESHOLD, 0);
            stopOnDuplicateSupport = flag(config, STOP_ON_DUPLICATE_SUPPORT, true);
            decoder = steps.parameter("W_dec");
            residuals = steps.value("residual");
            features = new float[Math.multiplyExact(steps.rows(), n)];
        }

        float[] run() {
            int[] going = new int[steps.rows()];
            Arrays.setAll(going, i -> i);
            int left = going.length;
            for (int step = 0; step < maxIterations && left > 0; step++) {
                float[] projections = steps.value("projections", "residual", residuals, left);
                int kept = 0;
                for (int slot = 0; slot < left; slot++) {
                    if (step(projections, slot, going[slot] * n)) {
                        System.arraycopy(residuals, slot * d, residuals, kept * d, d);
                        going[kept++] = going[slot];
                    }
                }
                left = kept;
            }
            return features;
        }

        /** One step of a row; {@return whether it goes on} */
        private boolean step(float[] projections, int slot, int featuresFrom) {
            int best = 0;
            for (int i = 1; i < n; i++) {
                if (projections[slot * n + i] > projections[slot * n + best]) {
                    best = i;
                }
            }
            float[] direction = decoder.row(best);
            double projection = 0;
            for (int i = 0; i < d; i++) {
                projection += (double) residuals[slot * d + i] * direction[i];
            }
            float value = (float) projection;
            if (!(value > 0)) {
                return false;
            }
            boolean isNew = features[featuresFrom + best] == 0;
            features[featuresFrom + best] += value;
            double squares = 0;
            for (int i = 0; i < d; i++) {
                residuals[slot * d + i] -= value * direction[i];
                squares += (double) residuals[slot * d + i] * residuals[slot * d + i];
            }
            return (isNew || !stopOnDuplicateSupport) && Math.sqrt(squares) >= residualThreshold;
        }
    }
}
