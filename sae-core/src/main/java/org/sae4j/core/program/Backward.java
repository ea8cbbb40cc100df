package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.ForwardPlan;

/**
 * Reverse mode: the operations that compute gradients, after those of a form. The gradient by each target is given, as an input that
 * {@link #seed} names: any linear functional of it. So the gradients are those of the sum of {@code seed * target} over all elements of all
 * targets. A target that is a loss (squared errors, penalties) needs no seed: its own is 1.
 *
 * <p>Sparsity is kept. A sparse value's gradient is sparse, with the same entries, and so is that of what it was chosen of: products give it
 * to their weights by sums over entries, and to biases before them without a matrix of all rows. Gradients of a sparse value by its
 * decoders and its penalty become one operation.
 *
 * <p>A kind of operation has one rule, in {@link #rule}. Fused norms and attentions have gradients that compute again what lies within
 * them, so nothing there is kept; only products are parted from their function, whose slope needs the value before it. What lies within an
 * operation and is a target or wanted is computed by the operation's definition.
 */
public final class Backward {
    private final FormBuilder b = new FormBuilder("gradient ");
    private final Set<String> constants;
    /** What depends on a wanted value: gradients go nowhere else. */
    private final Set<Value> active = new HashSet<>();
    private final Map<Value, Sum> gradients = new HashMap<>();
    /** What is wanted and given. */
    private final Set<Value> leaves = new HashSet<>();
    /** Penalties by norms of leaves, which are added to gradients when these are whole. */
    private final List<Operation> normPenalties = new ArrayList<>();
    /** What copies are copies of. */
    private final Map<Value, Value> copied = new HashMap<>();

    /** A decoder that reads a sparse value: what it gives is {@code g w^T} at the value's entries. */
    private record Decoded(Value g, Value w) {}

    /** What a product with {@code w^T} gives to its rows: the sum of {@code s w} over the sparse gradients by the product. */
    private record Encoded(Sum product, Value w) {}

    /** A gradient as the sum of all of this. */
    private static final class Sum {
        private @Nullable Value dense;
        /** Sparse values. */
        private final List<Value> sparse = new ArrayList<>();
        /** Of a dense value, what products that chose features of it give. */
        private final List<Encoded> encoded = new ArrayList<>();
        /** Of a sparse value, what its decoders give. */
        private final List<Decoded> decoded = new ArrayList<>();
        /** Of a sparse value, its penalties. */
        private final List<Operation> penalties = new ArrayList<>();
        /** The sum of the rows of all sparse values, once it was asked for. */
        private @Nullable Value total;

        private boolean isDense() {
            return sparse.isEmpty();
        }

        private void addAll(Sum other) {
            sparse.addAll(other.sparse);
            encoded.addAll(other.encoded);
            decoded.addAll(other.decoded);
            penalties.addAll(other.penalties);
        }
    }

    private Backward(Set<String> constants) {
        this.constants = constants;
    }

    /**
     * Names an input.
     *
     * @param target name of a target
     * @return name of the gradient by it, which is given
     */
    public static String seed(String target) {
        return "seed of " + target;
    }

    /** Whether a value is the gradient by a target. */
    static boolean isSeed(Value value) {
        return value.role() == Value.Role.INPUT && value.name().startsWith(seed(""));
    }

    /**
     * Names an output.
     *
     * @param wanted name of a wanted value
     * @return name of the gradient by it
     */
    public static String gradient(String wanted) {
        return "gradient of " + wanted;
    }

    /**
     * Adds gradients to a computation. An edited value's gradient is that by what its readers see.
     *
     * @param form the computation
     * @param targets names of the values whose functionals are differentiated, and of losses
     * @param wanted names of the values by which: hook points, feature activations, weights, inputs
     * @param constants names of values through which no gradient passes, such as patterns, scores and the denominators of norms: gradients
     *     are those of a computation in which these values are given
     * @return the computation and its gradients; outputs are those of the form and, named by {@link #gradient}, a gradient for each wanted
     *     value in its shape; sparse if the value is, or if nothing reads it but choices of its entries
     * @throws IllegalArgumentException if a value does not exist, is an index, or is a denominator and wanted or a target; if a wanted
     * value
     *     changes no target but by way of constants; or if an operation on the way has no gradient
     */
    public static Form of(Form form, Collection<String> targets, Collection<String> wanted, Set<String> constants) {
        return new Backward(constants).write(form, targets, wanted);
    }

