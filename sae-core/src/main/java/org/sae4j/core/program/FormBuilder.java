package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.ForwardPlan;

/**
 * Writes forms: a method for each operation gives the value that it writes. Not for use by several threads.
 *
 * <pre>{@code
 * FormBuilder b = new FormBuilder("v");
 * Value x = b.input("x", Dim.ROWS, Dim.of(4));
 * Value y = b.hook("hook_y", b.product(x, b.matrix("W", 4, 3), null));
 * Form form = b.build(y);
 * }</pre>
 */
public final class FormBuilder {
    private final String prefix;
    private final List<Operation> operations = new ArrayList<>();
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private int made;

    /**
     * Starts a form.
     *
     * @param prefix of the names of values that nobody names
     */
    public FormBuilder(String prefix) {
        this.prefix = prefix;
    }

    /**
     * Goes on with a form: what is written comes behind its operations.
     *
     * @param prefix of the names of values that nobody names; no value of the form has it
     * @param form the form
     */
    public FormBuilder(String prefix, Form form) {
        this(prefix);
        operations.addAll(form.operations());
    }

    /**
     * Ends the form.
     *
     * @param outputs what is wanted
     * @return the form
     */
    public Form build(Value... outputs) {
        return new Form(operations, List.of(outputs));
    }

    /** {@return the operations so far, in order} */
    List<Operation> operations() {
        return operations;
    }

    /** {@return the parameters so far, by name, in the order of their first use} */
    public Map<String, Parameter> parameters() {
        return java.util.Collections.unmodifiableMap(parameters);
    }

    /**
     * A parameter's matrix.
     *
     * @param parameter the parameter
     * @return its value
     * @throws IllegalArgumentException if another parameter has its name
     */
    public Value weight(Parameter parameter) {
        Parameter before = parameters.putIfAbsent(parameter.name(), parameter);
        if (before != null && !before.equals(parameter)) {
            throw new IllegalArgumentException("there are two parameters " + before + " and " + parameter);
        }
        return new Value(parameter.name(), Value.Role.WEIGHT, Buffer.Type.F32, Dim.of(parameter.rows()), Dim.of(parameter.cols()), 0);
    }

    /**
     * A parameter that is a matrix.
     *
     * @param name its name
     * @param rows rows
     * @param cols columns
     * @return its value
     */
    public Value matrix(String name, int rows, int cols) {
        return weight(new Parameter(name, Parameter.Layout.MATRIX, rows, cols, 0));
    }

    /**
     * A parameter that is a vector.
     *
     * @param name its name
     * @param length number of elements
     * @return its value, one row
     */
    public Value row(String name, int length) {
        return weight(new Parameter(name, Parameter.Layout.ROW, 1, length, 0));
    }

    /**
     * A float32 input.
     *
     * @param name its name
     * @param rows rows
     * @param cols columns
     * @return its value
     */
    public Value input(String name, Dim rows, Dim cols) {
        return new Value(name, Value.Role.INPUT, Buffer.Type.F32, rows, cols, 0);
    }

    /**
     * An input of indices.
     *
     * @param name its name
     * @param count how many
     * @return its value
     */
    public Value indices(String name, Dim count) {
        return new Value(name, Value.Role.INPUT, Buffer.Type.I32, Dim.ONE, count, 0);
    }

    /**
     * Makes a value a hook point: the one just made gets the name, an older one a copy that has it.
     *
     * @param name the hook point's name
     * @param value the value
     * @return the named value
     */
    public Value hook(String name, Value value) {
        return hook(name, 0, value);
    }

    /**
     * Makes a value a hook point, whose rows fall into heads.
     *
     * @param name the hook point's name
     * @param heads number of heads, 0 for none
     * @param value the value
     * @return the named value
     */
    public Value hook(String name, int heads, Value value) {
        return name(value, name, Value.Role.HOOK, heads);
    }

    /**
     * Names a value that nobody outside sees, so that passes can speak of it: the one just made gets the name, an older one a copy.
     *
     * @param name unique in the form
     * @param value the value
     * @return the named value
     */
    public Value inner(String name, Value value) {
        return name(value, name, Value.Role.INNER, value.heads());
    }

