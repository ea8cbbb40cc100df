package org.sae4j.core.internal.json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonFactoryBuilder;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Reads JSON into {@link JsonNode}s, with the streaming parser alone, since jackson-databind does not run beside every version of
 * jackson-annotations that a host may have. Refused are nesting deeper than {@value #MAX_DEPTH}, numbers longer than
 * {@value #MAX_NUMBER_LENGTH} characters, numbers that a double cannot hold, a key twice in an object, and anything after the value.
 */
public final class JsonReader {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_NUMBER_LENGTH = 400;

    private static final Pattern JACKSONS_OWN = Pattern.compile(
            " \\(start marker at .*|, from `[^`]*`|: enable `[^`]*` to allow| \\(not recognized as one [^)]*\\)");

    private static final JsonReader STRICT = new JsonReader(builder());
    private static final JsonReader PYTHON = new JsonReader(builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS));

    private final JsonFactory factory;

    private JsonReader(JsonFactoryBuilder builder) {
        this.factory = builder.build();
    }

    private static JsonFactoryBuilder builder() {
        return JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).maxNumberLength(MAX_NUMBER_LENGTH)
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION);
    }

    /**
     * Reads JSON.
     *
     * @param text one value, with white space around it
     * @throws JsonException if it is anything else, or beyond the limits
     */
    public static JsonNode read(String text) throws JsonException {
        return STRICT.parse(text);
    }

    /**
     * Reads JSON as Python writes it: {@code NaN}, {@code Infinity} and {@code -Infinity} are numbers.
     *
     * @param text one value, with white space around it
     * @throws JsonException if it is anything else, or beyond the limits
     */
    public static JsonNode readPython(String text) throws JsonException {
        return PYTHON.parse(text);
    }

    private JsonNode parse(String text) throws JsonException {
        try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), text)) {
            try {
                JsonToken first = parser.nextToken();
                if (first == null) {
                    throw new JsonException("the text is empty", line(parser));
                }
                JsonNode node = value(parser, first);
                if (parser.nextToken() != null) {
                    throw new JsonException("more follows after the value", line(parser));
                }
                return node;
            } catch (JacksonException e) {
                throw new JsonException(reason(e), line(parser), e);
            }
        }
    }

    private static JsonNode value(JsonParser parser, JsonToken token) throws JsonException {
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> JsonNode.scalar(parser.getString());
            case VALUE_NUMBER_INT -> JsonNode.scalar(parser.getNumberValue());
            case VALUE_NUMBER_FLOAT -> JsonNode.scalar(real(parser));
            case VALUE_TRUE -> JsonNode.scalar(true);
            case VALUE_FALSE -> JsonNode.scalar(false);
            case VALUE_NULL -> JsonNode.NULL;
            default -> throw new JsonException("unexpected " + token, line(parser));
        };
    }

    private static double real(JsonParser parser) throws JsonException {
        double value = parser.getDoubleValue();
        String text = parser.getString();
        if (Double.isInfinite(value) && text.chars().anyMatch(Character::isDigit)) {
            throw new JsonException("the number " + text + " is out of range", line(parser));
        }
        return value;
    }

    private static JsonNode object(JsonParser parser) throws JsonException {
        Map<String, JsonNode> members = new LinkedHashMap<>();
        for (JsonToken token = parser.nextToken(); token != JsonToken.END_OBJECT; token = parser.nextToken()) {
            String name = parser.currentName();
            members.put(name, value(parser, parser.nextToken()));
        }
        return JsonNode.object(members);
    }

    private static JsonNode array(JsonParser parser) throws JsonException {
        List<JsonNode> elements = new ArrayList<>();
        for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
            elements.add(value(parser, token));
        }
        return JsonNode.array(elements);
    }

    private static int line(JsonParser parser) {
        return parser.currentLocation().getLineNr();
    }

    /** Jackson's message without where it thinks that it is and which of its own settings would change it. */
    private static String reason(JacksonException e) {
        String message = e.getOriginalMessage();
        return message == null ? e.getClass().getSimpleName() : JACKSONS_OWN.matcher(message.lines().findFirst().orElse("?")).replaceAll("");
    }
}
