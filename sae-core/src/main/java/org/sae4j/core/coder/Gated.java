package org.sae4j.core.coder;

import java.util.List;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** {@code [x W_enc + b_gate > 0] max(0, x W_enc e^r_mag + b_mag)} (Rajamanoharan et al. 2024). */
final class Gated extends CoderArchitecture {
    Gated() {
        super("gated");
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        Value gate = preActivations(b, config, x, "b_gate");
        Value bMag = b.row("b_mag", config.dSae());
        return b.gatedSelect(gate, b.row("b_gate", config.dSae()), b.row("r_mag", config.dSae()), bMag);
    }

    @Override
    public List<String> encoderBiases() {
        return List.of("b_gate", "b_mag");
    }
}
