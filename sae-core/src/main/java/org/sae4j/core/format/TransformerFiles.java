package org.sae4j.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.internal.format.WeightFiles;
import org.sae4j.core.internal.gguf.GgufModel;
import org.sae4j.core.internal.model.Families;
import org.sae4j.core.internal.model.HuggingFaceGpt2;
import org.sae4j.core.internal.model.ModelTensors;
import org.sae4j.core.internal.model.TransformerLensModel;

/**
 * Reads GPT-2-style transformers: Hugging Face GPT-2 and TransformerLens checkpoints, as safetensors (also sharded) or torch files, of any
 * floating-point type.
 *
 * <p>Weights are read as they are; {@link WeightProcessing} has TransformerLens' transformations. Every value is checked when the model is
 * read: one pass over the mapped file with all cores, so that no NaN travels into a computation.
 */
public final class TransformerFiles {
    private static final String CONFIG = "config.json";
    private static final List<String> USUAL = List.of("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
            "pytorch_model.bin.index.json", "model_final.pth");

    private TransformerFiles() {}

    /**
     * Reads a model.
     *
     * @param path a folder with {@code config.json}, one file of weights, and usually a tokenizer; the file of weights in such a folder; a
     *     GGUF file, which holds all of this, any part of a split one, or a folder with nothing but one such model
     * @return the weights; the caller closes them
     * @throws FormatException if a file is missing, broken or hostile, the architecture is not supported, sizes disagree, or a weight is
     *         NaN or infinite
     */
    public static TransformerWeights read(Path path) {
        return read(path, true);
    }

    /**
     * Reads a model, not its tokenizer: for token ids as they are, also where the tokenizer is of a kind that is not supported.
     *
     * @param path as in {@link #read}
     * @return the weights, without tokenizer; the caller closes them
     * @throws FormatException as {@link #read}
     */
    public static TransformerWeights readWithoutTokenizer(Path path) {
        return read(path, false);
    }

    private static TransformerWeights read(Path path, boolean withTokenizer) {
        Arena arena = Arena.ofShared();
        try {
            Optional<Path> gguf = GgufModel.find(path);
            return gguf.isPresent() ? gguf(gguf.get(), withTokenizer, arena) : folder(path, withTokenizer, arena);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private static TransformerWeights gguf(Path file, boolean withTokenizer, Arena arena) {
        GgufModel gguf = GgufModel.of(WeightFiles.open(file, arena), arena);
        List<String> notes = new ArrayList<>();
        String name = file.getFileName().toString().replaceFirst("\\.gguf$", "");
        ModelTensors model = Families.read(name, gguf.config(), gguf.tensors(), arena, notes);
        return weights(model, withTokenizer ? TokenizerFiles.gguf(gguf.tensors()) : Optional.empty(), notes, arena);
    }

    private static TransformerWeights folder(Path path, boolean withTokenizer, Arena arena) {
        boolean file = Files.isRegularFile(path);
        Path folder = file ? Objects.requireNonNull(path.toAbsolutePath().getParent()) : path;
        if (!Files.isRegularFile(folder.resolve(CONFIG))) {
            throw new FormatException("a transformer's folder has a " + CONFIG, folder.toString(),
                    "give a folder with a Hugging Face or a TransformerLens model, or a GGUF file");
        }
        JsonFile config = JsonFile.read(folder.resolve(CONFIG));
        Path weights = file ? path : findWeights(folder);
        String name = folder.toAbsolutePath().normalize().getFileName() == null ? "model"
                : folder.toAbsolutePath().normalize().getFileName().toString();
        List<String> notes = new ArrayList<>();
        TensorTable table = WeightFiles.open(weights, arena);
        boolean huggingFace = config.has("model_type") || HuggingFaceGpt2.matches(table);
        ModelTensors model = huggingFace ? Families.read(name, config, table, arena, notes)
                : TransformerLensModel.read(name, config, table, arena, notes);
        return weights(model, withTokenizer && TokenizerFiles.exists(folder) ? Optional.of(TokenizerFiles.read(folder)) : Optional.empty(),
                notes, arena);
    }

    private static TransformerWeights weights(ModelTensors model, Optional<? extends Tokenizer> tokenizer, List<String> notes,
            Arena arena) {
        int vocabulary = model.description().config().dVocab();
        tokenizer.filter(t -> t.vocabularySize() > vocabulary).ifPresent(t -> notes.add("the tokenizer has " + t.vocabularySize()
                + " ids, but the model only " + vocabulary + ": the last ids cannot be given to the model"));
        return new TransformerWeights(model.description(), model.parameters(), tokenizer.map(t -> t), notes, arena);
    }

    private static Path findWeights(Path folder) {
        for (String name : USUAL) {
            if (Files.isRegularFile(folder.resolve(name))) {
                return folder.resolve(name);
            }
        }
        List<Path> candidates;
        try (Stream<Path> files = Files.list(folder)) {
            candidates = files.filter(Files::isRegularFile).filter(f -> f.getFileName().toString().matches(".*\\.(safetensors|pth|pt)"))
                    .sorted().toList();
        } catch (IOException e) {
            throw new FormatException("the folder cannot be listed (" + e + ")", folder.toString(), "check its permissions", e);
        }
        if (candidates.size() != 1) {
            throw new FormatException(candidates.isEmpty() ? "no file of weights (" + String.join(", ", USUAL) + ')'
                    : "there are " + candidates.size() + " files of weights", folder.toString(),
                    candidates.isEmpty() ? "download the weights into the folder" : "give the path of one of them");
        }
        return candidates.getFirst();
    }
}
