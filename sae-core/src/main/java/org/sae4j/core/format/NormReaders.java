package org.sae4j.core.format;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.Value;

/** Which products read which norms, as a model's description has them. */
final class NormReaders {
    /**
     * A product that reads a norm.
     *
     * @param weight name of its weight
     * @param bias name of its bias, or null if it has none
     * @param groups heads of the weight, 0 if it has none
     */
    record Product(String weight, @Nullable String bias, int groups) {}

    /**
     * The parameters of a norm that products alone read.
     *
     * @param weight name of its weight
     * @param bias name of its bias, or null if it has none
     * @param centers whether it removes the mean
     * @param products its readers
     */
    record Norm(String weight, @Nullable String bias, boolean centers, List<Product> products) {}

    private NormReaders() {}

    /** The norms with weights that nothing but products read, each set of weights once. */
    static List<Norm> of(Description description) {
        Map<Value, List<Operation>> readers = new HashMap<>();
        description.form().operations().forEach(op -> op.in().forEach(in -> readers.computeIfAbsent(in, v -> new ArrayList<>()).add(op)));
        Map<String, Norm> norms = new LinkedHashMap<>();
        Map<String, Boolean> foldable = new HashMap<>();
        for (Operation op : description.form().operations()) {
            if (!isNorm(op) || op.in().size() < 2) {
                continue;
            }
            String weight = op.in().get(1).name();
            Norm norm = norms.computeIfAbsent(weight, name -> new Norm(name, op.in().size() > 2 ? op.in().get(2).name() : null,
                    op.kind() instanceof Kind.LayerNorm, new ArrayList<>()));
            foldable.merge(weight, collect(op.out(), readers, description, norm.products()), Boolean::logicalAnd);
        }
        return norms.values().stream().filter(norm -> foldable.getOrDefault(norm.weight(), false)).toList();
    }

    private static boolean isNorm(Operation op) {
        return op.kind() instanceof Kind.LayerNorm || op.kind() instanceof Kind.RmsNorm;
    }

    /** Collects the products that read a value, itself or by another name; false if anything else does. */
    private static boolean collect(Value value, Map<Value, List<Operation>> readers, Description description, List<Product> products) {
        boolean alone = true;
        for (Operation reader : readers.getOrDefault(value, List.of())) {
            boolean first = reader.in().getFirst().equals(value);
            if (reader.kind() instanceof Kind.Copy || reader.kind() instanceof Kind.Gather && !first) {
                alone &= collect(reader.out(), readers, description, products);
            } else if (reader.kind() instanceof Kind.Product && first) {
                Value weight = reader.in().get(1);
                products.add(new Product(weight.name(), reader.in().size() > 2 ? reader.in().get(2).name() : null,
                        java.util.Objects.requireNonNull(description.parameters().get(weight.name())).heads()));
            } else {
                alone = false;
            }
        }
        return alone;
    }

    static boolean hasRmsNorm(Description description) {
        return description.form().operations().stream().anyMatch(op -> op.kind() instanceof Kind.RmsNorm);
    }

    /** Whether logits are more than the product of the unembedding. */
    static boolean capsLogits(Description description) {
        Operation last = description.form().operations().getLast();
        return !(last.kind() instanceof Kind.Copy || last.kind() instanceof Kind.Product);
    }
}
