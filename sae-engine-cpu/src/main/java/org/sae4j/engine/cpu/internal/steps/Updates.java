package org.sae4j.engine.cpu.internal.steps;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.memory.Operands;

/**
 * One pass over the rows of a parameter: each row's gradient is computed, projected and used by Adam, and the row normalized, while it is
 * in the cache. The same operations in the same order for each row give the same bits as one after the other.
 *
 * @param outer the product whose rows are the gradient, if nothing else needs the gradient
 * @param rows operations on rows of parameter, gradient and moments, in order
 */
public record Updates(Op.@Nullable SparseOuter outer, List<Op> rows) {
    /** Moves what can be part of an update next to it. */
    public static List<Op> gather(List<Op> ops) {
        List<Op> all = new ArrayList<>(ops);
        for (Op op : ops) {
            if (op instanceof Op.Adam adam) {
                moveBefore(all, adam);
                moveBehind(all, adam);
            }
        }
        return all;
    }

    private static void moveBefore(List<Op> all, Op.Adam adam) {
        int at = all.indexOf(adam);
        Set<Buffer> read = new HashSet<>();
        Set<Buffer> written = new HashSet<>();
        List<Op> moved = new ArrayList<>();
        for (int i = at - 1; i >= 0; i--) {
            Op op = all.get(i);
            Operands operands = Operands.of(op);
            if (isPart(op, adam) && Collections.disjoint(operands.writes(), read) && Collections.disjoint(operands.writes(), written)
                    && Collections.disjoint(operands.reads(), written)) {
                moved.addFirst(op);
                all.remove(i);
                if (op instanceof Op.SparseOuter) {
                    break;
                }
                continue;
            }
            if (operands.all().contains(adam.gradient())) {
                break;
            }
            read.addAll(operands.reads());
            written.addAll(operands.writes());
        }
        all.addAll(all.indexOf(adam), moved);
    }

    private static void moveBehind(List<Op> all, Op.Adam adam) {
        int at = all.indexOf(adam);
        for (int i = at + 1; i < all.size(); i++) {
            if (all.get(i) instanceof Op.NormalizeRows o && o.w().equals(adam.w())) {
                all.add(at + 1, all.remove(i));
                return;
            }
            if (Operands.of(all.get(i)).all().contains(adam.w())) {
                return;
            }
        }
    }

    private static boolean isPart(Op op, Op.Adam adam) {
        return switch (op) {
            case Op.ProjectRows o -> o.gradient().equals(adam.gradient()) && o.w().equals(adam.w());
            case Op.NormalizeRows o -> o.w().equals(adam.w());
            case Op.SparseOuter o -> o.out().equals(adam.gradient()) && !o.accumulate();
            default -> false;
        };
    }

    /** {@return the update that starts at an operation of the gathered ones, or null if none does} */
    public static @Nullable Updates at(List<Op> ops, int start) {
        int end = start;
        Op.SparseOuter outer = null;
        if (ops.get(end) instanceof Op.SparseOuter o) {
            outer = o;
            end++;
        }
        int first = end;
        while (end < ops.size() && (ops.get(end) instanceof Op.ProjectRows || ops.get(end) instanceof Op.NormalizeRows)) {
            end++;
        }
        if (end == ops.size() || !(ops.get(end) instanceof Op.Adam adam)) {
            return null;
        }
        for (Op op : ops.subList(start, end)) {
            if (!isPart(op, adam)) {
                return null;
            }
        }
        end++;
        if (end < ops.size() && ops.get(end) instanceof Op.NormalizeRows o && o.w().equals(adam.w())) {
            end++;
        }
        return end - start == 1 ? null : new Updates(outer, List.copyOf(ops.subList(first, end)));
    }

    public Op.Adam adam() {
        return rows.stream().filter(Op.Adam.class::isInstance).map(Op.Adam.class::cast).findFirst().orElseThrow();
    }

    /** {@return the number of operations} */
    public int size() {
        return rows.size() + (outer == null ? 0 : 1);
    }
}
