package org.sae4j.benchmarks;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** Forward passes of GPT-2 small's shape. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-Xmx8g"})
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 3)
public class ForwardBenchmark {
    /** Rows and their length in tokens. */
    @Param({"4,128", "1,12", "1,1024"})
    public String shape;

    private Engine engine;
    private Transformer model;
    private int[][] tokens;

    /** Opens the model. */
    @Setup
    public void open() {
        String[] sizes = shape.split(",");
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
        model = RandomModel.open(RandomModel.GPT2_SMALL, Optional.empty(), engine);
        SplittableRandom random = new SplittableRandom(2);
        tokens = new int[Integer.parseInt(sizes[0])][Integer.parseInt(sizes[1])];
        for (int[] row : tokens) {
            Arrays.setAll(row, i -> random.nextInt(RandomModel.GPT2_SMALL.dVocab()));
        }
    }

    /** Closes model and engine. */
    @TearDown
    public void close() {
        model.close();
        engine.close();
    }

    /**
     * All logits.
     *
     * @return the logits
     */
    @Benchmark
    public Activations logits() {
        return model.forward(tokens, ForwardPlan.logits());
    }

    /**
     * The logits after the last token.
     *
     * @return the logits
     */
    @Benchmark
    public Activations lastLogits() {
        return model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build());
    }
}
