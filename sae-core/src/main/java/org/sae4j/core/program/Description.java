package org.sae4j.core.program;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;

/**
 * A transformer in one piece: the whole forward pass from tokens to logits, and what a caller has to know of it. Hook points, their order
 * and shapes, parameters and theirs are read from it.
 *
 * @param config what everybody wants to know
 * @param form the forward pass, whose values are named as the constants of this class and as the hook points
 * @param parameters the parameters by name, in the order of the computation
 * @param entries names of the values that a pass can begin at instead of the tokens: the residual stream before each block and, last, after
 *     all
 * @param cacheHooks the keys and values that attention reads, of every block
 * @param positional inputs that depend on a row's position alone, by name
 */
public record Description(TransformerConfig config, Form form, Map<String, Parameter> parameters, List<String> entries,
        List<HookPoint> cacheHooks, Map<String, PositionRow> positional) {
    /** Name of the input of token ids, a number for each row. */
    public static final String TOKENS = "tokens";
    /** Name of the input of positions, a number for each row. */
    public static final String POSITIONS = "positions";
    /** Name of the input of the rows whose logits are wanted. */
    public static final String LOGIT_ROWS = "logit rows";
    /** Name of the value of these rows. */
    public static final String PICKED_ROWS = "rows for logits";

    /** A row of an input that depends on a position alone. */
    @FunctionalInterface
    public interface PositionRow {
        /**
         * Computes a row.
         *
         * @param position the position, from 0
         * @param to receives the row
         * @param at first element that is written
         */
        void write(int position, float[] to, int at);
    }

    /** Copies the collections. */
    public Description {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        entries = List.copyOf(entries);
        cacheHooks = List.copyOf(cacheHooks);
        positional = Map.copyOf(positional);
    }

    /**
     * The same computation under another configuration, such as another name.
     *
     * @param other the configuration
     * @return the description
     */
    public Description with(TransformerConfig other) {
        return new Description(other, form, parameters, entries, cacheHooks, positional);
    }

    /** {@return all hook points, in the order of the computation} */
    public List<HookPoint> hookPoints() {
        return form.hooks().stream().map(value -> HookPoint.parse(value.name()).orElseThrow()).toList();
    }
}
