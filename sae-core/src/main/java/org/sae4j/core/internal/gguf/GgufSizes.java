package org.sae4j.core.internal.gguf;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufArray;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;

/**
 * The sizes of a model in a GGUF file, each checked under its key.
 *
 * @param layers blocks
 * @param dModel width of the residual stream
 * @param dMlp width of the MLP
 * @param heads heads of queries
 * @param keyHeads heads of keys and values
 * @param headSize width of a head
 * @param context positions
 * @param vocabulary rows of the embedding
 */
record GgufSizes(int layers, int dModel, int dMlp, int heads, int keyHeads, int headSize, int context, int vocabulary) {
    private static final int MAX_LAYERS = 100_000;
    private static final Pattern BLOCK = Pattern.compile("blk\\.(0|[1-9][0-9]{0,5})\\..*", Pattern.DOTALL);

    /**
     * Reads the sizes.
     *
     * @throws FormatException if one is missing, out of range, or not that of the tensors; the message names its key
     */
    static GgufSizes of(GgufArchitecture architecture, GgufMetadata metadata, TensorTable table) {
        String prefix = architecture.key() + ".";
        int layers = positive(metadata, prefix + "block_count", MAX_LAYERS);
        int blocks = blocks(table);
        if (layers > blocks) {
            throw wrong(metadata, prefix + "block_count", "the " + blocks + " blocks that the tensors belong to", layers);
        }
        int dModel = positive(metadata, prefix + "embedding_length", Integer.MAX_VALUE);
        int heads = positive(metadata, prefix + "attention.head_count", Integer.MAX_VALUE);
        int keyHeads = metadata.has(prefix + "attention.head_count_kv")
                ? positive(metadata, prefix + "attention.head_count_kv", Integer.MAX_VALUE) : heads;
        if (heads % keyHeads != 0) {
            throw wrong(metadata, prefix + "attention.head_count_kv", "a divisor of the " + heads + " heads", keyHeads);
        }
        int headSize = headSize(metadata, prefix, dModel, heads);
        if ((long) heads * headSize > Integer.MAX_VALUE / 3) {
            throw wrong(metadata, prefix + "attention.head_count", "heads of " + headSize + " that fit into a row", heads);
        }
        if (architecture.hasEqualHeads() && (keyHeads != heads || heads * headSize != dModel)) {
            throw wrong(metadata, prefix + "attention.head_count", "heads that divide embedding_length " + dModel
                    + " among them, each with keys of its own", heads);
        }
        StoredTensor embedding = table.get("token_embd.weight").expect("[vocabulary, embedding_length]", -1, dModel);
        int vocabulary = metadata.integer(prefix + "vocab_size").orElse(embedding.dim(0));
        if (vocabulary != embedding.dim(0)) {
            throw wrong(metadata, prefix + "vocab_size", "the " + embedding.dim(0) + " rows of token_embd.weight", vocabulary);
        }
        return new GgufSizes(layers, dModel, positive(metadata, prefix + "feed_forward_length", Integer.MAX_VALUE), heads, keyHeads,
                headSize, positive(metadata, prefix + "context_length", Integer.MAX_VALUE), vocabulary);
    }

    private static int blocks(TensorTable table) {
        int blocks = 0;
        for (String name : table.tensors().keySet()) {
            Matcher matcher = BLOCK.matcher(name);
            blocks = matcher.matches() ? Math.max(blocks, Integer.parseInt(matcher.group(1)) + 1) : blocks;
        }
        return blocks;
    }

    private static int headSize(GgufMetadata metadata, String prefix, int dModel, int heads) {
        String key = prefix + "attention.key_length";
        if (!metadata.has(key) && dModel % heads != 0) {
            throw wrong(metadata, prefix + "attention.head_count", "a divisor of embedding_length " + dModel, heads);
        }
        int size = metadata.has(key) ? positive(metadata, key, Integer.MAX_VALUE) : dModel / heads;
        OptionalInt values = metadata.integer(prefix + "attention.value_length");
        if (values.isPresent() && values.getAsInt() != size) {
            throw wrong(metadata, prefix + "attention.value_length", "the " + size + " of keys", values.getAsInt());
        }
        return size;
    }

    /** A number, or an array of one for each block, which must be equal. */
    private static int positive(GgufMetadata metadata, String key, int most) {
        if (metadata.values().get(key) instanceof GgufArray array) {
            int[] values = array.integers();
            for (int value : values) {
                if (value != values[0]) {
                    throw new FormatException("blocks of different sizes are not supported, found " + array, metadata.at(key),
                            "use a model whose blocks are alike");
                }
            }
            return values.length == 0 ? check(metadata, key, 0, most) : check(metadata, key, values[0], most);
        }
        return check(metadata, key, metadata.integer(key).orElseThrow(() -> new FormatException("the key is missing", metadata.at(key),
                "use a file with complete metadata")), most);
    }

    private static int check(GgufMetadata metadata, String key, int value, int most) {
        if (value < 1 || value > most) {
            throw wrong(metadata, key, "an integer from 1 to " + most, value);
        }
        return value;
    }

    private static FormatException wrong(GgufMetadata metadata, String key, String expected, int found) {
        return new FormatException("expected " + expected + ", found " + found, metadata.at(key), "use a file with valid metadata");
    }
}