    /**
     * A copy of a value under a name that nobody outside sees, whatever the value.
     *
     * @param name unique in the form
     * @param value the value
     * @return the copy
     */
    public Value copy(String name, Value value) {
        return add(Operation.of(new Kind.Copy(), value.named(name, Value.Role.INNER, value.heads()), value));
    }

    /**
     * A copy through which no gradient passes.
     *
     * @param name unique in the form
     * @param value the value
     * @return the copy
     */
    public Value detached(String name, Value value) {
        return add(Operation.of(new Kind.Detached(), value.named(name, Value.Role.INNER, value.heads()), value));
    }

    /** Gives a value a name of a role: by renaming the one just made, else by a copy. */
    Value name(Value value, String name, Value.Role role, int heads) {
        Value named = value.named(name, role, heads);
        if (!operations.isEmpty() && operations.getLast().out().equals(value) && value.role() == Value.Role.INNER) {
            operations.set(operations.size() - 1, operations.getLast().into(named));
            return named;
        }
        return add(Operation.of(new Kind.Copy(), named, value));
    }

    /** Appends an operation, and gives what it writes. */
    Value add(Operation operation) {
        operations.add(operation);
        return operation.out();
    }

    /** A new value without a name that means anything. */
    Value fresh(Dim rows, Dim cols) {
        return new Value(prefix + made++, Value.Role.INNER, Buffer.Type.F32, rows, cols, 0);
    }

    /** A new value of the shape of another. */
    Value like(Value x) {
        return fresh(x.rows(), x.cols());
    }

    private Value elementwise(Kind kind, Value... in) {
        return add(Operation.of(kind, like(in[0]), in));
    }

    private static Value within(String name, Value like) {
        return like.named(name, Value.Role.HOOK, like.heads());
    }

    /**
     * Rows of a table.
     *
     * @param indices row numbers
     * @param table the table
     * @return its rows
     */
    public Value gather(Value indices, Value table) {
        return add(Operation.of(new Kind.Gather(), fresh(indices.cols(), table.cols()), indices, table));
    }

    /**
     * {@code a + b}.
     *
     * @param a a matrix
     * @param b a matrix of the same shape, or one row
     * @return the sum
     */
    public Value add(Value a, Value b) {
        return elementwise(new Kind.Add(1), a, b);
    }

    /**
     * {@code a * b}, element by element.
     *
     * @param a a matrix
     * @param b a matrix of the same shape, or one row
     * @return the products
     */
    public Value multiply(Value a, Value b) {
        return elementwise(new Kind.Multiply(), a, b);
    }

    /**
     * {@code factor x}.
     *
     * @param x a matrix
     * @param factor of each element
     * @return the multiple; x itself if the factor is 1
     */
    public Value scale(Value x, double factor) {
        return factor == 1 ? x : elementwise(new Kind.Scale((float) factor), x);
    }

    /**
     * {@code function(x)}.
     *
     * @param x a matrix
     * @param function applied to each element
     * @return the results
     */
    public Value map(Value x, Op.Function function) {
        return elementwise(new Kind.Map(function), x);
    }

    /**
     * {@code x w + bias}.
     *
     * @param x rows
     * @param w matrix
     * @param bias one row, or null for none
     * @return the product
     */
    public Value product(Value x, Value w, @Nullable Value bias) {
        return add(new Operation(new Kind.Product(Op.Function.IDENTITY), bias == null ? List.of(x, w) : List.of(x, w, bias), List.of(),
                fresh(x.rows(), w.cols())));
    }

    /**
     * {@code function(x w + bias)}, where the value before the function is a hook point.
     *
     * @param x rows
     * @param w matrix
     * @param bias one row, or null for none
     * @param function applied to each element
     * @param pre name of the hook point before the function
     * @return the results
     */
    public Value product(Value x, Value w, @Nullable Value bias, Op.Function function, String pre) {
        Value out = fresh(x.rows(), w.cols());
        return add(new Operation(new Kind.Product(function), bias == null ? List.of(x, w) : List.of(x, w, bias), List.of(within(pre, out)),
                out));
    }

