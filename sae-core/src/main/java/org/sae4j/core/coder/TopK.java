package org.sae4j.core.coder;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** The k largest of a row, where positive (Gao et al. 2024). */
final class TopK extends CoderArchitecture {
    TopK() {
        super("topk");
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
        return b.select(Op.Rule.TOPK, config.k(), preActivations(b, config, x, "b_enc"));
    }

    @Override
    public Optional<Map<String, Object>> sparsify(SaeConfig config) {
        return Optional.of(Map.of("activation", "topk"));
    }
}
