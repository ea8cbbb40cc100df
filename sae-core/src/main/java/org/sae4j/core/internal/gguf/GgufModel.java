package org.sae4j.core.internal.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.internal.format.WeightFiles;

/**
 * A model in a GGUF file as a Hugging Face folder would have it.
 *
 * @param config the keys of {@code config.json}
 * @param tensors the tensors by Hugging Face's names, in its orders, with the types and, but for some rows, the places of the file
 */
public record GgufModel(JsonFile config, TensorTable tensors) {
    private static final Pattern NAME = Pattern.compile("(.*?)(-[0-9]{5}-of-[0-9]{5})?\\.gguf", Pattern.DOTALL);

    /**
     * The GGUF file of a model.
     *
     * @param path a file, or a folder
     * @return the file if it is one, or the only one of a folder without {@code config.json}, of a split model the first part
     * @throws FormatException if a folder has several GGUF models and no {@code config.json}
     */
    public static Optional<Path> find(Path path) {
        if (Files.isRegularFile(path)) {
            return WeightFiles.isGguf(path) ? Optional.of(path) : Optional.empty();
        }
        if (!Files.isDirectory(path) || Files.exists(path.resolve("config.json"))) {
            return Optional.empty();
        }
        Map<String, Path> models = new TreeMap<>();
        try (Stream<Path> files = Files.list(path)) {
            files.filter(Files::isRegularFile).sorted().forEach(file -> {
                Matcher matcher = NAME.matcher(file.getFileName().toString());
                if (matcher.matches()) {
                    models.putIfAbsent(matcher.group(1), file);
                }
            });
        } catch (IOException e) {
            throw new FormatException("the folder cannot be listed (" + e + ")", path.toString(), "check its permissions", e);
        }
        if (models.size() > 1) {
            throw new FormatException("the folder has " + models.size() + " GGUF models (" + String.join(", ", models.keySet()) + ")",
                    path.toString(), "give the path of one of them");
        }
        return models.values().stream().findFirst();
    }

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
                ? Optional.ofNullable(table.find(GgufTensors.ROPE_FREQUENCIES))
                        .map(stored -> Finite.check(stored.where(), stored.read(arena)))
                : Optional.empty();
        JsonFile config = GgufConfig.of(architecture, metadata, sizes, tensors, frequencies);
        return new GgufModel(config, new TensorTable(table.path(), table.kind(), tensors, table.extras()));
    }
}
