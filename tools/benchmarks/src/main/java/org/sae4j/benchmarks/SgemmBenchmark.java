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

/** Dense products. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class SgemmBenchmark {
    /** M, K and N. */
    @Param({"1024,512,4096", "2048,2048,2048", "4096,512,16384", "4096,512,2048", "1,512,2048", "64,128,512"})
    public String shape;

    private Engine engine;
    private Sgemm sgemm;

    /** Opens the engine. */
    @Setup
    public void open() {
        String[] sizes = shape.split(",");
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
        sgemm = new Sgemm(engine, Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), Integer.parseInt(sizes[2]));
    }

    /** Closes the engine. */
    @TearDown
    public void close() {
        sgemm.close();
        engine.close();
    }

    /** One product, packing included. */
    @Benchmark
    public void multiply() {
        sgemm.run();
    }
}
