package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.List;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/**
 * Writes one training step of a recipe as a program. W_enc is stored transposed, one row for each feature, so that its gradient is a sum of
 * rows over active entries as the decoder's is.
 *
 * <p>Buffers by name: inputs {@code x} and {@code hyper}; parameters {@code W_enc}, {@code b_enc} (gated: {@code b_gate}), {@code W_dec},
 * {@code b_dec}, their moments {@code m.*} and {@code v.*}, and {@code since}, the tokens since a feature fired; outputs
 * {@code error_loss}, {@code squared_error} (see {@link #separateSquaredError}), {@code aux_loss}, {@code sums}, {@code dead_count}, and
 * {@code features} where asked for.
 */
final class StepProgram {
    /** Column of {@code hyper}, after Adam's five, with the penalty of one activation. */
    static final int PENALTY = 5;
    /** Column of {@code hyper} that holds 1. */
    static final int ONE = 6;
    /** Columns of {@code hyper}. */
    static final int HYPER = 7;

    private record Trained(Buffer value, Buffer gradient, Buffer m, Buffer v) {}

    private final Recipe recipe;
    private final int batch;
    private final int d;
    private final int n;
    private final Program.Builder builder;
    private final List<Trained> trained = new ArrayList<>();
    private final Buffer x;
    private final Buffer hyper;
    private final Trained wEnc;
    private final Trained bEnc;
    private final Trained wDec;
    private final Trained bDec;
    private final Buffer since;
    private final Buffer dead;
    private final Buffer input;
    private final Buffer pre;
    private final Buffer features;
    private final Buffer xHat;
    private final Buffer gradient;
    private final Buffer errorLoss;

    private StepProgram(Recipe recipe, int dIn, boolean readFeatures) {
        this.recipe = recipe;
        batch = recipe.batch();
        d = dIn;
        n = recipe.dSae();
        builder = Program.builder("training step of " + recipe.name());
        x = builder.input("x", batch, d);
        hyper = builder.input("hyper", 1, HYPER);
        wEnc = trained("W_enc", n, d);
        bEnc = trained(encoderBias(recipe), 1, n);
        wDec = trained("W_dec", n, d);
        bDec = trained("b_dec", 1, d);
        since = builder.parameter("since", 1, n);
        dead = builder.intermediate("dead", 1, n);
        input = recipe.applyBDec() ? builder.intermediate("centred", batch, d) : x;
        pre = builder.intermediate("pre", batch, n);
        features = builder.buffer("features", readFeatures ? Buffer.Role.OUTPUT : Buffer.Role.INTERMEDIATE, Buffer.Type.SPARSE, batch, n);
        xHat = builder.intermediate("reconstruction", batch, d);
        gradient = builder.intermediate("gradient", batch, d);
        errorLoss = builder.output("error_loss", 1, 1);
    }

    /**
     * The program of a recipe.
     *
     * @param recipe checked
     * @param dIn width of the input
     * @param readFeatures whether {@code features} can be read after a step
     */
    static Program of(Recipe recipe, int dIn, boolean readFeatures) {
        return new StepProgram(recipe, dIn, readFeatures).write();
    }

    /** The name of the encoder's bias. */
    static String encoderBias(Recipe recipe) {
        return recipe.activation() == Recipe.Activation.GATED ? "b_gate" : "b_enc";
    }

    /** Whether the mean over the batch of the summed squared error is an output of its own, not a multiple of {@code error_loss}. */
    static boolean separateSquaredError(Recipe recipe) {
        return recipe.error() == Recipe.ErrorReduction.MEAN_OVER_NORM || recipe.error() == Recipe.ErrorReduction.NORMALIZED
                || nested(recipe);
    }

    static boolean nested(Recipe recipe) {
        return recipe.hasK() && recipe.matryoshka().size() > 1;
    }

    private Trained trained(String name, int rows, int cols) {
        Trained parameter = new Trained(builder.parameter(name, rows, cols), builder.intermediate("gradient of " + name, rows, cols),
                builder.parameter("m." + name, rows, cols), builder.parameter("v." + name, rows, cols));
        trained.add(parameter);
        return parameter;
    }

