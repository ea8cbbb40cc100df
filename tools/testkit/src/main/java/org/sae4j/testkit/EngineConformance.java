package org.sae4j.testkit;

import java.util.function.Consumer;
import java.util.stream.Stream;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineProvider;

/**
 * What every engine must do: all operations at odd sizes, chains of them, and the contract of errors, compared with {@link ReferenceEngine}
 * by a tolerance that grows with the length of the sums. {@link #providerCases} are what every provider must do, and what an engine
 * promises about its end.
 *
 * <p>A test of an engine, with JUnit:
 *
 * <pre>{@code
 * @TestFactory
 * Stream<DynamicTest> conforms() {
 *     return EngineConformance.cases().map(c -> DynamicTest.dynamicTest(c.name(), () -> c.check(engine)));
 * }
 *
 * @TestFactory
 * Stream<DynamicTest> itsProviderConforms() {
 *     return EngineConformance.providerCases().map(c -> DynamicTest.dynamicTest(c.name(), () -> c.check(provider)));
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

    /**
     * One thing that a provider must do.
     *
     * @param name says what, unique
     * @param body the check
     */
    public record ProviderCase(String name, Consumer<EngineProvider> body) {
        /**
         * Checks a provider. Engines that it opens for that are closed again.
         *
         * @param provider the candidate
         * @throws AssertionError if the provider or its engine breaks the contract; the message says what was expected and found
         * @throws RuntimeException whatever else the provider throws
         */
        public void check(EngineProvider provider) {
            body.accept(provider);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** {@return all cases of providers, in a fixed order; each can run by itself} */
    public static Stream<ProviderCase> providerCases() {
        return ProviderCases.all();
    }

    /** {@return all cases of engines, in a fixed order; each can run by itself} */
    public static Stream<Case> cases() {
        return Stream.of(DenseCases.all(), GradientCases.all(), SparseCases.all(), ChainCases.all(),
                ContractCases.all()).flatMap(cases -> cases);
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
