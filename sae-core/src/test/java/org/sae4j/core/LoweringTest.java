package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sae4j.api.ElementType;
import org.sae4j.api.Observer;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.testkit.SmallModels;

/** Engines that do not run every operation get definitions. */
class LoweringTest {
    private static final int[][] TOKENS = {{1, 5, 2, 7}, {3, 3, 0, 4}};
    private static final HookPoint LOGITS = HookPoint.LOGITS;

    @ParameterizedTest
    @EnumSource(value = TransformerConfig.Activation.class, names = {"GELU", "RELU"})
    void modelRunsOnEngineOfSimpleOperations(TransformerConfig.Activation activation) {
        TransformerConfig config = SmallModels.config(2, activation);
        Set<Class<?>> compiled = new HashSet<>();
        try (Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT);
                Engine simple = new Limited(cpu, op -> !(op instanceof Op.Attention) && !(op instanceof Op.MatMul product
                        && product.function() != Op.Function.IDENTITY) && !(op instanceof Op.Extension), compiled);
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 3), Optional.empty(), cpu);
                Transformer lowered = Transformers.of(config, SmallModels.parameters(config, 3), Optional.empty(), simple)) {
            Tensor expected = model.forward(TOKENS, ForwardPlan.capture(LOGITS)).get(LOGITS);
            Tensor actual = lowered.forward(TOKENS, ForwardPlan.capture(LOGITS)).get(LOGITS);
            assertThat(compiled).contains(Op.AttentionScores.class, Op.Softmax.class, Op.AttentionMix.class, Op.Map.class);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.get(i)).isCloseTo(expected.get(i), org.assertj.core.data.Offset.offset(2e-5f));
            }
        }
    }

    @Test
    void operationWithoutDefinitionIsRefusedByNameBeforeAnythingRuns() {
        TransformerConfig config = SmallModels.config(1, TransformerConfig.Activation.GELU);
        Set<Class<?>> compiled = new HashSet<>();
        try (Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT);
                Engine without = new Limited(cpu, op -> !(op instanceof Op.LayerNorm), compiled);
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 3), Optional.empty(), without)) {
            assertThatThrownBy(() -> model.forward(TOKENS, ForwardPlan.capture(LOGITS))).isInstanceOf(EngineException.class)
                    .hasMessageContaining("does not run the operation LayerNorm");
            assertThat(compiled).isEmpty();
        }
    }

    /** {@code out = silu(gate) * up}, an operation that no engine of this release has heard of. */
    private record GatedUnit(Buffer gate, Buffer up, Buffer out) implements Op.Extension {
        @Override
        public String name() {
            return "GatedUnit";
        }

        @Override
        public List<Buffer> reads() {
            return List.of(gate, up);
        }

        @Override
        public List<Buffer> writes() {
            return List.of(out);
        }

        @Override
        public void define(Program.Builder builder, String prefix) {
            Buffer active = builder.intermediate(prefix + "active", gate.rows(), gate.cols());
            builder.add(new Op.Map(gate, Op.Function.SILU, active));
            builder.add(new Op.Multiply(active, up, out));
        }
    }

    /** A definition that needs itself. */
    private record Endless(Buffer x, Buffer out) implements Op.Extension {
        @Override
        public String name() {
            return "Endless";
        }

        @Override
        public List<Buffer> reads() {
            return List.of(x);
        }

        @Override
        public List<Buffer> writes() {
            return List.of(out);
        }

        @Override
        public void define(Program.Builder builder, String prefix) {
            builder.add(this);
        }
    }

    @Test
    void extensionRunsByItsDefinitionOnEngineThatDoesNotKnowIt() {
        Program.Builder builder = Program.builder("gated units");
        Buffer gate = builder.input("gate", 2, 3);
        Buffer up = builder.input("up", 2, 3);
        Buffer first = builder.intermediate("first", 2, 3);
        Buffer out = builder.output("out", 2, 3);
        builder.add(new GatedUnit(gate, up, first));
        builder.add(new GatedUnit(first, up, out));
        Program program = builder.build();
        float[] g = {-2, -1, 0, 1, 2, 3};
        float[] u = {1, 2, 3, 4, 5, 6};
        try (Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT)) {
            assertThat(program.loweredFor(cpu).ops()).hasSize(4);
            assertThatThrownBy(() -> cpu.compile(program, Map.of())).isInstanceOf(EngineException.class).hasMessageContaining("GatedUnit");
            try (CompiledProgram compiled = cpu.compile(program.loweredFor(cpu), Map.of())) {
                compiled.write(gate, g);
                compiled.write(up, u);
                compiled.run();
                float[] actual = new float[6];
                compiled.read(out, actual);
                for (int i = 0; i < 6; i++) {
                    double once = g[i] / (1 + Math.exp(-g[i])) * u[i];
                    assertThat(actual[i]).isCloseTo((float) (once / (1 + Math.exp(-once)) * u[i]),
                            org.assertj.core.data.Offset.offset(1e-5f));
                }
            }
        }
    }

    @Test
    void engineThatKnowsAnExtensionGetsItWhole() {
        Program.Builder builder = Program.builder("gated unit");
        Buffer gate = builder.input("gate", 2, 3);
        builder.add(new GatedUnit(gate, builder.input("up", 2, 3), builder.output("out", 2, 3)));
        Program program = builder.build();
        try (Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT); Engine knows = new Limited(cpu, op -> true, new HashSet<>())) {
            assertThat(program.loweredFor(knows)).isSameAs(program);
        }
    }

    @Test
    void definitionThatLeadsBackToItselfIsAnError() {
        Program.Builder builder = Program.builder("endless");
        builder.add(new Endless(builder.input("x", 1, 1), builder.output("out", 1, 1)));
        Program program = builder.build();
        try (Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT)) {
            assertThatThrownBy(() -> program.loweredFor(cpu)).isInstanceOf(IllegalStateException.class).hasMessageContaining("Endless");
        }
    }

    @Test
    void extensionOverBuffersOfAnotherProgramIsRefused() {
        Program.Builder other = Program.builder("other");
        Buffer x = other.input("x", 1, 1);
        Program.Builder builder = Program.builder("mine");
        Buffer out = builder.output("out", 1, 1);
        assertThatThrownBy(() -> builder.add(new Endless(x, out))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a buffer of this program");
    }

    @Test
    void observedEngineSaysWhatItsEngineSays() {
        Set<String> types = new HashSet<>();
        try (Engine cpu = Engines.open("cpu", EngineOptions.DEFAULT);
                Engine observed = Engines.observed(cpu, (operation, name, count) -> Observer.NONE.start(operation, name, count))) {
            List<ElementType> read = new ArrayList<>(List.of(ElementType.values()));
            read.removeIf(type -> !type.isFloat());
            assertThat(read).allSatisfy(type -> assertThat(observed.reads(type)).isEqualTo(cpu.reads(type)));
            read.stream().filter(cpu::reads).forEach(type -> types.add(type.name()));
        }
        assertThat(types).contains("BF16");
    }

    /** An engine that does not run everything. */
    private record Limited(Engine engine, Predicate<Op> which, Set<Class<?>> compiled) implements Engine {
        @Override
        public String id() {
            return "limited";
        }

        @Override
        public Device device() {
            return engine.device();
        }

        @Override
        public boolean runs(Op op) {
            return which.test(op);
        }

        @Override
        public CompiledProgram compile(Program program, Map<String, Tensor> weights) {
            assertThat(program.ops()).allMatch(which);
            program.ops().forEach(op -> compiled.add(op.getClass()));
            return engine.compile(program, weights);
        }

        @Override
        public void close() {
            // The engine is another's.
        }
    }
}
