package org.sae4j.benchmarks;

import java.util.Locale;
import java.util.Map;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/**
 * One training step of an autoencoder as a program: squared error and L1 penalty, backward, projection of the decoder's gradient, unit
 * norm, Adam. Runs on one batch again and again, with a learning rate so small that the number of active features stays.
 */
final class SaeStep implements Subject {
    private static final int PENALTY = 5;

    private final Program.Builder builder;
    private final Buffer hyper;
    private final CompiledProgram compiled;
    private final Buffer loss;
    private final Buffer sums;
    private final int batch;
    private int step;

    /**
     * Compiles the step and writes parameters and batch.
     *
     * @param engine the engine
     * @param d width of the activations
     * @param n number of features
     * @param batch rows of the batch
     * @param k features kept by TopK, or 0 for ReLU
     * @param l0 for ReLU: features of a row that are active, about, by the encoder's bias; 0 for a bias of 0, with half of them active
     */
    SaeStep(Engine engine, int d, int n, int batch, int k, double l0) {
        this.batch = batch;
        builder = Program.builder("step");
        Buffer x = builder.input("x", batch, d);
        hyper = builder.input("hyper", 1, 6);
        Buffer wEnc = builder.parameter("W_enc", n, d);
        Buffer wDec = builder.parameter("W_dec", n, d);
        Buffer bEnc = builder.parameter("b_enc", 1, n);
        Buffer bDec = builder.parameter("b_dec", 1, d);
        loss = builder.output("loss", 1, 1);
        sums = builder.output("sums", 1, 3);
        Buffer centred = builder.intermediate("centred", batch, d);
        Buffer pre = builder.intermediate("pre", batch, n);
        Buffer features = builder.sparse("features", batch, n);
        Buffer reconstruction = builder.intermediate("reconstruction", batch, d);
        Buffer gradient = builder.intermediate("gradient", batch, d);
        Buffer slopes = builder.sparse("slopes", batch, n);
        Buffer wEncGradient = builder.intermediate("W_enc gradient", n, d);
        Buffer wDecGradient = builder.intermediate("W_dec gradient", n, d);
        Buffer bEncGradient = builder.intermediate("b_enc gradient", 1, n);
        Buffer bDecGradient = builder.intermediate("b_dec gradient", 1, d);
        Buffer through = builder.intermediate("b_dec gradient through the encoder", 1, d);
        builder.add(new Op.Add(x, bDec, -1, centred));
        builder.add(new Op.MatMul(centred, false, wEnc, true, bEnc, Op.Function.IDENTITY, pre));
        builder.add(new Op.Select(pre, k == 0 ? Op.Rule.RELU : Op.Rule.TOPK, k, null, 0, null, features));
        builder.add(new Op.Decode(features, wDec, bDec, reconstruction));
        builder.add(new Op.SquaredError(reconstruction, x, Op.Reduction.SUM, 1, gradient, loss));
        builder.add(new Op.SparsitySums(features, wDec, sums));
        builder.add(new Op.FeatureGradient(features, gradient, wDec, hyper, PENALTY, false, false, slopes));
        builder.add(new Op.SparseOuter(features, gradient, false, wDecGradient));
        builder.add(new Op.SparseOuter(slopes, centred, false, wEncGradient));
        builder.add(new Op.SparseColumnSum(slopes, false, bEncGradient));
        builder.add(new Op.ColumnSum(gradient, bDecGradient));
        builder.add(new Op.MatMul(bEncGradient, false, wEnc, false, null, Op.Function.IDENTITY, through));
        builder.add(new Op.Add(bDecGradient, through, -1, bDecGradient));
        builder.add(new Op.ProjectRows(wDecGradient, wDec));
        builder.add(new Op.NormalizeRows(wDec));
        adam(wEnc, wEncGradient);
        adam(wDec, wDecGradient);
        adam(bEnc, bEncGradient);
        adam(bDec, bDecGradient);
        compiled = engine.compile(builder.build(), Map.of());
        CounterRandom random = new CounterRandom(1);
        compiled.write(wEnc, RandomValues.uniform(random, n * d, Math.sqrt(3.0 / d)));
        compiled.write(wDec, RandomValues.uniform(random, n * d, Math.sqrt(3.0 / d)));
        compiled.write(x, RandomValues.uniform(random, batch * d, Math.sqrt(3)));
        if (l0 > 0) {
            compiled.write(bEnc, RandomValues.constant(n, -RandomValues.normalQuantile(1 - l0 / n)));
        }
    }

    private void adam(Buffer w, Buffer gradient) {
        Buffer m = builder.parameter(w.name() + " m", w.rows(), w.cols());
        Buffer v = builder.parameter(w.name() + " v", w.rows(), w.cols());
        builder.add(new Op.Adam(w, gradient, m, v, hyper));
    }

    /** Takes a step. */
    @Override
    public void run() {
        step++;
        compiled.write(hyper, new float[] {1e-7f, 0.9f, 0.99f, 1e-8f, step, 3e-4f});
        compiled.run();
    }

    @Override
    public String state() {
        return String.format(Locale.ROOT, "L0 %.1f, loss %.4g", compiled.read(sums).get(0) / batch, compiled.read(loss).get(0));
    }

    @Override
    public void close() {
        compiled.close();
    }
}
