package org.sae4j.core.internal.format;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.format.FormatException;

/** EleutherAI's sparsify: the largest pre-activations of a row, or of each group. */
final class SparsifyReader {
    /** Modules as folders are named, with dots, underscores or both: {@code layers.3}, {@code h.5.mlp}, {@code layers_3_mlp}. */
    private static final Pattern MODULE = Pattern.compile(
            "(?:transformer[._]|model[._]|gpt_neox[._])?(?:h|layers?)[._](\\d{1,6})(?:[._](mlp|attn|attention|self_attn))?");
    private static final Pattern EMBEDDING = Pattern.compile("(?:transformer[._]|model[._]|gpt_neox[._])?(?:embed_tokens|embed_in|wte)");
    private static final Pattern SEED = Pattern.compile("seed\\d+");
    /** What later or other versions of the package may switch on, and what is not computed here. */
    private static final List<String> NOT_COMPUTED = List.of("tied", "cross_layer", "tp_output", "divide_cross_layer", "coalesce_topk");

    private SparsifyReader() {}

    static void read(SaeBuilder sae, SaeSource source) {
        JsonFile cfg = JsonFile.read(source.folder().resolve("cfg.json"));
        boolean transcoder = cfg.flag("transcode", false);
        sae.architecture = architecture(cfg);
        NOT_COMPUTED.stream().filter(cfg::has).filter(key -> !List.of("false", "0", "\"none\"").contains(cfg.node().path(key).toString()))
                .findFirst().ifPresent(key -> {
                    throw new FormatException(key + " " + cfg.node().path(key) + " is not supported", cfg.at(key),
                            "use an autoencoder without it");
                });
        place(sae, source, transcoder);
        sae.matrices("encoder.weight", true, "W_dec", false);
        sae.putFeatures("b_enc", "encoder.bias");
        sae.putDecoderBias("b_dec");
        if (cfg.flag("skip_connection", false)) {
            sae.putSkip("W_skip", false);
        }
        sae.refuseUnknown(name -> false);
        sae.compare(cfg, "d_in", sae.dIn());
        if (cfg.integer("num_latents").orElse(0) != 0) {
            sae.compare(cfg, "num_latents", sae.dSae());
        }
        sae.k = cfg.integer("k").orElseThrow(() -> new FormatException("k is missing", cfg.where(), "add k to the config"));
    }

    private static Architecture architecture(JsonFile cfg) {
        String activation = cfg.string("activation").orElse("topk");
        boolean signed = cfg.flag("signed", false);
        return switch (activation) {
            case "topk" -> signed ? Architecture.ABS_TOPK : Architecture.TOPK;
            case "groupmax" -> {
                if (signed) {
                    throw new FormatException("groupmax with signed features is not supported", cfg.at("signed"),
                            "use an autoencoder without signed features");
                }
                yield Architecture.GROUP_MAX;
            }
            default -> throw new FormatException("activation \"" + activation + "\" is not supported (topk and groupmax are)",
                    cfg.at("activation"), "use an autoencoder with topk or groupmax");
        };
    }

    /** The module is the folder's name, or that of the folder above one for each seed. */
    private static void place(SaeBuilder sae, SaeSource source, boolean transcoder) {
        String folder = source.parent(SEED.matcher(source.parent(1)).matches() ? 2 : 1);
        Matcher module = MODULE.matcher(folder);
        Optional<String> input = Optional.empty();
        Optional<String> output = Optional.empty();
        if (EMBEDDING.matcher(folder).matches()) {
            output = Optional.of("hook_embed");
        } else if (module.matches()) {
            String block = "blocks." + Integer.parseInt(module.group(1)) + ".";
            String part = module.group(2) == null ? "" : module.group(2);
            output = Optional.of(block + (part.isEmpty() ? "hook_resid_post" : part.equals("mlp") ? "hook_mlp_out" : "hook_attn_out"));
            input = part.isEmpty() ? Optional.of(block + "hook_resid_pre") : part.equals("mlp") ? Optional.of(block + "mlp.hook_in")
                    : Optional.empty();
        } else {
            sae.note("the folder's name \"" + folder + "\" is not that of a module: the hook point is not known");
        }
        if (transcoder) {
            sae.transcoder(output);
            sae.hook(input);
            sae.note("a transcoder: its output predicts the output of the module whose input it reads, not that input");
        } else {
            sae.hook(output);
        }
    }
}
