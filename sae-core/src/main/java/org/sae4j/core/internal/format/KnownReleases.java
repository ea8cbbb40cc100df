package org.sae4j.core.internal.format;

import java.util.List;
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
     * A release and how its files are recognised: by model and hook point, and either the folder's name or widths of an old config.
     *
     * @param models names of the model
     * @param hook the hook points
     * @param folder the names of folders
     * @param dIn width of the input
     * @param dSae numbers of features
     * @param factors of layers, from 0; empty where the directory has none
     */
    private record Release(String name, Set<String> models, Pattern hook, Pattern folder, int dIn, Set<Integer> dSae, boolean centered,
            double[] factors, @Nullable String normalization) {}

    private static final double[] NONE = {};
    private static final Set<String> GPT2 = Set.of("gpt2-small", "gpt2");

    private static final List<Release> RELEASES = List.of(
            new Release("gpt2-small-res-jb", GPT2, Pattern.compile("blocks\\.(([0-9]|1[01])\\.hook_resid_pre|11\\.hook_resid_post)"),
                    Pattern.compile("blocks\\.(([0-9]|1[01])\\.hook_resid_pre|11\\.hook_resid_post)"), 768, Set.of(24576), true, NONE, null),
            new Release("gpt2-small-res-jb-feature-splitting", GPT2, Pattern.compile("blocks\\.8\\.hook_resid_pre"),
                    Pattern.compile("blocks\\.8\\.hook_resid_pre_\\d+"), 768,
                    Set.of(768, 1536, 3072, 6144, 12288, 24576, 49152, 98304), true, NONE, null),
            new Release("gpt2-small-mlp-tm", GPT2, Pattern.compile("blocks\\.([0-9]|1[01])\\.hook_mlp_out"),
                    Pattern.compile("sae_group_gpt2_blocks\\.\\d+\\.hook_mlp_out_24576.*"), 768, Set.of(24576), true,
                    new double[] {1.049317316132615, 2.3693984005104283, 1.6411934982190302, 1.8958522157897557, 1.81673478700627,
                        1.550234472245924, 1.3237742807210804, 1.1042905114723296, 0.9123762783479742, 0.6955335635232373,
                        0.3619728926727644, 0.2851548652550073}, null),
            new Release("gemma-2b-res-jb", Set.of("gemma-2b"), Pattern.compile("blocks\\.12\\.hook_resid_post"),
                    Pattern.compile("gemma_2b_blocks\\.12\\.hook_resid_post_16384"), 2048, Set.of(16384), false,
                    new double[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.21381938399317255}, null),
            new Release("mistral-7b-res-wg", Set.of("mistral-7b"),
                    Pattern.compile("blocks\\.(8|16|24)\\.hook_resid_pre"), Pattern.compile("mistral_7b_layer_(8|16|24)"), 4096,
                    Set.of(65536), false, NONE, "constant_norm_rescale"));

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
        boolean old = metadata.isEmpty() && !cfg.has("hook_name");
        return RELEASES.stream().filter(release -> release.models.contains(model) && release.hook.matcher(hook).matches()
                && (release.folder.matcher(folder).matches() || old && release.dIn == dIn && release.dSae.contains(dSae)))
                .findFirst().map(release -> new Added(release.name, release.centered, factor(release, hook), release.normalization));
    }

    private static OptionalDouble factor(Release release, String hook) {
        if (release.factors.length == 0) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(release.factors[Integer.parseInt(hook.split("\\.")[1])]);
    }
}
