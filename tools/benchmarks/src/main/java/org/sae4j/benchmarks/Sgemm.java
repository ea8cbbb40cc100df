package org.sae4j.benchmarks;

import java.util.Arrays;
import java.util.Map;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/** A dense product [M, K] [K, N] whose operands are both inputs, so that both are packed in every run. */
final class Sgemm implements Subject {
    private final CompiledProgram compiled;

    Sgemm(Engine engine, int m, int k, int n) {
        Program.Builder builder = Program.builder("sgemm");
        Buffer a = builder.input("a", m, k);
        Buffer b = builder.input("b", k, n);
        builder.add(new Op.MatMul(a, false, b, false, null, Op.Function.IDENTITY, builder.output("c", m, n)));
        compiled = engine.compile(builder.build(), Map.of());
        compiled.write(a, filled(m * k, 0.5f));
        compiled.write(b, filled(k * n, 0.25f));
    }

    private static float[] filled(int count, float value) {
        float[] values = new float[count];
        Arrays.fill(values, value);
        return values;
    }

    @Override
    public void run() {
        compiled.run();
    }

    @Override
    public void close() {
        compiled.close();
    }
}
