package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.testkit.ReferenceEngine;

/**
 * Files that the field's packages wrote, against the packages' own values: SAELens 6.54.12, eai-sparsify 1.3.3 and dictionary-learning 0.1.0
 * (real trainers, on a CPU).
 */
class PeerSaeTest {
    private static Path peers(String path) {
        return GoldenFiles.folder("peers").resolve(path);
    }

    private static void assertComputes(Path opens, Path input, Path expected, String features, String reconstruction) {
        try (Engine engine = new ReferenceEngine(); SparseAutoencoder sae = SparseAutoencoders.open(opens, engine);
                SafetensorsFile inputs = SafetensorsFile.open(input); SafetensorsFile values = SafetensorsFile.open(expected)) {
            Tensor x = inputs.tensor("x");
            GoldenFiles.assertClose("features", sae.encode(x).toDense(), values.tensor(features), 2e-5);
            GoldenFiles.assertClose("reconstruction", sae.reconstruct(x), values.tensor(reconstruction), 2e-5);
        }
    }

    @ParameterizedTest
    @CsvSource({"abstopk,", "matching_pursuit,", "matching_pursuit-limits,", "transcoder-wide,", "jumprelu_skip_transcoder-wide,",
        "checkpoint-standard-scaled,", "checkpoint-batchtopk-scaled,", "checkpoint-topk-whitened,",
        "qwen_scope, SAE-Res-Qwen3-1.7B-Base-W32K-L0_4/layer3.sae.pt", "goodfire, Llama-3.1-8B-Instruct-SAE-l19.pth"})
    void saeLensComputesTheSame(String folder, String file) {
        Path expected = peers("saelens/" + folder + "/expected.safetensors");
        assertComputes(peers("saelens/" + folder + (file == null ? "" : "/" + file)), expected, expected, "features", "reconstruction");
    }

    @ParameterizedTest
    @CsvSource({"sparsify-groupmax/layers.1", "sparsify-sae-skip/layers.1", "sparsify-transcoder-skip/layers.1.mlp",
        "sparsify-seeds/layers.1/seed1"})
    void sparsifyComputesTheSame(String folder) {
        assertComputes(peers("packages/" + folder), peers("packages/sparsify-input.safetensors"),
                peers("packages/" + folder + "/ref.safetensors"), "features", "recon");
    }

    @ParameterizedTest
    @CsvSource({"topk, ref, features", "topk/checkpoints, ref, features", "matryoshka, ref, features", "gated_anneal, ref, features",
        "standard_april, ref, features_raw"})
    void dictionaryLearningComputesTheSame(String folder, String reference, String features) {
        Path path = peers("packages/dictionary-learning-" + folder);
        assertComputes(path, peers("packages/dictionary-learning-input.safetensors"), path.resolve(reference + ".safetensors"), features,
                features.endsWith("raw") ? "recon_raw" : "recon");
    }

    @Test
    void hookPointsAreFound() {
        try (SaeWeights seed = SaeFiles.read(peers("packages/sparsify-seeds/layers.1/seed1"));
                SaeWeights checkpoint = SaeFiles.read(peers("packages/dictionary-learning-topk/checkpoints/ae_200.pt"));
                SaeWeights transcoder = SaeFiles.read(peers("packages/sparsify-transcoder-skip/layers.1.mlp"))) {
            assertThat(seed.config().hook()).contains(HookPoint.residPost(1));
            assertThat(checkpoint.config().hook()).contains(HookPoint.residPost(1));
            assertThat(transcoder.config().transcoder()).isTrue();
            assertThat(transcoder.config().hookOut().map(HookPoint::toString)).contains("blocks.1.hook_mlp_out");
        }
    }

    @Test
    void whatAUserMustKnowIsNoted() {
        for (String[] expected : List.of(new String[] {"saelens/checkpoint-standard-scaled", "activation_scaler.json"},
                new String[] {"saelens/checkpoint-topk-whitened", "activation_whitening.safetensors"},
                new String[] {"packages/dictionary-learning-standard_april", "load_dictionary"})) {
            try (SaeWeights sae = SaeFiles.read(peers(expected[0]))) {
                assertThat(sae.notes()).as(expected[0]).anyMatch(note -> note.contains(expected[1]));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"saelens/temporal-topk-tied, architecture \"temporal\" is not supported",
        "saelens/temporal-published/layer_12/temporal, architecture \"temporal\" is not supported",
        "saelens/qwen_scope-no_k/layer3.sae.pt, k of this Qwen Scope autoencoder is only in its repository's name",
        "packages/dictionary-learning-batch_topk_young, the threshold for inference was never set"})
    void whatCannotBeComputedIsRefusedByName(String path, String message) {
        assertThatThrownBy(() -> SaeFiles.read(peers(path))).isInstanceOf(FormatException.class).hasMessageContaining(message);
    }
}