    private Form write(Form form, Collection<String> targets, Collection<String> wanted) {
        List<Value> sought = wanted.stream().map(form::value).toList();
        sought.forEach(value -> {
            if (value.type() != Buffer.Type.F32 && value.type() != Buffer.Type.SPARSE) {
                throw new IllegalArgumentException("no gradient by " + value.name() + ", which holds " + value.type());
            }
        });
        active.addAll(sought);
        leaves.addAll(sought);
        form.operations().forEach(operation -> leaves.remove(operation.out()));
        List<Operation> forward = parted(form, targets, wanted);
        b.operations().addAll(forward);
        Set<Value> known = known(forward);
        Set<Value> losses = new HashSet<>();
        forward.stream().filter(operation -> isLoss(operation.kind())).forEach(operation -> losses.add(operation.out()));
        targets.forEach(name -> {
            Value target = form.value(name);
            require(known, target);
            if (losses.contains(target)) {
                sum(target);
            } else if (target.type() != Buffer.Type.F32) {
                throw new IllegalArgumentException("no functional of " + name + ", which holds " + target.type() + ": name what it is decoded "
                        + "to");
            } else {
                give(sum(target), b.input(seed(name), target.rows(), target.cols()));
            }
        });
        sought.forEach(value -> require(known, value));
        for (Operation operation : forward.reversed()) {
            Sum sum = gradients.get(operation.out());
            if (sum != null && active.contains(operation.out()) && carries(operation)) {
                rule(operation, sum);
            }
        }
        normPenalties.forEach(this::addNormPenalty);
        List<Value> outputs = new ArrayList<>(form.outputs());
        for (Value value : sought) {
            if (!gradients.containsKey(value)) {
                throw new IllegalArgumentException(value.name() + " changes none of " + targets
                        + (constants.isEmpty() ? "" : ", as far as the constants " + constants + " let it"));
            }
            Value g = one(value);
            Value named = g.named(gradient(value.name()), Value.Role.INNER, value.heads());
            outputs.add(b.add(Operation.of(new Kind.Copy(), named, g)));
        }
        return b.build(outputs.toArray(Value[]::new));
    }

    /** The operations, with all that is looked into in parts; on the way it finds out what is active. */
    private List<Operation> parted(Form form, Collection<String> targets, Collection<String> wanted) {
        Set<String> names = new HashSet<>(targets);
        names.addAll(wanted);
        names.addAll(constants);
        // What is constant within an attention stops gradients by queries and keys, and needs no parts.
        form.operations().stream().filter(operation -> operation.kind() instanceof Kind.Attention).flatMap(operation ->
                operation.inner().stream())
                .map(Value::name).filter(name -> !targets.contains(name) && !wanted.contains(name)).forEach(names::remove);
        List<Operation> operations = new ArrayList<>();
        for (Operation operation : form.open(names).operations()) {
            for (Operation part : carries(operation) ? withoutFunction(operation) : List.of(operation)) {
                operations.add(part);
                if (carries(part) && !constants.contains(part.out().name())) {
                    active.add(part.out());
                }
                if (part.isCopy()) {
                    copied.put(part.out(), origin(part.in().getFirst()));
                }
            }
        }
        return operations;
    }

    /** A product and its function apart. */
    private static List<Operation> withoutFunction(Operation operation) {
        if (!(operation.kind() instanceof Kind.Product k) || k.function() == Op.Function.IDENTITY) {
            return List.of(operation);
        }
        Value out = operation.out();
        Value before = operation.inner().isEmpty() ? out.named(out.name() + " before function", Value.Role.INNER, 0)
                : operation.inner().getFirst();
        return List.of(new Operation(new Kind.Product(Op.Function.IDENTITY), operation.in(), List.of(), before),
                Operation.of(new Kind.Map(k.function()), out, before));
    }

