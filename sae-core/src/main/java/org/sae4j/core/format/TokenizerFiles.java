package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.MappedFile;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.internal.format.WeightFiles;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.tokenizer.GgufTokenizer;
import org.sae4j.core.internal.tokenizer.PipelineTokenizer;
import org.sae4j.core.internal.tokenizer.TokenizerJson;

/** Reads tokenizers: {@code tokenizer.json}, {@code vocab.json} with {@code merges.txt}, or the metadata of a GGUF file. */
public final class TokenizerFiles {
    private static final String JSON = "tokenizer.json";
    private static final String VOCABULARY = "vocab.json";
    private static final String MERGES = "merges.txt";
    private static final String GGUF = ".gguf";
    private static final String GPT2 = "gpt2";
    private static final long MAX_MERGES = 64L << 20;

    private TokenizerFiles() {}

    /**
     * Whether a folder has a tokenizer.
     *
     * @param folder the folder
     * @return whether it has {@code tokenizer.json}, or {@code vocab.json} and {@code merges.txt}
     */
    public static boolean exists(Path folder) {
        return Files.isRegularFile(folder.resolve(JSON))
                || Files.isRegularFile(folder.resolve(VOCABULARY)) && Files.isRegularFile(folder.resolve(MERGES));
    }

    /**
     * Reads a tokenizer. The token that begins every context is the one that the tokenizer's post-processor puts before a text, or
     * {@code bos_token} where {@code tokenizer_config.json} says {@code add_bos_token}. That a configuration names one is not enough, but for
     * GPT-2, TransformerLens' own models and folders without a {@code model_type}: their contexts begin with the first of these that the
     * vocabulary has: {@code bos_token} in {@code config.json}, {@code tokenizer_config.json} or {@code special_tokens_map.json},
     * {@code bos_token_id} in {@code config.json}, {@code <|endoftext|>}.
     *
     * @param path a folder, the {@code tokenizer.json} or {@code vocab.json} in it, or a file whose name ends in {@code .gguf}
     * @return the tokenizer
     * @throws FormatException if there is none, it uses a feature that is not supported, or is inconsistent; the message names file and key
     */
    public static Tokenizer read(Path path) {
        return open(path);
    }

    static PipelineTokenizer open(Path path) {
        if (path.toString().endsWith(GGUF) && !Files.isDirectory(path)) {
            return gguf(path);
        }
        Path folder = Files.isRegularFile(path) ? Objects.requireNonNull(path.toAbsolutePath().getParent()) : path;
        Path file = Files.isRegularFile(path) ? path
                : Files.isRegularFile(path.resolve(JSON)) ? path.resolve(JSON) : path.resolve(VOCABULARY);
        JsonFile json = JsonFile.read(file);
        PipelineTokenizer tokenizer = file.endsWith(VOCABULARY) ? TokenizerJson.read(json, merges(folder), folder.resolve(MERGES).toString())
                : TokenizerJson.read(json);
        return tokenizer.withBos(bos(folder, tokenizer));
    }

    private static PipelineTokenizer gguf(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            return gguf(WeightFiles.open(path, arena, false)).orElseThrow(() -> new FormatException("the file has no tokenizer",
                    path.toString(), "give token ids"));
        }
    }

    /** The tokenizer in a GGUF file, if it has one. */
    static Optional<PipelineTokenizer> gguf(TensorTable table) {
        return GgufTokenizer.read(GgufMetadata.of(table));
    }

    private static List<String> merges(Path folder) {
        byte[] bytes = MappedFile.bytes(folder.resolve(MERGES), MAX_MERGES);
        return new String(bytes, StandardCharsets.UTF_8).lines().toList();
    }

    private static OptionalInt bos(Path folder, PipelineTokenizer tokenizer) {
        if (tokenizer.bos().isPresent()) {
            return tokenizer.bos();
        }
        Optional<JsonFile> config = readIfPresent(folder.resolve("config.json"));
        Optional<JsonFile> tokenizerConfig = readIfPresent(folder.resolve("tokenizer_config.json"));
        if (tokenizerConfig.isPresent() && tokenizerConfig.get().flag("add_bos_token", false)) {
            return tokenizerConfig.flatMap(TokenizerFiles::bosToken).map(tokenizer::id).orElse(OptionalInt.empty());
        }
        return config.flatMap(json -> json.string("model_type")).orElse(GPT2).equals(GPT2)
                ? gpt2Bos(tokenizer, config, tokenizerConfig, readIfPresent(folder.resolve("special_tokens_map.json"))) : OptionalInt.empty();
    }

    private static OptionalInt gpt2Bos(PipelineTokenizer tokenizer, Optional<JsonFile> config, Optional<JsonFile> tokenizerConfig,
            Optional<JsonFile> specialTokens) {
        for (Optional<JsonFile> file : List.of(config, tokenizerConfig, specialTokens)) {
            OptionalInt id = file.flatMap(TokenizerFiles::bosToken).map(tokenizer::id).orElse(OptionalInt.empty());
            if (id.isPresent()) {
                return id;
            }
        }
        OptionalInt id = config.map(json -> json.integer("bos_token_id")).orElse(OptionalInt.empty());
        return id.isPresent() && tokenizer.contains(id.getAsInt()) ? id : tokenizer.id("<|endoftext|>");
    }

    private static Optional<JsonFile> readIfPresent(Path path) {
        return Files.isRegularFile(path) ? Optional.of(JsonFile.read(path)) : Optional.empty();
    }

    private static Optional<String> bosToken(JsonFile json) {
        JsonNode token = json.get("bos_token");
        if (token != null && token.isObject()) {
            return json.object("bos_token").flatMap(object -> object.string("content"));
        }
        return json.string("bos_token");
    }
}
