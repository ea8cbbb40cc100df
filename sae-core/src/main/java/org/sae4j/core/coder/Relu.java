package org.sae4j.core.coder;

import java.util.Map;
import java.util.Optional;
import org.sae4j.api.engine.Op;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** {@code max(0, p)}. */
final class Relu extends CoderArchitecture {
    Relu() {
        super("relu");
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        return b.select(Op.Rule.RELU, 0, preActivations(b, config, x, "b_enc"));
    }

    @Override
    public Optional<Map<String, Object>> saeLens(SaeConfig config) {
        return Optional.of(named("standard", config.settings()));
    }
}
