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

/** Encoding and decoding of batches of 1024 by a ReLU autoencoder. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
public class SaeInferenceBenchmark {
    /** Width, features and active features. */
    @Param({"512,4096,40", "768,24576,60"})
    public String sizes;

    private Engine engine;
    private SaeInference inference;

    /** Opens the engine. */
    @Setup
    public void open() {
        String[] parts = sizes.split(",");
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
        inference = new SaeInference(engine, Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), 1024, Integer.parseInt(parts[2]));
    }

    /** Closes the engine. */
    @TearDown
    public void close() {
        inference.close();
        engine.close();
    }

    /** One batch. */
    @Benchmark
    public void encodeAndDecode() {
        inference.run();
    }
}