    /**
     * LayerNorm.
     *
     * @param x rows
     * @param weight one row, or null for ones
     * @param bias one row, or null for zeros; not without weight
     * @param eps added to the variance
     * @param scale name of the hook point of the denominators
     * @param normalized name of the hook point before weight and bias, or null if it is none
     * @return the normalized rows, with weight and bias
     */
    public Value layerNorm(Value x, @Nullable Value weight, @Nullable Value bias, float eps, String scale, @Nullable String normalized) {
        return norm(new Kind.LayerNorm(eps), x, weight, bias, 0, scale, normalized);
    }

    /**
     * RMSNorm.
     *
     * @param x rows
     * @param weight one row, or null for ones
     * @param groups equal parts of a row that are normalized apart, each of which a reader of the hook points sees as a row; 0 for whole
     *     rows
     * @param eps added to the mean of squares
     * @param scale name of the hook point of the denominators
     * @param normalized name of the hook point before the weight, or null if it is none
     * @return the normalized rows, times weight
     */
    public Value rmsNorm(Value x, @Nullable Value weight, int groups, float eps, String scale, @Nullable String normalized) {
        return norm(new Kind.RmsNorm(Math.max(1, groups), eps), x, weight, null, groups, scale, normalized);
    }

    private Value norm(Kind kind, Value x, @Nullable Value weight, @Nullable Value bias, int groups, String scale,
            @Nullable String normalized) {
        Value out = like(x);
        List<Value> in = weight == null ? List.of(x) : bias == null ? List.of(x, weight) : List.of(x, weight, bias);
        Value denominators = new Value(scale, Value.Role.HOOK, Buffer.Type.F32, x.rows(), Dim.of(Math.max(1, groups)),
                -groups);
        Value before = normalized == null ? null : out.named(normalized, Value.Role.HOOK, -groups);
        return add(new Operation(kind, in, before == null ? List.of(denominators) : List.of(denominators, before), out));
    }

    /**
     * Rotary positions.
     *
     * @param x queries or keys
     * @param cos cosines of each row
     * @param sin sines of each row
     * @param heads number of heads
     * @return the rotated rows
     */
    public Value rotary(Value x, Value cos, Value sin, int heads) {
        return elementwise(new Kind.Rotary(heads), x, cos, sin);
    }

    /**
     * Causal attention.
     *
     * @param q queries
     * @param k keys
     * @param v values
     * @param heads the heads
     * @param scores name of the hook point of the scores
     * @param pattern name of the hook point of the pattern
     * @return the mixed values
     */
    public Value attention(Value q, Value k, Value v, Op.Heads heads, String scores, String pattern) {
        Value scored = new Value(scores, Value.Role.HOOK, Buffer.Type.F32, q.rows().times(heads.count()), Dim.LENGTH, 0);
        return add(new Operation(new Kind.Attention(heads), List.of(q, k, v), List.of(scored, within(pattern, scored)), like(q)));
    }

    /**
     * Softmax of each row.
     *
     * @param x rows
     * @return probabilities
     */
    public Value softmax(Value x) {
        return elementwise(new Kind.Softmax(), x);
    }

    /**
     * Some rows set or added to.
     *
     * @param x rows
     * @param rows row numbers, -1 where an entry is not used
     * @param values a row for each row number
     * @param mode how
     * @return the changed rows
     */
    public Value patch(Value x, Value rows, Value values, ForwardPlan.Mode mode) {
        return elementwise(new Kind.Patch(mode), x, rows, values);
    }

    /**
     * {@code a b^T}.
     *
     * @param a rows
     * @param b a matrix of as many columns as a
     * @return the product, a column for each row of b
     */
    public Value productByTransposed(Value a, Value b) {
        return add(Operation.of(new Kind.ProductByTransposed(), fresh(a.rows(), b.rows()), a, b));
    }

    /**
     * {@code a b^T + bias}.
     *
     * @param a rows
     * @param b a matrix of as many columns as a
     * @param bias one row
     * @return the product, a column for each row of b
     */
    public Value productByTransposed(Value a, Value b, Value bias) {
        return add(Operation.of(new Kind.ProductByTransposed(), fresh(a.rows(), b.rows()), a, b, bias));
    }