    /** Whether a gradient passes through an operation to a wanted value. */
    private boolean carries(Operation operation) {
        List<Value> in = operation.in();
        if (operation.kind() instanceof Kind.Detached) {
            return false;
        }
        return constantPattern(operation) ? active.contains(in.get(2)) : in.stream().anyMatch(active::contains);
    }

    private boolean constantPattern(Operation operation) {
        return operation.kind() instanceof Kind.Attention && operation.inner().stream().anyMatch(value -> constants.contains(value.name()));
    }

    private boolean constantScale(Operation norm) {
        return !norm.inner().isEmpty() && constants.contains(norm.inner().getFirst().name());
    }

    /** What operations read and write; not what some give beside it. */
    private static Set<Value> known(List<Operation> operations) {
        Set<Value> known = new HashSet<>();
        operations.forEach(operation -> {
            known.addAll(operation.in());
            known.add(operation.out());
        });
        return known;
    }

    private static void require(Set<Value> known, Value value) {
        if (!known.contains(value)) {
            throw new IllegalArgumentException("no gradient by or of " + value.name()
                    + ", which is computed beside another value; take the value that it is computed of");
        }
    }

    private static boolean isLoss(Kind kind) {
        return kind instanceof Kind.SquaredError || kind instanceof Kind.GhostError || kind instanceof Kind.Sparsity;
    }

    private Sum sum(Value value) {
        return gradients.computeIfAbsent(value, _ -> new Sum());
    }

    /** Adds to a gradient, in the order of the rules, so that bits are always the same. */
    private void give(Sum sum, Value gradient) {
        sum.dense = sum.dense == null ? gradient : b.add(sum.dense, gradient);
    }

    private void give(Value x, Supplier<Value> gradient) {
        if (active.contains(x)) {
            give(sum(x), gradient.get());
        }
    }

    /** Adds a multiple to a value's gradient. */
    private void give(Value x, double factor, Supplier<Value> gradient) {
        if (active.contains(x)) {
            Sum sum = sum(x);
            Value g = gradient.get();
            sum.dense = sum.dense == null ? b.scale(g, factor) : b.add(Operation.of(new Kind.Add((float) factor), b.like(g), sum.dense, g));
        }
    }

    /** Adds {@code s^T y} to a matrix's gradient. */
    private void giveOuter(Value w, Value s, Value y) {
        if (active.contains(w)) {
            Sum sum = sum(w);
            Value out = b.fresh(s.cols(), y.cols());
            sum.dense = b.add(sum.dense == null ? Operation.of(new Kind.SparseOuter(), out, s, y)
                    : Operation.of(new Kind.SparseOuter(), out, s, y, sum.dense));
        }
    }

    /** Passes a whole gradient on to a value of the same shape. */
    private void pass(Value x, Sum from) {
        if (active.contains(x)) {
            Sum sum = sum(x);
            sum.addAll(from);
            if (from.dense != null) {
                give(sum, from.dense);
            }
        }
    }

    /** The gradient by a dense value, as one. */
    private Value dense(Value x) {
        Sum sum = Objects.requireNonNull(gradients.get(x));
        if (!sum.isDense()) {
            throw new IllegalArgumentException("the gradient by " + x.name() + " is sparse: it passes through copies, sums and products with "
                    + "a transposed matrix alone (Form.transposing)");
        }
        for (Encoded encoded : sum.encoded) {
            for (Value s : encoded.product().sparse) {
                give(sum, b.decode(s, encoded.w(), null));
            }
        }
        sum.encoded.clear();
        return Objects.requireNonNull(sum.dense, x::name);
    }

    /** The sum of the rows of a gradient's sparse values. */
    private Value total(Sum sum) {
        Value total = sum.total;
        if (total == null) {
            total = total(sum.sparse);
            sum.total = total;
        }
        return total;
    }

    private Value total(List<Value> sparse) {
        Value total = null;
        for (Value s : sparse) {
            Value out = b.fresh(Dim.ONE, s.cols());
            total = b.add(total == null ? Operation.of(new Kind.SparseColumnSum(), out, s)
                    : Operation.of(new Kind.SparseColumnSum(), out, s, total));
        }
        return Objects.requireNonNull(total);
    }

