package org.sae4j.core.coder;

import java.util.Map;
import java.util.Optional;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** p where p exceeds the feature's threshold and 0 (Rajamanoharan et al. 2024). */
final class JumpRelu extends CoderArchitecture {
    JumpRelu() {
        super("jump_relu");
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        return b.jumpRelu(preActivations(b, config, x, "b_enc"), b.row("threshold", config.dSae()));
    }

    @Override
    public Optional<Map<String, Object>> saeLens(SaeConfig config) {
        return Optional.of(named("jumprelu", config.settings()));
    }
}