    /**
     * {@code exp(x)}.
     *
     * @param x a matrix
     * @return the results
     */
    public Value exp(Value x) {
        return elementwise(new Kind.Exp(), x);
    }

    /**
     * 1 where x exceeds a limit, else 0.
     *
     * @param x a matrix
     * @param limit the limit
     * @return ones and zeros
     */
    public Value exceeds(Value x, float limit) {
        return elementwise(new Kind.Exceeds(limit), x);
    }

    /**
     * A sparse input.
     *
     * @param name its name
     * @param rows rows
     * @param cols columns
     * @return its value
     */
    public Value sparseInput(String name, Dim rows, Dim cols) {
        return new Value(name, Value.Role.INPUT, Buffer.Type.SPARSE, rows, cols, 0);
    }

    /**
     * What one run of a program leaves for the next.
     *
     * @param name its name
     * @param rows rows
     * @param cols columns
     * @return its value at the beginning of a run
     */
    public Value state(String name, Dim rows, Dim cols) {
        return new Value(name, Value.Role.STATE, Buffer.Type.F32, rows, cols, 0);
    }

    /**
     * A squared error, which is a loss for {@link Backward}.
     *
     * @param xHat the estimate
     * @param target what is estimated; has a gradient for sums and means alone
     * @param reduction how errors are reduced
     * @param coefficient factor of the loss
     * @return one number
     */
    public Value squaredError(Value xHat, Value target, Op.Reduction reduction, float coefficient) {
        return add(new Operation(new Kind.SquaredError(reduction, coefficient), List.of(xHat, target), List.of(like(xHat)),
                fresh(Dim.ONE, Dim.ONE)));
    }

    /**
     * The error of ghost gradients, see {@link Op.GhostError}, which is a loss for {@link Backward}.
     *
     * @param ghost what dead features make of the input
     * @param residual what the others leave of it
     * @param x the input
     * @param reduction how errors are reduced
     * @return one number
     */
    public Value ghostError(Value ghost, Value residual, Value x, Op.Reduction reduction) {
        return add(new Operation(new Kind.GhostError(reduction), List.of(ghost, residual, x), List.of(like(ghost)),
                fresh(Dim.ONE, Dim.ONE)));
    }

    /**
     * Number, sum, and sum by decoder norms, of feature activations' magnitudes, over all rows. As a target of {@link Backward}, one of them
     * times a coefficient is a loss.
     *
     * @param s feature activations
     * @param w the decoder
     * @param penalty which of them is the loss
     * @param coefficients one row, which holds the coefficient
     * @param slot its column
     * @return three numbers
     */
    public Value sparsity(Value s, Value w, Kind.Penalty penalty, Value coefficients, int slot) {
        List<Value> in = penalty == Kind.Penalty.NONE ? List.of(s, w) : List.of(s, w, coefficients);
        return add(new Operation(new Kind.Sparsity(penalty, slot), in, List.of(), fresh(Dim.ONE, Dim.of(3))));
    }

    /**
     * Counts of inputs since features fired.
     *
     * @param since the counts before, a {@linkplain #state state} of one row
     * @param s feature activations
     * @return the counts after
     */
    public Value trackFiring(Value since, Value s) {
        return elementwise(new Kind.TrackFiring(), since, s);
    }

    /**
     * {@code a^T b}.
     *
     * @param a a matrix
     * @param b a matrix of as many rows as a
     * @return the product, a row for each column of a
     */
    public Value transposedProduct(Value a, Value b) {
        return add(Operation.of(new Kind.TransposedProduct(), fresh(a.cols(), b.cols()), a, b));
    }

    /**
     * The sum of all rows.
     *
     * @param x rows
     * @return one row
     */
    public Value columnSum(Value x) {
        return add(Operation.of(new Kind.ColumnSum(), fresh(Dim.ONE, x.cols()), x));
    }

    /**
     * The logarithm of the softmax of each row.
     *
     * @param x rows
     * @return logarithms of probabilities
     */
    public Value logSoftmax(Value x) {
        return elementwise(new Kind.LogSoftmax(), x);
    }

