package org.sae4j.core.coder;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** The k of a row that are largest by magnitude, with their signs; of equal ones the first. Chosen on the host. */
final class AbsTopK extends CoderArchitecture {
    AbsTopK() {
        super("abs_topk");
    }

    @Override
    public Set<String> settings() {
        return Set.of("k");
    }

    @Override
    protected void checkSettings(SaeConfig config) {
        requireK(config);
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        Value pre = preActivations(b, config, x, "b_enc");
        return b.keep(steps -> {
            float[] values = steps.value(pre.name());
            for (int row = 0; row < steps.rows(); row++) {
                keepLargest(values, row * config.dSae(), config.dSae(), config.k());
            }
            return values;
        }, pre);
    }

    @Override
    public Optional<Map<String, Object>> saeLens(SaeConfig config) {
        return Optional.of(named("abstopk", config.settings()));
    }

    @Override
    public Optional<Map<String, Object>> sparsify(SaeConfig config) {
        Map<String, Object> entries = new LinkedHashMap<>();
        entries.put("activation", "topk");
        entries.put("signed", true);
        return Optional.of(entries);
    }

    /** Sets all but the k largest magnitudes to zero. */
    private static void keepLargest(float[] values, int from, int n, int k) {
        float[] magnitudes = new float[n];
        for (int i = 0; i < n; i++) {
            magnitudes[i] = Math.abs(values[from + i]);
        }
        float cut = smallestOfLargest(magnitudes, k);
        int ties = k;
        for (int i = 0; i < n; i++) {
            if (Math.abs(values[from + i]) > cut) {
                ties--;
            }
        }
        for (int i = 0; i < n; i++) {
            float magnitude = Math.abs(values[from + i]);
            if (magnitude < cut || magnitude == cut && ties-- <= 0) {
                values[from + i] = 0;
            }
        }
    }

    /** The k-th largest value, by Hoare's selection; reorders. */
    private static float smallestOfLargest(float[] values, int k) {
        int low = 0;
        int high = values.length - 1;
        int wanted = values.length - k;
        while (low < high) {
            float pivot = values[(low + high) >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (values[i] < pivot) {
                    i++;
                }
                while (values[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    float swap = values[i];
                    values[i++] = values[j];
                    values[j--] = swap;
                }
            }
            if (wanted <= j) {
                high = j;
            } else if (wanted >= i) {
                low = i;
            } else {
                break;
            }
        }
        return values[wanted];
    }
}
