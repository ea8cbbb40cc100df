package org.sae4j.core.internal.model;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.TreeSet;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.TensorTable;

/** The families of transformers that can be read. */
public final class Families {
    private static final List<Family> ALL = List.of(new Llama(), new Gemma(), new NeoX(), new GptNeo(), new Opt(), new Phi(), new Falcon());

    private Families() {}

    /**
     * Reads a model of a Hugging Face folder.
     *
     * @param name the model's name where the configuration has none
     * @param json the configuration
     * @param table the tensors
     * @param arena owns what must be rearranged or converted
     * @param notes receives what a user should know
     * @return the model
     * @throws FormatException if the family is not known, the folder is not sound, or the model cannot be run exactly
     */
    public static ModelTensors read(String name, JsonFile json, TensorTable table, Arena arena, List<String> notes) {
        String type = json.string("model_type").orElse("gpt2");
        if (type.equals("gpt2")) {
            return HuggingFaceGpt2.read(name, json, table, arena, notes);
        }
        JsonFile text = type.equals("gemma3") ? json.object("text_config").orElse(json) : json;
        String own = text.string("model_type").orElse(type);
        Family family = ALL.stream().filter(f -> f.types().contains(own)).findFirst()
                .orElseThrow(() -> new FormatException("model_type \"" + type + "\" is not supported (" + String.join(", ", types())
                        + " are)", json.at("model_type"), "use a model of one of these families"));
        return family.read(new Hub(name, new HubConfig(text), table, arena, notes));
    }

    /** {@return the values of {@code model_type} that can be read, in order} */
    public static List<String> types() {
        TreeSet<String> types = new TreeSet<>(List.of("gpt2"));
        ALL.forEach(family -> types.addAll(family.types()));
        return List.copyOf(types);
    }
}
