package org.sae4j.core.hub;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SaeReleaseTest {
    @Test
    void allOfSaeLensDirectoryIsKnown() {
        assertThat(SaeRelease.names()).hasSize(170);
        assertThat(SaeRelease.names().stream().map(SaeRelease::get).mapToInt(release -> release.coders().size()).sum()).isEqualTo(13_857);
    }

    @Test
    void idsAreTheDirectorysAndPathsTheRepositorys() {
        SaeRelease canonical = SaeRelease.get("gemma-scope-2b-pt-res-canonical");
        assertThat(canonical.repository().repository()).isEqualTo("google/gemma-scope-2b-pt-res");
        assertThat(canonical.model().repository()).isEqualTo("google/gemma-2-2b");
        assertThat(canonical.path("layer_0/width_16k/canonical")).isEqualTo("layer_0/width_16k/average_l0_105");
        assertThat(SaeRelease.get("gemma-scope-2-1b-pt-transcoders-all").path("layer_0_width_16k_l0_big"))
                .isEqualTo("transcoder_all/layer_0_width_16k_l0_big");
    }

    @Test
    void whatLiesBesideAFileIsFetchedWithIt() {
        assertThat(SaeRelease.get("mntss-gemma-2-2b-2.5m-clt-as-per-layer").files("layer_3"))
                .containsExactly("W_enc_3.safetensors", "W_dec_3.safetensors", "config.yaml");
        assertThat(SaeRelease.get("mwhanna-qwen3-4b-transcoders").files("layer_0")).contains("layer_0.safetensors", "config.yaml");
        assertThat(SaeRelease.get("gpt2-small-hook-z-kk").files("blocks.0.hook_z")).hasSize(2).allMatch(file -> file.startsWith("gpt2-small_L0_"))
                .anyMatch(file -> file.endsWith("_cfg.json"));
        assertThat(SaeRelease.get("qwen-scope-3-8b-base-w64k-l50").files("layer0")).containsExactly("layer0.sae.pt");
        assertThat(SaeRelease.get("llama_scope_lxr_8x").files("l5r_8x")).containsExactly("Llama3_1-8B-Base-L5R-8x/**");
    }
}
