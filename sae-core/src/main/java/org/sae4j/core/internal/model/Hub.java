package org.sae4j.core.internal.model;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.model.TransformerConfig.Activation;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Parameter;

/** A Hugging Face folder while a family reads it: its configuration, its tensors, and which of both were understood. */
final class Hub {
    private static final Pattern BLOCK = Pattern.compile("blocks\\.([0-9]+)\\.(.*)");
    private static final String W_E = "embed.W_E";
    private static final String W_U = "unembed.W_U";

    private final String name;
    private final HubConfig config;
    private final TensorTable table;
    private final Arena arena;
    private final List<String> notes;
    private final Set<String> read = new HashSet<>();
    private final Map<String, StoredTensor> inOrder = new HashMap<>();

    Hub(String name, HubConfig config, TensorTable table, Arena arena, List<String> notes) {
        this.name = name;
        this.config = config;
        this.table = table;
        this.arena = arena;
        this.notes = notes;
    }

    HubConfig config() {
        return config;
    }

    /** The model's name, where the configuration has none that of its folder. */
    String name() {
        return config.string("_name_or_path", "name").filter(s -> !s.isBlank()).orElse(name);
    }

    boolean hasTensor(String tensor) {
        return table.find(tensor) != null;
    }

    /** The first of some prefixes under which a tensor lies. */
    String prefix(String tensor, String... prefixes) {
        for (String prefix : prefixes) {
            if (hasTensor(prefix + tensor)) {
                return prefix;
            }
        }
        return prefixes[0];
    }

    StoredTensor stored(String tensor, int... shape) {
        read.add(tensor);
        return table.get(tensor).expect(Arrays.toString(shape), shape);
    }

    /** A linear layer's weight [out, in] or bias [out], as a parameter's layout has it. */
    StoredTensor linear(String tensor, Parameter p) {
        return switch (p.layout()) {
            case MATRIX -> stored(tensor, p.cols(), p.rows()).permuted(1, 0);
            case ROW -> stored(tensor, p.cols());
            case HEAD_ROW -> stored(tensor, p.cols()).split(0, p.heads());
            case HEADS_IN_COLUMNS -> stored(tensor, p.cols(), p.rows()).split(0, p.heads()).permuted(0, 2, 1);
            case HEADS_IN_ROWS -> stored(tensor, p.cols(), p.rows()).split(1, p.heads()).permuted(1, 2, 0);
        };
    }

    /** A table of rows. */
    StoredTensor table(String tensor, Parameter p) {
        return stored(tensor, p.rows(), p.cols());
    }

    /**
     * Rows of a fused weight or bias of queries, keys and values, which lie in groups: of one head each, or all in one.
     *
     * @param tensor name of the fused tensor
     * @param p the parameter
     * @param groups number of groups: that of the parameter's heads, or 1
     * @param groupRows rows of a group
     * @param from first row of the parameter in each group
     */
    StoredTensor fused(String tensor, Parameter p, int groups, int groupRows, int from) {
        return cut(p.layout() == Parameter.Layout.HEAD_ROW ? stored(tensor, groups * groupRows) : stored(tensor, groups * groupRows, p.rows()),
                p, groups, from);
    }

    /**
     * Rows of a fused weight or bias whose groups have several heads of queries and one of keys and values each: queries, keys, values.
     *
     * @param tensor name of the fused tensor
     * @param p the parameter
     * @param heads heads of queries
     * @param groups number of groups, a divisor of {@code heads}
     * @param dHead width of a head
     */
    StoredTensor grouped(String tensor, Parameter p, int heads, int groups, int dHead) {
        int rows = (heads + 2 * groups) * dHead;
        int group = (heads / groups + 2) * dHead;
        StoredTensor fused = p.layout() == Parameter.Layout.HEAD_ROW ? stored(tensor, rows) : stored(tensor, rows, p.rows());
        // All queries first, then all keys, then all values.
        StoredTensor sorted = inOrder.computeIfAbsent(tensor, name -> fused.withRows(row -> {
            int head = row / dHead;
            int which = head < heads ? 0 : head < heads + groups ? 1 : 2;
            int within = which == 0 ? head % (heads / groups) : heads / groups + which - 1;
            int of = which == 0 ? head / (heads / groups) : (head - heads) % groups;
            return of * group + within * dHead + row % dHead;
        }, arena));
        int which = queryKeyOrValue(p);
        return cut(sorted, p, 1, which == 0 ? 0 : (heads + (which - 1) * groups) * dHead);
    }

    private static StoredTensor cut(StoredTensor rows, Parameter p, int groups, int from) {
        int own = p.cols() / groups;
        StoredTensor heads = groups == 1 ? rows.narrowed(0, from, own).split(0, p.heads()) : rows.split(0, groups).narrowed(1, from, own);
        return p.layout() == Parameter.Layout.HEAD_ROW ? heads : heads.permuted(0, 2, 1);
    }

