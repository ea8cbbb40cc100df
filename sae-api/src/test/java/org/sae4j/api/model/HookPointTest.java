package org.sae4j.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.model.HookPoint.Site;

class HookPointTest {
    private static final TransformerConfig CONFIG = new TransformerConfig("test", 2, 12, 3, 4, 48, 16, 100,
            TransformerConfig.Activation.GELU, 1e-5f, false);

    @Test
    void namesAreThoseOfTransformerLens() {
        assertThat(HookPoint.mlpPost(0)).hasToString("blocks.0.mlp.hook_post");
        assertThat(HookPoint.residPre(11)).hasToString("blocks.11.hook_resid_pre");
        assertThat(new HookPoint(Site.PATTERN, 3)).hasToString("blocks.3.attn.hook_pattern");
        assertThat(HookPoint.EMBED).hasToString("hook_embed");
        assertThat(new HookPoint(Site.LN_FINAL_SCALE, -1)).hasToString("ln_final.hook_scale");
    }

    @Test
    void everyNameReadsBack() {
        assertThat(HookPoint.of(CONFIG)).hasSize(2 + 2 * 17 + 3).doesNotHaveDuplicates()
                .allSatisfy(hook -> assertThat(HookPoint.parse(hook.toString())).contains(hook));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "blocks", "blocks.", "blocks.0", "blocks.0.", "blocks.-1.hook_resid_pre", "blocks.01.hook_resid_pre",
        "blocks.0.hook_embed", "hook_resid_pre", "blocks.0.logits", "blocks.9999999999.hook_resid_pre", "blocks.0.mlp.hook_post ",
                "Logits"})
    void otherNamesAreNone(String name) {
        assertThat(HookPoint.parse(name)).isEmpty();
    }

    @Test
    void shapesFollowTheConfiguration() {
        assertThat(HookPoint.residPre(0).shape(CONFIG, 5, 7)).containsExactly(5, 7, 12);
        assertThat(HookPoint.mlpPost(1).shape(CONFIG, 5, 7)).containsExactly(5, 7, 48);
        assertThat(new HookPoint(Site.Z, 0).shape(CONFIG, 5, 7)).containsExactly(5, 7, 3, 4);
        assertThat(new HookPoint(Site.PATTERN, 0).shape(CONFIG, 5, 7)).containsExactly(5, 3, 7, 7);
        assertThat(new HookPoint(Site.LN2_SCALE, 0).shape(CONFIG, 5, 7)).containsExactly(5, 7, 1);
        assertThat(HookPoint.LOGITS.shape(CONFIG, 5, 7)).containsExactly(5, 7, 100);
    }

    @Test
    void layersBelongToBlocks() {
        assertThatThrownBy(() -> new HookPoint(Site.MLP_POST, -1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("mlp.hook_post needs a layer");
        assertThatThrownBy(() -> new HookPoint(Site.LOGITS, 0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("logits has no layer");
    }
}
