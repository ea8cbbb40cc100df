package org.sae4j.testkit;

import java.util.function.Consumer;
import java.util.stream.Stream;
import org.sae4j.api.engine.Engine;

/**
 * What every engine must do: all operations at odd sizes, chains of them, and the contract of errors, compared with {@link ReferenceEngine}
 * by a tolerance that grows with the length of the sums.
 *
 * <p>A test of an engine, with JUnit:
 *
 * <pre>{@code
 * @TestFactory
 * Stream<DynamicTest> conforms() {
 *     return EngineConformance.cases().map(c -> DynamicTest.dynamicTest(c.name(), () -> c.check(engine)));
 * }
 * }</pre>
 */
public final class EngineConformance {
    private EngineConformance() {}

    /**
     * One thing that an engine must do.
     *
     * @param name says what, unique
     * @param body the check
     */
    public record Case(String name, Consumer<Engine> body) {
        /**
         * Checks an engine. The engine stays open, and usable for other cases.
         *
         * @param engine the candidate
         * @throws AssertionError if the engine does otherwise than the reference; the message says where, what was expected and found
         * @throws RuntimeException whatever else the engine throws
         */
        public void check(Engine engine) {
            body.accept(engine);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** {@return all cases, in a fixed order; each can run by itself} */
    public static Stream<Case> cases() {
        return Stream.of(DenseCases.all(), SparseCases.all(), ChainCases.all(), ContractCases.all()).flatMap(cases -> cases);
    }

    /** A case that compares runs of a program with the reference. */
    static Case scenario(String name, Consumer<Scenario> builder) {
        return new Case(name, engine -> {
            Scenario scenario = new Scenario(name);
            builder.accept(scenario);
            scenario.check(engine);
        });
    }
}
