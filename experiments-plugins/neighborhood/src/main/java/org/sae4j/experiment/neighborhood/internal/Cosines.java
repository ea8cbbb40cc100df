package org.sae4j.experiment.neighborhood.internal;

import java.util.Map;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/**
 * Cosines of unit rows with unit rows, as matrix products on an engine.
 *
 * @param engine runs the products
 * @param queries the items
 * @param targets the features
 * @param stage what to report
 * @param progress told of every block
 */
public record Cosines(Engine engine, UnitRows queries, UnitRows targets, String stage, Progress progress) implements Similarities {
    private static final int BLOCK_ELEMENTS = 1 << 22;

    @Override
    public int features() {
        return targets.count();
    }

    @Override
    public boolean defined(int feature) {
        return targets.hasLength(feature);
    }

    @Override
    public void forEach(Taker taker) {
        int width = targets.width();
        int n = targets.count();
        int block = Math.clamp(BLOCK_ELEMENTS / n, 1, Math.min(512, queries.count()));
        Program.Builder builder = Program.builder("cosine similarity");
        Buffer rows = builder.input("rows", block, width);
        Buffer all = builder.weight("features", n, width);
        Buffer out = builder.output("cosines", block, n);
        builder.add(new Op.MatMul(rows, false, all, true, null, Op.Function.IDENTITY, out));
        float[] row = new float[n];
        try (CompiledProgram program = engine.compile(builder.build(), Map.of("features", Tensor.of(targets.data(), n, width)))) {
            float[] input = new float[block * width];
            for (int from = 0; from < queries.count(); from += block) {
                progress.checkCancelled();
                progress.update(stage, from, queries.count());
                int taken = Math.min(block, queries.count() - from);
                System.arraycopy(queries.data(), from * width, input, 0, taken * width);
                program.write(rows, input);
                program.run();
                Tensor cosines = program.read(out);
                for (int i = 0; i < taken; i++) {
                    cosines.copyTo((long) i * n, row, 0, n);
                    taker.take(from + i, row);
                }
            }
        }
        progress.update(stage, queries.count(), queries.count());
    }

    /**
     * The Gram matrix of the columns, {@code x^T x}.
     *
     * @param engine runs the product
     * @param data row-major
     * @param count number of rows
     * @param width number of columns
     * @return shape [width, width]
     */
    static float[] gram(Engine engine, float[] data, int count, int width) {
        Program.Builder builder = Program.builder("Gram matrix");
        Buffer x = builder.weight("x", count, width);
        Buffer out = builder.output("gram", width, width);
        builder.add(new Op.MatMul(x, true, x, false, null, Op.Function.IDENTITY, out));
        try (CompiledProgram program = engine.compile(builder.build(), Map.of("x", Tensor.of(data, count, width)))) {
            program.run();
            return program.read(out).toArray();
        }
    }
}
