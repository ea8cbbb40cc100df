package org.sae4j.core.coder;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** Features in k runs of equal length, of each run the largest, where positive; of equal ones the first. Chosen on the host. */
final class GroupMax extends CoderArchitecture {
    GroupMax() {
        super("group_max");
    }

    @Override
    public Set<String> settings() {
        return Set.of("k");
    }

    @Override
    protected void checkSettings(SaeConfig config) {
        requireK(config);
        if (config.dSae() % config.k() != 0) {
            throw new IllegalArgumentException("d_sae must be a multiple of k for " + this + ", found " + config.dSae() + " and "
                    + config.k());
        }
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        Value pre = preActivations(b, config, x, "b_enc");
        int length = config.dSae() / config.k();
        return b.keep(steps -> {
            float[] values = steps.value(pre.name());
            for (int from = 0; from < values.length; from += length) {
                keepMaximum(values, from, from + length);
            }
            return values;
        }, pre);
    }

    /** SAELens' layout has no name for it. */
    @Override
    public Optional<Map<String, Object>> saeLens(SaeConfig config) {
        return Optional.empty();
    }

    @Override
    public Optional<Map<String, Object>> sparsify(SaeConfig config) {
        return Optional.of(Map.of("activation", "groupmax"));
    }

    private static void keepMaximum(float[] values, int from, int to) {
        int best = from;
        for (int i = from + 1; i < to; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        float kept = Math.max(0, values[best]);
        Arrays.fill(values, from, to, 0);
        values[best] = kept;
    }
}
