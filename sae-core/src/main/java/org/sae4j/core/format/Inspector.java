package org.sae4j.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.core.format.Inspection.TensorInfo;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.SaeFormat;
import org.sae4j.core.internal.format.SaeReader;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.internal.format.TrainingCheckpoint;
import org.sae4j.core.internal.format.WeightFiles;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.model.Families;
import org.sae4j.core.internal.model.HuggingFaceGpt2;

/** Looks into files without reading the tensors' values. */
public final class Inspector {
    /** Weights of transformers in the order in which a folder is searched for them. */
    private static final List<String> MODELS = List.of("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
            "pytorch_model.bin.index.json", "model_final.pth");
    private static final List<String> CONFIGS = List.of("cfg.json", "config.json");
    private static final String TENSOR_FILE = ".*\\.(safetensors|pt|pth|bin|npz|gguf)";

    private Inspector() {}

    /**
     * Describes a file of tensors, a folder with a transformer or an autoencoder, a tokenizer, or a JSON config.
     *
     * @param path a file or folder
     * @return what it holds
     * @throws FormatException if it cannot be read, is not sound, or is of no known kind; of a folder with several autoencoders, or with
     *         some in folders below, it names them
     */
    public static Inspection inspect(Path path) {
        if (!Files.exists(path)) {
            throw new FormatException("No such file or directory", path.toString(), "check the path");
        }
        Path folder = Files.isDirectory(path) ? path : Objects.requireNonNull(path.toAbsolutePath().getParent());
        if (Files.isRegularFile(path) && path.toString().endsWith(".json") && !path.toString().endsWith(".index.json")) {
            return json(path);
        }
        if (!Files.isDirectory(path)) {
            return tensors(folder, path);
        }
        Optional<Path> model = MODELS.stream().map(folder::resolve).filter(Files::isRegularFile).findFirst();
        List<Path> files = model.isPresent() ? List.of() : tensorFiles(path);
        if (model.isEmpty() && files.isEmpty() && TokenizerFiles.exists(path)) {
            return tokenizer(path);
        }
        return tensors(folder, model.or(() -> files.size() == 1 ? Optional.of(files.getFirst()) : SaeReader.weights(path))
                .orElseThrow(() -> new FormatException(files.isEmpty() ? "the folder has no file of weights and no tokenizer"
                        : "the folder has " + files.size() + " files of tensors, and none has the name of a model or autoencoder",
                        path.toString(), files.isEmpty() ? "give a folder of a model or autoencoder" : "give the path of one of them")));
    }

    private static List<Path> tensorFiles(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).filter(f -> f.getFileName().toString().matches(TENSOR_FILE)).sorted().toList();
        } catch (IOException e) {
            throw new FormatException("the folder cannot be listed (" + e + ")", folder.toString(), "check its permissions", e);
        }
    }

    private static Inspection json(Path path) {
        JsonFile json = JsonFile.read(path);
        JsonNode model = json.get("model");
        if (model != null && model.isObject()
                || path.endsWith("vocab.json") && Files.isRegularFile(path.resolveSibling("merges.txt"))) {
            return tokenizer(path);
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        collect("", json, metadata);
        return new Inspection("JSON config", List.of("JSON config with " + json.node().size() + " keys"), List.of(), metadata);
    }

    private static Inspection tokenizer(Path path) {
        var tokenizer = TokenizerFiles.open(path);
        List<String> summary = new ArrayList<>(List.of(tokenizer.description() + " tokenizer with " + tokenizer.vocabularySize() + " ids"));
        tokenizer.bos().ifPresent(id -> summary.add("every context begins with " + tokenizer.token(id) + " (" + id + ")"));
        return new Inspection("tokenizer", summary, List.of(), Map.of());
    }

    private static Inspection tensors(Path folder, Path weights) {
        try (Arena arena = Arena.ofShared()) {
            TensorTable table = WeightFiles.open(weights, arena, false);
            if (table.extras().get("ae") instanceof TensorTable inner && table.tensors().isEmpty()) {
                table = inner;
            }
            Map<String, String> metadata = new LinkedHashMap<>();
            table.extras().forEach((key, value) -> {
                if (!(value instanceof TensorTable)) {
                    metadata.put(key, value.toString());
                }
            });
            Optional<JsonFile> config = table.kind().equals("gguf") ? Optional.empty() : config(folder, weights);
            config.ifPresent(json -> collect("", json, metadata));
            List<TensorInfo> infos = table.tensors().entrySet().stream().map(e -> info(e.getKey(), e.getValue())).toList();
            String kind = kind(table, weights, config);
            List<String> summary = summary(kind, weights, infos, config);
            TrainingCheckpoint.summary(table.extras()).ifPresent(summary::add);
            return new Inspection(kind, summary, infos, metadata);
        }
    }

    private static TensorInfo info(String name, StoredTensor tensor) {
        return new TensorInfo(name, tensor.type(), Arrays.stream(tensor.shape()).boxed().toList());
    }

    private static Optional<JsonFile> config(Path folder, Path weights) {
        String base = weights.getFileName().toString().replaceFirst("\\.[^.]*$", "");
        return Stream.concat(Stream.of(base + "_cfg.json"), CONFIGS.stream()).map(folder::resolve).filter(Files::isRegularFile).findFirst()
                .map(JsonFile::read);
    }

    private static String kind(TensorTable table, Path weights, Optional<JsonFile> config) {
        Optional<String> modelType = config.filter(c -> c.node().path("model_type").isString()).flatMap(c -> c.string("model_type"));
        if (modelType.isPresent()) {
            return modelType.get().equals("gpt2") ? "Hugging Face GPT-2" : "Hugging Face " + modelType.get()
                    + (known(modelType.get()) ? "" : " (not supported)");
        }
        if (table.kind().equals("gguf")) {
            return "GGUF model of architecture " + GgufMetadata.of(table).string("general.architecture").orElse("unknown");
        }
        if (HuggingFaceGpt2.matches(table)) {
            return "Hugging Face GPT-2";
        }
        if (table.find("embed.W_E") != null) {
            return "TransformerLens transformer";
        }
        return SaeFormat.of(table, weights).map(SaeFormat::title).orElse(table.kind() + " file");
    }

    private static boolean known(String modelType) {
        return modelType.equals("gemma3") || Families.types().contains(modelType);
    }

    private static List<String> summary(String kind, Path weights, List<TensorInfo> infos, Optional<JsonFile> config) {
        long elements = infos.stream().mapToLong(TensorInfo::size).sum();
        long bytes = infos.stream().mapToLong(TensorInfo::bytes).sum();
        List<String> types = infos.stream().map(info -> info.type().name()).distinct().sorted().toList();
        List<String> summary = new ArrayList<>();
        summary.add(kind + ": " + weights);
        summary.add(infos.size() + " tensors, " + elements + " elements (" + String.join(", ", types) + "), " + bytes + " bytes");
        config.ifPresent(json -> summary.add("config: " + json.where()));
        return summary;
    }

    private static void collect(String prefix, JsonFile json, Map<String, String> metadata) {
        for (Map.Entry<String, JsonNode> entry : json.node().properties()) {
            JsonNode value = entry.getValue();
            if (value.isObject()) {
                json.object(entry.getKey()).ifPresent(inner -> collect(prefix + entry.getKey() + ".", inner, metadata));
            } else {
                String text = value.isString() ? value.stringValue() : value.toString();
                metadata.put(prefix + entry.getKey(), text.length() <= 200 ? text : text.substring(0, 200) + "...");
            }
        }
    }
}
