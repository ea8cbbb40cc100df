package org.sae4j.engine.tornado;

import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.testkit.EngineConformance;

class TornadoConformanceTest {
    private static Engine engine;

    /** The cases compare with the reference themselves. */
    @BeforeAll
    static void open() {
        engine = new TornadoEngineProvider().open(new EngineOptions(Optional.empty(), 0, Map.of("verify", "off")));
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @TestFactory
    Stream<DynamicTest> conforms() {
        return EngineConformance.cases().map(c -> DynamicTest.dynamicTest(c.name(), () -> {
            try {
                c.check(engine);
            } catch (RuntimeException | Error e) {
                // After a failure of the device an engine refuses everything: the other cases get a new one.
                engine.close();
                open();
                throw e;
            }
        }));
    }
}