    private Program write() {
        if (recipe.unitNorm() == Recipe.UnitNorm.BEFORE_FORWARD) {
            builder.add(new Op.NormalizeRows(wDec.value()));
        }
        builder.add(new Op.Exceeds(since, recipe.whole(Setting.DEAD_AFTER), dead));
        builder.add(new Op.MatMul(dead, false, dead, true, null, Op.Function.IDENTITY, builder.output("dead_count", 1, 1)));
        if (recipe.applyBDec()) {
            builder.add(new Op.Add(x, bDec.value(), -1, input));
        }
        builder.add(new Op.MatMul(input, false, wEnc.value(), true, bEnc.value(), Op.Function.IDENTITY, pre));
        switch (recipe.activation()) {
            case RELU -> plain(Op.Rule.RELU);
            case TOPK -> plain(Op.Rule.TOPK);
            case BATCH_TOPK -> plain(Op.Rule.BATCH_TOPK);
            case JUMP_RELU -> jumpRelu();
            case GATED -> gated();
        }
        if (separateSquaredError(recipe)) {
            builder.add(new Op.SquaredError(xHat, x, Op.Reduction.SUM, 1, builder.intermediate("gradient of squared error", batch, d),
                    builder.output("squared_error", 1, 1)));
        }
        switch (recipe.dead()) {
            case GHOST -> ghost();
            case AUX_K -> auxiliary();
            case NONE, REINITIALISE, RESAMPLE -> { }
        }
        if (recipe.applyBDec()) {
            biasThroughEncoder();
        }
        builder.add(new Op.SparsitySums(features, wDec.value(), builder.output("sums", 1, 3)));
        builder.add(new Op.TrackFiring(features, since));
        update();
        return builder.build();
    }

    private void plain(Op.Rule rule) {
        builder.add(new Op.Select(pre, rule, recipe.hasK() ? Math.toIntExact(recipe.whole(Setting.K)) : 0, null, 0, null, features));
        reconstruct();
        backward("features", features, gradient, wDec.value(), recipe.hasPenalty(), false, false);
        decoderNormPenalty(features);
        if (nested(recipe)) {
            nestedPrefixes();
        }
    }

    /** x^, its error, and the error's gradients by decoder and b_dec. */
    private void reconstruct() {
        builder.add(new Op.Decode(features, wDec.value(), bDec.value(), xHat));
        builder.add(error(xHat, x, 1, gradient, errorLoss));
        builder.add(new Op.SparseOuter(features, gradient, false, wDec.gradient()));
        builder.add(new Op.ColumnSum(gradient, bDec.gradient()));
    }

    private Op error(Buffer estimate, Buffer target, double coefficient, Buffer gradientOut, Buffer loss) {
        double factor = recipe.error() == Recipe.ErrorReduction.SUM_OVER_FEATURES ? coefficient / n : coefficient;
        Op.Reduction reduction = switch (recipe.error()) {
            case SUM, SUM_OVER_FEATURES -> Op.Reduction.SUM;
            case MEAN -> Op.Reduction.MEAN;
            case MEAN_OVER_NORM -> Op.Reduction.MEAN_OVER_NORM;
            case NORMALIZED -> Op.Reduction.NORMALIZED;
        };
        return new Op.SquaredError(estimate, target, reduction, (float) factor, gradientOut, loss);
    }

    /** Gradients by the encoder's weights and bias of a loss whose gradient by a reconstruction from s is g. */
    private void backward(String name, Buffer s, Buffer g, Buffer decoder, boolean penalty, boolean exponential, boolean accumulate) {
        Buffer out = builder.sparse("gradient by " + name, batch, n);
        boolean decoderNorm = penalty && recipe.penalty() == Recipe.Penalty.L1_DECODER_NORM;
        builder.add(new Op.FeatureGradient(s, g, decoder, penalty ? hyper : null, penalty ? PENALTY : 0, decoderNorm, exponential, out));
        builder.add(new Op.SparseOuter(out, input, accumulate, wEnc.gradient()));
        builder.add(new Op.SparseColumnSum(out, accumulate, bEnc.gradient()));
    }

    /** The penalty's gradient by a decoder row lies along the row: where that component is projected out, nothing is to be added. */
    private void decoderNormPenalty(Buffer s) {
        if (recipe.penalty() == Recipe.Penalty.L1_DECODER_NORM && recipe.unitNorm() == Recipe.UnitNorm.NONE) {
            builder.add(new Op.DecoderNormGradient(s, wDec.value(), hyper, PENALTY, wDec.gradient()));
        }
    }

