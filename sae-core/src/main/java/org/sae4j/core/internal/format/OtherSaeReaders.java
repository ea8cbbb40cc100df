package org.sae4j.core.internal.format;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.format.FormatException;

/** The autoencoders of Neel Nanda, OpenAI, Goodfire, Qwen Scope and Llama Scope, and those that are refused by name. */
final class OtherSaeReaders {
    /** Sites as Neel Nanda's configs name them, which TransformerLens expands. */
    private static final Map<String, String> SITES = Map.of("mlp_post", "mlp.hook_post", "mlp_out", "hook_mlp_out", "attn_out",
            "hook_attn_out",
            "resid_pre", "hook_resid_pre", "resid_mid", "hook_resid_mid", "resid_post", "hook_resid_post", "z", "attn.hook_z");
    private static final Pattern GOODFIRE = Pattern.compile("(Llama-.+)-SAE-l(\\d{1,6})\\.(?:pt|pth)");
    private static final Pattern QWEN_REPOSITORY = Pattern.compile("SAE-Res-(.+)-W(\\d{1,6})K-L0_(\\d{1,6})");
    private static final Pattern QWEN_FILE = Pattern.compile("layer(\\d{1,6})\\.sae\\.pt");

    private OtherSaeReaders() {}

    /** {@code N.pt} with {@code N_cfg.json}: W_enc, W_dec, b_enc, b_dec. */
    static void nanda(SaeBuilder sae, SaeSource source) {
        sae.matrices("W_enc", false, "W_dec", false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putDecoderBias("b_dec");
        sae.refuseUnknown(name -> false);
        Optional<JsonFile> config = source.json(source.baseName() + "_cfg.json");
        if (config.isEmpty()) {
            sae.note("no config next to the weights, so the hook point is unknown");
            return;
        }
        JsonFile cfg = config.get();
        sae.modelName = cfg.string("model_name");
        Optional<String> name = cfg.string("act_name");
        OptionalInt layer = cfg.integer("layer");
        Optional<String> site = cfg.string("site").map(SITES::get);
        if (name.isPresent()) {
            sae.hook(name);
        } else if (site.isPresent() && layer.isPresent()) {
            sae.hook(Optional.of("blocks." + layer.getAsInt() + "." + site.get()));
        } else if (cfg.integer("d_mlp").equals(OptionalInt.of(sae.dIn()))) {
            sae.hook = Optional.of(HookPoint.mlpPost(0));
            sae.note("the config names no hook point; d_in is its d_mlp, so blocks.0.mlp.hook_post is assumed, as in the one-layer"
                    + " autoencoders");
        } else {
            sae.note("the config names no hook point");
        }
    }

    /** OpenAI's sparse_autoencoder: top-k implies LayerNorm of the input. */
    static void openAi(SaeBuilder sae, SaeSource source) {
        sae.matrices("encoder.weight", true, "decoder.weight", true);
        sae.putFeatures("b_enc", "latent_bias");
        sae.putDecoderBias("pre_bias");
        sae.refuseUnknown(Set.of("stats_last_nonzero", "latents_activation_frequency", "latents_mean_square")::contains);
        String where = source.weights().toString();
        String activation = sae.table().extras().getOrDefault("activation", "ReLU").toString();
        switch (activation) {
            case "ReLU" -> sae.architecture = Architecture.RELU;
            case "TopK" -> {
                sae.architecture = Architecture.TOPK;
                sae.normalization = Normalization.LAYER_NORM;
                TensorTable state = sae.table().extras().get("activation_state_dict") instanceof TensorTable table ? table : null;
                sae.k = state == null ? 0 : SaeBuilder.integer(state, "k");
                String after = state == null ? "ReLU" : state.extras().getOrDefault("postact_fn", "ReLU").toString();
                if (sae.k < 1 || !after.equals("ReLU")) {
                    throw new FormatException("top-k needs k and ReLU, found k " + sae.k + " and postact_fn \"" + after + '"',
                            where + ": activation_state_dict", "use an autoencoder with top-k and ReLU");
                }
            }
            default -> throw new FormatException("activation \"" + activation + "\" is not supported (ReLU and TopK are)",
                    where + ": activation",
                    "use an autoencoder of one of these");
        }
        sae.note("OpenAI's files name no hook point: give it yourself");
    }

    /** Goodfire: ReLU of two linear layers, nothing subtracted; model and layer in the file's name. */
    static void goodfire(SaeBuilder sae, SaeSource source) {
        linear(sae, "encoder_linear.", "decoder_linear.");
        sae.refuseUnknown(name -> false);
        nameAndLayer(sae, source, "meta-llama/");
    }

    /** Two linear layers, nothing subtracted. */
    static void linear(SaeBuilder sae, String encoder, String decoder) {
        sae.matrices(encoder + "weight", true, decoder + "weight", true);
        sae.putFeatures("b_enc", encoder + "bias");
        sae.putDecoderBias(decoder + "bias");
        sae.applyBDecToInput = false;
    }

    /** Model and layer from names such as {@code Llama-3.1-8B-Instruct-SAE-l19.pth}. */
    private static void nameAndLayer(SaeBuilder sae, SaeSource source, String owner) {
        Matcher name = GOODFIRE.matcher(source.fileName());
        if (name.matches()) {
            sae.modelName = Optional.of(owner + name.group(1));
            sae.hook(Optional.of("blocks." + Integer.parseInt(name.group(2)) + ".hook_resid_post"));
        } else {
            sae.note("the file's name does not contain model and layer, as Llama-3.1-8B-Instruct-SAE-l19.pth does: give the hook point"
                    + " yourself");
        }
    }

    /** Qwen Scope: top-k for each token, nothing subtracted; k stands in the repository's name alone. */
    static void qwenScope(SaeBuilder sae, SaeSource source) {
        Optional<Matcher> repository = source.find(QWEN_REPOSITORY);
        if (repository.isEmpty()) {
            throw new FormatException("k of this Qwen Scope autoencoder is only in its repository's name, as in"
                    + " SAE-Res-Qwen3-1.7B-Base-W32K-L0_50 (k = 50), and no folder above has such a name", source.weights().toString(),
                    "put the file into a folder with the repository's name");
        }
        sae.matrices("W_enc", true, "W_dec", true);
        sae.putFeatures("b_enc", "b_enc");
        sae.putDecoderBias("b_dec");
        sae.refuseUnknown(name -> false);
        sae.architecture = Architecture.TOPK;
        sae.k = Integer.parseInt(repository.get().group(3));
        sae.applyBDecToInput = false;
        sae.modelName = Optional.of("Qwen/" + repository.get().group(1));
        Matcher file = QWEN_FILE.matcher(source.fileName());
        if (file.matches()) {
            sae.hook(Optional.of("blocks." + Integer.parseInt(file.group(1)) + ".hook_resid_post"));
        } else {
            sae.note("the file's name does not contain the layer, as layer3.sae.pt does: set the hook point yourself");
        }
    }

    /**
     * Llama Scope (He et al. 2024): JumpReLU of activations scaled to a mean norm of sqrt(d_in), nothing subtracted. The threshold is
     * that of the publisher, on the scaled activations; SAELens multiplies it by the factor once more.
     */
    static void llamaScope(SaeBuilder sae, SaeSource source) {
        Optional<JsonFile> old = source.jsonAbove("hyperparams.json").or(() -> source.json("hyperparams.json"));
        JsonFile config = old.or(() -> source.json("config.json")).orElseThrow(() -> new FormatException(
                "no hyperparams.json or config.json next to the weights", source.weights().toString(),
                "download the folder again"));
        Optional<String> in = config.string("hook_point_in");
        Optional<String> out = config.string("hook_point_out").filter(name -> !name.equals(in.orElse(name)));
        if (out.isPresent()) {
            sae.transcoder(out);
            sae.note("a transcoder: it reads " + in.orElse("an unknown hook point") + " and its output predicts " + out.get());
        }
        linear(sae, "encoder.", "decoder.");
        sae.hook(in);
        sae.modelName = Optional.of("meta-llama/Llama-3.1-8B");
        sae.architecture = Architecture.JUMP_RELU;
        if (sae.has("log_jumprelu_threshold")) {
            sae.putExponential("threshold", "log_jumprelu_threshold");
        } else {
            double threshold = config.number("jump_relu_threshold").orElseThrow(() -> new FormatException("jump_relu_threshold is missing",
                    config.where(), "download the folder again"));
            float[] same = new float[sae.dSae()];
            Arrays.fill(same, (float) threshold);
            sae.put("threshold", config.at("jump_relu_threshold"), Tensor.of(same, same.length));
        }
        sae.refuseUnknown(name -> false);
        Optional<JsonFile> norms = config.object("dataset_average_activation_norm");
        if (norms.isPresent()) {
            double normIn = norms.get().number("in").orElse(Double.NaN);
            double normOut = norms.get().number("out").orElse(normIn);
            double scale = Math.sqrt(sae.dIn()) / normIn;
            new SaeFolds(sae).inputScale(scale, Math.sqrt(sae.dOut()) / (out.isPresent() ? normOut : normIn), norms.get().where());
            sae.note("trained on activations times " + (float) scale + " (sqrt(d_in) / dataset_average_activation_norm): the factor is"
                    + " folded into W_enc, W_dec and b_dec; the threshold is as written, on scaled activations, as its publisher has it"
                    + " (SAELens multiplies it by the factor too)");
            return;
        }
        OptionalDouble known = KnownReleases.factor("llama_scope_r1_distill", source.parent(2) + '/' + source.parent(1));
        if (known.isPresent()) {
            new SaeFolds(sae).inputScale(known.getAsDouble(), known.getAsDouble(), config.where());
            sae.note("trained on activations times " + known.getAsDouble() + " (SAELens' directory, release llama_scope_r1_distill): the factor"
                    + " is folded into W_enc, W_dec and b_dec");
        } else {
            sae.note("trained on activations scaled to a mean norm of sqrt(d_in); no file contains the factor: scale the inputs");
        }
    }

    /** Their features depend on earlier tokens, so that rows cannot be encoded one by one. */
    static void temporal(SaeBuilder sae, SaeSource source) {
        throw new FormatException("architecture \"temporal\" is not supported: its features depend on earlier tokens of the sequence",
                source.weights().toString(), "use an autoencoder of single activations");
    }

    /** DeepSeek R1's by qresearch: the layers of dictionary_learning's AutoEncoder, model and layer in the file's name. */
    static boolean deepSeek(SaeBuilder sae, SaeSource source) {
        Matcher name = Pattern.compile("(DeepSeek-R1-.+)-SAE-l(\\d{1,6})\\.(?:pt|pth)").matcher(source.fileName());
        if (!name.matches()) {
            return false;
        }
        linear(sae, "encoder.", "decoder.");
        sae.refuseUnknown(tensor -> false);
        sae.modelName = Optional.of("deepseek-ai/" + name.group(1));
        sae.hook(Optional.of("blocks." + Integer.parseInt(name.group(2)) + ".hook_resid_post"));
        return true;
    }
}
