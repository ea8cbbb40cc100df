package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.WeightFiles;
import org.sae4j.core.internal.gguf.GgufModel;
import org.sae4j.core.internal.json.JsonNode;

/** The tokens that a model ends a text with. */
public final class EndTokens {
    private static final String KEY = "eos_token_id";
    private static final List<String> GGUF_KEYS = List.of("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
            "tokenizer.ggml.eom_token_id");

    private EndTokens() {}

    /**
     * Reads them: {@code eos_token_id} of {@code generation_config.json}, or else of {@code config.json}, which may be one number or several;
     * from a GGUF file the tokens that end a text, a turn or a message.
     *
     * @param path the model's folder, a file in it, or a GGUF file
     * @return token ids; empty if no file names any
     * @throws FormatException if a file is broken, or the key is neither a number nor a list of numbers
     */
    public static Set<Integer> of(Path path) {
        Optional<Path> gguf = GgufModel.find(path);
        if (gguf.isPresent()) {
            return ofGguf(gguf.get());
        }
        Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
        for (String name : new String[] {"generation_config.json", "config.json"}) {
            if (folder != null && Files.isRegularFile(folder.resolve(name))) {
                JsonFile json = JsonFile.read(folder.resolve(name));
                Set<Integer> ends = ids(json, json.get(KEY));
                if (!ends.isEmpty()) {
                    return ends;
                }
            }
        }
        return Set.of();
    }

    private static Set<Integer> ofGguf(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            GgufMetadata metadata = GgufMetadata.of(WeightFiles.open(file, arena, false));
            Set<Integer> ends = new TreeSet<>();
            GGUF_KEYS.forEach(key -> metadata.integer(key).ifPresent(ends::add));
            return ends;
        }
    }

    private static Set<Integer> ids(JsonFile json, @Nullable JsonNode value) {
        Set<Integer> ids = new TreeSet<>();
        if (value != null && value.isArray()) {
            value.forEach(each -> ids.addAll(ids(json, each)));
        } else if (value != null && value.isIntegralNumber() && value.canConvertToInt()) {
            ids.add(value.intValue());
        } else if (value != null && !value.isNull()) {
            throw json.mismatch(KEY, "a token id or a list of them", value);
        }
        return ids;
    }
}
