package org.sae4j.core.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;

/** Names and shapes of the parameters of every architecture, as in SAELens. */
public final class CoderParameters {
    private CoderParameters() {}

    /**
     * The shape of every parameter.
     *
     * @param config what is computed
     * @return shapes by name, in the order of the computation
     */
    public static Map<String, int[]> shapes(SaeConfig config) {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        if (config.architecture().hasEncoder()) {
            shapes.put("W_enc", new int[] {config.dIn(), config.dSae()});
        }
        perFeature(config.architecture()).forEach(name -> shapes.put(name, new int[] {config.dSae()}));
        shapes.put("W_dec", new int[] {config.dSae(), config.dOut()});
        shapes.put("b_dec", new int[] {config.dOut()});
        if (config.skip()) {
            shapes.put("W_skip", new int[] {config.dOut(), config.dIn()});
        }
        return shapes;
    }

    /** {@return the vectors of an architecture with one value for each feature} */
    public static List<String> perFeature(Architecture architecture) {
        return switch (architecture) {
            case RELU, TOPK, ABS_TOPK, GROUP_MAX -> List.of("b_enc");
            case JUMP_RELU -> List.of("b_enc", "threshold");
            case GATED -> List.of("b_gate", "b_mag", "r_mag");
            case MATCHING_PURSUIT -> List.of();
        };
    }
}
