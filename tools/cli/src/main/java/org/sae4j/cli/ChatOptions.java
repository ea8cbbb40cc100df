package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.generate.ChatMessage;
import org.sae4j.core.generate.ChatTemplate;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Texts as messages of a chat. */
final class ChatOptions {
    private static final String MESSAGES = "messages";

    @Option(names = "--chat", description = "The text is a user's message: write it as the model's chat template says, with the beginning of "
            + "the answer.")
    private boolean chat;

    @Option(names = "--system", paramLabel = "TEXT", description = "With --chat: a system message before it.")
    private @Nullable String system;

    @Option(names = "--chat-set", paramLabel = "NAME=JSON", description = "With --chat: a variable of the template, such as "
            + "enable_thinking=false; what is no JSON is a string. Repeat for more.")
    private @Nullable Map<String, String> variables;

    ChatOptions() {
    }

    /** Checks that no option is there without --chat. */
    void check(CommandSpec spec) {
        if (!chat && (system != null || variables != null)) {
            throw new ParameterException(spec.commandLine(), "--system and --chat-set go with --chat");
        }
    }

    boolean isChat() {
        return chat;
    }

    /** Reads the template of a model that needs one. */
    ChatTemplate template(Path model) {
        return ChatTemplate.of(model).orElseThrow(() -> new Sae4jException("the model has no chat template", model.toString(),
                "put chat_template.jinja into its folder, or leave out --chat"));
    }

    /** The prompt of one message of a user. */
    String prompt(ChatTemplate template, String text) {
        List<ChatMessage> messages = new ArrayList<>();
        if (system != null) {
            messages.add(new ChatMessage("system", system));
        }
        messages.add(new ChatMessage("user", text));
        return template.render(messages.stream().map(m -> Map.of("role", m.role(), "content", m.content())).toList(), variables(), true);
    }

    /**
     * The prompt of a line of JSON with a list of messages; its other members are variables of the template.
     *
     * @throws FormatException if it is none
     */
    String prompt(ChatTemplate template, String json, String where) {
        JsonNode line;
        try {
            line = JsonReader.read(json);
        } catch (JsonException e) {
            throw new FormatException("no JSON (" + e.getMessage() + ")", where, "write one object a line", e);
        }
        JsonNode messages = line.get(MESSAGES);
        if (messages == null || !messages.isArray()) {
            throw new FormatException("expected a list of messages", where + ": " + MESSAGES, "give {\"messages\": [{\"role\": \"user\", "
                    + "\"content\": \"...\"}]}");
        }
        List<Map<String, @Nullable Object>> all = new ArrayList<>();
        if (system != null) {
            all.add(new HashMap<>(Map.of("role", "system", "content", system)));
        }
        messages.forEach(message -> all.add(message.toMap()));
        Map<String, @Nullable Object> given = variables();
        line.properties().forEach(member -> given.put(member.getKey(), member.getValue().toPlain()));
        given.remove(MESSAGES);
        Object answer = given.remove("add_generation_prompt");
        return template.render(all, given, !Boolean.FALSE.equals(answer));
    }

    private Map<String, @Nullable Object> variables() {
        Map<String, @Nullable Object> values = new HashMap<>();
        if (variables != null) {
            variables.forEach((name, value) -> values.put(name, value(value)));
        }
        return values;
    }

    private static @Nullable Object value(String text) {
        try {
            return JsonReader.read(text).toPlain();
        } catch (JsonException e) {
            return text;
        }
    }
}
