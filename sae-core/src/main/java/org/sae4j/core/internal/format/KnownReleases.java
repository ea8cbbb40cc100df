package org.sae4j.core.internal.format;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Releases in SAELens' layout whose files do not say all that SAELens' directory (pretrained_saes.yaml) adds to them: how the model was
 * processed, a factor of the activations, a normalization.
 */
final class KnownReleases {
    /**
     * What the directory adds.
     *
     * @param name the release
     * @param centered whether the model's writing weights were centred
     * @param factor by which activations were multiplied (norm_scaling_factor), if it is known
     * @param normalization normalize_activations in place of the file's, or null
     */
    record Added(String name, boolean centered, OptionalDouble factor, @Nullable String normalization) {}

    /**
     * A release and how its files are recognised: by model and hook point in a flat config, and the folder's name or, of the oldest configs,
     * the widths.
     *
     * @param models names of the model
     * @param hook the hook points
     * @param folder the names of folders
     * @param dIn width of the input
     * @param dSae numbers of features
     */
    private record Release(String name, Set<String> models, Pattern hook, Pattern folder, int dIn, Set<Integer> dSae, boolean centered,
            @Nullable String normalization) {}

    private static final Map<String, Double> FACTORS = readFactors();
    private static final Set<String> GPT2 = Set.of("gpt2-small", "gpt2");

    private static final List<Release> RELEASES = List.of(
            new Release("gpt2-small-res-jb", GPT2, Pattern.compile("blocks\\.(([0-9]|1[01])\\.hook_resid_pre|11\\.hook_resid_post)"),
                    Pattern.compile("blocks\\.(([0-9]|1[01])\\.hook_resid_pre|11\\.hook_resid_post)"), 768, Set.of(24576), true, null),
            new Release("gpt2-small-res-jb-feature-splitting", GPT2, Pattern.compile("blocks\\.8\\.hook_resid_pre"),
                    Pattern.compile("blocks\\.8\\.hook_resid_pre_\\d+"), 768,
                    Set.of(768, 1536, 3072, 6144, 12288, 24576, 49152, 98304), true, null),
            new Release("gpt2-small-mlp-tm", GPT2, Pattern.compile("blocks\\.([0-9]|1[01])\\.hook_mlp_out"),
                    Pattern.compile("sae_group_gpt2_blocks\\.\\d+\\.hook_mlp_out_24576.*"), 768, Set.of(24576), true, null),
            new Release("gemma-2b-res-jb", Set.of("gemma-2b"), Pattern.compile("blocks\\.12\\.hook_resid_post"),
                    Pattern.compile("gemma_2b_blocks\\.12\\.hook_resid_post_16384"), 2048, Set.of(16384), false, null),
            new Release("mistral-7b-res-wg", Set.of("mistral-7b"),
                    Pattern.compile("blocks\\.(8|16|24)\\.hook_resid_pre"), Pattern.compile("mistral_7b_layer_(8|16|24)"), 4096,
                    Set.of(65536), false, "constant_norm_rescale"));

    private KnownReleases() {}

    /**
     * The release that an autoencoder is of.
     *
     * @param cfg its config
     * @param folder the name of its folder
     * @param dIn width of its input
     * @param dSae number of its features
     * @return what the directory adds, or empty if it is of no release here
     */
    static Optional<Added> find(JsonFile cfg, String folder, int dIn, int dSae) {
        Optional<JsonFile> metadata = cfg.object("metadata");
        String model = metadata.flatMap(m -> m.string("model_name")).or(() -> cfg.string("model_name")).orElse("");
        String hook = metadata.flatMap(m -> m.string("hook_name")).or(() -> cfg.string("hook_name", "hook_point")).orElse("");
        // Newer configs say everything themselves; these releases are older.
        boolean flat = metadata.isEmpty();
        boolean old = flat && !cfg.has("hook_name");
        return RELEASES.stream().filter(release -> release.models.contains(model) && release.hook.matcher(hook).matches()
                && (flat && release.folder.matcher(folder).matches() || old && release.dIn == dIn && release.dSae.contains(dSae)))
                .findFirst().map(release -> new Added(release.name, release.centered, factor(release.name, hook), release.normalization));
    }

    /**
     * The factor of the activations that the directory has.
     *
     * @param release a release
     * @param key the hook point or folder in it
     * @return norm_scaling_factor, or empty if the directory has none
     */
    static OptionalDouble factor(String release, String key) {
        Double factor = FACTORS.get(release + '\t' + key);
        return factor == null ? OptionalDouble.empty() : OptionalDouble.of(factor);
    }

    private static Map<String, Double> readFactors() {
        Map<String, Double> factors = new HashMap<>();
        try (InputStream table = Objects.requireNonNull(KnownReleases.class.getResourceAsStream("norm-scaling-factors.tsv"))) {
            new String(table.readAllBytes(), StandardCharsets.UTF_8).lines().filter(line -> !line.startsWith("#")).forEach(line -> {
                int last = line.lastIndexOf('\t');
                factors.put(line.substring(0, last), Double.valueOf(line.substring(last + 1)));
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return factors;
    }
}
