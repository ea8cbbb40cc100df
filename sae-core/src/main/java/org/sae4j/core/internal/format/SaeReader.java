package org.sae4j.core.internal.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.format.FormatException;

/**
 * Finds out which kind of autoencoder lies at a path, and reads it.
 *
 * @param config what is computed
 * @param parameters tensors in SAELens names and layouts
 * @param logSparsity log10 frequencies, if there
 */
public record SaeReader(SaeConfig config, Map<String, Tensor> parameters, Optional<Tensor> logSparsity) {
    private static final String SAELENS = "sae_weights.safetensors";
    private static final String SPARSIFY = "sae.safetensors";
    private static final String GEMMA_SCOPE = "params.npz";
    private static final String DICTIONARY = "ae.pt";
    private static final List<String> USUAL = List.of(SAELENS, SPARSIFY, GEMMA_SCOPE, DICTIONARY);
    private static final String CFG = "cfg.json";

    /**
     * Reads an autoencoder.
     *
     * @param path a folder or a file
     * @param notes receives what a user should know
     * @throws FormatException if it is of no supported kind or not sound
     */
    public static SaeReader read(Path path, Arena arena, List<String> notes) {
        Path weights = Files.isRegularFile(path) ? path.toAbsolutePath() : find(path);
        Path folder = Objects.requireNonNull(weights.toAbsolutePath().getParent());
        TensorTable table = WeightFiles.open(weights, arena);
        double normFactor = 1;
        if (table.extras().get("ae") instanceof TensorTable inner && !inner.tensors().isEmpty()) {
            normFactor = table.extras().get("norm_factor") instanceof Number factor ? factor.doubleValue() : 1;
            notes.add("read from a training backup");
            table = inner;
        }
        SaeBuilder sae = new SaeBuilder(table, arena, notes);
        switch (table.kind()) {
            case "npz" -> OtherSaeReaders.gemmaScope(sae);
            case "torch" -> torch(sae, weights, folder);
            default -> {
                JsonFile cfg = JsonFile.read(folder.resolve(CFG));
                if (sae.has("encoder.weight")) {
                    OtherSaeReaders.sparsify(sae, cfg, folder.getFileName() == null ? "" : folder.getFileName().toString());
                } else {
                    SaeLensReader.read(sae, cfg);
                }
            }
        }
        if (normFactor != 1) {
            sae.scaleInput(normFactor);
        }
        return new SaeReader(sae.config(), sae.parameters(), sparsity(folder.resolve("sparsity.safetensors"), sae.dSae(), arena));
    }

    private static void torch(SaeBuilder sae, Path weights, Path folder) {
        String base = weights.getFileName().toString().replaceFirst("\\.[^.]*$", "");
        Path cfg = folder.resolve(base + "_cfg.json");
        if (sae.has("pre_bias")) {
            OtherSaeReaders.openAi(sae);
        } else if (Files.isRegularFile(cfg) || sae.has("W_enc") && !sae.has("threshold")) {
            OtherSaeReaders.nanda(sae, Files.isRegularFile(cfg) ? JsonFile.read(cfg) : null);
        } else if (sae.has("encoder.weight") || sae.has("W_enc")) {
            Path config = folder.resolve("config.json");
            OtherSaeReaders.dictionaryLearning(sae, Files.isRegularFile(config) ? JsonFile.read(config) : null);
        } else {
            throw new FormatException("these are not the tensors of a known kind of autoencoder: " + sae.table().sample(),
                    weights.toString(),
                    "give an autoencoder of SAELens, Neel Nanda, EleutherAI, OpenAI, dictionary_learning or Gemma Scope");
        }
    }

    private static Path find(Path folder) {
        for (String name : USUAL) {
            if (Files.isRegularFile(folder.resolve(name))) {
                return folder.resolve(name);
            }
        }
        List<Path> candidates;
        try (Stream<Path> files = Files.list(folder)) {
            candidates = files.filter(Files::isRegularFile).filter(f -> f.getFileName().toString().matches(".*\\.(pt|pth|npz)")).sorted()
                    .toList();
        } catch (IOException e) {
            throw new FormatException("the folder cannot be listed (" + e + ")", folder.toString(), "check the path", e);
        }
        if (candidates.size() != 1) {
            throw new FormatException(candidates.isEmpty() ? "there is no autoencoder (" + String.join(", ", USUAL) + ", *.pt)"
                    : "there are " + candidates.size() + " files that may be autoencoders", folder.toString(),
                    candidates.isEmpty() ? "give the folder of an autoencoder" : "give the path of one of them");
        }
        return candidates.getFirst();
    }

    private static Optional<Tensor> sparsity(Path path, int dSae, Arena arena) {
        if (!Files.isRegularFile(path)) {
            return Optional.empty();
        }
        return Optional.of(WeightFiles.open(path, arena).get("sparsity").expect("[d_sae]", dSae).read(arena));
    }
}
