package org.sae4j.core.program;

import org.sae4j.api.engine.Op;
import org.sae4j.api.model.ForwardPlan;

/**
 * What an operation does with its inputs: the settings of one of the vocabulary's operations, whose meaning {@link Op} gives. Inputs are
 * listed in their order, those in brackets may be left out.
 */
public sealed interface Kind {
    /** Rows of a table. Inputs: indices, table. */
    record Gather() implements Kind {}

    /** The same value under another name; costs nothing. Input: x. */
    record Copy() implements Kind {}

    /** The same value under another name, through which no gradient passes. Input: x. */
    record Detached() implements Kind {}

    /**
     * {@code a + scale b}. Inputs: a, b.
     *
     * @param scale factor of b
     */
    record Add(float scale) implements Kind {}

    /** {@code a * b}, element by element. Inputs: a, b. */
    record Multiply() implements Kind {}

    /**
     * {@code factor x}. Input: x.
     *
     * @param factor of each element
     */
    record Scale(float factor) implements Kind {}

    /**
     * {@code function(x)}. Input: x.
     *
     * @param function applied to each element
     */
    record Map(Op.Function function) implements Kind {}

    /**
     * {@code function(x w + bias)}. Inputs: x, w [, bias]. Within it lies the value before the function.
     *
     * @param function applied to each element
     */
    record Product(Op.Function function) implements Kind {}

    /**
     * LayerNorm. Inputs: x [, weight, bias]. Within it lie the denominators and, if it has a second inner value, the normalized rows before
     * weight and bias.
     *
     * @param eps added to the variance
     */
    record LayerNorm(float eps) implements Kind {}

    /**
     * RMSNorm. Inputs: x [, weight]. Within it lie the denominators and, if it has a second inner value, the normalized rows before the
     * weight.
     *
     * @param groups equal parts of a row that are normalized apart
     * @param eps added to the mean of squares
     */
    record RmsNorm(int groups, float eps) implements Kind {}

    /**
     * Rotary positions. Inputs: x, cosines, sines.
     *
     * @param heads number of heads
     */
    record Rotary(int heads) implements Kind {}

    /**
     * Causal attention. Inputs: q, k, v [, keys, values of earlier positions, how many of these there are]. Within it lie scores and pattern.
     *
     * @param heads the heads
     */
    record Attention(Op.Heads heads) implements Kind {}

    /**
     * Attention scores. Inputs: q, k.
     *
     * @param heads the heads
     */
    record Scores(Op.Heads heads) implements Kind {}

    /** Softmax of each row. Input: x. */
    record Softmax() implements Kind {}

    /**
     * Patterns times values. Inputs: pattern, v.
     *
     * @param heads the heads
     */
    record Mix(Op.Heads heads) implements Kind {}

    /**
     * Some rows set or added to. Inputs: x, row numbers, values.
     *
     * @param mode how
     */
    record Patch(ForwardPlan.Mode mode) implements Kind {}

    /** {@code a b^T + bias}. Inputs: a, b [, bias]. */
    record ProductByTransposed() implements Kind {}

    /** {@code a^T b}. Inputs: a, b. */
    record TransposedProduct() implements Kind {}

    /** One row, the sum of all rows. Input: x. */
    record ColumnSum() implements Kind {}

    /** The logarithm of the softmax of each row. Input: x. */
    record LogSoftmax() implements Kind {}

    /** Gradient of {@link Gather} by its table. Inputs: g, indices. */
    record GatherGradient() implements Kind {}

    /** Gradient of {@link Patch} by its values. Inputs: g, row numbers. */
    record PatchGradient() implements Kind {}

    /**
     * Gradient of {@link Map}. Inputs: g, x.
     *
     * @param function applied to each element of x
     */
    record MapGradient(Op.Function function) implements Kind {}

    /**
     * Gradient of {@link LayerNorm} by x. Inputs: g, x [, weight]. Beside it comes, as an inner value, the gradient by the weight.
     *
     * @param eps added to the variance
     * @param constantScale whether the denominators are constants
     */
    record LayerNormGradient(float eps, boolean constantScale) implements Kind {}

    /**
     * Gradient of {@link RmsNorm} by x. Inputs: g, x [, weight]. Beside it comes, as an inner value, the gradient by the weight.
     *
     * @param groups equal parts of a row that are normalized apart
     * @param eps added to the mean of squares
     * @param constantScale whether the denominators are constants
     */
    record RmsNormGradient(int groups, float eps, boolean constantScale) implements Kind {}

    /**
     * Gradient of {@link Attention} by queries. Inputs: g, q, k, v [, keys, values of earlier positions, how many of these there are].
     * Beside it come, as inner values, the gradients by keys and by values.
     *
     * @param heads the heads
     */
    record AttentionGradient(Op.Heads heads) implements Kind {}

    /**
     * Gradient of {@link Scores} by the products of queries and keys. Inputs: g, scores.
     *
     * @param heads the heads
     */
    record ScoresGradient(Op.Heads heads) implements Kind {}

    /**
     * Gradient of {@link Mix} by the pattern. Inputs: g, v.
     *
     * @param heads the heads
     */
    record MixGradient(Op.Heads heads) implements Kind {}

    /**
     * Transposed patterns times rows of queries, the gradient of {@link Mix} by its values. Inputs: pattern, x.
     *
     * @param heads the heads
     */
    record MixTransposed(Op.Heads heads) implements Kind {}

