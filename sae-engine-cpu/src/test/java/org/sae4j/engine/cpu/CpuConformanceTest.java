package org.sae4j.engine.cpu;

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

class CpuConformanceTest {
    private static Engine vector;
    private static Engine scalar;

    @BeforeAll
    static void open() {
        vector = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 3, Map.of()));
        scalar = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 1, Map.of("vector", "off")));
    }

    @AfterAll
    static void close() {
        vector.close();
        scalar.close();
    }

    @TestFactory
    Stream<DynamicTest> vectorKernels() {
        return conformance(vector);
    }

    @TestFactory
    Stream<DynamicTest> scalarKernels() {
        return conformance(scalar);
    }

    @TestFactory
    Stream<DynamicTest> theProvider() {
        return EngineConformance.providerCases().map(c -> DynamicTest.dynamicTest(c.name(), () -> c.check(new CpuEngineProvider())));
    }

    private static Stream<DynamicTest> conformance(Engine engine) {
        return EngineConformance.cases().map(c -> DynamicTest.dynamicTest(c.name(), () -> c.check(engine)));
    }
}
