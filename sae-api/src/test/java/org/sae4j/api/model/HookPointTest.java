package org.sae4j.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.model.HookPoint.Site;

class HookPointTest {
    @Test
    void namesAreThoseOfTransformerLens() {
        assertThat(HookPoint.mlpPost(0)).hasToString("blocks.0.mlp.hook_post");
        assertThat(HookPoint.residPre(11)).hasToString("blocks.11.hook_resid_pre");
        assertThat(new HookPoint(Site.PATTERN, 3)).hasToString("blocks.3.attn.hook_pattern");
        assertThat(HookPoint.EMBED).hasToString("hook_embed");
        assertThat(new HookPoint(Site.LN_FINAL_SCALE, -1)).hasToString("ln_final.hook_scale");
    }

    @ParameterizedTest
    @ValueSource(strings = {"hook_embed", "logits", "blocks.0.hook_resid_pre", "blocks.11.attn.hook_pattern", "ln_final.hook_scale",
        "blocks.3.attn.q_norm.hook_scale", "blocks.0.mlp.hook_of_a_family_to_come"})
    void everyNameReadsBack(String name) {
        assertThat(HookPoint.parse(name).orElseThrow()).hasToString(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "blocks", "blocks.", "blocks.0", "blocks.0.", "blocks.-1.hook_resid_pre", "blocks.01.hook_resid_pre",
        "blocks.9999999999.hook_resid_pre", "blocks.0.mlp.hook_post ",
                "Logits", "hook_", "blocks.0.mlp.W_in", "a b.hook_x"})
    void otherNamesAreNone(String name) {
        assertThat(HookPoint.parse(name)).isEmpty();
    }

    @Test
    void namesAndLayersThatCannotBeAreRefused() {
        assertThatThrownBy(() -> Site.MLP_POST.at(-1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("mlp.hook_post needs a layer");
        assertThatThrownBy(() -> new HookPoint(Site.LOGITS, -2)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("found -2");
        assertThatThrownBy(() -> new Site("mlp.W_in")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("begins with \"hook_\"");
    }
}
