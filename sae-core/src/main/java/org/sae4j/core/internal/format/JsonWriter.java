package org.sae4j.core.internal.format;

import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON from maps, lists, strings, numbers and booleans, in the order of the maps. */
public final class JsonWriter {
    private static final JsonMapper COMPACT = new JsonMapper();
    private static final JsonMapper INDENTED = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private JsonWriter() {}

    /** {@return the object on one line} */
    public static String compact(Map<String, ?> object) {
        return COMPACT.writeValueAsString(object);
    }

    /** {@return the object over several lines, ending with a line feed} */
    public static String indented(Map<String, ?> object) {
        return INDENTED.writeValueAsString(object).replace("\r\n", "\n") + "\n";
    }
}
