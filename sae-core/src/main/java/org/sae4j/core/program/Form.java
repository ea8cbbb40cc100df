package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;

/**
 * A computation as a value: operations in order, each of which writes one value, and the values that are wanted. Immutable. Everything else
 * about the computation, such as its hook points, its weights and its inputs, is read from it.
 */
public final class Form {
    private final List<Operation> operations;
    private final List<Value> outputs;
    private volatile @Nullable Map<String, Value> values;

    /**
     * Makes a form.
     *
     * @param operations in order: each reads given values or those that operations before it write
     * @param outputs what is wanted
     */
    public Form(List<Operation> operations, List<Value> outputs) {
        this.operations = List.copyOf(operations);
        this.outputs = List.copyOf(outputs);
    }

    /** {@return the operations, in order} */
    public List<Operation> operations() {
        return operations;
    }

    /** {@return what is wanted} */
    public List<Value> outputs() {
        return outputs;
    }

    /** {@return all values by name, those within operations too, in the order of the computation} */
    public Map<String, Value> values() {
        Map<String, Value> all = values;
        if (all == null) {
            all = new LinkedHashMap<>();
            for (Operation operation : operations) {
                for (Value value : operation.in()) {
                    all.putIfAbsent(value.name(), value);
                }
                for (Value value : operation.inner()) {
                    all.put(value.name(), value);
                }
                all.put(operation.out().name(), operation.out());
            }
            for (Value value : outputs) {
                all.putIfAbsent(value.name(), value);
            }
            values = all;
        }
        return Collections.unmodifiableMap(all);
    }

    /**
     * A value by its name.
     *
     * @param name the name
     * @return the value
     * @throws IllegalArgumentException if there is none
     */
    public Value value(String name) {
        Value value = values().get(name);
        if (value == null) {
            throw new IllegalArgumentException("no value " + name);
        }
        return value;
    }

    /** {@return the hook points' values, in the order of the computation} */
    public List<Value> hooks() {
        return values().values().stream().filter(value -> value.role() == Value.Role.HOOK).toList();
    }

    /**
     * The same computation, where the operations with some inner values are replaced by their definitions, so that these values are
     * computed.
     *
     * @param names the values that will be read or changed
     * @return a form in which operations write them, but for those that an operation gives beside its output
     */
    public Form open(Set<String> names) {
        List<Operation> opened = new ArrayList<>(operations.size());
        boolean changed = false;
        for (Operation operation : operations) {
            boolean asked = false;
            for (int i = operation.given(); i < operation.inner().size(); i++) {
                asked |= names.contains(operation.inner().get(i).name());
            }
            List<Operation> definition = asked ? operation.definition() : List.of(operation);
            changed |= asked;
            opened.addAll(definition);
        }
        return changed ? new Form(opened, outputs) : this;
    }

    /**
     * The same computation with weights that lie transposed, [out, in] instead of [in, out] or the other way round: of such a factor, rows
     * that belong to a sparse gradient's columns are found at once.
     *
     * @param names weights that are nothing but factors of products
     * @return the form, in which the matrices of these names are the transposed ones
     * @throws IllegalArgumentException if such a weight is used for something else
     */
    public Form transposing(Set<String> names) {
        List<Operation> turned = new ArrayList<>(operations.size());
        for (Operation operation : operations) {
            boolean factor = operation.in().size() > 1 && names.contains(operation.in().get(1).name());
            if (operation.in().stream().filter(value -> names.contains(value.name())).count() > (factor ? 1 : 0)) {
                throw new IllegalArgumentException(operation.out() + " reads one of " + names + ", which is to lie transposed");
            }
            if (!factor) {
                turned.add(operation);
                continue;
            }
            Value w = operation.in().get(1);
            List<Value> in = new ArrayList<>(operation.in());
            in.set(1, new Value(w.name(), w.role(), w.type(), /* rows= */ w.cols(), /* cols= */ w.rows(), w.heads()));
            Kind kind = switch (operation.kind()) {
                case Kind.Product k when k.function() == Op.Function.IDENTITY -> new Kind.ProductByTransposed();
                case Kind.ProductByTransposed _ -> new Kind.Product(Op.Function.IDENTITY);
                default -> throw new IllegalArgumentException(operation.out() + " is not only a product with " + w.name()
                        + ", which is to lie transposed");
            };
            turned.add(new Operation(kind, in, operation.inner(), operation.out()));
        }
        return new Form(turned, outputs);
    }

    /**
     * The same computation with other wanted values.
     *
     * @param names their names
     * @return the form
     * @throws IllegalArgumentException if there is no such value
     */
    public Form wanting(Collection<String> names) {
        return new Form(operations, names.stream().map(this::value).toList());
    }
}