    /** Gradient of {@link Softmax}. Inputs: g, probabilities. */
    record SoftmaxGradient() implements Kind {}

    /** Gradient of {@link LogSoftmax}. Inputs: g, logarithms of probabilities. */
    record LogSoftmaxGradient() implements Kind {}

    /** {@code exp(x)}. Input: x. */
    record Exp() implements Kind {}

    /**
     * 1 where x exceeds a limit, else 0. Input: x.
     *
     * @param limit the limit
     */
    record Exceeds(float limit) implements Kind {}

    /**
     * Entries of a matrix, as a sparse value. Inputs: pre [, thresholds, for rules that have them] [, mask of columns]. Gradients pass at
     * the entries as if the choice did not change; thresholds of {@link Op.Rule#JUMP_RELU} have the straight-through estimate by a
     * rectangle (Rajamanoharan et al. 2024, equation 11).
     *
     * @param rule which entries
     * @param k how many, for rules that count
     * @param width width of the window, for {@link Op.Rule#WINDOW}; for {@link Op.Rule#JUMP_RELU} the rectangle's, or 0 if thresholds have
     *     no gradient
     */
    record Select(Op.Rule rule, int k, float width) implements Kind {
        /** {@return whether the rule has thresholds} */
        boolean thresholded() {
            return rule == Op.Rule.JUMP_RELU || rule == Op.Rule.WINDOW;
        }
    }

    /** Magnitudes where a gate is open, as a sparse value. Inputs: gate's pre-activations, b_gate, r_mag, b_mag. */
    record GatedSelect() implements Kind {}

    /** {@code s w + bias} of a sparse s. Inputs: s, w [, bias]. */
    record Decode() implements Kind {}

    /** {@code s_bi row_i} of a sparse s. Inputs: s, row. */
    record ScaleColumns() implements Kind {}

    /**
     * Gradient of {@link Decode} by its sparse value, at the entries of s, which may have others than that value. Inputs: s, g, w [, a row
     * of numbers that holds a penalty's coefficient].
     *
     * @param exponential whether it is multiplied by s
     * @param decoderNorm whether the coefficient is multiplied by the norms of w's rows
     * @param slot column of the coefficient
     */
    record FeatureGradient(boolean exponential, boolean decoderNorm, int slot) implements Kind {}

    /** {@code s^T y} of a sparse s, added to another matrix if there is one. Inputs: s, y [, onto]. */
    record SparseOuter() implements Kind {}

    /** One row, the sum of all rows of a sparse s, added to another if there is one. Inputs: s [, onto]. */
    record SparseColumnSum() implements Kind {}

    /**
     * Gradient of {@link Sparsity} by w, added to another matrix. Inputs: s, w, row that holds the coefficient, onto.
     *
     * @param slot column of the coefficient
     */
    record DecoderNormGradient(int slot) implements Kind {}

    /**
     * A loss: a squared error of xHat. Inputs: xHat, target. Beside it comes, as an inner value, the gradient by xHat. The reduction's
     * normalizers have no gradient.
     *
     * @param reduction how errors are reduced
     * @param coefficient factor of the loss
     */
    record SquaredError(Op.Reduction reduction, float coefficient) implements Kind {}

    /**
     * A loss: the error of ghost gradients, see {@link Op.GhostError}. Inputs: ghost, residual, x. Beside it comes, as an inner value, the
     * gradient by ghost, the only one.
     *
     * @param reduction how errors are reduced
     */
    record GhostError(Op.Reduction reduction) implements Kind {}

    /**
     * Number, sum, and sum by norms of w's rows, of a sparse value's magnitudes; as a loss, one of them times a coefficient. Inputs: s, w [,
     * row that holds the coefficient].
     *
     * @param penalty what is a loss
     * @param slot column of the coefficient
     */
    record Sparsity(Penalty penalty, int slot) implements Kind {}

    /** What of a sparse value is a loss. */
    enum Penalty {
        /** Nothing. */
        NONE,
        /** The number of entries, which has a gradient by thresholds alone. */
        COUNT,
        /** The sum. */
        SUM,
        /** The sum by norms of decoder rows. */
        DECODER_NORM
    }

    /** A gradient without what lies along the rows of w. Inputs: gradient, w. */
    record ProjectRows() implements Kind {}

    /** Rows of norm 1. Input: w. */
    record NormalizeRows() implements Kind {}

    /**
     * Gradients of a joint norm of at most a limit. Inputs: the gradients. The first is the output, the others are inner values.
     *
     * @param limit the largest joint norm
     */
    record ClipNorm(float limit) implements Kind {}

    /** The next values of a parameter, and as inner values of its moments m and v. Inputs: w, gradient, m, v, settings ({@link Op.Adam}). */
    record Adam() implements Kind {}

    /** The next counts of inputs since features fired. Inputs: since, s. */
    record TrackFiring() implements Kind {}

    /**
     * A choice on the host, as a sparse value. No program has it: who runs the form computes the inputs and gives the output. Inputs: what
     * the choice reads.
     * Gradients pass to the first input at the entries if these are its elements; else there are none.
     *
     * @param choice the choice
     * @param keeps whether feature activations are elements of the first input, which has their shape
     */
    record Choose(HostChoice choice, boolean keeps) implements Kind {}
}