    /**
     * Names of tensors by parts: of a block's parameter the name within the block, of others their own.
     *
     * @param p the parameter
     * @param blocks prefix of a block's tensors
     * @param names by the parameter's name, without {@code blocks.N.}
     * @return the tensor's name
     */
    static String tensor(Parameter p, IntFunction<String> blocks, Map<String, String> names) {
        Matcher matcher = BLOCK.matcher(p.name());
        String own = matcher.matches() ? matcher.group(2) : p.name();
        String tensor = names.get(own);
        if (tensor == null) {
            throw new IllegalStateException("no tensor is named for parameter " + p);
        }
        return matcher.matches() ? blocks.apply(Integer.parseInt(matcher.group(1))) + tensor : tensor;
    }

    /** Where a parameter such as {@code attn.W_K} stands in a tensor that holds queries, keys and values: 0, 1 or 2. */
    static int queryKeyOrValue(Parameter p) {
        return "QKV".indexOf(p.name().charAt(p.name().length() - 1));
    }

    /**
     * Whether the unembedding is the transposed embedding. Two tensors that differ are both used, whatever the configuration says.
     *
     * @param otherwise what holds where the configuration is silent
     * @param embedding the embedding's tensor
     * @param head the unembedding's tensor
     */
    boolean tied(boolean otherwise, String embedding, String head) {
        boolean said = config.flag("tie_word_embeddings", otherwise);
        if (!hasTensor(head)) {
            if (!said) {
                throw new FormatException("tie_word_embeddings is false, but the weights have no " + head,
                        config.json().at("tie_word_embeddings"), "download all of the weights");
            }
            return true;
        }
        if (!said) {
            return false;
        }
        boolean same = table.get(head).sameValues(table.get(embedding));
        if (same) {
            read.add(head);
        } else {
            notes.add("tie_word_embeddings is true, but " + head + " differs from " + embedding + ": both are used");
        }
        return same;
    }

    /**
     * Reads all parameters.
     *
     * @param description the model
     * @param locate the tensor of a parameter, in the shape that users see
     * @param change what becomes of a parameter's values, such as adding 1 to gains; the tensor itself where nothing does
     * @param skipped tensors that are no parameters
     * @return the model
     */
    ModelTensors read(Description description, Function<Parameter, StoredTensor> locate, Function<Parameter, Function<Tensor, Tensor>> change,
            Predicate<String> skipped) {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        description.parameters().forEach((key, parameter) -> {
            if (key.equals(W_U) && description.config().tiedUnembedding()) {
                parameters.put(key, Objects.requireNonNull(parameters.get(W_E)).permuted(1, 0));
            } else {
                StoredTensor stored = locate.apply(parameter);
                parameters.put(key, change.apply(parameter).apply(Finite.check(stored.where(), stored.load(arena))));
            }
        });
        table.refuseUnknown(read, skipped);
        config.finish();
        return new ModelTensors(description, parameters);
    }

    /** Reads all parameters as they are. */
    ModelTensors read(Description description, Function<Parameter, StoredTensor> locate, Predicate<String> skipped) {
        return read(description, locate, parameter -> Function.identity(), skipped);
    }

    /** Ends a configuration, whose faults are those of the file. */
    TransformerConfig build(TransformerConfig.Builder builder) {
        return ModelTensors.config(config.json(), builder);
    }

    float eps(double eps) {
        return ModelTensors.eps(config.json(), eps);
    }

    Activation activation(String key, String found) {
        return switch (found) {
            case "silu", "swish" -> Activation.SILU;
            default -> ModelTensors.activation(config.json(), key, found);
        };
    }

    /**
     * Positions that each block sees, 0 for all. {@code layer_types} says which blocks see a window.
     *
     * @param layers number of blocks
     * @param window positions of a window
     * @param local which blocks see a window where the key is missing
     */
    List<Integer> windows(int layers, int window, IntPredicate local) {
        var types = config.value("layer_types");
        if (types == null) {
            return IntStream.range(0, layers).mapToObj(layer -> local.test(layer) ? window : 0).toList();
        }
        List<Integer> windows = new ArrayList<>();
        if (!types.isArray() || types.size() != layers) {
            throw new FormatException("expected one entry for each of " + layers + " blocks", config.json().at("layer_types"),
                    "correct the config");
        }
        types.forEach(type -> {
            String kind = type.asString("");
            if (!kind.equals("full_attention") && !kind.equals("sliding_attention")) {
                throw new FormatException("attention of type " + type + " is not supported (full_attention and sliding_attention are)",
                        config.json().at("layer_types"), "use another model");
            }
            windows.add(kind.equals("sliding_attention") ? window : 0);
        });
        return windows;
    }
}
