package org.sae4j.core.train;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.ProgramWriter;

/** Gives dead features a new start. The inputs that it looks at are taken from the source, so training goes on behind them. */
final class Resampler {
    private static final double ENCODER_SHARE = 0.2;

    private final Engine engine;
    private final Recipe recipe;
    private final ActivationSource source;
    private final InputScaling scaling;
    private final CompiledProgram training;
    private final int d;
    private final int n;
    private final int batch;

    Resampler(Engine engine, Recipe recipe, ActivationSource source, InputScaling scaling, CompiledProgram training) {
        this.engine = engine;
        this.recipe = recipe;
        this.source = source;
        this.scaling = scaling;
        this.training = training;
        d = source.width();
        n = recipe.dSae();
        batch = recipe.batch();
    }

    /** Resamples after a number of steps; returns how many features got a new start. */
    int run(long steps) {
        Initializer initializer = new Initializer(recipe, d);
        CounterRandom random = initializer.random("resampling").stream(steps);
        return recipe.dead() == Recipe.DeadTreatment.REINITIALISE ? reinitialise(initializer, random) : resample(random);
    }

    /** Draws features anew that fired too rarely over the next batches (Nanda 2023). */
    private int reinitialise(Initializer initializer, CounterRandom random) {
        long[] fired = new long[n];
        long batches = recipe.whole(Setting.RESAMPLE_BATCHES);
        try (Probe probe = new Probe()) {
            for (long b = 0; b < batches; b++) {
                probe.next();
                SparseRows features = probe.features();
                for (int entry = 0; entry < features.entries(); entry++) {
                    fired[features.index(entry)]++;
                }
            }
        }
        float[] decoder = initializer.drawDecoder(random.stream("W_dec"));
        float[] encoder = initializer.drawEncoder(random.stream("W_enc"), decoder);
        State state = new State(false);
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (fired[i] < recipe.number(Setting.RESAMPLE_BELOW) * batches * batch) {
                System.arraycopy(encoder, i * d, state.wEnc, i * d, d);
                System.arraycopy(decoder, i * d, state.wDec, i * d, d);
                state.bEnc[i] = 0;
                state.since[i] = 0;
                count++;
            }
        }
        state.write();
        return count;
    }

    /** Points dead features at inputs drawn in proportion to their squared loss (Bricken et al. 2023). */
    private int resample(CounterRandom random) {
        State state = new State(true);
        int[] dead = IntStream.range(0, n).filter(i -> state.since[i] > recipe.whole(Setting.DEAD_AFTER)).toArray();
        if (dead.length == 0 || dead.length == n) {
            return 0;
        }
        float[][] chosen = new float[dead.length][];
        double total = 0;
        try (Probe probe = new Probe()) {
            for (long seen = 0; seen < recipe.whole(Setting.RESAMPLE_INPUTS); seen += batch) {
                probe.next();
                double[] losses = probe.losses();
                for (int row = 0; row < batch; row++) {
                    double weight = losses[row] * losses[row];
                    total += weight;
                    float[] input = weight > 0 ? Arrays.copyOfRange(probe.rows, row * d, (row + 1) * d) : new float[0];
                    eachChosen(random, dead.length, weight / total, slot -> chosen[slot] = input);
                }
            }
        }
        if (!(total > 0)) {
            return 0;
        }
        double norms = 0;
        boolean[] isDead = new boolean[n];
        for (int i : dead) {
            isDead[i] = true;
        }
        for (int i = 0; i < n; i++) {
            norms += isDead[i] ? 0 : norm(state.wEnc, i * d);
        }
        double share = ENCODER_SHARE * norms / (n - dead.length);
        for (int slot = 0; slot < dead.length; slot++) {
            state.restart(dead[slot], chosen[slot], share);
        }
        state.write();
        return dead.length;
    }

    /** Calls for each of {@code slots} slots independently with a probability, by skipping a geometric number of them. */
    private static void eachChosen(CounterRandom random, int slots, double probability, IntConsumer action) {
        if (!(probability > 0)) {
            return;
        }
        double slot = -1;
        while (true) {
            double u = 1 - random.nextDouble();
            slot += probability >= 1 ? 1 : 1 + Math.floor(Math.log(u) / Math.log1p(-probability));
            if (slot >= slots) {
                return;
            }
            action.accept((int) slot);
        }
    }

    private double norm(float[] values, int from) {
        double sum = 0;
        for (int i = from; i < from + d; i++) {
            sum += (double) values[i] * values[i];
        }
        return Math.sqrt(sum);
    }

    private Buffer buffer(String name) {
        return training.program().buffer(name);
    }

    private float[] read(String name) {
        return training.read(buffer(name)).toArray();
    }

    /** A copy of the training program's parameters, to be changed and written back. */
    private final class State {
        final float[] wEnc = read("W_enc");
        final float[] bEnc = read("b_enc");
        final float[] wDec = read("W_dec");
        final float[] since = read("since");
        final Map<String, float[]> moments;

        State(boolean withMoments) {
            moments = withMoments ? Map.of("m.W_enc", read("m.W_enc"), "v.W_enc", read("v.W_enc"), "m.b_enc", read("m.b_enc"),
                    "v.b_enc", read("v.b_enc"), "m.W_dec", read("m.W_dec"), "v.W_dec", read("v.W_dec")) : Map.of();
        }

        void restart(int feature, float[] input, double encoderNorm) {
            double length = norm(input, 0);
            for (int c = 0; c < d; c++) {
                wDec[feature * d + c] = (float) (input[c] / length);
                wEnc[feature * d + c] = (float) (input[c] / length * encoderNorm);
            }
            bEnc[feature] = 0;
            since[feature] = 0;
            moments.forEach((name, values) -> {
                int width = values.length / n;
                Arrays.fill(values, feature * width, (feature + 1) * width, 0);
            });
        }

        void write() {
            training.write(buffer("W_enc"), wEnc);
            training.write(buffer("b_enc"), bEnc);
            training.write(buffer("W_dec"), wDec);
            training.write(buffer("since"), since);
            moments.forEach((name, values) -> training.write(buffer(name), values));
        }
    }

    /** The autoencoder as it is now, over the next inputs. */
    private final class Probe implements AutoCloseable {
        final float[] rows = new float[batch * d];
        private final CompiledProgram compiled;

        Probe() {
            Form form = TrainingStep.forward(recipe, d).wanting(List.of(CoderForm.FEATURES, CoderForm.RECONSTRUCTION));
            Program program = ProgramWriter.write("resampling of " + recipe.name(), form, Counts.of(1, batch), Map.of()).program();
            Map<String, Tensor> weights = TrainingStep.coder(recipe, d).parameters().keySet().stream()
                    .collect(Collectors.toMap(name -> name, this::weight));
            compiled = engine.compile(program.loweredFor(engine), weights);
        }

        private Tensor weight(String name) {
            return training.read(buffer(name));
        }

        void next() {
            source.next(rows);
            scaling.apply(rows);
            compiled.write(compiled.program().buffer("x"), rows);
            compiled.run();
        }

        SparseRows features() {
            return compiled.readSparse(compiled.program().buffer("features"));
        }

        /** The squared error of every row. */
        double[] losses() {
            float[] reconstruction = compiled.read(compiled.program().buffer("reconstruction")).toArray();
            double[] losses = new double[batch];
            for (int i = 0; i < rows.length; i++) {
                double difference = rows[i] - reconstruction[i];
                losses[i / d] += difference * difference;
            }
            return losses;
        }

        @Override
        public void close() {
            compiled.close();
        }
    }
}
