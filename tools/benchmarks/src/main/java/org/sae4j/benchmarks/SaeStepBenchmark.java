package org.sae4j.benchmarks;

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
import org.sae4j.engine.cpu.CpuEngineProvider;

/** Training steps of autoencoders on batches of 1024. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
public class SaeStepBenchmark {
    /** Width, features, features that TopK keeps (0 for ReLU) and active features of ReLU (0 for half of them). */
    @Param({"512,4096,0,40", "512,4096,32,0", "512,4096,0,0", "768,24576,0,60", "768,24576,32,0"})
    public String sizes;

    private Engine engine;
    private SaeStep step;

    /** Opens the engine. */
    @Setup
    public void open() {
        String[] parts = sizes.split(",");
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
        step = new SaeStep(engine, Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), 1024, Integer.parseInt(parts[2]),
                Integer.parseInt(parts[3]));
    }

    /** Closes the engine. */
    @TearDown
    public void close() {
        step.close();
        engine.close();
    }

    /** One step. */
    @Benchmark
    public void step() {
        step.run();
    }
}
