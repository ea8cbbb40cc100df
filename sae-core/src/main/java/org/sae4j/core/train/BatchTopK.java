package org.sae4j.core.train;

import org.sae4j.api.engine.Op;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.coder.CoderArchitecture;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/** The k of a token that are largest in a batch, on average, where positive (Bussmann et al. 2024): in training alone. */
final class BatchTopK extends CoderArchitecture {
    BatchTopK() {
        super("batch_topk");
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        return b.select(Op.Rule.BATCH_TOPK, config.k(), preActivations(b, config, x, "b_enc"));
    }
}
