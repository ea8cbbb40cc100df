package org.sae4j.serve;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;

/**
 * What a client asks for.
 *
 * @param query the parameters of the address
 * @param body what was sent; empty for none
 */
record Request(Map<String, String> query, String body) {
    static Map<String, String> query(String raw) {
        Map<String, String> query = new LinkedHashMap<>();
        for (String part : raw.split("&")) {
            int equals = part.indexOf('=');
            if (!part.isEmpty()) {
                try {
                    query.put(URLDecoder.decode(equals < 0 ? part : part.substring(0, equals), StandardCharsets.UTF_8),
                            equals < 0 ? "" : URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
                } catch (IllegalArgumentException e) {
                    throw ApiException.bad("the address has a parameter that is not encoded: " + part);
                }
            }
        }
        return query;
    }

    String text(String name, String otherwise) {
        return query.getOrDefault(name, otherwise);
    }

    /** A whole number of the address. */
    int number(String name, int otherwise, int least, int most) {
        String text = query.get(name);
        if (text == null) {
            return otherwise;
        }
        try {
            return within(name, Integer.parseInt(text), least, most);
        } catch (NumberFormatException e) {
            throw ApiException.bad(name + " is a whole number, found " + text);
        }
    }

    private static int within(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw ApiException.bad(name + " is from " + least + " to " + most + ", found " + value);
        }
        return value;
    }

    /** A number of the address. */
    OptionalDouble real(String name) {
        String text = query.get(name);
        try {
            return text == null || text.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(text));
        } catch (NumberFormatException e) {
            throw ApiException.bad(name + " is a number, found " + text);
        }
    }

    /** The object that was sent. */
    Sent sent() {
        try {
            JsonNode node = JsonReader.read(body);
            if (!node.isObject()) {
                throw ApiException.bad("send a JSON object");
            }
            return new Sent(node);
        } catch (JsonException e) {
            throw ApiException.bad("what was sent is no JSON: " + e.reason());
        }
    }

    /**
     * A JSON object that was sent.
     *
     * @param node the object
     */
    record Sent(JsonNode node) {
        String text(String name, String otherwise, int longest) {
            JsonNode value = node.path(name);
            if (value.isMissingNode()) {
                return otherwise;
            }
            if (!value.isString()) {
                throw ApiException.bad(name + " is a text");
            }
            if (value.stringValue().length() > longest) {
                throw new ApiException(413, name + " has " + value.stringValue().length() + " characters, the most are " + longest);
            }
            return value.stringValue();
        }

        int number(String name, int otherwise, int least, int most) {
            JsonNode value = node.path(name);
            if (value.isMissingNode()) {
                return otherwise;
            }
            if (!value.canConvertToInt()) {
                throw ApiException.bad(name + " is a whole number");
            }
            return within(name, value.intValue(), least, most);
        }

        double real(String name, double otherwise) {
            JsonNode value = node.path(name);
            if (value.isMissingNode()) {
                return otherwise;
            }
            if (!value.isNumber()) {
                throw ApiException.bad(name + " is a number");
            }
            return value.doubleValue();
        }
    }
}
