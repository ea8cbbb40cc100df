package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.RandomModels;

class SaeFilesTest {
    private static final int D = 5;
    private static final int N = 7;

    static final List<Architecture> WRITTEN = Architecture.BUILT_IN.stream().filter(a -> !a.equals(Architecture.GROUP_MAX)
            && !a.equals(Architecture.MATCHING_PURSUIT)).toList();

    @TempDir
    private Path folder;

    private static Map<String, Tensor> parameters(Architecture architecture) {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        if (!architecture.equals(Architecture.MATCHING_PURSUIT)) {
            parameters.put("W_enc", random(1, D, N));
        }
        parameters.put("W_dec", random(2, N, D));
        parameters.put("b_dec", random(3, D));
        switch (architecture.name()) {
            case "relu", "topk", "abs_topk", "group_max" -> parameters.put("b_enc", random(4, N));
            case "matching_pursuit" -> { }
            case "jump_relu" -> {
                parameters.put("b_enc", random(4, N));
                parameters.put("threshold", random(5, N));
            }
            case "gated" -> {
                parameters.put("b_gate", random(4, N));
                parameters.put("b_mag", random(5, N));
                parameters.put("r_mag", random(6, N));
            }
        }
        return parameters;
    }

    private static Tensor random(long seed, int... shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        float[] values = new float[size];
        CounterRandom random = new CounterRandom(seed);
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, shape);
    }

    private static SaeConfig skip(Architecture architecture, boolean applyBDec) {
        return SaeConfig.builder(architecture, D, N).k(RandomModels.hasK(architecture) ? 3 : 0).transcoder(D, Optional.empty())
                .applyBDecToInput(applyBDec).modelName("tiny").skip(true).build();
    }

    private static SaeConfig config(Architecture architecture) {
        return SaeConfig.builder(architecture, D, N).k(RandomModels.hasK(architecture) ? 3 : 0)
                .applyBDecToInput(architecture.equals(Architecture.MATCHING_PURSUIT)).normalization(Normalization.LAYER_NORM).hook(HookPoint.mlpPost(2)).modelName("tiny").build();
    }

    @ParameterizedTest
    @FieldSource("WRITTEN")
    void whatWasWrittenIsReadBack(Architecture architecture) {
        Map<String, Tensor> parameters = parameters(architecture);
        SaeFiles.write(folder, config(architecture), parameters, Map.of("training_tokens", 12));
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.config()).isEqualTo(config(architecture));
            assertThat(read.parameters()).containsOnlyKeys(parameters.keySet());
            parameters.forEach((name, tensor) -> {
                assertThat(read.parameters().get(name).shape()).isEqualTo(tensor.shape());
                assertThat(read.parameters().get(name).toArray()).isEqualTo(tensor.toArray());
            });
            assertThat(read.notes()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"relu", "jump_relu"})
    void skipTranscodersAreReadBack(String name) {
        Architecture architecture = new Architecture(name);
        Map<String, Tensor> parameters = parameters(architecture);
        parameters.put("W_skip", random(8, D, D));
        SaeFiles.write(folder, skip(architecture, false), parameters, Map.of());
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.config()).isEqualTo(skip(architecture, false));
            assertThat(read.parameters().get("W_skip").toArray()).isEqualTo(parameters.get("W_skip").toArray());
        }
    }

    @Test
    void skipTranscodersThatTheLayoutLacksAreNotWritten() {
        Map<String, Tensor> parameters = parameters(Architecture.TOPK);
        parameters.put("W_skip", random(8, D, D));
        for (SaeConfig config : List.of(skip(Architecture.TOPK, false), skip(Architecture.RELU, true))) {
            assertThatThrownBy(() -> SaeFiles.write(folder, config, parameters, Map.of())).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("transcoders are ReLU or JumpReLU");
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void transcodersToAnotherWidthAreReadBack() {
        Map<String, Tensor> parameters = parameters(Architecture.JUMP_RELU);
        parameters.put("W_dec", random(2, N, D + 2));
        parameters.put("b_dec", random(3, D + 2));
        SaeConfig config = SaeConfig.builder(Architecture.JUMP_RELU, D, N).transcoder(D + 2, Optional.of(HookPoint.residPost(1)))
                .hook(HookPoint.mlpPost(1)).build();
        SaeFiles.write(folder, config, parameters, Map.of());
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.config()).isEqualTo(config);
            assertThat(read.parameters().get("W_dec").toArray()).isEqualTo(parameters.get("W_dec").toArray());
        }
    }

    @Test
    void whatMatchingPursuitStopsAtIsReadBack() {
        SaeConfig config = SaeConfig.builder(Architecture.MATCHING_PURSUIT, D, N).setting("max_iterations", 3).setting("residual_threshold", 0.25)
                .setting("stop_on_duplicate_support", false).build();
        SaeFiles.write(folder, config, parameters(Architecture.MATCHING_PURSUIT), Map.of());
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.config()).isEqualTo(config);
        }
    }

    @Test
    void groupsAreNotWrittenSinceTheLayoutLacksThem() {
        SaeConfig config = SaeConfig.builder(Architecture.GROUP_MAX, D, N).k(1).build();
        assertThatThrownBy(() -> SaeFiles.write(folder, config, parameters(Architecture.GROUP_MAX), Map.of()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no architecture for group_max");
        assertThat(folder).isEmptyDirectory();
    }

    /** A folder that happens to have a known release's name is not taken for one if its config says where it comes from. */
    @Test
    void newConfigsAreNotTakenForOldReleases() {
        Path own = folder.resolve("blocks.8.hook_resid_pre_768");
        SaeConfig config = SaeConfig.builder(Architecture.RELU, D, N).hook(HookPoint.residPre(8)).modelName("gpt2-small").build();
        SaeFiles.write(own, config, parameters(Architecture.RELU), Map.of());
        try (SaeWeights read = SaeFiles.read(own)) {
            assertThat(read.notes()).isEmpty();
            assertThat(read.parameters().get("W_enc").toArray()).isEqualTo(parameters(Architecture.RELU).get("W_enc").toArray());
        }
    }

    /** SAELens folds decoder norms of a TopK autoencoder only if they count in its choice, which makes no difference at norm 1. */
    @Test
    void norms1AreSaidToCount() throws IOException {
        Map<String, Tensor> parameters = parameters(Architecture.TOPK);
        float[] decoder = parameters.get("W_dec").toArray();
        for (int row = 0; row < N; row++) {
            double norm = 0;
            for (int i = 0; i < D; i++) {
                norm += (double) decoder[row * D + i] * decoder[row * D + i];
            }
            for (int i = 0; i < D; i++) {
                decoder[row * D + i] /= (float) Math.sqrt(norm);
            }
        }
        parameters.put("W_dec", Tensor.of(decoder, N, D));
        SaeFiles.write(folder, config(Architecture.TOPK), parameters, Map.of());
        assertThat(Files.readString(folder.resolve("cfg.json"))).contains("\"rescale_acts_by_decoder_norm\": true");
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.parameters().get("W_enc").toArray()).isEqualTo(parameters.get("W_enc").toArray());
            assertThat(read.notes()).isEmpty();
        }
    }

    @Test
    void foldersBelowAreNamed() {
        SaeFiles.write(folder.resolve("a/layer_3"), config(Architecture.RELU), parameters(Architecture.RELU), Map.of());
        SaeFiles.write(folder.resolve("b"), config(Architecture.RELU), parameters(Architecture.RELU), Map.of());
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("a/layer_3, b")
                .hasMessageContaining("give the path of one of them");
    }

    /** Their configs do not say that the model had centred writing weights. */
    @Test
    void josephBloomsResidualAutoencodersSubtractTheMeanOfTheirInput() throws IOException {
        int d = 768;
        int n = 24576;
        long matrix = 4L * d * n;
        String header = """
                {"W_enc":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]},
                "W_dec":{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]},
                "b_enc":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]},"b_dec":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}}"""
                .formatted(d, n, matrix, n, d, matrix, 2 * matrix, n, 2 * matrix, 2 * matrix + 4L * n, d, 2 * matrix + 4L * n,
                        2 * matrix + 4L * (n + d));
        // A file with holes, which read as zeros.
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve("sae_weights.safetensors").toFile(), "rw")) {
            long data = 8 + header.length();
            file.writeLong(Long.reverseBytes(header.length()));
            file.writeBytes(header);
            file.setLength(data + 2 * matrix + 4L * (n + d));
            file.seek(data + 4 * 5);
            file.writeInt(Integer.reverseBytes(Float.floatToIntBits(768)));
            file.seek(data + 2 * matrix + 4L * (n + 3));
            file.writeInt(Integer.reverseBytes(Float.floatToIntBits(2)));
        }
        String cfg = "{\"model_name\": \"gpt2-small\", \"hook_point\": \"blocks.11.hook_resid_post\", \"hook_point_head_index\": null, "
                + "\"d_in\": 768, \"d_sae\": 24576}";
        Files.writeString(folder.resolve("cfg.json"), cfg);
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.notes()).singleElement().asString().contains("gpt2-small-res-jb").contains("mean over d_in is subtracted");
            assertThat(read.parameters().get("W_enc").at(0, 5)).isEqualTo(767);
            assertThat(read.parameters().get("W_enc").at(767, 5)).isEqualTo(-1);
            assertThat(read.parameters().get("W_enc").at(0, 6)).isZero();
            assertThat(read.parameters().get("b_enc").get(5)).isEqualTo(-2);
        }
        for (String[] change : new String[][] {{"resid_post", "attn_out"}, {"hook_point\"", "hook_name\""}, {"gpt2-small", "pythia-70m"}}) {
            Files.writeString(folder.resolve("cfg.json"), cfg.replace(change[0], change[1]));
            try (SaeWeights read = SaeFiles.read(folder)) {
                assertThat(read.notes()).as(change[1]).isEmpty();
                assertThat(read.parameters().get("W_enc").at(767, 5)).as(change[1]).isZero();
            }
        }
    }

    @Test
    void theConfigIsThatOfSaeLensSix() throws IOException {
        SaeFiles.write(folder, config(Architecture.TOPK), parameters(Architecture.TOPK), Map.of("training_tokens", 12));
        assertThat(Files.readString(folder.resolve("cfg.json"))).isEqualTo("""
                {
                  "architecture": "topk",
                  "d_in": 5,
                  "d_sae": 7,
                  "dtype": "float32",
                  "device": "cpu",
                  "apply_b_dec_to_input": false,
                  "normalize_activations": "layer_norm",
                  "reshape_activations": "none",
                  "k": 3,
                  "rescale_acts_by_decoder_norm": false,
                  "metadata": {
                    "sae_lens_version": "6.0.0",
                    "training_tokens": 12,
                    "model_name": "tiny",
                    "hook_name": "blocks.2.mlp.hook_post",
                    "context_size": 128,
                    "prepend_bos": true
                  }
                }
                """);
    }

    @Test
    void contextsAndProcessingStandWhereSaeLensLooksForThem() throws IOException {
        SaeConfig config = config(Architecture.RELU).toBuilder().modelName("gpt2 + fold_ln + center_unembed").build();
        SaeFiles.write(folder, config, parameters(Architecture.RELU), Map.of("context_size", 64, "prepend_bos", false));
        assertThat(Files.readString(folder.resolve("cfg.json"))).contains("\"context_size\": 64").contains("\"prepend_bos\": false")
                .contains("\"model_name\": \"gpt2\"").containsSubsequence("model_from_pretrained_kwargs", "\"fold_ln\": true",
                        "\"center_writing_weights\": false", "\"center_unembed\": true", "\"fold_value_biases\": false");
        try (SaeWeights read = SaeFiles.read(folder)) {
            assertThat(read.config()).isEqualTo(config);
        }
    }

    @Test
    void sameInputGivesSameBytes() throws IOException {
        Map<String, Tensor> parameters = parameters(Architecture.RELU);
        SaeFiles.write(folder.resolve("a"), config(Architecture.RELU), parameters, Map.of());
        Map<String, Tensor> reversed = new LinkedHashMap<>();
        List.copyOf(parameters.keySet()).reversed().forEach(name -> reversed.put(name, parameters.get(name)));
        SaeFiles.write(folder.resolve("b"), config(Architecture.RELU), reversed, Map.of());
        for (String file : List.of("cfg.json", "sae_weights.safetensors")) {
            assertThat(folder.resolve("a").resolve(file)).hasSameBinaryContentAs(folder.resolve("b").resolve(file));
        }
        try (var files = Files.list(folder.resolve("a"))) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void weightsThatAreNotFiniteAreRefusedInBothDirections() {
        Map<String, Tensor> parameters = parameters(Architecture.RELU);
        parameters.put("b_enc", Tensor.of(new float[] {0, 1, Float.NaN, 0, 0, 0, 0}, N));
        assertThatThrownBy(() -> SaeFiles.write(folder, config(Architecture.RELU), parameters, Map.of()))
                .isInstanceOf(FormatException.class) .hasMessageContaining("b_enc").hasMessageContaining("NaN at element 2");
        SaeFiles.write(folder, config(Architecture.RELU), parameters(Architecture.RELU), Map.of());
        SafetensorsWriter.write(folder.resolve("sae_weights.safetensors"), parameters, Map.of());
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("b_enc")
                .hasMessageContaining("NaN at element 2");
    }
}