    /**
     * {@code a - b}.
     *
     * @param a a matrix
     * @param b a matrix of the same shape, or one row
     * @return the difference
     */
    public Value subtract(Value a, Value b) {
        return elementwise(new Kind.Add(-1), a, b);
    }

    /**
     * Entries of a matrix.
     *
     * @param rule which entries; one without thresholds
     * @param k how many, for rules that count, else 0
     * @param pre the matrix
     * @return a sparse value of the same shape
     */
    public Value select(Op.Rule rule, int k, Value pre) {
        return add(Operation.of(new Kind.Select(rule, k, 0), sparse(pre.rows(), pre.cols()), pre));
    }

    /**
     * Entries of some columns of a matrix.
     *
     * @param rule which entries; one without thresholds
     * @param k how many, for rules that count, else 0
     * @param pre the matrix
     * @param mask one row, not 0 for columns that are eligible
     * @return a sparse value of the same shape
     */
    public Value select(Op.Rule rule, int k, Value pre, Value mask) {
        return add(Operation.of(new Kind.Select(rule, k, 0), sparse(pre.rows(), pre.cols()), pre, mask));
    }

    /**
     * Entries that are positive and exceed the threshold of their column.
     *
     * @param pre the matrix
     * @param threshold one row
     * @return a sparse value of the same shape
     */
    public Value jumpRelu(Value pre, Value threshold) {
        return jumpRelu(pre, threshold, 0);
    }

    /**
     * Entries that are positive and exceed the threshold of their column, whose gradient by thresholds is estimated.
     *
     * @param pre the matrix
     * @param threshold one row
     * @param bandwidth width of the estimate's rectangle around the thresholds, positive; 0 for no gradient by thresholds
     * @return a sparse value of the same shape
     */
    public Value jumpRelu(Value pre, Value threshold, float bandwidth) {
        return add(Operation.of(new Kind.Select(Op.Rule.JUMP_RELU, 0, bandwidth), sparse(pre.rows(), pre.cols()), pre, threshold));
    }

    /**
     * Magnitudes where a gate is open, see {@link Op.GatedSelect}.
     *
     * @param gate pre-activations of the gate
     * @param bGate one row, their bias
     * @param rMag one row, logarithms of the magnitudes' scales
     * @param bMag one row, the magnitudes' bias
     * @return a sparse value of the gate's shape
     */
    public Value gatedSelect(Value gate, Value bGate, Value rMag, Value bMag) {
        return add(Operation.of(new Kind.GatedSelect(), sparse(gate.rows(), gate.cols()), gate, bGate, rMag, bMag));
    }

    /**
     * {@code s w + bias}.
     *
     * @param s a sparse value
     * @param w matrix
     * @param bias one row, or null for none
     * @return the product, dense
     */
    public Value decode(Value s, Value w, @Nullable Value bias) {
        return add(new Operation(new Kind.Decode(), bias == null ? List.of(s, w) : List.of(s, w, bias), List.of(),
                fresh(s.rows(), w.cols())));
    }

    /**
     * A choice on the host of elements of a matrix, through which gradients pass at these elements.
     *
     * @param choice gives elements of the matrix, and 0 elsewhere
     * @param pre the matrix
     * @return a sparse value of the same shape
     */
    public Value keep(HostChoice choice, Value pre) {
        return add(Operation.of(new Kind.Choose(choice, true), sparse(pre.rows(), pre.cols()), pre));
    }

    /**
     * A choice on the host. No gradient passes through it.
     *
     * @param choice the choice
     * @param cols columns of the result
     * @param in what it reads, at least one value
     * @return a sparse value with the rows of the first input
     */
    public Value choose(HostChoice choice, int cols, Value... in) {
        return add(Operation.of(new Kind.Choose(choice, false), sparse(in[0].rows(), Dim.of(cols)), in));
    }

    /** A new sparse value without a name that means anything. */
    Value sparse(Dim rows, Dim cols) {
        return new Value(prefix + made++, Value.Role.INNER, Buffer.Type.SPARSE, rows, cols, 0);
    }
}