    private Value origin(Value value) {
        return copied.getOrDefault(value, value);
    }

    /** The gradient by a sparse value at its entries, as a sum of sparse values; on request times its elements. */
    private List<Value> atEntries(Value s, boolean exponential) {
        Sum sum = Objects.requireNonNull(gradients.get(s));
        if (exponential && !sum.sparse.isEmpty()) {
            throw new IllegalArgumentException("no gradient by the exponents of " + s.name() + " but of what decoders make of it");
        }
        List<Value> all = new ArrayList<>(sum.sparse);
        List<Operation> penalties = new ArrayList<>(sum.penalties);
        penalties.removeIf(penalty -> ((Kind.Sparsity) penalty.kind()).penalty() == Kind.Penalty.COUNT);
        for (Decoded decoded : sum.decoded) {
            Operation penalty = penalties.stream().filter(p -> origin(p.in().get(1)).equals(origin(decoded.w()))).findFirst().orElse(null);
            penalties.remove(penalty);
            all.add(featureGradient(s, s, decoded, penalty, exponential));
        }
        if (!penalties.isEmpty()) {
            throw new IllegalArgumentException("no gradient of a penalty of " + s.name() + ", of which no target reads what the decoder "
                    + penalties.getFirst().in().get(1).name() + " makes");
        }
        return all;
    }

    /** A gradient by what is decoded, at the entries of another sparse value. */
    private Value featureGradient(Value s, Value entries, Decoded decoded, @Nullable Operation penalty, boolean exponential) {
        Value out = b.sparse(s.rows(), s.cols());
        if (penalty == null) {
            return b.add(Operation.of(new Kind.FeatureGradient(exponential, false, 0), out, entries, decoded.g(), decoded.w()));
        }
        Kind.Sparsity k = (Kind.Sparsity) penalty.kind();
        return b.add(Operation.of(new Kind.FeatureGradient(exponential, k.penalty() == Kind.Penalty.DECODER_NORM, k.slot()), out, entries,
                decoded.g(), decoded.w(), penalty.in().get(2)));
    }

    /** The gradient by a value as one: sparse if the value is, or is only chosen of. */
    private Value one(Value x) {
        Sum sum = Objects.requireNonNull(gradients.get(x));
        List<Value> all = x.type() == Buffer.Type.SPARSE ? atEntries(x, false) : sum.sparse;
        if (all.isEmpty() || sum.dense != null || !sum.encoded.isEmpty()) {
            return dense(x);
        }
        if (all.size() != 1) {
            throw new IllegalArgumentException("no gradient by " + x.name() + " in one value: it is read " + all.size() + " times");
        }
        return all.getFirst();
    }

    /** The rules: for every kind, what its output's gradient gives to its inputs. */
    private void rule(Operation operation, Sum sum) {
        List<Value> in = operation.in();
        Value x = in.getFirst();
        switch (operation.kind()) {
            case Kind.Copy _ -> pass(x, sum);
            case Kind.Add k -> add(operation, k.scale(), sum);
            case Kind.ProductByTransposed _ -> productByTransposed(operation, sum);
            case Kind.Decode _ -> {
                Value g = dense(operation.out());
                if (active.contains(x)) {
                    sum(x).decoded.add(new Decoded(g, in.get(1)));
                }
                giveOuter(in.get(1), x, g);
                in.stream().skip(2).forEach(bias -> give(bias, () -> b.columnSum(g)));
            }
            case Kind.Select k -> select(operation, k, sum);
            case Kind.GatedSelect _ -> gatedSelect(operation);
            case Kind.Choose k -> {
                if (k.keeps() && active.contains(x)) {
                    sum(x).sparse.addAll(atEntries(operation.out(), false));
                }
            }
            case Kind.SquaredError k -> {
                refuseReaders(operation, sum);
                Value g = operation.inner().getFirst();
                give(x, () -> g);
                give(in.get(1), () -> {
                    if (k.reduction() != Op.Reduction.SUM && k.reduction() != Op.Reduction.MEAN) {
                        throw new IllegalArgumentException("no gradient by " + in.get(1).name() + ", the target of an error with reduction "
                                + k.reduction());
                    }
                    return b.scale(g, -1);
                });
            }
            case Kind.GhostError _ -> {
                refuseReaders(operation, sum);
                give(x, () -> operation.inner().getFirst());
            }
            case Kind.Sparsity k -> {
                refuseReaders(operation, sum);
                sparsity(operation, k);
            }
            default -> rule(operation, dense(operation.out()));
        }
    }