    /** Adds errors and gradients of the reconstructions from all prefixes but the whole; a diagonal of ones and zeros cuts the rows. */
    private void nestedPrefixes() {
        List<Integer> sizes = recipe.matryoshka();
        Buffer row = builder.intermediate("nested bias gradient", 1, d);
        Buffer rows = builder.intermediate("nested decoder gradient", n, d);
        Buffer cut = builder.intermediate("nested decoder gradient, cut", n, d);
        Buffer decoder = builder.intermediate("nested decoder", n, d);
        Buffer estimate = builder.intermediate("nested reconstruction", batch, d);
        Buffer g = builder.intermediate("nested gradient", batch, d);
        Buffer loss = builder.intermediate("nested loss", 1, 1);
        for (int i = 0; i < sizes.size() - 1; i++) {
            Buffer prefix = builder.buffer(prefixName(sizes.get(i)), Buffer.Role.INPUT, Buffer.Type.SPARSE, n, n);
            builder.add(new Op.Decode(prefix, wDec.value(), null, decoder));
            builder.add(new Op.Decode(features, decoder, bDec.value(), estimate));
            builder.add(error(estimate, x, 1, g, loss));
            builder.add(new Op.Add(errorLoss, loss, 1, errorLoss));
            builder.add(new Op.SparseOuter(features, g, false, rows));
            builder.add(new Op.Decode(prefix, rows, null, cut));
            builder.add(new Op.Add(wDec.gradient(), cut, 1, wDec.gradient()));
            builder.add(new Op.ColumnSum(g, row));
            builder.add(new Op.Add(bDec.gradient(), row, 1, bDec.gradient()));
            backward(prefixName(sizes.get(i)), features, g, decoder, false, false, true);
        }
    }

    /** The name of the input that cuts to the first features. */
    static String prefixName(int size) {
        return "prefix " + size;
    }

    /**
     * JumpReLU (Rajamanoharan et al. 2024): outputs {@code theta_gradients}, the sums over the kernel's support of g . d_i, and
     * {@code theta_counts}, its size, from which the trainer makes the gradient by theta.
     */
    private void jumpRelu() {
        Buffer theta = builder.parameter("theta", 1, n);
        builder.add(new Op.Select(pre, Op.Rule.JUMP_RELU, 0, theta, 0, null, features));
        reconstruct();
        backward("features", features, gradient, wDec.value(), false, false, false);
        Buffer window = builder.sparse("window", batch, n);
        Buffer products = builder.sparse("gradient by window", batch, n);
        Buffer ones = builder.sparse("ones of window", batch, n);
        builder.add(new Op.Select(pre, Op.Rule.WINDOW, 0, theta, (float) recipe.number(Setting.BANDWIDTH), null, window));
        builder.add(new Op.FeatureGradient(window, gradient, wDec.value(), null, 0, false, false, products));
        builder.add(new Op.SparseColumnSum(products, false, builder.output("theta_gradients", 1, n)));
        builder.add(new Op.FeatureGradient(window, builder.input("zeros", batch, d), wDec.value(), hyper, ONE, false, false, ones));
        builder.add(new Op.SparseColumnSum(ones, false, builder.output("theta_counts", 1, n)));
    }

    /**
     * Gated (Rajamanoharan et al. 2024): outputs {@code mag_gradients}, the sums of the gradients G by the magnitudes, and
     * {@code mag_products}, those of G f, from which the trainer makes the gradients by r_mag and b_mag; {@code exp_r_mag} is the diagonal
     * matrix of exp(r_mag).
     */
    private void gated() {
        Buffer rMag = builder.parameter("r_mag", 1, n);
        Buffer bMag = builder.parameter("b_mag", 1, n);
        Buffer scale = builder.buffer("exp_r_mag", Buffer.Role.INPUT, Buffer.Type.SPARSE, n, n);
        builder.add(new Op.GatedSelect(pre, bEnc.value(), rMag, bMag, features));
        reconstruct();
        Buffer products = builder.sparse("products", batch, n);
        Buffer magnitudes = builder.sparse("gradient by magnitudes", batch, n);
        Buffer rows = builder.intermediate("gradient of magnitude weights", n, d);
        Buffer sums = builder.output("mag_gradients", 1, n);
        builder.add(new Op.FeatureGradient(features, gradient, wDec.value(), null, 0, false, true, products));
        builder.add(new Op.SparseColumnSum(products, false, builder.output("mag_products", 1, n)));
        builder.add(new Op.FeatureGradient(features, gradient, wDec.value(), null, 0, false, false, magnitudes));
        builder.add(new Op.SparseColumnSum(magnitudes, false, sums));
        builder.add(new Op.SparseOuter(magnitudes, input, false, rows));
        builder.add(new Op.Decode(scale, rows, null, wEnc.gradient()));

        Buffer gate = builder.sparse("gate", batch, n);
        Buffer estimate = builder.intermediate("reconstruction from gate", batch, d);
        Buffer g = builder.intermediate("gradient of gate's reconstruction", batch, d);
        Buffer out = builder.sparse("gradient by gate", batch, n);
        builder.add(new Op.Select(pre, Op.Rule.RELU, 0, null, 0, null, gate));
        builder.add(new Op.Decode(gate, wDec.value(), bDec.value(), estimate));
        builder.add(error(estimate, x, 1, g, builder.output("gate_loss", 1, 1)));
        boolean decoderNorm = recipe.penalty() == Recipe.Penalty.L1_DECODER_NORM;
        builder.add(new Op.FeatureGradient(gate, g, wDec.value(), recipe.hasPenalty() ? hyper : null, recipe.hasPenalty() ? PENALTY : 0,
                decoderNorm, false, out));
        builder.add(new Op.SparseOuter(out, input, true, wEnc.gradient()));
        builder.add(new Op.SparseColumnSum(out, false, bEnc.gradient()));
        builder.add(new Op.SparsitySums(gate, wDec.value(), builder.output("gate_sums", 1, 3)));
        decoderNormPenalty(gate);
        if (recipe.applyBDec()) {
            // exp(r_mag) times the sums, as a column: the diagonal matrix multiplies columns only.
            Buffer one = builder.input("one", 1, 1);
            Buffer column = builder.intermediate("column of sums", n, 1);
            Buffer scaled = builder.intermediate("scaled column of sums", n, 1);
            Buffer row = builder.intermediate("b_dec gradient through magnitudes", 1, d);
            builder.add(new Op.MatMul(sums, true, one, false, null, Op.Function.IDENTITY, column));
            builder.add(new Op.Decode(scale, column, null, scaled));
            builder.add(new Op.MatMul(scaled, true, wEnc.value(), false, null, Op.Function.IDENTITY, row));
            builder.add(new Op.Add(bDec.gradient(), row, -1, bDec.gradient()));
        }
    }

