package org.sae4j.demoworld;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Fact;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.output.OutputFile;

/** The embedded demo world: its README says how it was made and what PyTorch finds in it. */
public final class DemoWorld {
    /** The one-block model with exact GELU, in TransformerLens names. */
    public static final String GELU_1L = "gelu-1l-demo";
    /** The four-block model in the format of Hugging Face's GPT-2. */
    public static final String GPT2_4L = "gpt2-4l-demo";

    private static final List<String> MODEL_FILES = List.of("config.json", "model.safetensors", "tokenizer.json");

    private DemoWorld() {}

    /** {@return 20,000 documents to train on, each labelled with one of 13 domains} */
    public static List<Document> trainingCorpus() {
        return DataFiles.corpus(text("train.tsv"), "train.tsv");
    }

    /** {@return 1,500 documents to evaluate on, of another seed, each labelled with one of 13 domains} */
    public static List<Document> labelledCorpus() {
        return DataFiles.corpus(text("labelled.tsv"), "labelled.tsv");
    }

    /** {@return 101 facts that the corpus states: capitals, languages, symbols} */
    public static List<Fact> facts() {
        return DataFiles.facts(text("facts.json"), "facts.json");
    }

    /**
     * Copies a model's folder out of the library, over files that are there.
     *
     * @param name {@link #GELU_1L} or {@link #GPT2_4L}
     * @param folder the folder to make
     * @return the folder
     * @throws Sae4jException if it cannot be written
     */
    public static Path extractModel(String name, Path folder) {
        try {
            for (String file : MODEL_FILES) {
                try (InputStream in = open(name + "/" + file)) {
                    OutputFile.write(folder.resolve(file), in.readAllBytes());
                }
            }
        } catch (IOException e) {
            throw new Sae4jException("cannot copy the demo model " + name + ", " + e, folder.toString(), "choose a folder that can be written", e);
        }
        return folder;
    }

    private static String text(String name) {
        try (InputStream in = open(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the resource " + name, e);
        }
    }

    private static InputStream open(String name) {
        InputStream in = DemoWorld.class.getResourceAsStream(name);
        if (in == null) {
            throw new IllegalArgumentException("the demo world has no " + name);
        }
        return in;
    }
}
