package org.sae4j.api.engine;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The vocabulary of operations that programs are made of and engines implement.
 *
 * <p>All buffers are matrices [rows, cols]; F32 unless said otherwise. Unless an operation is said to work in place, its outputs are other
 * buffers than its inputs and are written whole. Norms, softmax and losses accumulate in double precision or a compensated equivalent;
 * results do not depend on the number of threads. Where two values tie, the lower column wins.
 */
public sealed interface Op {
    /** An elementwise function. */
    enum Function {
        /** The value itself. */
        IDENTITY,
        /** {@code max(0, x)}; NaN stays NaN. */
        RELU,
        /** {@code x Phi(x)}, exact. */
        GELU,
        /** {@code x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}. */
        GELU_TANH,
        /** {@code x / (1 + exp(-x))}. */
        SILU,
        /** The hyperbolic tangent. */
        TANH
    }

    /**
     * The heads of an attention, and how its scores come about: {@code cap tanh(scale q k / cap)}, or {@code scale q k} without a cap.
     *
     * @param count heads of queries, at least 1
     * @param keyValues heads of keys and values, a divisor of {@code count}: query head h reads head {@code h / (count / keyValues)}
     * @param scale factor of the products of queries and keys
     * @param cap soft limit of the scores' size, or 0 for none
     * @param window how many positions a query sees, its own included, or 0 for all from the first to its own
     */
    record Heads(int count, int keyValues, float scale, float cap, int window) {
        /**
         * Checks the numbers.
         *
         * @throws IllegalArgumentException if one is out of its range
         */
        public Heads {
            if (count < 1 || keyValues < 1 || count % keyValues != 0 || !Float.isFinite(scale) || !(cap >= 0) || window < 0) {
                throw new IllegalArgumentException("heads of attention: expected a positive count, a divisor of it for keys and values, a"
                        + " finite scale, and cap and window of at least 0; found " + count + ", " + keyValues + ", " + scale + ", " + cap
                        + ", " + window);
            }
        }

        /**
         * Heads with keys and values of their own that see all earlier positions, with the usual scale {@code 1 / sqrt(d_head)}.
         *
         * @param count number of heads
         * @param dHead width of a head
         * @return the heads
         */
        public static Heads of(int count, int dHead) {
            return new Heads(count, count, (float) (1 / Math.sqrt(dHead)), 0, 0);
        }

        /**
         * The first position that a query sees.
         *
         * @param query the query's position
         * @return the first of the positions that end with {@code query}
         */
        public int first(int query) {
            return window == 0 ? 0 : Math.max(0, query - window + 1);
        }
    }

    /** How a dense matrix of pre-activations becomes sparse rows. Entries keep their value, and NaN is no entry, but for {@link #EXP}. */
    enum Rule {
        /** Positive entries. */
        RELU,
        /** The k largest entries of each row, where positive. */
        TOPK,
        /** The {@code k * rows} largest entries of the whole matrix, where positive; ties go to the lower row, then column. */
        BATCH_TOPK,
        /** Positive entries that exceed their column's threshold. */
        JUMP_RELU,
        /** Entries less than {@code width / 2} from their column's threshold: the support of the straight-through estimator's kernel. */
        WINDOW,
        /** {@code exp(p)} of every eligible entry: ghost gradients (Jermyn and Templeton 2024). */
        EXP
    }

    /** How a squared error is reduced, for x and x^ of shape [B, d]. */
    enum Reduction {
        /** Sum over d, mean over the batch. */
        SUM,
        /** Mean over batch and d. */
        MEAN,
        /** Mean over batch and d of the squared error divided by the norm of the row of x. */
        MEAN_OVER_NORM,
        /** Mean over batch and d, divided by that of predicting the batch's mean; 0 where that is 0 or the quotient is not finite. */
        NORMALIZED
    }

