package org.sae4j.core.program;

import java.util.List;
import java.util.function.UnaryOperator;
import org.sae4j.api.engine.Op;

/**
 * One step of a computation. A composite one has values within, such as the scores of an attention, that nobody sees as long as nobody asks
 * for them: engines run it as one. Who asks gets the {@linkplain #definition() definition} in simpler operations instead.
 *
 * @param kind what it does
 * @param in what it reads, in the order that the kind says
 * @param inner the named values within, in the order of the computation
 * @param out what it writes
 */
public record Operation(Kind kind, List<Value> in, List<Value> inner, Value out) {
    /** Copies the lists. */
    public Operation {
        in = List.copyOf(in);
        inner = List.copyOf(inner);
    }

    /**
     * An operation without values within.
     *
     * @param kind what it does
     * @param out what it writes
     * @param in what it reads
     * @return the operation
     */
    static Operation of(Kind kind, Value out, Value... in) {
        return new Operation(kind, List.of(in), List.of(), out);
    }

    /** The same operation over other inputs. */
    Operation over(UnaryOperator<Value> to) {
        List<Value> replaced = in.stream().map(to).toList();
        return replaced.equals(in) ? this : new Operation(kind, replaced, inner, out);
    }

    /** The same operation with another output. */
    Operation into(Value other) {
        return new Operation(kind, in, inner, other);
    }

    /** {@return whether the output is the input itself under another name} */
    boolean isCopy() {
        return kind instanceof Kind.Copy || kind instanceof Kind.Detached;
    }

    /** {@return how many of the first inner values the operation can give beside its output, as norms give their denominators} */
    int given() {
        return switch (kind) {
            case Kind.LayerNorm _, Kind.RmsNorm _ -> 1;
            case Kind.LayerNormGradient _, Kind.RmsNormGradient _, Kind.AttentionGradient _, Kind.SquaredError _, Kind.GhostError _,
                    Kind.ClipNorm _, Kind.Adam _ -> inner.size();
            default -> 0;
        };
    }

    /**
     * What this operation is in simpler ones, in which its inner values are values like others.
     *
     * @return operations in order, the last of which writes {@link #out()}; this one alone if it is simple
     */
    public List<Operation> definition() {
        return switch (kind) {
            case Kind.Product k when !inner.isEmpty() -> List.of(new Operation(new Kind.Product(Op.Function.IDENTITY), in, List.of(),
                    inner.getFirst()), of(new Kind.Map(k.function()), out, inner.getFirst()));
            case Kind.LayerNorm k when inner.size() == 2 && in.size() == 3 -> {
                Value weighted = inner.getLast().named(out.name() + " without bias", Value.Role.INNER, 0);
                yield List.of(new Operation(k, List.of(in.getFirst()), List.of(inner.getFirst()), inner.getLast()),
                        of(new Kind.Multiply(), weighted, inner.getLast(), in.get(1)), of(new Kind.Add(1), out, weighted, in.get(2)));
            }
            case Kind.RmsNorm k when inner.size() == 2 && in.size() == 2 ->
                List.of(new Operation(k, List.of(in.getFirst()), List.of(inner.getFirst()), inner.getLast()),
                        of(new Kind.Multiply(), out, inner.getLast(), in.getLast()));
            case Kind.Attention k when inner.size() == 2 && in.size() == 3 ->
                List.of(of(new Kind.Scores(k.heads()), inner.getFirst(), in.get(0), in.get(1)),
                        of(new Kind.Softmax(), inner.getLast(), inner.getFirst()),
                        of(new Kind.Mix(k.heads()), out, inner.getLast(), in.get(2)));
            default -> List.of(this);
        };
    }
}
