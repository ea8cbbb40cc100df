package org.sae4j.core.internal.format;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.format.FormatException;

/** Transcoders made for circuit-tracer: mwhanna's of single layers and mntss' of one layer to all later ones. */
final class TranscoderReaders {
    private static final Pattern NUMBER = Pattern.compile("_(\\d{1,6})\\.safetensors");

    private TranscoderReaders() {}

    private static int layer(SaeSource source) {
        Matcher number = NUMBER.matcher(source.fileName());
        if (!number.find()) {
            throw new FormatException("the file's name does not end in the number of its layer", source.weights().toString(),
                    "give the file its publisher's name");
        }
        return Integer.parseInt(number.group(1));
    }

    private static Optional<YamlFile> config(SaeSource source) {
        return YamlFile.read(source.folder().resolve("config.yaml"));
    }

    /** {@code layer_N.safetensors}: both matrices [d_sae, d_in], ReLU. */
    static void mwhanna(SaeBuilder sae, SaeSource source) {
        String block = "blocks." + layer(source) + ".";
        sae.transcoder(Optional.of(block + "hook_mlp_out"));
        sae.hook(Optional.of(block + "mlp.hook_in"));
        sae.matrices("W_enc", true, "W_dec", false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putDecoderBias("b_dec");
        if (sae.has("W_skip")) {
            sae.putSkip("W_skip", false);
        }
        sae.refuseUnknown(name -> false);
        sae.modelName = config(source).flatMap(c -> c.get("model_name"))
                .or(() -> source.find(Pattern.compile("qwen3-(\\d+(?:\\.\\d+)?)b")).map(m -> "Qwen/Qwen3-" + m.group(1) + "B"));
        sae.note("a transcoder: it reads the MLP's input after the gain and its output predicts the MLP's output");
    }

    /** {@code W_enc_i.safetensors} with {@code W_dec_i.safetensors}: layer i writes itself and every later layer. */
    static void mntss(SaeBuilder sae, SaeSource source) {
        int layer = layer(source);
        String block = "blocks." + layer + ".";
        Optional<YamlFile> config = config(source);
        sae.transcoder(Optional.empty());
        sae.hook(config.flatMap(c -> c.get("feature_input_hook")).map(site -> block + site));
        sae.modelName = config.flatMap(c -> c.get("model_name"));
        StoredTensor encoder = sae.stored("W_enc_" + layer).expect("[d_sae, d_in]", -1, -1);
        Path decoders = source.folder().resolve("W_dec_" + layer + ".safetensors");
        if (!Files.isRegularFile(decoders)) {
            throw new FormatException(decoders.getFileName() + " is missing next to the encoder", source.weights().toString(),
                    "download it into the same folder");
        }
        StoredTensor decoder = sae.open(decoders).get("W_dec_" + layer)
                .expect("[d_sae, layers, d_in]", encoder.dim(0), -1, encoder.dim(1));
        int written = decoder.dim(1);
        sae.matrices(encoder.where(), sae.values(encoder, 1, 0),
                sae.values(decoder, 0, 1, 2).reshape(decoder.dim(0), Math.multiplyExact(written, decoder.dim(2))));
        sae.putFeatures("b_enc", "b_enc_" + layer);
        StoredTensor bias = sae.stored("b_dec_" + layer).expect("[d_in]", encoder.dim(1));
        float[] biases = new float[sae.dOut()];
        sae.values(bias, 0).copyTo(0, biases, 0, encoder.dim(1));
        sae.put("b_dec", bias.where(), Tensor.of(biases, biases.length));
        if (sae.has("threshold_" + layer)) {
            sae.putThreshold("threshold_" + layer);
            sae.architecture = Architecture.JUMP_RELU;
        }
        sae.refuseUnknown(name -> false);
        sae.note("one layer of a cross-layer transcoder: its output is what its features write to layers " + layer + " to "
                + (layer + written - 1) + ", side by side [layers * d_in], with the bias of its own layer; what is predicted of a layer is"
                + " the sum over this and all earlier files");
    }
}