    /** As b_dec is subtracted from every input, its gradient loses the pre-activations' gradients times W_enc, summed over the batch. */
    private void biasThroughEncoder() {
        Buffer row = builder.intermediate("b_dec gradient through encoder", 1, d);
        builder.add(new Op.MatMul(bEnc.gradient(), false, wEnc.value(), false, null, Op.Function.IDENTITY, row));
        builder.add(new Op.Add(bDec.gradient(), row, -1, bDec.gradient()));
    }

    private Buffer residual() {
        Buffer residual = builder.intermediate("residual", batch, d);
        builder.add(new Op.Add(x, xHat, -1, residual));
        return residual;
    }

    private void ghost() {
        Buffer ghosts = builder.sparse("ghosts", batch, n);
        Buffer estimate = builder.intermediate("ghost reconstruction", batch, d);
        Buffer g = builder.intermediate("ghost gradient", batch, d);
        builder.add(new Op.Select(pre, Op.Rule.EXP, 0, null, 0, dead, ghosts));
        builder.add(new Op.Decode(ghosts, wDec.value(), null, estimate));
        builder.add(new Op.GhostError(estimate, residual(), x, recipe.error() == Recipe.ErrorReduction.MEAN_OVER_NORM
                ? Op.Reduction.MEAN_OVER_NORM : Op.Reduction.MEAN, g, builder.output("aux_loss", 1, 1)));
        builder.add(new Op.SparseOuter(ghosts, g, true, wDec.gradient()));
        backward("ghosts", ghosts, g, wDec.value(), false, true, true);
    }

    private void auxiliary() {
        Buffer chosen = builder.sparse("auxiliary features", batch, n);
        Buffer estimate = builder.intermediate("auxiliary reconstruction", batch, d);
        Buffer g = builder.intermediate("auxiliary gradient", batch, d);
        builder.add(new Op.Select(pre, Op.Rule.TOPK, (int) Math.min(n, recipe.whole(Setting.K_AUX)), null, 0, dead, chosen));
        builder.add(new Op.Decode(chosen, wDec.value(), null, estimate));
        builder.add(error(estimate, residual(), recipe.number(Setting.AUX_COEFFICIENT), g, builder.output("aux_loss", 1, 1)));
        builder.add(new Op.SparseOuter(chosen, g, true, wDec.gradient()));
        backward("auxiliary features", chosen, g, wDec.value(), false, false, true);
    }

    private void update() {
        if (recipe.unitNorm() != Recipe.UnitNorm.NONE) {
            builder.add(new Op.ProjectRows(wDec.gradient(), wDec.value()));
        }
        if (recipe.unitNorm() == Recipe.UnitNorm.BEFORE_ADAM) {
            builder.add(new Op.NormalizeRows(wDec.value()));
        }
        if (!recipe.hasHostParameters() && recipe.number(Setting.CLIP) > 0) {
            builder.add(new Op.ClipNorm(trained.stream().map(Trained::gradient).toList(), (float) recipe.number(Setting.CLIP)));
        }
        trained.forEach(t -> builder.add(new Op.Adam(t.value(), t.gradient(), t.m(), t.v(), hyper)));
        if (recipe.unitNorm() == Recipe.UnitNorm.AFTER_ADAM) {
            builder.add(new Op.NormalizeRows(wDec.value()));
        }
    }
}
