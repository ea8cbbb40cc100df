package org.sae4j.core.internal.gguf;

import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;

/**
 * A model in a GGUF file as a Hugging Face folder would have it.
 *
 * @param config the keys of {@code config.json}
 * @param tensors the tensors by Hugging Face's names, in its orders, with the types and, but for some rows, the places of the file
 */
public record GgufModel(JsonFile config, TensorTable tensors) {
    /**
     * Translates a file.
     *
     * @param table the file, see {@link org.sae4j.core.internal.format.WeightFiles}
     * @param arena owns the memory of what must be rearranged
     * @return the model
     * @throws FormatException if the file is no model of a known architecture, or a key or a tensor is not sound or not supported; the
     *         message names it
     */
    public static GgufModel of(TensorTable table, Arena arena) {
        GgufMetadata metadata = GgufMetadata.of(table);
        GgufArchitecture architecture = GgufArchitecture.of(metadata);
        GgufSizes sizes = GgufSizes.of(architecture, metadata, table);
        Map<String, StoredTensor> tensors = GgufTensors.translate(architecture, sizes, table, arena);
        Optional<Tensor> frequencies = architecture == GgufArchitecture.LLAMA
                ? Optional.ofNullable(table.find(GgufTensors.ROPE_FREQUENCIES)).map(stored -> Finite.check(stored.where(), stored.read(arena)))
                : Optional.empty();
        JsonFile config = GgufConfig.of(architecture, metadata, sizes, tensors, frequencies);
        return new GgufModel(config, new TensorTable(table.path(), table.kind(), tensors, table.extras()));
    }
}
