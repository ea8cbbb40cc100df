package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.testkit.ReferenceEngine;

/** Autoencoders in the formats of other projects, read and run, against PyTorch. */
class GoldenSaeTest {
    static List<Path> cases() throws IOException {
        return Stream.concat(GoldenFiles.cases("sae").stream(), GoldenFiles.cases("publishers").stream()).toList();
    }

    @Test
    void everyFormatHasCases() throws IOException {
        assertThat(cases()).hasSizeGreaterThanOrEqualTo(61);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void parametersAndOutputsAreThoseOfPyTorch(Path folder) {
        try (SaeWeights sae = SaeFiles.read(folder); SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(folder))) {
            sae.parameters().forEach((name, tensor) -> GoldenFiles.assertClose(name, tensor, expected.tensor(name), 2e-6));
            try (Engine engine = new ReferenceEngine();
                    SparseAutoencoder autoencoder = SparseAutoencoders.of(sae.config(), sae.parameters(), engine)) {
                Tensor x = expected.tensor("x");
                SparseRows features = autoencoder.encode(x);
                GoldenFiles.assertClose("features", features.toDense(), expected.tensor("features"), 1e-5);
                GoldenFiles.assertClose("reconstruction", autoencoder.reconstruct(x), expected.tensor("reconstruction"), 1e-5);
            }
        }
    }

    @Test
    void hookPointsAndNamesAreFound() {
        assertThat(config("saelens_standard").hook()).contains(HookPoint.residPre(1));
        assertThat(config("saelens_standard").modelName()).contains("gpt2-small");
        assertThat(config("saelens_flat").hook()).contains(HookPoint.mlpPost(0));
        assertThat(config("nanda").hook()).contains(HookPoint.mlpPost(0));
        assertThat(config("nanda_views").hook().map(HookPoint::toString)).contains("blocks.2.hook_mlp_out");
        assertThat(config("nanda_f16").hook()).contains(HookPoint.residPre(1));
        assertThat(config("sparsify/layers.3.mlp").hook().map(HookPoint::toString)).contains("blocks.3.hook_mlp_out");
        assertThat(config("dl_topk").hook()).contains(HookPoint.residPost(4));
        assertThat(config("dl_topk").modelName()).contains("EleutherAI/pythia-70m");
        assertThat(config("gemma_scope").hook()).isEmpty();
    }

    @Test
    void transcodersSayWhatTheyReadAndWrite() {
        for (String name : List.of("saelens_transcoder", "saelens_skip_transcoder", "saelens_jumprelu_skip_transcoder")) {
            assertThat(config(name).transcoder()).as(name).isTrue();
            assertThat(config(name).hook().map(HookPoint::toString)).as(name).contains("blocks.1.ln2.hook_normalized");
            assertThat(config(name).hookOut().map(HookPoint::toString)).as(name).contains("blocks.1.hook_mlp_out");
        }
        assertThat(config("saelens_standard").hookOut()).contains(HookPoint.residPre(1));
    }

