package org.sae4j.core.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.core.internal.format.TrainingCheckpoint;

/**
 * All state of a training run, one safetensors file: tensors by the names of the step program's parameters, everything else as metadata.
 *
 * @param recipe the recipe
 * @param autoencoder what {@link TrainingCheckpoint#describe} says of it; empty once read
 * @param steps steps done
 * @param resampledAt steps done when features were last resampled
 * @param position of the source
 * @param scale of the inputs
 * @param threshold state of the running threshold
 * @param coefficient state of the penalty's coefficient
 * @param data what the source is made of, as the caller says; empty if nothing was said
 * @param tensors parameters, moments, counters, the mean that is subtracted from inputs
 */
record Checkpoint(Recipe recipe, Map<String, String> autoencoder, long steps, long resampledAt, long position, double scale,
        double[] threshold, double[] coefficient, String data, Map<String, Tensor> tensors) {
    /** Settings that may change between a checkpoint and its resumption. */
    private static final Set<String> FREE = Set.of(Setting.STEPS.key());

    /** Writes the file; it appears whole or not at all. */
    void write(Path file) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", TrainingCheckpoint.FORMAT);
        metadata.put("recipe", recipe.name());
        recipe.settings().forEach((key, value) -> metadata.put("setting." + key, value));
        metadata.putAll(autoencoder);
        metadata.put("steps", Long.toString(steps));
        metadata.put("resampled_at", Long.toString(resampledAt));
        metadata.put("position", Long.toString(position));
        metadata.put(TrainingCheckpoint.SCALE, Double.toString(scale));
        metadata.put("threshold_sum", Double.toString(threshold[0]));
        metadata.put("threshold_weight", Double.toString(threshold[1]));
        metadata.put("coefficient", Arrays.stream(coefficient).mapToObj(Double::toString).collect(Collectors.joining(" ")));
        metadata.put("data", data);
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            throw new Sae4jException("the folder of a checkpoint cannot be made: " + e, file.toString(), "choose another folder", e);
        }
        SafetensorsWriter.write(file, tensors, metadata);
    }

    /** Reads a file into memory. */
    static Checkpoint read(Path file) {
        try (SafetensorsFile open = SafetensorsFile.open(file)) {
            Map<String, String> metadata = open.metadata();
            if (!TrainingCheckpoint.FORMAT.equals(metadata.get("format"))) {
                throw new Sae4jException("not a checkpoint: its metadata has format " + metadata.get("format") + ", expected "
                        + TrainingCheckpoint.FORMAT,
                        file.toString(), "give a checkpoint-*.safetensors written by training");
            }
            Map<String, String> settings = new LinkedHashMap<>();
            metadata.forEach((key, value) -> {
                if (key.startsWith("setting.")) {
                    settings.put(key.substring("setting.".length()), value);
                }
            });
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (String name : open.names()) {
                tensors.put(name, Tensor.of(open.tensor(name).toArray(), open.shape(name)));
            }
            Recipe recipe = Recipes.get(field(metadata, "recipe", file)).with(settings);
            Checkpoint checkpoint = new Checkpoint(recipe, Map.of(), Long.parseLong(field(metadata, "steps", file)),
                    Long.parseLong(field(metadata, "resampled_at", file)), Long.parseLong(field(metadata, "position", file)),
                    Double.parseDouble(field(metadata, TrainingCheckpoint.SCALE, file)), new double[] {
                        Double.parseDouble(field(metadata, "threshold_sum", file)),
                        Double.parseDouble(field(metadata, "threshold_weight", file))},
                    Stream.of(field(metadata, "coefficient", file).split(" ")).mapToDouble(Double::parseDouble).toArray(),
                    field(metadata, "data", file), tensors);
            if (checkpoint.steps < 0 || checkpoint.position < 0 || checkpoint.coefficient.length != PenaltyCoefficient.STATE
                    || !(checkpoint.scale > 0 && Double.isFinite(checkpoint.scale))) {
                throw new Sae4jException("the checkpoint's metadata has steps " + checkpoint.steps + ", position " + checkpoint.position
                        + ", scale " + checkpoint.scale, file.toString(), "use another checkpoint");
            }
            return checkpoint;
        } catch (NumberFormatException e) {
            throw new Sae4jException("the checkpoint's metadata is broken: " + e.getMessage(), file.toString(), "use another checkpoint",
                    e);
        }
    }

    private static String field(Map<String, String> metadata, String key, Path file) {
        String value = metadata.get(key);
        if (value == null) {
            throw new Sae4jException("the checkpoint's metadata lacks " + key, file.toString(), "use another checkpoint");
        }
        return value;
    }

    /** Checks that a run can go on from here. */
    void checkFits(Recipe wanted, int dIn, String wantedData) {
        Set<String> different = new TreeSet<>();
        Map<String, String> here = recipe.settings();
        Map<String, String> there = wanted.settings();
        for (String key : there.keySet()) {
            if (!FREE.contains(key) && !there.get(key).equals(here.get(key))) {
                different.add(key + " (" + here.get(key) + ", now " + there.get(key) + ")");
            }
        }
        if (!recipe.name().equals(wanted.name()) || !different.isEmpty()) {
            throw new Sae4jException("the checkpoint is of another recipe: " + recipe.name() + ", different settings " + different,
                    "recipe " + wanted.name(), "resume with the checkpoint's own recipe; only steps may change");
        }
        if (!data.isEmpty() && !wantedData.isEmpty() && !data.equals(wantedData)) {
            throw new Sae4jException("the checkpoint is of other data: " + data, "now " + wantedData,
                    "resume over the activations, in the order, that training began with");
        }
        Tensor decoder = tensors.get("W_dec");
        if (decoder == null || decoder.rank() != 2 || decoder.dim(1) != dIn) {
            throw new Sae4jException("the checkpoint's W_dec is " + decoder + ", expected width " + dIn, "recipe " + wanted.name(),
                    "resume over the activations that training began with");
        }
    }

    /** The values of a tensor. */
    float[] tensor(String name, long size) {
        Tensor tensor = tensors.get(name);
        if (tensor == null || tensor.size() != size) {
            throw new Sae4jException("the checkpoint has " + name + " as " + tensor + ", expected " + size + " elements",
                    "recipe " + recipe.name(), "use another checkpoint");
        }
        return tensor.toArray();
    }
}
