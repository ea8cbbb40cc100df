package org.sae4j.core.generate;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A message of a chat.
 *
 * @param role who says it, such as {@code system}, {@code user} or {@code assistant}
 * @param content what is said
 */
public record ChatMessage(String role, String content) {
    /** Checks that both are there. */
    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
    }

    /** {@return the message as templates see it: {@code role} and {@code content}} */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("role", role);
        fields.put("content", content);
        return fields;
    }
}
