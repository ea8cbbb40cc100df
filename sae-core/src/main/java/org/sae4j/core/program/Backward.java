package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.ForwardPlan;

/**
 * Reverse mode: the operations that compute gradients, after those of a form. The gradient by each target is given, as an input that
 * {@link #seed} names: 1 for a loss, and for any other value a linear functional of it. So the gradients are those of the sum of
 * {@code seed * target} over all elements of all targets.
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
    private final Map<Value, Value> gradients = new HashMap<>();

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
     * @param targets names of the values whose functionals are differentiated
     * @param wanted names of the values by which: hook points, weights, inputs
     * @param constants names of values through which no gradient passes, such as patterns, scores and the denominators of norms: gradients
     *     are those of a computation in which these values are given
     * @return the computation and its gradients; outputs are those of the form and, named by {@link #gradient}, a gradient for each wanted
     *     value in its shape
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
            if (value.type() != Buffer.Type.F32) {
                throw new IllegalArgumentException("no gradient by " + value.name() + ", which holds " + value.type());
            }
        });
        active.addAll(sought);
        List<Operation> forward = parted(form, targets, wanted);
        b.operations().addAll(forward);
        Set<Value> known = known(forward);
        targets.forEach(name -> {
            Value target = form.value(name);
            require(known, target);
            gradients.merge(target, b.input(seed(name), target.rows(), target.cols()), b::add);
        });
        sought.forEach(value -> require(known, value));
        for (Operation operation : forward.reversed()) {
            Value g = gradients.get(operation.out());
            if (g != null && active.contains(operation.out()) && carries(operation)) {
                rule(operation, g);
            }
        }
        List<Value> outputs = new ArrayList<>(form.outputs());
        for (Value value : sought) {
            Value g = gradients.get(value);
            if (g == null) {
                throw new IllegalArgumentException(value.name() + " changes none of " + targets
                        + (constants.isEmpty() ? "" : ", as far as the constants " + constants + " let it"));
            }
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

    /** Adds to a value's gradient, in the order of the rules, so that bits are always the same. */
    private void give(Value x, Supplier<Value> gradient) {
        if (active.contains(x)) {
            gradients.merge(x, gradient.get(), b::add);
        }
    }

    /** The rules: for every kind, what its output's gradient g gives to its inputs. */
    private void rule(Operation operation, Value g) {
        List<Value> in = operation.in();
        Value x = in.getFirst();
        switch (operation.kind()) {
            case Kind.Gather _ -> give(in.get(1), () -> one(new Kind.GatherGradient(), in.get(1), g, x));
            case Kind.Copy _ -> give(x, () -> g);
            case Kind.Add k -> {
                give(x, () -> g);
                give(in.get(1), () -> b.scale(summed(g, in.get(1)), k.scale()));
            }
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
            case Kind.Product _ -> {
                give(x, () -> b.productByTransposed(g, in.get(1)));
                give(in.get(1), () -> b.transposedProduct(x, g));
                in.stream().skip(2).forEach(bias -> give(bias, () -> b.columnSum(g)));
            }
            case Kind.ProductByTransposed _ -> {
                give(x, () -> b.product(g, in.get(1), null));
                give(in.get(1), () -> b.transposedProduct(g, x));
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
            case Kind.GatherGradient _, Kind.PatchGradient _, Kind.MapGradient _, Kind.LayerNormGradient _, Kind.RmsNormGradient _,
                    Kind.AttentionGradient _, Kind.ScoresGradient _, Kind.MixGradient _, Kind.MixTransposed _, Kind.SoftmaxGradient _,
                    Kind.LogSoftmaxGradient _ ->
                throw new IllegalArgumentException("no gradient of " + operation.kind().getClass().getSimpleName()
                        + ", which writes " + operation.out().name() + ": gradients have none");
            case Kind.Select _, Kind.GatedSelect _, Kind.Decode _, Kind.Choose _ ->
                throw new IllegalArgumentException("no gradient of " + operation.kind().getClass().getSimpleName()
                        + ", which writes " + operation.out().name() + ": those of sparse values are not derived");
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
