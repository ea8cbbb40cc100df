package org.sae4j.core.internal.format;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.format.FormatException;

/** The classes of saprmarks' dictionary_learning, by the tensors and, where these do not tell, by the config. */
final class DictionaryLearningReader {
    private static final Pattern LAYER_FOLDER = Pattern.compile("^resid_post_layer_(\\d{1,6})$");
    private static final Pattern SITE = Pattern.compile("^(resid_pre|resid_mid|resid_post|mlp_out|attn_out|attention_out)");

    private DictionaryLearningReader() {}

    static void read(SaeBuilder sae, SaeSource source) {
        if (sae.has("decoder.bias") && OtherSaeReaders.deepSeek(sae, source)) {
            return;
        }
        // save_steps writes into a folder of its own.
        Optional<JsonFile> config = source.json("config.json")
                .or(() -> source.parent(1).equals("checkpoints") ? source.jsonAbove("config.json") : Optional.empty());
        Optional<JsonFile> trainer = config.map(c -> c.object("trainer").orElse(c));
        String dictClass = trainer.flatMap(t -> t.string("dict_class")).orElse("");
        sae.modelName = trainer.flatMap(t -> t.string("lm_name"));
        StoredTensor encoder = sae.table().find("encoder.weight");
        if (encoder != null && encoder.rank() == 3) {
            crosscoder(sae, encoder);
            return;
        }
        sae.hook(trainer.flatMap(DictionaryLearningReader::submodule).or(() -> source.find(LAYER_FOLDER)
                .map(m -> "blocks." + Integer.parseInt(m.group(1)) + ".hook_resid_post")));
        if (sae.hook.isEmpty()) {
            sae.note("the config names no hook point that is known here: give it yourself");
        }
        if (sae.has("decoder_bias") && sae.has("gate_bias")) {
            gated(sae);
        } else if (sae.has("W_enc")) {
            jumpReluOrMatryoshka(sae);
        } else if (sae.has("b_dec")) {
            topK(sae, dictClass, trainer.map(t -> t.integer("k")).orElse(OptionalInt.empty()));
        } else if (sae.has("bias")) {
            sae.matrices("encoder.weight", true, "decoder.weight", true);
            sae.putFeatures("b_enc", "encoder.bias");
            sae.putDecoderBias("bias");
            sae.note("features are in the units of the file; dictionary_learning's load_dictionary divides the decoder's rows of this class"
                    + " by their norms and multiplies the features by them (the reconstruction is the same)");
        } else {
            OtherSaeReaders.linear(sae, "encoder.", "decoder.");
        }
        sae.refuseUnknown(Set.of("k", "threshold", "group_sizes", "group_indices", "active_groups")::contains);
    }

    private static Optional<String> submodule(JsonFile trainer) {
        OptionalInt layer = trainer.integer("layer");
        String name = trainer.string("submodule_name").orElse("").toLowerCase(Locale.ROOT);
        if (layer.isEmpty() || layer.getAsInt() < 0) {
            return Optional.empty();
        }
        return Optional.of(SITE.matcher(name)).filter(Matcher::find)
                .map(m -> "blocks." + layer.getAsInt() + ".hook_" + m.group(1).replace("attention", "attn"));
    }

    /** One dictionary of several layers: of all inputs side by side, an autoencoder that subtracts nothing. */
    private static void crosscoder(SaeBuilder sae, StoredTensor encoder) {
        StoredTensor enc = sae.stored("encoder.weight").expect("[layers, d_in, d_sae]", -1, -1, -1);
        int layers = enc.dim(0);
        int width = enc.dim(1);
        int all = Math.multiplyExact(layers, width);
        StoredTensor dec = sae.stored("decoder.weight").expect("[layers, d_sae, d_in]", layers, enc.dim(2), width);
        Tensor rows = sae.values(dec, 1, 0, 2).reshape(enc.dim(2), all);
        sae.matrices(encoder.where(), sae.values(enc, 0, 1, 2).reshape(all, enc.dim(2)), rows);
        sae.putFeatures("b_enc", "encoder.bias");
        StoredTensor bias = sae.stored("decoder.bias").expect("[layers, d_in]", layers, width);
        sae.put("b_dec", bias.where(), sae.values(bias, 0, 1).reshape(all));
        sae.applyBDecToInput = false;
        sae.refuseUnknown(name -> false);
        sae.note("a crosscoder of " + layers + " layers: it reads and writes their activations side by side [layers * " + width
                + "], so no single hook point is its own");
    }

    private static void gated(SaeBuilder sae) {
        sae.matrices("encoder.weight", true, "decoder.weight", true);
        sae.putDecoderBias("decoder_bias");
        sae.putFeatures("b_gate", "gate_bias");
        sae.putFeatures("b_mag", "mag_bias");
        sae.putFeatures("r_mag", "r_mag");
        sae.architecture = Architecture.GATED;
    }

    private static void jumpReluOrMatryoshka(SaeBuilder sae) {
        sae.matrices("W_enc", false, "W_dec", false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putDecoderBias("b_dec");
        sae.putThreshold("threshold");
        sae.architecture = Architecture.JUMP_RELU;
        boolean matryoshka = sae.has("group_sizes");
        sae.applyBDecToInput = matryoshka;
        if (matryoshka) {
            requireTrainedThreshold(sae);
            sae.note("a Matryoshka BatchTopK autoencoder, read as JumpReLU with its running threshold, as at inference");
        }
    }

    private static void topK(SaeBuilder sae, String dictClass, OptionalInt configuredK) {
        sae.matrices("encoder.weight", true, "decoder.weight", true);
        sae.putFeatures("b_enc", "encoder.bias");
        sae.putDecoderBias("b_dec");
        boolean topK = dictClass.equals("AutoEncoderTopK") || dictClass.isEmpty() && !sae.has("threshold");
        if (topK) {
            sae.architecture = Architecture.TOPK;
            sae.k = sae.has("k") || configuredK.isEmpty() ? SaeBuilder.integer(sae.table(), "k") : configuredK.getAsInt();
        } else if (dictClass.equals("BatchTopKSAE")) {
            sae.architecture = Architecture.JUMP_RELU;
            sae.putThreshold("threshold");
            requireTrainedThreshold(sae);
            sae.note("a BatchTopK autoencoder, read as JumpReLU with its running threshold, as at inference");
        } else {
            throw new FormatException("dict_class \"" + dictClass + "\" does not say whether k is of a row (AutoEncoderTopK) or of a batch"
                    + " (BatchTopKSAE)", sae.table().path().toString(), "put the config.json of the training next to the weights");
        }
    }

    private static void requireTrainedThreshold(SaeBuilder sae) {
        Tensor threshold = sae.parameter("threshold");
        if (threshold.get(0) < 0) {
            throw new FormatException("the threshold for inference was never set (" + threshold.get(0) + ")",
                    sae.table().path() + ": threshold", "train longer, past threshold_start_step");
        }
    }
}