    private static void refuseReaders(Operation operation, Sum sum) {
        if (sum.dense != null) {
            throw new IllegalArgumentException("no gradient of what is computed of the loss " + operation.out().name()
                    + ": name the loss as a target");
        }
    }

    /** The rules of what has dense gradients alone. */
    private void rule(Operation operation, Value g) {
        List<Value> in = operation.in();
        Value x = in.getFirst();
        switch (operation.kind()) {
            case Kind.Gather _ -> give(in.get(1), () -> one(new Kind.GatherGradient(), in.get(1), g, x));
            case Kind.Multiply _ -> {
                give(x, () -> b.multiply(g, in.get(1)));
                give(in.get(1), () -> {
                    if (!in.get(1).cols().equals(x.cols())) {
                        throw new IllegalArgumentException("there is no gradient by " + in.get(1).name() + ", which "
                                + operation.out().name()
                                + " repeats along its rows: leave out what lies within the norm");
                    }
                    return summed(b.multiply(g, x), in.get(1));
                });
            }
            case Kind.Scale k -> give(x, () -> b.scale(g, k.factor()));
            case Kind.Map k -> give(x, () -> one(new Kind.MapGradient(k.function()), x, g, x));
            case Kind.Exp _ -> give(x, () -> b.multiply(g, operation.out()));
            case Kind.Product _ -> {
                give(x, () -> b.productByTransposed(g, in.get(1)));
                give(in.get(1), () -> b.transposedProduct(x, g));
                in.stream().skip(2).forEach(bias -> give(bias, () -> b.columnSum(g)));
            }
            case Kind.TransposedProduct _ -> {
                give(x, () -> b.productByTransposed(in.get(1), g));
                give(in.get(1), () -> b.product(x, g, null));
            }
            case Kind.ColumnSum _ -> give(x, () -> b.add(b.scale(x, 0), g));
            case Kind.LayerNorm k -> norm(operation, new Kind.LayerNormGradient(k.eps(), constantScale(operation)), g);
            case Kind.RmsNorm k -> norm(operation, new Kind.RmsNormGradient(k.groups(), k.eps(), constantScale(operation)), g);
            case Kind.Rotary k -> give(x, () -> b.rotary(g, in.get(1), b.scale(in.get(2), -1), k.heads()));
            case Kind.Attention k -> attention(operation, k, g);
            case Kind.Scores k -> scores(operation, k.heads(), g);
            case Kind.Softmax _ -> give(x, () -> one(new Kind.SoftmaxGradient(), x, g, operation.out()));
            case Kind.LogSoftmax _ -> give(x, () -> one(new Kind.LogSoftmaxGradient(), x, g, operation.out()));
            case Kind.Mix k -> {
                give(x, () -> one(new Kind.MixGradient(k.heads()), x, g, in.get(1)));
                give(in.get(1), () -> one(new Kind.MixTransposed(k.heads()), in.get(1), x, g));
            }
            case Kind.Patch k -> {
                give(x, () -> k.mode() == ForwardPlan.Mode.ADD ? g : b.patch(g, in.get(1), b.scale(in.get(2), 0), ForwardPlan.Mode.SET));
                give(in.get(2), () -> one(new Kind.PatchGradient(), in.get(2), g, in.get(1)));
            }
            default -> throw new IllegalArgumentException("no gradient of " + operation.kind().getClass().getSimpleName()
                    + ", which writes " + operation.out().name());
        }
    }

    /** An operation that writes a value of the shape of another. */
    private Value one(Kind kind, Value like, Value... in) {
        return b.add(Operation.of(kind, b.like(like), in));
    }