    /**
     * Rows of a table: {@code out[r] = table[indices[r]]}.
     *
     * @param indices I32 [1, R], each from 0 to table rows - 1 (checked)
     * @param table [V, C]
     * @param out [R, C]
     */
    record Gather(Buffer indices, Buffer table, Buffer out) implements Op {
        /** Refuses null. */
        public Gather {
            Objects.requireNonNull(indices, "indices");
            Objects.requireNonNull(table, "table");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = a + scale * b}; {@code out} may be {@code a}.
     *
     * @param a [R, C]
     * @param b [R, C], or [1, C] added to every row
     * @param scale factor of b
     * @param out [R, C]
     */
    record Add(Buffer a, Buffer b, float scale, Buffer out) implements Op {
        /** Refuses null. */
        public Add {
            Objects.requireNonNull(a, "a");
            Objects.requireNonNull(b, "b");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = a * b} element by element; {@code out} may be {@code a}.
     *
     * @param a [R, C]
     * @param b [R, C], or [1, C / n] repeated along every row, n times
     * @param out [R, C]
     */
    record Multiply(Buffer a, Buffer b, Buffer out) implements Op {
        /** Refuses null. */
        public Multiply {
            Objects.requireNonNull(a, "a");
            Objects.requireNonNull(b, "b");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = factor * x}; {@code out} may be {@code x}.
     *
     * @param x [R, C]
     * @param factor of each element
     * @param out [R, C]
     */
    record Scale(Buffer x, float factor, Buffer out) implements Op {
        /** Refuses null. */
        public Scale {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Rows minus their mean, divided by {@code sqrt(variance + eps)} with the biased variance, times weight plus bias.
     *
     * @param x [R, C]
     * @param weight [1, C], or null for ones
     * @param bias [1, C], or null for zeros
     * @param eps added to the variance
     * @param out [R, C]
     * @param scale the denominators [R, 1], or null if not wanted
     */
    record LayerNorm(Buffer x, @Nullable Buffer weight, @Nullable Buffer bias, float eps, Buffer out, @Nullable Buffer scale)
            implements Op {
        /** Refuses null. */
        public LayerNorm {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Every group of a row divided by {@code sqrt(mean of squares + eps)}, times weight (Zhang and Sennrich 2019).
     *
     * @param x [R, groups * C]
     * @param weight [1, C], the same for all groups, or null for ones
     * @param groups equal parts of a row that are normalized apart, 1 for whole rows
     * @param eps added to the mean of squares
     * @param out [R, groups * C]
     * @param scale the denominators [R, groups], or null if not wanted
     */
    record RmsNorm(Buffer x, @Nullable Buffer weight, int groups, float eps, Buffer out, @Nullable Buffer scale) implements Op {
        /** Refuses null. */
        public RmsNorm {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Rotary positions (Su et al. 2021): of every head, element i and element i + n become
     * {@code (x_i cos - x_(i+n) sin, x_(i+n) cos + x_i sin)} for i from 0 to n - 1, with cos and sin at column i of the same row; elements
     * from 2 n on stay. {@code out} may be {@code x}.
     *
     * @param x [R, heads * d_head]
     * @param cos cosines of the angles of each row's position [R, n], with n at most d_head / 2
     * @param sin sines of the same angles [R, n]
     * @param heads number of heads
     * @param out [R, heads * d_head]
     */
    record Rotary(Buffer x, Buffer cos, Buffer sin, int heads, Buffer out) implements Op {
        /** Refuses null. */
        public Rotary {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(cos, "cos");
            Objects.requireNonNull(sin, "sin");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = function(a' b' + bias)}, where a' and b' are a and b or their transposes.
     *
     * @param a [M, K], or [K, M] if transposed
     * @param transposeA whether a is used transposed
     * @param b [K, N], or [N, K] if transposed
     * @param transposeB whether b is used transposed
     * @param bias [1, N], or null for none
     * @param function applied to each element
     * @param out [M, N]
     */
    record MatMul(Buffer a, boolean transposeA, Buffer b, boolean transposeB, @Nullable Buffer bias, Function function, Buffer out)
            implements Op {
        /** Refuses null. */
        public MatMul {
            Objects.requireNonNull(a, "a");
            Objects.requireNonNull(b, "b");
            Objects.requireNonNull(function, "function");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = function(x)}; {@code out} may be {@code x}.
     *
     * @param x [R, C]
     * @param function applied to each element
     * @param out [R, C]
     */
    record Map(Buffer x, Function function, Buffer out) implements Op {
        /** Refuses null. */
        public Map {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(function, "function");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Causal attention, {@code out = softmax(scores) v} for every batch row and head, with scores as {@link Heads} says. Earlier positions,
     * whose keys and values are known, can come before those of q: queries see them as if they were in the same pass.
     *
     * @param q [batch * T, heads * d_head]
     * @param k [batch * T, keyValues * d_head]
     * @param v as k
     * @param past room for earlier positions, 0 for none
     * @param pastK keys of the earlier positions [batch * past, keyValues * d_head], or [past, keyValues * d_head] for all batch rows
     *     alike; null for none
     * @param pastV values of the earlier positions, in the shape of {@code pastK}; null for none
     * @param pastLength I32 [1, 1], how many earlier positions there are in a run, from 0 to {@code past} (checked): the first ones of the
     *     room; null for all
     * @param batch number of sequences
     * @param heads the heads
     * @param out as q
     */
    record Attention(Buffer q, Buffer k, Buffer v, int past, @Nullable Buffer pastK, @Nullable Buffer pastV, @Nullable Buffer pastLength,
            int batch, Heads heads, Buffer out) implements Op {
        /** Refuses null. */
        public Attention {
            Objects.requireNonNull(q, "q");
            Objects.requireNonNull(k, "k");
            Objects.requireNonNull(v, "v");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
        }

        /**
         * Attention that starts at the first position.
         *
         * @param q [batch * T, heads * d_head]
         * @param k [batch * T, keyValues * d_head]
         * @param v as k
         * @param batch number of sequences
         * @param heads the heads
         * @param out as q
         */
        public Attention(Buffer q, Buffer k, Buffer v, int batch, Heads heads, Buffer out) {
            Objects.requireNonNull(q, "q");
            Objects.requireNonNull(k, "k");
            Objects.requireNonNull(v, "v");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
            this(q, k, v, 0, null, null, null, batch, heads, out);
        }
    }

    /**
     * Causal attention scores as {@link Heads} says, -infinity where a query does not see a key.
     *
     * @param q [batch * T, heads * d_head]
     * @param k [batch * T, keyValues * d_head]
     * @param batch number of sequences
     * @param heads the heads
     * @param out [batch * heads * T, T]
     */
    record AttentionScores(Buffer q, Buffer k, int batch, Heads heads, Buffer out) implements Op {
        /** Refuses null. */
        public AttentionScores {
            Objects.requireNonNull(q, "q");
            Objects.requireNonNull(k, "k");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Softmax of each row.
     *
     * @param x [R, C]
     * @param out [R, C]
     */
    record Softmax(Buffer x, Buffer out) implements Op {
        /** Refuses null. */
        public Softmax {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Attention probabilities times values.
     *
     * @param pattern [batch * heads * T, T]
     * @param v [batch * T, keyValues * d_head]
     * @param batch number of sequences
     * @param heads the heads
     * @param out [batch * T, heads * d_head]
     */
    record AttentionMix(Buffer pattern, Buffer v, int batch, Heads heads, Buffer out) implements Op {
        /** Refuses null. */
        public AttentionMix {
            Objects.requireNonNull(pattern, "pattern");
            Objects.requireNonNull(v, "v");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Changes rows in place: {@code target[rows[i]] = values[i]}, or adds to them. Rows named twice in one operation are an error.
     *
     * @param target [R, C], in place
     * @param rows I32 [1, n]; -1 skips the entry, others from 0 to R - 1 (checked)
     * @param values [n, C]
     * @param add whether to add instead of to set
     */
    record Patch(Buffer target, Buffer rows, Buffer values, boolean add) implements Op {
        /** Refuses null. */
        public Patch {
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(rows, "rows");
            Objects.requireNonNull(values, "values");
        }
    }

    /**
     * Sparse rows of a dense matrix of pre-activations.
     *
     * @param pre [B, n]
     * @param rule which entries are kept, and with what value
     * @param k for TOPK and BATCH_TOPK: entries per row; otherwise 0
     * @param threshold for JUMP_RELU and WINDOW: [1, n]; otherwise null
     * @param width for WINDOW: the kernel's width; otherwise 0
     * @param mask columns that are eligible, where not 0 [1, n], or null for all
     * @param out SPARSE [B, n]
     */
    record Select(Buffer pre, Rule rule, int k, @Nullable Buffer threshold, float width, @Nullable Buffer mask, Buffer out)
            implements Op {
        /** Refuses null. */
        public Select {
            Objects.requireNonNull(pre, "pre");
            Objects.requireNonNull(rule, "rule");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gated activations {@code [pre > 0] max(0, (pre - bGate) exp(rMag) + bMag)}, of {@code pre = x W_enc + b_gate}; the positive ones are
     * the entries.
     *
     * @param pre [B, n]
     * @param bGate [1, n]
     * @param rMag [1, n]
     * @param bMag [1, n]
     * @param out SPARSE [B, n]
     */
    record GatedSelect(Buffer pre, Buffer bGate, Buffer rMag, Buffer bMag, Buffer out) implements Op {
        /** Refuses null. */
        public GatedSelect {
            Objects.requireNonNull(pre, "pre");
            Objects.requireNonNull(bGate, "bGate");
            Objects.requireNonNull(rMag, "rMag");
            Objects.requireNonNull(bMag, "bMag");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = s w + bias} for sparse s.
     *
     * @param s SPARSE [B, n]
     * @param w [n, d]
     * @param bias [1, d], or null for none
     * @param out [B, d]
     */
    record Decode(Buffer s, Buffer w, @Nullable Buffer bias, Buffer out) implements Op {
        /** Refuses null. */
        public Decode {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(w, "w");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * A squared error, times a coefficient, and its gradient by xHat. The reduction's normalizers are constants of the gradient.
     *
     * @param xHat [B, d]
     * @param x [B, d]
     * @param reduction how errors are reduced
     * @param coefficient factor of loss and gradient
     * @param gradient [B, d]
     * @param loss [1, 1]
     */
    record SquaredError(Buffer xHat, Buffer x, Reduction reduction, float coefficient, Buffer gradient, Buffer loss) implements Op {
        /** Refuses null. */
        public SquaredError {
            Objects.requireNonNull(xHat, "xHat");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(reduction, "reduction");
            Objects.requireNonNull(gradient, "gradient");
            Objects.requireNonNull(loss, "loss");
        }
    }

    /**
     * The loss of ghost gradients and its gradient by the unscaled ghost output g: g is scaled row by row to half the residual's norm,
     * {@code g' = g |r| / (2 |g| + 1e-6)}, and {@code loss = mean[c e']} with {@code e' = (g' - r)^2} and {@code c = e / (e' + 1e-6)}
     * elementwise, where e is the main squared error with the reduction's row normalizer: the loss has the size of the main one. Scale, c
     * and r are constants of the gradient.
     *
     * @param ghost g [B, d]
     * @param residual r = x - x^ [B, d]
     * @param x the autoencoder's input [B, d]
     * @param reduction MEAN or MEAN_OVER_NORM
     * @param gradient [B, d]
     * @param loss [1, 1]
     */
    record GhostError(Buffer ghost, Buffer residual, Buffer x, Reduction reduction, Buffer gradient, Buffer loss) implements Op {
        /** Refuses null. */
        public GhostError {
            Objects.requireNonNull(ghost, "ghost");
            Objects.requireNonNull(residual, "residual");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(reduction, "reduction");
            Objects.requireNonNull(gradient, "gradient");
            Objects.requireNonNull(loss, "loss");
        }
    }

    /**
     * Gradient by the pre-activations at the entries of s: {@code out_bi = (g_b . w_i + hyper[slot] * norm_i) * slope}, where norm_i is
     * {@code |w_i|} or 1, and slope is 1, or s_bi for the rule EXP.
     *
     * @param s SPARSE [B, n]
     * @param g gradient by the reconstruction [B, d]
     * @param w decoder [n, d]
     * @param hyper [1, m], holds the sparsity coefficient of one activation, or null for no penalty
     * @param slot column of hyper
     * @param decoderNorm whether norm_i is the norm of the decoder row
     * @param exponential whether slope is s_bi
     * @param out SPARSE [B, n], same entries as s
     */
    record FeatureGradient(Buffer s, Buffer g, Buffer w, @Nullable Buffer hyper, int slot, boolean decoderNorm, boolean exponential,
            Buffer out) implements Op {
        /** Refuses null. */
        public FeatureGradient {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(w, "w");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out_i = sum over b of s_bi y_b}: gradients of decoder and encoder rows.
     *
     * @param s SPARSE [B, n]
     * @param y [B, d]
     * @param accumulate whether to add to out instead of overwriting it
     * @param out [n, d]
     */
    record SparseOuter(Buffer s, Buffer y, boolean accumulate, Buffer out) implements Op {
        /** Refuses null. */
        public SparseOuter {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out_i = sum over b of s_bi}.
     *
     * @param s SPARSE [B, n]
     * @param accumulate whether to add to out instead of overwriting it
     * @param out [1, n]
     */
    record SparseColumnSum(Buffer s, boolean accumulate, Buffer out) implements Op {
        /** Refuses null. */
        public SparseColumnSum {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out_bi = s_bi row_i}.
     *
     * @param s SPARSE [B, n]
     * @param row [1, n]
     * @param out SPARSE [B, n], same entries as s
     */
    record ScaleColumns(Buffer s, Buffer row, Buffer out) implements Op {
        /** Refuses null. */
        public ScaleColumns {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(row, "row");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = sum over rows of x}.
     *
     * @param x [R, C]
     * @param out [1, C]
     */
    record ColumnSum(Buffer x, Buffer out) implements Op {
        /** Refuses null. */
        public ColumnSum {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Sparsity of a batch: {@code out = (number of entries, sum of |s|, sum of |s_bi| |w_i|)}, sums over the whole matrix.
     *
     * @param s SPARSE [B, n]
     * @param w [n, d]
     * @param out [1, 3]
     */
    record SparsitySums(Buffer s, Buffer w, Buffer out) implements Op {
        /** Refuses null. */
        public SparsitySums {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(w, "w");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Adds the gradient of {@code hyper[slot] * sum_bi |s_bi| |w_i|} by w, in place.
     *
     * @param s SPARSE [B, n]
     * @param w [n, d]
     * @param hyper [1, m]
     * @param slot column of hyper
     * @param gradient [n, d], in place
     */
    record DecoderNormGradient(Buffer s, Buffer w, Buffer hyper, int slot, Buffer gradient) implements Op {
        /** Refuses null. */
        public DecoderNormGradient {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(w, "w");
            Objects.requireNonNull(hyper, "hyper");
            Objects.requireNonNull(gradient, "gradient");
        }
    }

    /**
     * Counts inputs since features last fired, in place: 0 for columns with an entry in s, otherwise increased by the rows of s.
     *
     * @param s SPARSE [B, n]
     * @param since [1, n], in place
     */
    record TrackFiring(Buffer s, Buffer since) implements Op {
        /** Refuses null. */
        public TrackFiring {
            Objects.requireNonNull(s, "s");
            Objects.requireNonNull(since, "since");
        }
    }

    /**
     * {@code out = 1} where {@code x > limit}, else 0.
     *
     * @param x [R, C]
     * @param limit compared with each element
     * @param out [R, C]
     */
    record Exceeds(Buffer x, float limit, Buffer out) implements Op {
        /** Refuses null. */
        public Exceeds {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * {@code out = exp(x)}.
     *
     * @param x [R, C]
     * @param out [R, C], may be x
     */
    record Exp(Buffer x, Buffer out) implements Op {
        /** Refuses null. */
        public Exp {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Removes from each row of the gradient its component along the same row of w, in place.
     *
     * @param gradient [n, d], in place
     * @param w [n, d]
     */
    record ProjectRows(Buffer gradient, Buffer w) implements Op {
        /** Refuses null. */
        public ProjectRows {
            Objects.requireNonNull(gradient, "gradient");
            Objects.requireNonNull(w, "w");
        }
    }

    /**
     * Divides each row by its norm, in place; rows of zeros stay.
     *
     * @param w [n, d], in place
     */
    record NormalizeRows(Buffer w) implements Op {
        /** Refuses null. */
        public NormalizeRows {
            Objects.requireNonNull(w, "w");
        }
    }

    /**
     * Scales gradients in place so that their joint norm is at most a limit: factor {@code min(1, limit / (norm + 1e-6))}.
     *
     * @param gradients changed in place
     * @param limit the largest joint norm
     */
    record ClipNorm(List<Buffer> gradients, float limit) implements Op {
        /** Copies the list. */
        public ClipNorm {
            Objects.requireNonNull(gradients, "gradients");
            gradients = List.copyOf(gradients);
        }
    }

    /**
     * One step of Adam (Kingma and Ba 2015, algorithm 1, as PyTorch computes it), in place.
     *
     * @param w parameter [R, C], in place
     * @param gradient [R, C]
     * @param m first moment [R, C], in place
     * @param v second moment [R, C], in place
     * @param hyper [1, m], whose first columns are learning rate, beta1, beta2, epsilon, and the step from 1
     */
    record Adam(Buffer w, Buffer gradient, Buffer m, Buffer v, Buffer hyper) implements Op {
        /** Refuses null. */
        public Adam {
            Objects.requireNonNull(w, "w");
            Objects.requireNonNull(gradient, "gradient");
            Objects.requireNonNull(m, "m");
            Objects.requireNonNull(v, "v");
            Objects.requireNonNull(hyper, "hyper");
        }
    }

    /**
     * An operation that is not in the vocabulary, with its definition in operations that are. An engine that knows it runs it as one
     * ({@link Engine#runs}); for every other engine {@link Program#loweredFor} puts the definition in its place. So a model can use an
     * operation that an engine has never heard of.
     */
    non-sealed interface Extension extends Op {
        /** {@return a name for messages} */
        String name();

        /** {@return the buffers that it reads, without those that it may leave out} */
        List<Buffer> reads();

        /** {@return the buffers that it writes whole} */
        List<Buffer> writes();

        /**
         * Appends operations that do the same. They may be extensions themselves, but not this one.
         *
         * @param builder of the program that gets them; it has all buffers of {@link #reads} and {@link #writes}
         * @param prefix how the names of all buffers made here begin
         */
        void define(Program.Builder builder, String prefix);
    }

    /**
     * The logarithm of the softmax of each row: {@code out = x - log(sum of exp(x))}.
     *
     * @param x [R, C]
     * @param out [R, C]
     */
    record LogSoftmax(Buffer x, Buffer out) implements Op {
        /** Refuses null. */
        public LogSoftmax {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link Gather} by its table: {@code out[i] = sum of g[r]} over the r with {@code indices[r] = i}.
     *
     * @param indices I32 [1, R], each from 0 to table rows - 1 (checked)
     * @param g gradient by the gathered rows [R, C]
     * @param out [V, C]
     */
    record GatherGradient(Buffer indices, Buffer g, Buffer out) implements Op {
        /** Refuses null. */
        public GatherGradient {
            Objects.requireNonNull(indices, "indices");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link Patch} by its values: {@code out[i] = g[rows[i]]}, zeros where the entry is skipped.
     *
     * @param rows I32 [1, n]; -1 skips the entry, others from 0 to R - 1 (checked)
     * @param g gradient by the patched rows [R, C]
     * @param out [n, C]
     */
    record PatchGradient(Buffer rows, Buffer g, Buffer out) implements Op {
        /** Refuses null. */
        public PatchGradient {
            Objects.requireNonNull(rows, "rows");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link Map}: {@code out = g function'(x)}, where the slope of RELU at 0 is 0; {@code out} may be {@code g}.
     *
     * @param x what the function was applied to [R, C]
     * @param function the function
     * @param g gradient by the results [R, C]
     * @param out [R, C]
     */
    record MapGradient(Buffer x, Function function, Buffer g, Buffer out) implements Op {
        /** Refuses null. */
        public MapGradient {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(function, "function");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link LayerNorm} by x, and by its weight. With y the rows before weight and bias, s the denominators and
     * {@code h = g weight}, {@code out = (h - mean(h) - y mean(h y)) / s}, or {@code (h - mean(h)) / s} if the denominators are constants;
     * {@code weightGradient = sum over rows of g y}.
     *
     * @param x [R, C]
     * @param weight [1, C], or null for ones
     * @param eps added to the variance
     * @param g gradient by the normalized rows [R, C]
     * @param constantScale whether the denominators are constants of the gradient, as for attribution that is linear in x
     * @param out [R, C]
     * @param weightGradient [1, C], or null if not wanted
     */
    record LayerNormGradient(Buffer x, @Nullable Buffer weight, float eps, Buffer g, boolean constantScale, Buffer out,
            @Nullable Buffer weightGradient) implements Op {
        /** Refuses null. */
        public LayerNormGradient {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link RmsNorm} by x, and by its weight. With y the groups before the weight, s the denominators and
     * {@code h = g weight}, {@code out = (h - y mean(h y)) / s}, or {@code h / s} if the denominators are constants;
     * {@code weightGradient = sum over rows and groups of g y}.
     *
     * @param x [R, groups * C]
     * @param weight [1, C], the same for all groups, or null for ones
     * @param groups equal parts of a row that are normalized apart
     * @param eps added to the mean of squares
     * @param g gradient by the normalized rows [R, groups * C]
     * @param constantScale whether the denominators are constants of the gradient, as for attribution that is linear in x
     * @param out [R, groups * C]
     * @param weightGradient [1, C], or null if not wanted
     */
    record RmsNormGradient(Buffer x, @Nullable Buffer weight, int groups, float eps, Buffer g, boolean constantScale, Buffer out,
            @Nullable Buffer weightGradient) implements Op {
        /** Refuses null. */
        public RmsNormGradient {
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link Softmax}: {@code out = y (g - sum over the row of y g)}; {@code out} may be {@code g}.
     *
     * @param y the probabilities [R, C]
     * @param g gradient by them [R, C]
     * @param out [R, C]
     */
    record SoftmaxGradient(Buffer y, Buffer g, Buffer out) implements Op {
        /** Refuses null. */
        public SoftmaxGradient {
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link LogSoftmax}: {@code out = g - exp(y) sum over the row of g}; {@code out} may be {@code g}.
     *
     * @param y the logarithms of the probabilities [R, C]
     * @param g gradient by them [R, C]
     * @param out [R, C]
     */
    record LogSoftmaxGradient(Buffer y, Buffer g, Buffer out) implements Op {
        /** Refuses null. */
        public LogSoftmaxGradient {
            Objects.requireNonNull(y, "y");
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradients of {@link Attention} by queries, keys and values of the pass; at least one is wanted. Keys and values of earlier positions
     * are constants. Scores and patterns are computed again, some queries at a time, so that no matrix of all scores exists (Dao et al.
     * 2022).
     *
     * @param q [batch * T, heads * d_head]
     * @param k [batch * T, keyValues * d_head]
     * @param v as k
     * @param past room for earlier positions, 0 for none
     * @param pastK keys of the earlier positions, as {@link Attention} has them; null for none
     * @param pastV values of the earlier positions, in the shape of {@code pastK}; null for none
     * @param pastLength I32 [1, 1], how many earlier positions there are, from 0 to {@code past} (checked); null for all
     * @param batch number of sequences
     * @param heads the heads
     * @param g gradient by the mixed values, as q
     * @param queryGradient as q, or null if not wanted
     * @param keyGradient as k, or null if not wanted
     * @param valueGradient as k, or null if not wanted
     */
    record AttentionGradient(Buffer q, Buffer k, Buffer v, int past, @Nullable Buffer pastK, @Nullable Buffer pastV,
            @Nullable Buffer pastLength, int batch, Heads heads, Buffer g, @Nullable Buffer queryGradient, @Nullable Buffer keyGradient,
            @Nullable Buffer valueGradient) implements Op {
        /** Refuses null. */
        public AttentionGradient {
            Objects.requireNonNull(q, "q");
            Objects.requireNonNull(k, "k");
            Objects.requireNonNull(v, "v");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(g, "g");
        }
    }

    /**
     * Gradient of {@link AttentionScores} by the products of queries and keys: {@code g scale (1 - (scores / cap)^2)}, without the second
     * factor if there is no cap, and 0 where a query does not see a key. {@link AttentionMix} of it and the keys is the gradient by
     * queries, {@link AttentionMixTransposed} of it and the queries the one by keys. {@code out} may be {@code g}.
     *
     * @param scores the scores [batch * heads * T, T], or null if there is no cap, where they are not needed
     * @param g gradient by the scores [batch * heads * T, T]
     * @param batch number of sequences
     * @param heads the heads
     * @param out [batch * heads * T, T]
     */
    record AttentionScoresGradient(@Nullable Buffer scores, Buffer g, int batch, Heads heads, Buffer out) implements Op {
        /** Refuses null. */
        public AttentionScoresGradient {
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Gradient of {@link AttentionMix} by its pattern: for every head the product of a query's gradient and every value, also
     * those that the query does not see.
     *
     * @param g gradient by the mixed values [batch * T, heads * d_head]
     * @param v [batch * T, keyValues * d_head]
     * @param batch number of sequences
     * @param heads the heads
     * @param out [batch * heads * T, T]
     */
    record AttentionMixGradient(Buffer g, Buffer v, int batch, Heads heads, Buffer out) implements Op {
        /** Refuses null. */
        public AttentionMixGradient {
            Objects.requireNonNull(g, "g");
            Objects.requireNonNull(v, "v");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
        }
    }

    /**
     * Transposed patterns times rows of queries, added up over the heads of queries that share a head of keys and values:
     * {@code out_k = sum over these heads and all queries of pattern_qk x_q}. It is the gradient of {@link AttentionMix} by its values.
     *
     * @param pattern [batch * heads * T, T]
     * @param x [batch * T, heads * d_head]
     * @param batch number of sequences
     * @param heads the heads
     * @param out [batch * T, keyValues * d_head]
     */
    record AttentionMixTransposed(Buffer pattern, Buffer x, int batch, Heads heads, Buffer out) implements Op {
        /** Refuses null. */
        public AttentionMixTransposed {
            Objects.requireNonNull(pattern, "pattern");
            Objects.requireNonNull(x, "x");
            Objects.requireNonNull(heads, "heads");
            Objects.requireNonNull(out, "out");
        }
    }
}
