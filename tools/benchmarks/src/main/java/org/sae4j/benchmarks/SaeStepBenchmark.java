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

/** Training steps of an autoencoder with d 512, 4096 features and batches of 1024. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
public class SaeStepBenchmark {
    /** Features that TopK keeps, or 0 for ReLU, which starts with half of them. */
    @Param({"0", "32"})
    public int k;

    private Engine engine;
    private SaeStep step;

    /** Opens the engine. */
    @Setup
    public void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
        step = new SaeStep(engine, 512, 4096, 1024, k);
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