    /** The gradient by what was repeated for every row. */
    private Value summed(Value g, Value x) {
        return x.rows().equals(g.rows()) ? g : b.columnSum(g);
    }

    private void add(Operation operation, double scale, Sum sum) {
        Value x = operation.in().getFirst();
        Value y = operation.in().get(1);
        pass(x, sum);
        if (y.rows().equals(x.rows()) && scale == 1) {
            pass(y, sum);
        } else if (y.rows().equals(x.rows())) {
            give(y, scale, () -> dense(operation.out()));
        } else if (active.contains(y)) {
            // What was repeated for every row gets the sum over rows, which is taken before a product, not behind it.
            if (sum.dense != null) {
                give(y, scale, () -> b.columnSum(Objects.requireNonNull(sum.dense)));
            }
            if (!sum.sparse.isEmpty()) {
                give(y, scale, () -> total(sum));
            }
            sum.encoded.forEach(encoded -> give(y, scale, () -> b.product(total(encoded.product()), encoded.w(), null)));
        }
    }

    private void productByTransposed(Operation operation, Sum sum) {
        Value x = operation.in().getFirst();
        Value w = operation.in().get(1);
        if (sum.dense != null || !sum.encoded.isEmpty()) {
            Value g = denseBeside(operation.out(), sum);
            give(x, () -> b.product(g, w, null));
            give(w, () -> b.transposedProduct(g, x));
            operation.in().stream().skip(2).forEach(bias -> give(bias, () -> b.columnSum(g)));
        }
        if (!sum.sparse.isEmpty()) {
            sum.sparse.forEach(s -> giveOuter(w, s, x));
            operation.in().stream().skip(2).forEach(bias -> give(bias, () -> total(sum)));
            if (active.contains(x)) {
                sum(x).encoded.add(new Encoded(sum, w));
            }
        }
    }

    /** The dense part of a gradient. */
    private Value denseBeside(Value x, Sum sum) {
        if (sum.isDense()) {
            return dense(x);
        }
        if (!sum.encoded.isEmpty()) {
            throw new IllegalArgumentException("no gradient by " + x.name() + ", which is both encoded and chosen of");
        }
        return Objects.requireNonNull(sum.dense);
    }

    private void select(Operation operation, Kind.Select k, Sum sum) {
        Value pre = operation.in().getFirst();
        if (k.rule() == Op.Rule.WINDOW) {
            throw new IllegalArgumentException("no gradient of a window, which writes " + operation.out().name());
        }
        if (active.contains(pre)) {
            sum(pre).sparse.addAll(atEntries(operation.out(), k.rule() == Op.Rule.EXP));
        }
        if (k.rule() == Op.Rule.JUMP_RELU && active.contains(operation.in().get(1))) {
            thresholds(operation, k.width(), sum);
        }
    }

    /**
     * The straight-through estimate: {@code -(1/width) sum of (theta g . w_i + lambda)} over the entries of the window around the
     * threshold.
     */
    private void thresholds(Operation operation, float width, Sum sum) {
        Value pre = operation.in().getFirst();
        Value theta = operation.in().get(1);
        if (!(width > 0)) {
            throw new IllegalArgumentException("no gradient by " + theta.name() + ": the choice of " + operation.out().name()
                    + " has no bandwidth");
        }
        if (sum.decoded.isEmpty() || !sum.sparse.isEmpty()) {
            throw new IllegalArgumentException("no gradient by " + theta.name() + " but of what decoders make of " + operation.out().name());
        }
        Value window = b.add(Operation.of(new Kind.Select(Op.Rule.WINDOW, 0, width), b.sparse(pre.rows(), pre.cols()), pre, theta));
        Value all = b.multiply(total(sum.decoded.stream().map(decoded -> featureGradient(window, window, decoded, null, false)).toList()),
                theta);
        Decoded first = sum.decoded.getFirst();
        for (Operation penalty : sum.penalties) {
            if (((Kind.Sparsity) penalty.kind()).penalty() == Kind.Penalty.COUNT) {
                Decoded nothing = new Decoded(b.scale(first.g(), 0), first.w());
                all = b.add(all, total(List.of(featureGradient(window, window, nothing, penalty, false))));
            }
        }
        Value gradient = all;
        give(theta, () -> b.scale(gradient, -1 / width));
    }

