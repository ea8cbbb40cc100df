package org.sae4j.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** Programs of one operation each, and a training step, at one size that a test device can do. */
final class DeviceCases {
    static final int BATCH = 256;
    static final int D = 128;
    static final int N = 1024;
    static final int K = 16;

    private static final int HEADS = 4;
    private static final int LENGTH = 64;

    private DeviceCases() {}

    /** A subject for each name. */
    interface Opener {
        Subject open(Engine engine);
    }

    static Map<String, Opener> all() {
        Map<String, Opener> all = new LinkedHashMap<>();
        add(all, "MatMul, encoder", (b, s) -> b.add(new Op.MatMul(b.input("x", BATCH, D), false, b.weight("w", N, D), true,
                b.weight("bias", 1, N), Op.Function.IDENTITY, b.output("out", BATCH, N))));
        add(all, "MatMul, GELU", (b, s) -> b.add(new Op.MatMul(b.input("x", BATCH, D), false, b.weight("w", D, 4 * D), false,
                b.weight("bias", 1, 4 * D), Op.Function.GELU, b.output("out", BATCH, 4 * D))));
        add(all, "MatMul, gradient of a weight", (b, s) -> b.add(new Op.MatMul(b.input("x", BATCH, N), true, b.input("y", BATCH, D), false,
                null, Op.Function.IDENTITY, b.output("out", N, D))));
        add(all, "LayerNorm", (b, s) -> b.add(new Op.LayerNorm(b.input("x", BATCH, D), b.weight("w", 1, D), b.weight("bias", 1, D), 1e-5f,
                b.output("out", BATCH, D), null)));
        add(all, "Attention, sequences of " + LENGTH, (b, s) -> b.add(new Op.Attention(b.input("q", BATCH, D), b.input("k", BATCH, D),
                b.input("v", BATCH, D), BATCH / LENGTH, Op.Heads.of(HEADS, D / HEADS), b.output("out", BATCH, D))));
        for (Op.Rule rule : List.of(Op.Rule.RELU, Op.Rule.TOPK, Op.Rule.BATCH_TOPK)) {
            add(all, "Select, " + rule, (b, s) -> b.add(new Op.Select(b.input("pre", BATCH, N), rule, rule == Op.Rule.RELU ? 0 : K, null, 0,
                    null, b.buffer("out", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, BATCH, N))));
        }
        add(all, "Decode", (b, s) -> b.add(new Op.Decode(s.get(), b.weight("w", N, D), b.weight("bias", 1, D), b.output("out", BATCH, D))));
        add(all, "FeatureGradient", (b, s) -> b.add(new Op.FeatureGradient(s.get(), b.input("g", BATCH, D), b.weight("w", N, D), null, 0,
                false, false, b.buffer("out", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, BATCH, N))));
        add(all, "SparseOuter", (b, s) -> b.add(new Op.SparseOuter(s.get(), b.input("y", BATCH, D), false, b.output("out", N, D))));
        add(all, "SquaredError", (b, s) -> b.add(new Op.SquaredError(b.input("xHat", BATCH, D), b.input("x", BATCH, D), Op.Reduction.SUM, 1,
                b.output("gradient", BATCH, D), b.output("loss", 1, 1))));
        add(all, "ProjectRows", (b, s) -> b.add(new Op.ProjectRows(b.parameter("gradient", N, D), b.weight("w", N, D))));
        add(all, "NormalizeRows", (b, s) -> b.add(new Op.NormalizeRows(b.parameter("w", N, D))));
        add(all, "Adam", (b, s) -> b.add(new Op.Adam(b.parameter("w", N, D), b.parameter("gradient", N, D), b.parameter("m", N, D),
                b.parameter("v", N, D), b.input("hyper", 1, 5))));
        all.put("training step, TopK " + K, engine -> new SaeStep(engine, D, N, BATCH, K, 0));
        all.put("training step, ReLU", engine -> new SaeStep(engine, D, N, BATCH, 0, 0));
        return all;
    }

    /** A case of one operation; the sparse input becomes part of the program when the operation takes it. */
    private static void add(Map<String, Opener> all, String name, BiConsumer<Program.Builder, Supplier<Buffer>> operation) {
        all.put(name, engine -> {
            Program.Builder builder = Program.builder(name);
            operation.accept(builder, () -> builder.buffer("s", Buffer.Role.INPUT, Buffer.Type.SPARSE, BATCH, N));
            return open(engine, builder.build());
        });
    }

    private static Subject open(Engine engine, Program program) {
        CounterRandom random = new CounterRandom(1);
        Map<String, Tensor> weights = new LinkedHashMap<>();
        List<Buffer> written = new ArrayList<>();
        for (Buffer buffer : program.buffers()) {
            if (buffer.role() == Buffer.Role.WEIGHT) {
                weights.put(buffer.name(), Tensor.of(gaussian(random, buffer), buffer.rows(), buffer.cols()));
            } else if (buffer.role() == Buffer.Role.INPUT || buffer.role() == Buffer.Role.PARAMETER) {
                written.add(buffer);
            }
        }
        CompiledProgram compiled = engine.compile(program, weights);
        for (Buffer buffer : written) {
            if (buffer.type() == Buffer.Type.SPARSE) {
                compiled.write(buffer, rows(random));
            } else if (buffer.name().equals("hyper")) {
                compiled.write(buffer, new float[] {1e-4f, 0.9f, 0.99f, 1e-8f, 1});
            } else {
                compiled.write(buffer, gaussian(random, buffer));
            }
        }
        return new Subject() {
            @Override
            public void run() {
                compiled.run();
            }

            @Override
            public void close() {
                compiled.close();
            }
        };
    }

    private static SparseRows rows(CounterRandom random) {
        int[] offsets = new int[BATCH + 1];
        int[] columns = new int[BATCH * K];
        float[] values = new float[BATCH * K];
        for (int i = 0; i < columns.length; i++) {
            offsets[i / K + 1] = i + 1;
            columns[i] = i % K * (N / K) + random.nextInt(N / K);
            values[i] = random.nextFloat();
        }
        return new SparseRows(N, offsets, columns, values);
    }

    private static float[] gaussian(CounterRandom random, Buffer buffer) {
        float[] values = new float[(int) buffer.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
