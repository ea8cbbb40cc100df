package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
        return GoldenFiles.cases("sae");
    }

    @Test
    void everyFormatHasCases() throws IOException {
        assertThat(cases()).hasSizeGreaterThanOrEqualTo(37);
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
        // A transcoder's output must not replace its input.
        assertThat(config("saelens_transcoder").hook()).isEmpty();
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
