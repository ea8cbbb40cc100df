package org.sae4j.core.internal.format;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.format.FormatException;

/**
 * Gemma Scope (Lieberum et al. 2024) and Gemma Scope 2: JumpReLU whose input keeps its bias. What a coder reads and writes stands in names
 * of folders, in the second release also in its config.
 */
final class GemmaScopeReader {
    private static final Pattern REPOSITORY = Pattern.compile("gemma-scope-(2b|9b|27b)-(pt|it)");
    private static final Pattern REPOSITORY_2 = Pattern.compile("gemma-scope-2-(\\d+[mb])-(pt|it)");
    /** What a repository, or a folder named after one, has; the nearest folder above decides. */
    private static final Pattern KIND = Pattern.compile("(?:-(?:pt|it)-|^)(res|mlp|att|transcoder)(?:s?$|s?-)");
    private static final Pattern KIND_2 = Pattern.compile("^(resid_post|attn_out|mlp_out|transcoder)(?:_all)?$");
    private static final Pattern LAYER = Pattern.compile("^(?:params_)?layer_(\\d{1,6})");
    private static final Pattern MODULE = Pattern.compile("model\\.layers\\.(\\d{1,6})\\.(.*)");

    private GemmaScopeReader() {}

    /** {@code params.npz} in {@code layer_L/width_W/average_l0_K}, or {@code embedding/...}. */
    static void first(SaeBuilder sae, SaeSource source) {
        String kind = source.find(KIND).map(m -> m.group(1)).orElse("");
        boolean transcoder = kind.equals("transcoder");
        boolean embedding = source.parent(3).contains("embedding") && source.parent(2).startsWith("width_");
        Optional<String> layer = source.find(LAYER).map(m -> "blocks." + Integer.parseInt(m.group(1)) + ".");
        if (transcoder) {
            sae.transcoder(layer.map(block -> block + "hook_mlp_out"));
        }
        // Some releases write the matrices' names in lower case.
        tensors(sae, sae.has("w_enc") ? "w_enc" : "W_enc", sae.has("w_dec") ? "w_dec" : "W_dec");
        sae.refuseUnknown(name -> false);
        sae.modelName = source.find(REPOSITORY).map(m -> "gemma-2-" + m.group(1) + (m.group(2).equals("it") ? "-it" : ""));
        Optional<String> site = switch (kind) {
            case "transcoder" -> Optional.of("ln2.hook_normalized");
            case "res" -> Optional.of("hook_resid_post");
            case "mlp" -> Optional.of("hook_mlp_out");
            case "att" -> Optional.of("attn.hook_z");
            default -> Optional.empty();
        };
        if (embedding) {
            sae.hook(Optional.of("hook_embed"));
            new SaeFolds(sae).inputScale(1 / Math.sqrt(sae.dIn()), 1 / Math.sqrt(sae.dIn()), source.weights().toString());
            // As in SAELens, the bias stays as it is.
            sae.putDecoderBias("b_dec");
            sae.note("for embeddings times sqrt(d_model), as Gemma uses them: the factor is folded into W_enc and W_dec, as in SAELens");
        } else if (layer.isPresent() && site.isPresent()) {
            sae.hook(Optional.of(layer.get() + site.get()));
        } else {
            sae.note("the folders' names do not name the hook point, as google/gemma-scope-2b-pt-res/layer_12/... does: set it yourself");
        }
        if (transcoder) {
            sae.note("a transcoder: it reads the MLP's input before the gain and its output predicts the MLP's, after its norm");
        }
    }

