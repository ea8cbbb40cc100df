package org.sae4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** Engines that break one promise each are caught by the suites, and one that keeps them all is not. */
class ContractBreakersTest {
    /** What is broken. */
    enum Breach {
        NONE, INTEGERS_NOT_COPIED, COMPILES_AFTER_CLOSE, CLOSE_LEAVES_PROGRAMS, ANY_DEVICE, ANY_SETTING, OTHER_ID, UPPER_CASE_ID
    }

    @Test
    void aSoundProviderPasses() {
        assertThat(failures(Breach.NONE)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void aBreachIsCaught(Breach breach) {
        assertThat(failures(breach)).isNotEmpty();
    }

    private static List<String> failures(Breach breach) {
        Provider provider = new Provider(breach);
        Stream<String> ofProvider = EngineConformance.providerCases().filter(c -> fails(() -> c.check(provider)))
                .map(EngineConformance.ProviderCase::name);
        Stream<String> ofEngine = EngineConformance.cases().filter(c -> c.name().equals("What is written and read is copied"))
                .filter(c -> fails(() -> {
                    try (Engine engine = provider.open(EngineOptions.DEFAULT)) {
                        c.check(engine);
                    }
                })).map(EngineConformance.Case::name);
        return Stream.concat(ofProvider, ofEngine).toList();
    }

    private static boolean fails(Runnable check) {
        try {
            check.run();
            return false;
        } catch (AssertionError e) {
            return true;
        }
    }

    private record Provider(Breach breach) implements EngineProvider {
        @Override
        public String id() {
            return breach == Breach.UPPER_CASE_ID ? "Broken" : "broken";
        }

        @Override
        public String name() {
            return "Breaks one promise";
        }

        @Override
        public int priority() {
            return -1;
        }

        @Override
        public Availability availability() {
            return new Availability.Available("one thread");
        }

        @Override
        public List<Device> devices() {
            try (Engine reference = new ReferenceEngine()) {
                return List.of(reference.device());
            }
        }

        @Override
        public Engine open(EngineOptions options) {
            String wanted = options.device().orElse("0");
            if (breach != Breach.ANY_DEVICE && !wanted.equals("0") && !devices().getFirst().name().contains(wanted)) {
                throw new EngineException("no device " + wanted, "broken", "leave it out");
            }
            if (breach != Breach.ANY_SETTING && !options.settings().isEmpty()) {
                throw new EngineException("unknown settings " + options.settings().keySet(), "broken", "leave them out");
            }
            return new BrokenEngine(breach, breach == Breach.OTHER_ID ? "other" : id());
        }
    }

    private static final class BrokenEngine implements Engine {
        private final ReferenceEngine reference = new ReferenceEngine();
        private final Breach breach;
        private final String id;

        BrokenEngine(Breach breach, String id) {
            this.breach = breach;
            this.id = id;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public Device device() {
            return reference.device();
        }

        @Override
        public CompiledProgram compile(Program program, Map<String, Tensor> weights) {
            return new BrokenProgram(reference.compile(program, weights), breach);
        }

        @Override
        public void close() {
            if (breach != Breach.COMPILES_AFTER_CLOSE && breach != Breach.CLOSE_LEAVES_PROGRAMS) {
                reference.close();
            }
        }
    }

    private static final class BrokenProgram implements CompiledProgram {
        private final Map<Buffer, int[]> written = new HashMap<>();
        private final CompiledProgram program;
        private final Breach breach;

        BrokenProgram(CompiledProgram program, Breach breach) {
            this.program = program;
            this.breach = breach;
        }

        @Override
        public Program program() {
            return program.program();
        }

        @Override
        public void write(Buffer buffer, float[] values) {
            program.write(buffer, values);
        }

        @Override
        public void write(Buffer buffer, int[] values) {
            program.write(buffer, values);
            written.put(buffer, breach == Breach.INTEGERS_NOT_COPIED ? values : values.clone());
        }

        @Override
        public void write(Buffer buffer, SparseRows values) {
            program.write(buffer, values);
        }

        @Override
        public void run() {
            written.forEach(program::write);
            program.run();
        }

        @Override
        public Tensor read(Buffer buffer) {
            return program.read(buffer);
        }

        @Override
        public SparseRows readSparse(Buffer buffer) {
            return program.readSparse(buffer);
        }

        @Override
        public void close() {
            program.close();
        }
    }
}