    /** Names of folders and files tell what a publisher's files do not. */
    @ParameterizedTest
    @CsvSource(textBlock = """
            google_gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6, gemma-2-2b, hook_embed, hook_embed
            google_gemma-scope-2b-pt-transcoders/layer_3/width_16k/average_l0_76, gemma-2-2b, blocks.3.ln2.hook_normalized, blocks.3.hook_mlp_out
            google_gemma-scope-2-1b-pt/attn_out_all/layer_7_width_16k_l0_small, google/gemma-3-1b-pt, blocks.7.attn.hook_z, =
            google_gemma-scope-2-270m-pt/transcoder_all/layer_2_width_16k_l0_big_affine, google/gemma-3-270m, blocks.2.mlp.hook_in, blocks.2.hook_mlp_out
            google_gemma-scope-2-1b-pt/clt/width_262k_l0_big_affine, google/gemma-3-1b-pt, , ''
            Llama3_1-8B-Base-L5R-8x, meta-llama/Llama-3.1-8B, blocks.5.hook_resid_post, blocks.5.hook_resid_post
            Llama3_1-8B-Base-L5TC-8x, meta-llama/Llama-3.1-8B, blocks.5.ln2.hook_normalized, blocks.5.hook_mlp_out
            800M-Slimpajama-0-OpenR1-Math-220k/L5R, meta-llama/Llama-3.1-8B, blocks.5.hook_resid_post, blocks.5.hook_resid_post
            mwhanna_qwen3-0.6b-transcoders-lowl0, Qwen/Qwen3-0.6B, blocks.3.mlp.hook_in, blocks.3.hook_mlp_out
            mntss_clt, google/gemma-2-2b, blocks.2.hook_resid_mid, ''
            Goodfire, meta-llama/Llama-3.3-70B-Instruct, blocks.50.hook_resid_post, blocks.50.hook_resid_post
            qresearch, deepseek-ai/DeepSeek-R1-Distill-Llama-8B, blocks.19.hook_resid_post, blocks.19.hook_resid_post
            SAE-Res-Qwen3-1.7B-Base-W32K-L0_3, Qwen/Qwen3-1.7B-Base, blocks.11.hook_resid_post, blocks.11.hook_resid_post
            ckkissane_attn-saes, , blocks.4.attn.hook_z, blocks.4.attn.hook_z
            saes-llama-3.1-8b-instruct/resid_post_layer_3/trainer_1, meta-llama/Llama-3.1-8B-Instruct, blocks.3.hook_resid_post, =
            sparsify_names/embed_tokens, , hook_embed, hook_embed
            sparsify_names/layers_3_mlp, , blocks.3.hook_mlp_out, blocks.3.hook_mlp_out
            sparsify_names/h.5/seed2, , blocks.5.hook_resid_post, blocks.5.hook_resid_post
            sparsify_names/model.layers.5, , blocks.5.hook_resid_post, blocks.5.hook_resid_post
            """)
    void publishersNamesAreUnderstood(String folder, String model, String in, String to) {
        String out = "=".equals(to) ? in : to;
        try (SaeWeights sae = SaeFiles.read(GoldenFiles.folder("publishers").resolve(folder))) {
            assertThat(sae.config().modelName()).isEqualTo(Optional.ofNullable(model));
            assertThat(sae.config().hook().map(HookPoint::toString)).isEqualTo(Optional.ofNullable(in));
            assertThat(sae.config().hookOut().map(HookPoint::toString).orElse("")).isEqualTo(out);
            assertThat(sae.config().transcoder()).isEqualTo(!out.equals(in));
        }
    }

    @Test
    void whatAUserMustKnowIsNoted() {
        assertThat(notes("saelens_standard")).isEmpty();
        assertThat(notes("saelens_flat")).anyMatch(n -> n.contains("d_sae says 21, but the tensors have 20"))
                .anyMatch(n -> n.contains("scaling_factor is folded"));
        assertThat(notes("saelens_expected_average")).anyMatch(n -> n.contains("expected_average_only_in"));
        assertThat(notes("saelens_topk_rescaled")).anyMatch(n -> n.contains("rescale_acts_by_decoder_norm is folded"));
        assertThat(notes("sparsify/transcode")).anyMatch(n -> n.contains("transcoder"));
        assertThat(notes("saelens_skip_transcoder")).singleElement().asString()
                .contains("reads blocks.1.ln2.hook_normalized").contains("predicts blocks.1.hook_mlp_out");
        assertThat(notes("saelens_centered_gated")).singleElement().asString().contains("mean over d_in is subtracted");
        assertThat(notes("dl_backup")).anyMatch(n -> n.contains("norm_factor 2.5"));
    }

    @Test
    void sparsityIsRead() {
        try (SaeWeights sae = SaeFiles.read(GoldenFiles.folder("sae").resolve("saelens_standard"))) {
            Optional<Tensor> sparsity = sae.logSparsity();
            assertThat(sparsity.orElseThrow().get(0)).isCloseTo(-10f, within(1e-6f));
        }
    }

    private static SaeConfig config(String name) {
        try (SaeWeights sae = SaeFiles.read(GoldenFiles.folder("sae").resolve(name))) {
            return sae.config();
        }
    }

    private static List<String> notes(String name) {
        try (SaeWeights sae = SaeFiles.read(GoldenFiles.folder("sae").resolve(name))) {
            return sae.notes();
        }
    }
}