    private static void tensors(SaeBuilder sae, String encoder, String decoder) {
        sae.matrices(encoder, false, decoder, false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putDecoderBias("b_dec");
        jumpReLU(sae);
    }

    private static void jumpReLU(SaeBuilder sae) {
        sae.putThreshold("threshold");
        sae.architecture = Architecture.JUMP_RELU;
        sae.applyBDecToInput = false;
    }

    /** {@code params.safetensors} with {@code config.json}, or {@code params_layer_i.safetensors} of a crosscoder or CLT. */
    static void second(SaeBuilder sae, SaeSource source) {
        Optional<JsonFile> config = source.json("config.json");
        config.ifPresent(GemmaScopeReader::requireJumpReLU);
        Optional<String> in = config.flatMap(c -> c.string("hf_hook_point_in"));
        Optional<String> out = config.flatMap(c -> c.string("hf_hook_point_out"));
        sae.modelName = config.flatMap(c -> c.string("model_name")).map(GemmaScopeReader::modelName)
                .or(() -> source.find(REPOSITORY_2).map(m -> modelName("gemma-3-" + m.group(1) + "-" + m.group(2))));
        boolean layers = sae.table().get("w_dec").rank() == 3;
        Optional<String> kind = source.find(KIND_2).map(m -> m.group(1));
        boolean transcoder = layers || out.isPresent() && !out.equals(in) || kind.filter(k -> k.equals("transcoder")).isPresent();
        Optional<String> block = source.find(LAYER).map(m -> "blocks." + Integer.parseInt(m.group(1)) + ".");
        if (transcoder) {
            sae.transcoder(layers ? Optional.empty() : out.flatMap(GemmaScopeReader::hook).or(() -> block.map(b -> b + "hook_mlp_out")));
        }
        if (layers) {
            severalLayers(sae, source);
            return;
        }
        tensors(sae, "w_enc", "w_dec");
        if (sae.has("affine_skip_connection")) {
            sae.putSkip("affine_skip_connection", true);
        }
        sae.refuseUnknown(name -> false);
        Optional<String> hook = in.flatMap(GemmaScopeReader::hook)
                .or(() -> block.flatMap(b -> (transcoder ? Optional.of("mlp.hook_in") : kind.flatMap(GemmaScopeReader::site)).map(site -> b + site)));
        if (hook.isEmpty()) {
            sae.note("neither config.json nor the folders' names name the hook point: set it yourself");
        }
        sae.hook(hook);
        if (transcoder) {
            sae.note("a transcoder: it reads the MLP's input after the gain and its output predicts the MLP's, after its norm");
        }
    }

    /** One layer's encoder with what its features write to every layer, side by side. */
    private static void severalLayers(SaeBuilder sae, SaeSource source) {
        StoredTensor decoder = sae.stored("w_dec").expect("[d_sae, layers, d_in]", -1, -1, -1);
        StoredTensor encoder = sae.stored("w_enc").expect("[d_in, d_sae]", decoder.dim(2), decoder.dim(0));
        int written = decoder.dim(1);
        Tensor values = sae.values(decoder, 0, 1, 2).reshape(decoder.dim(0), Math.multiplyExact(written, decoder.dim(2)));
        sae.matrices(decoder.where(), sae.values(encoder, 0, 1), values);
        sae.putFeatures("b_enc", "b_enc");
        StoredTensor bias = sae.stored("b_dec").expect("[d_in]", decoder.dim(2));
        float[] biases = new float[sae.dOut()];
        Matcher file = LAYER.matcher(source.fileName());
        int own = file.find() ? Integer.parseInt(file.group(1)) : 0;
        if (own >= written) {
            throw new FormatException("the file is of layer " + own + " of " + written, decoder.where(),
                    "give the file its publisher's name");
        }
        // A layer's bias is its own, whoever writes to it.
        sae.values(bias, 0).copyTo(0, biases, own * decoder.dim(2), decoder.dim(2));
        sae.put("b_dec", bias.where(), Tensor.of(biases, biases.length));
        jumpReLU(sae);
        if (sae.has("affine_skip_connection")) {
            StoredTensor affine = sae.stored("affine_skip_connection").expect("[d_in, d_in]", sae.dIn(), sae.dIn());
            float[] skip = new float[Math.multiplyExact(sae.dOut(), sae.dIn())];
            sae.values(affine, 1, 0).copyTo(0, skip, own * sae.dIn() * sae.dIn(), sae.dIn() * sae.dIn());
            sae.put("W_skip", affine.where(), Tensor.of(skip, sae.dOut(), sae.dIn()));
            sae.skip = true;
        }
        sae.refuseUnknown(name -> false);
        sae.note("one layer (" + own + ") of a coder of " + written + ": its output is what its features write to each of these layers,"
                + " side by side [layers * d_in], with the bias of its own layer; a layer's reconstruction is the sum over all files");
        sae.note("the folders' names give layers by their number among the files: give the hook point yourself");
    }

    private static void requireJumpReLU(JsonFile config) {
        String architecture = config.string("architecture").orElse("jump_relu");
        if (!architecture.equals("jump_relu")) {
            throw new FormatException("architecture \"" + architecture + "\" is not supported (jump_relu is)", config.at("architecture"),
                    "use a coder with jump_relu");
        }
    }

    /** The model's name on the hub, as SAELens mends it. */
    private static String modelName(String written) {
        String name = (written.contains("google") ? written : "google/" + written).replace("-v3", "-3");
        return name.contains("270m") ? name.replace("-pt", "") : name;
    }

    private static Optional<String> hook(String module) {
        Matcher matcher = MODULE.matcher(module);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String block = "blocks." + Integer.parseInt(matcher.group(1)) + ".";
        return switch (matcher.group(2)) {
            case "output" -> Optional.of(block + "hook_resid_post");
            case "self_attn.o_proj.input" -> Optional.of(block + "attn.hook_z");
            case "pre_feedforward_layernorm.output" -> Optional.of(block + "mlp.hook_in");
            case "post_feedforward_layernorm.output" -> Optional.of(block + "hook_mlp_out");
            default -> Optional.empty();
        };
    }

    private static Optional<String> site(String folder) {
        return switch (folder) {
            case "resid_post" -> Optional.of("hook_resid_post");
            case "attn_out" -> Optional.of("attn.hook_z");
            case "mlp_out" -> Optional.of("hook_mlp_out");
            default -> Optional.empty();
        };
    }
}