    /** With G the gradient by magnitudes m = (pre - b_gate) e^r_mag + b_mag: G e^r_mag by pre, sum G by b_mag, sum G (m - b_mag) by r_mag. */
    private void gatedSelect(Operation operation) {
        List<Value> in = operation.in();
        List<Value> byMagnitudes = atEntries(operation.out(), false);
        if (active.contains(in.get(0)) || active.contains(in.get(1))) {
            Value scales = b.exp(in.get(2));
            List<Value> byGate = byMagnitudes.stream().map(g -> b.add(Operation.of(new Kind.ScaleColumns(), b.sparse(g.rows(), g.cols()), g,
                    scales))).toList();
            if (active.contains(in.getFirst())) {
                sum(in.getFirst()).sparse.addAll(byGate);
            }
            give(in.get(1), -1, () -> total(byGate));
        }
        if (active.contains(in.get(2)) || active.contains(in.get(3))) {
            Value sums = total(byMagnitudes);
            give(in.get(2), () -> {
                Value products = total(atEntries(operation.out(), true));
                return b.add(Operation.of(new Kind.Add(-1), b.like(sums), products, b.multiply(sums, in.get(3))));
            });
            give(in.get(3), () -> sums);
        }
    }

    private void addNormPenalty(Operation operation) {
        Value w = operation.in().get(1);
        Sum sum = sum(w);
        sum.dense = b.add(Operation.of(new Kind.DecoderNormGradient(((Kind.Sparsity) operation.kind()).slot()), b.like(w),
                operation.in().getFirst(), w, operation.in().get(2), sum.dense == null ? b.scale(w, 0) : sum.dense));
    }

    private void sparsity(Operation operation, Kind.Sparsity k) {
        Value s = operation.in().getFirst();
        Value w = operation.in().get(1);
        if (k.penalty() == Kind.Penalty.NONE) {
            throw new IllegalArgumentException("nothing of " + operation.out().name() + " is a loss");
        }
        if (active.contains(s)) {
            sum(s).penalties.add(operation);
        }
        if (k.penalty() == Kind.Penalty.DECODER_NORM && active.contains(w)) {
            if (!leaves.contains(w)) {
                throw new IllegalArgumentException("no gradient of a penalty by " + w.name() + ", which is computed");
            }
            normPenalties.add(operation);
        }
    }

    private void norm(Operation norm, Kind kind, Value g) {
        List<Value> in = norm.in();
        Value x = in.getFirst();
        List<Value> byWeight = in.size() > 1 ? List.of(b.like(in.get(1))) : List.of();
        Value byX = b.like(x);
        b.add(new Operation(kind, in.size() > 1 ? List.of(g, x, in.get(1)) : List.of(g, x), byWeight, byX));
        give(x, () -> byX);
        byWeight.forEach(value -> give(in.get(1), () -> value));
        in.stream().skip(2).forEach(bias -> give(bias, () -> b.columnSum(g)));
    }

    private void attention(Operation attention, Kind.Attention kind, Value g) {
        List<Value> in = new ArrayList<>(attention.in());
        List<Value> by = in.subList(0, 3).stream().map(b::like).toList();
        in.addFirst(g);
        b.add(new Operation(new Kind.AttentionGradient(kind.heads()), in, by.subList(1, 3), by.getFirst()));
        for (int i = constantPattern(attention) ? 2 : 0; i < 3; i++) {
            Value gradient = by.get(i);
            give(attention.in().get(i), () -> gradient);
        }
    }

    private void scores(Operation scores, Op.Heads heads, Value g) {
        Value q = scores.in().getFirst();
        Value k = scores.in().get(1);
        Value byProducts = one(new Kind.ScoresGradient(heads), g, g, scores.out());
        give(q, () -> one(new Kind.Mix(heads), q, byProducts, k));
        give(k, () -> one(new Kind.MixTransposed(heads), k, byProducts, q));
    }
}
