package org.sae4j.core.generate;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufArray;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.MappedFile;
import org.sae4j.core.internal.format.WeightFiles;
import org.sae4j.core.internal.gguf.GgufModel;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.template.Template;

/**
 * How a model writes the messages of a chat as one text: the Jinja template that comes with it, run as {@code apply_chat_template} of
 * transformers runs it. The text holds all special tokens, so it is encoded without those that the tokenizer adds. Immutable.
 *
 * <p>Templates may use statements, filters, tests and methods of Jinja 2 and Python that the templates of published models use; what is
 * not known is refused by name. The work of a run, its output and its depth are bounded, and a template reaches nothing but the messages.
 *
 * <pre>{@code
 * ChatTemplate template = ChatTemplate.of(folder).orElseThrow();
 * String prompt = template.render(List.of(new ChatMessage("user", "What is a sparse autoencoder?")));
 * int[] tokens = tokenizer.encode(prompt).ids();
 * }</pre>
 */
public final class ChatTemplate {
    private static final String KEY = "chat_template";
    private static final String GGUF_KEY = "tokenizer.chat_template";
    private static final String GGUF_TOKENS = "tokenizer.ggml.tokens";
    private static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token",
            "mask_token");
    private static final Map<String, String> GGUF_SPECIAL = Map.of("bos_token", "bos_token_id", "eos_token", "eos_token_id", "unk_token",
            "unknown_token_id", "pad_token", "padding_token_id");
    private static final long LARGEST = 1 << 20;

    private final Template template;
    private final Map<String, String> specialTokens;
    private final Clock clock;

    private ChatTemplate(Template template, Map<String, String> specialTokens, Clock clock) {
        this.template = template;
        this.specialTokens = Map.copyOf(specialTokens);
        this.clock = clock;
    }

    /**
     * Reads a model's template: {@code chat_template.jinja}, or else {@code chat_template} of {@code tokenizer_config.json} (of several that
     * named {@code default}), or {@code tokenizer.chat_template} of a GGUF file.
     *
     * @param path the model's folder, a file in it, or a GGUF file
     * @return the template, or empty if the model has none
     * @throws FormatException if a file is broken, or the template is, or it uses what is not supported; the message names it
     */
    public static Optional<ChatTemplate> of(Path path) {
        Optional<Path> gguf = GgufModel.find(path);
        if (gguf.isPresent()) {
            return ofGguf(gguf.get());
        }
        Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
        return folder == null ? Optional.empty() : ofFolder(folder);
    }

    private static Optional<ChatTemplate> ofFolder(Path folder) {
        Path file = folder.resolve("chat_template.jinja");
        Path config = folder.resolve("tokenizer_config.json");
        Optional<JsonFile> json = Files.isRegularFile(config) ? Optional.of(JsonFile.read(config)) : Optional.empty();
        Optional<Template> template;
        if (Files.isRegularFile(file)) {
            template = Optional.of(Template.of(file.toString(), new String(MappedFile.bytes(file, LARGEST), StandardCharsets.UTF_8)));
        } else {
            template = json.flatMap(j -> source(j).map(source -> Template.of(j.at(KEY), source)));
        }
        Map<String, String> tokens = new HashMap<>();
        Path older = folder.resolve("special_tokens_map.json");
        if (Files.isRegularFile(older)) {
            tokens.putAll(specialTokens(JsonFile.read(older)));
        }
        json.ifPresent(j -> tokens.putAll(specialTokens(j)));
        return template.map(t -> new ChatTemplate(t, tokens, Clock.system(ZoneId.systemDefault())));
    }

    /** One template, or several with names. */
    private static Optional<String> source(JsonFile json) {
        JsonNode value = json.get(KEY);
        if (value == null || !value.isArray()) {
            return json.string(KEY);
        }
        for (JsonFile named : json.objects(KEY)) {
            if (named.string("name").orElse("").equals("default")) {
                return named.string("template");
            }
        }
        throw new FormatException("none of the templates is named \"default\"", json.at(KEY), "name one of them so");
    }

    private static Map<String, String> specialTokens(JsonFile json) {
        Map<String, String> tokens = new HashMap<>();
        for (String name : SPECIAL) {
            JsonNode token = json.get(name);
            Optional<String> text = token != null && token.isObject() ? json.object(name).flatMap(object -> object.string("content"))
                    : json.string(name);
            text.ifPresent(t -> tokens.put(name, t));
        }
        return tokens;
    }

    private static Optional<ChatTemplate> ofGguf(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            GgufMetadata metadata = GgufMetadata.of(WeightFiles.open(file, arena, false));
            Optional<String> source = metadata.string(GGUF_KEY);
            if (source.isEmpty()) {
                return Optional.empty();
            }
            List<String> vocabulary = metadata.array(GGUF_TOKENS).map(GgufArray::strings).orElse(List.of());
            Map<String, String> tokens = new HashMap<>();
            GGUF_SPECIAL.forEach((name, key) -> {
                OptionalInt id = metadata.integer("tokenizer.ggml." + key);
                if (id.isPresent() && id.getAsInt() < vocabulary.size()) {
                    tokens.put(name, vocabulary.get(id.getAsInt()));
                }
            });
            return Optional.of(new ChatTemplate(Template.of(metadata.at(GGUF_KEY), source.get()), tokens, Clock.system(ZoneId.systemDefault())));
        }
    }

    /**
     * The same template with another clock, for templates that write today's date.
     *
     * @param other what tells the date
     * @return a template
     */
    public ChatTemplate with(Clock other) {
        return new ChatTemplate(template, specialTokens, other);
    }

    /**
     * Writes a chat and the beginning of the model's answer.
     *
     * @param messages what was said so far, at least one message
     * @return the text
     * @throws FormatException if the template refuses the messages, or does not fit them
     */
    public String render(List<ChatMessage> messages) {
        return render(messages.stream().map(ChatMessage::fields).toList(), Map.of(), true);
    }

    /**
     * Writes a chat.
     *
     * @param messages what was said so far; members of any kind that JSON has (null, Boolean, Long, Double, String, List, Map)
     * @param variables further variables of the template, such as {@code tools} or {@code enable_thinking}
     * @param answer whether the beginning of the model's answer follows ({@code add_generation_prompt})
     * @return the text
     * @throws FormatException if the template refuses the messages, or does not fit them
     */
    public String render(List<? extends Map<String, ? extends @Nullable Object>> messages,
            Map<String, ? extends @Nullable Object> variables, boolean answer) {
        Map<String, @Nullable Object> all = new HashMap<>(specialTokens);
        all.put("tools", null);
        all.put("documents", null);
        all.putAll(variables);
        all.put("messages", new ArrayList<>(messages));
        all.put("add_generation_prompt", answer);
        return template.render(all, () -> ZonedDateTime.now(clock));
    }
}
