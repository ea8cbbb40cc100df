package org.sae4j.engine.tornado;

import java.util.List;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.testkit.ReferenceEngine;

/** Offers the testkit's reference as an engine, so that first runs can be verified with it. */
public final class ReferenceEngineProvider implements EngineProvider {
    @Override
    public String id() {
        return "reference";
    }

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public int priority() {
        return -1;
    }

    @Override
    public Availability availability() {
        return new Availability.Available("tests");
    }

    @Override
    public List<Device> devices() {
        return List.of();
    }

    @Override
    public Engine open(EngineOptions options) {
        return new ReferenceEngine();
    }
}
