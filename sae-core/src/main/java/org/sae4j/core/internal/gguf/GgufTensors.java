package org.sae4j.core.internal.gguf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;

/** The tensors of a GGUF file under Hugging Face's names and in its orders: what llama.cpp's converter changed is undone. */
final class GgufTensors {
    /** Divisors of the rotary frequencies, of Llama 3. */
    static final String ROPE_FREQUENCIES = "rope_freqs.weight";
    private static final Pattern NAME = Pattern.compile("(?:blk\\.(0|[1-9][0-9]{0,5})\\.)?([a-z0-9_]+)\\.(weight|bias)");
    private static final Set<String> CONV1D = Set.of("attn_qkv", "attn_output", "ffn_up", "ffn_down");

    private final GgufArchitecture architecture;
    private final GgufSizes sizes;
    private final TensorTable table;
    private final Arena arena;
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

    private GgufTensors(GgufArchitecture architecture, GgufSizes sizes, TensorTable table, Arena arena) {
        this.architecture = architecture;
        this.sizes = sizes;
        this.table = table;
        this.arena = arena;
    }

    /**
     * Translates all tensors.
     *
     * @param arena owns the memory of what must be rearranged
     * @throws FormatException if the architecture does not have a tensor of a name, or one has another shape than is needed
     */
    static Map<String, StoredTensor> translate(GgufArchitecture architecture, GgufSizes sizes, TensorTable table, Arena arena) {
        GgufTensors translation = new GgufTensors(architecture, sizes, table, arena);
        table.tensors().forEach(translation::add);
        if (architecture == GgufArchitecture.LLAMA) {
            translation.completeBiases(List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"));
            translation.completeBiases(List.of("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"));
        }
        return translation.tensors;
    }

    private void add(String name, StoredTensor stored) {
        if (architecture == GgufArchitecture.LLAMA && name.equals(ROPE_FREQUENCIES)) {
            return;
        }
        Matcher matcher = NAME.matcher(name);
        boolean block = matcher.matches() && matcher.group(1) != null;
        String part = matcher.matches() ? matcher.group(2) : "";
        String found = (block ? architecture.blockNames() : architecture.topNames()).get(part);
        if (architecture == GgufArchitecture.PHI2 && block && part.equals("attn_qkv")) {
            splitQueriesKeysValues(matcher.group(1), matcher.group(3), stored);
            return;
        }
        if (found == null || block && Integer.parseInt(matcher.group(1)) >= sizes.layers()) {
            throw new FormatException("architecture " + architecture.key() + " with " + sizes.layers()
                    + " blocks has no tensor of this name", stored.where(), "use a model whose tensors are those of its architecture");
        }
        String end = "." + matcher.group(3);
        tensors.put((block ? architecture.blocks() + matcher.group(1) + "." : "") + found + end, restored(part, end, vector(stored)));
    }

    /** Vectors are small: in a type with blocks they are converted, so that their elements can be put in order. */
    private StoredTensor vector(StoredTensor stored) {
        return stored.rank() == 1 && stored.type().isBlock() ? floats(stored.where(), stored.read(arena)) : stored;
    }

    private static StoredTensor floats(String where, Tensor values) {
        return StoredTensor.contiguous(where, ElementType.F32, values.segment(), values.shape());
    }

    private StoredTensor restored(String part, String end, StoredTensor stored) {
        if (architecture.storesGainsPlusOne() && part.endsWith("norm") && end.equals(".weight")) {
            return gain(stored);
        }
        return switch (architecture) {
            case LLAMA -> switch (part) {
                case "attn_q" -> halves(stored, sizes.heads());
                case "attn_k" -> halves(stored, sizes.keyHeads());
                default -> stored;
            };
            case GPTNEOX -> part.equals("attn_qkv") ? byHead(stored) : stored;
            case GPT2 -> CONV1D.contains(part) && stored.rank() == 2 ? stored.permuted(1, 0) : stored;
            default -> stored;
        };
    }

    private StoredTensor gain(StoredTensor stored) {
        Tensor values = stored.read(arena);
        MemorySegment lessOne = arena.allocate(values.size() * Float.BYTES, Float.BYTES);
        for (long i = 0; i < values.size(); i++) {
            lessOne.setAtIndex(ValueLayout.JAVA_FLOAT, i, values.get(i) - 1);
        }
        return floats(stored.where(), Tensor.ofSegment(lessOne, values.shape()));
    }

    /** Rotary pairs lie side by side in the file; Hugging Face has all first halves before all second ones. */
    private StoredTensor halves(StoredTensor stored, int heads) {
        int width = sizes.headSize();
        int half = width / 2;
        rows(stored, heads * width, "heads * head size");
        if (width % 2 != 0) {
            throw new FormatException("rotary positions need an even size of heads, found " + width, stored.where(), "use another model");
        }
        return stored.withRows(row -> row / width * width + row % half * 2 + row % width / half, arena);
    }

    /** All queries, all keys, all values in the file; Hugging Face has queries, keys and values of each head together. */
    private StoredTensor byHead(StoredTensor stored) {
        int width = sizes.headSize();
        rows(stored, 3 * sizes.heads() * width, "3 * heads * head size");
        return stored.withRows(row -> row / width % 3 * sizes.heads() * width + row / (3 * width) * width + row % width, arena);
    }

    private void splitQueriesKeysValues(String block, String end, StoredTensor stored) {
        int queries = sizes.heads() * sizes.headSize();
        int keys = sizes.keyHeads() * sizes.headSize();
        StoredTensor all = vector(stored);
        rows(all, queries + 2 * keys, "queries, keys and values");
        String prefix = architecture.blocks() + block + ".self_attn.";
        tensors.put(prefix + "q_proj." + end, all.narrowed(0, 0, queries));
        tensors.put(prefix + "k_proj." + end, all.narrowed(0, queries, keys));
        tensors.put(prefix + "v_proj." + end, all.narrowed(0, queries + keys, keys));
    }

    private static void rows(StoredTensor stored, int rows, String rule) {
        if (stored.rank() == 1) {
            stored.expect("[" + rule + "]", rows);
        } else {
            stored.expect("[" + rule + ", in]", rows, -1);
        }
    }

    /** Hugging Face's Llama has a bias at all of these or at none, so biases that the file does not have are zeros where it has others. */
    private void completeBiases(List<String> names) {
        boolean some = false;
        for (int layer = 0; layer < sizes.layers(); layer++) {
            for (String name : names) {
                some |= tensors.containsKey(architecture.blocks() + layer + "." + name + ".bias");
            }
        }
        for (int layer = 0; some && layer < sizes.layers(); layer++) {
            for (String name : names) {
                String full = architecture.blocks() + layer + "." + name;
                StoredTensor weight = tensors.get(full + ".weight");
                if (weight != null && !tensors.containsKey(full + ".bias")) {
                    tensors.put(full + ".bias", floats(table.path() + ": " + full + ".bias", Tensor.zeros(weight.dim(0))));
                }
            }
        }
    }
}
