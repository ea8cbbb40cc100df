package org.sae4j.core;

import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;

class SparseAutoencoderOnCpuEngineTest extends SparseAutoencoderContract {
    @Override
    Engine open() {
        return Engines.open("cpu", EngineOptions.DEFAULT);
    }
}
