package org.sae4j.core;

import org.sae4j.api.engine.Engine;
import org.sae4j.testkit.ReferenceEngine;

class SparseAutoencoderOnReferenceEngineTest extends SparseAutoencoderContract {
    @Override
    Engine open() {
        return new ReferenceEngine();
    }
}
