package org.sae4j.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint.Site;

class ForwardPlanTest {
    @Test
    void keepsTheOrderOfAsking() {
        ForwardPlan plan = ForwardPlan.capture(HookPoint.LOGITS, HookPoint.residPre(0), HookPoint.LOGITS);
        assertThat(plan.captures()).containsExactly(HookPoint.LOGITS, HookPoint.residPre(0));
        assertThat(plan.edits()).isEmpty();
        assertThat(plan.start()).isEmpty();
        assertThat(plan.stop()).isEmpty();
        assertThat(plan.logitPositions()).isEmpty();
    }

    @Test
    void aPlanDoesNotChangeWithItsBuilder() {
        ForwardPlan.Builder builder = ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1, 0);
        ForwardPlan plan = builder.build();
        builder.capture(HookPoint.EMBED).add(HookPoint.residPre(0), new int[] {0}, Tensor.zeros(1, 4)).logitsAt(3);
        assertThat(plan.captures()).containsExactly(HookPoint.LOGITS);
        assertThat(plan.edits()).isEmpty();
        assertThat(plan.logitPositions()).hasValueSatisfying(p -> assertThat(p).containsExactly(-1, 0));
        assertThatThrownBy(() -> plan.captures().add(HookPoint.EMBED)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void replacingFlattensHeads() {
        ForwardPlan plan = ForwardPlan.builder().capture(HookPoint.LOGITS).replace(new HookPoint(Site.Z, 0), Tensor.zeros(2, 3, 4, 5))
                .build();
        assertThat(plan.edits()).singleElement().satisfies(edit -> {
            assertThat(edit.rows()).containsExactly(0, 1, 2, 3, 4, 5);
            assertThat(edit.values().shape()).containsExactly(6, 20);
            assertThat(edit.mode()).isEqualTo(ForwardPlan.Mode.SET);
        });
        assertThatThrownBy(() -> ForwardPlan.builder().replace(HookPoint.EMBED, Tensor.zeros(2, 3)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void editsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> ForwardPlan.builder().set(HookPoint.EMBED, new int[] {0, 1}, Tensor.zeros(1, 4)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("2 rows").hasMessageContaining("Tensor[1, 4]");
        for (Site site : new Site[] {Site.LN1_SCALE, Site.LN2_SCALE}) {
            assertThatThrownBy(() -> ForwardPlan.builder().add(new HookPoint(site, 0), new int[] {0}, Tensor.zeros(1, 4)))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("but not edited");
        }
        assertThatThrownBy(() -> ForwardPlan.builder().stopAt(HookPoint.EMBED).build()).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("capture something");
    }

    @Test
    void theRowsOfAnEditAreCopied() {
        int[] rows = {0, 1};
        ForwardPlan.Edit edit = new ForwardPlan.Edit(HookPoint.mlpPost(0), ForwardPlan.Mode.SET, rows, Tensor.zeros(2, 3));
        rows[0] = 5;
        edit.rows()[1] = 7;
        assertThat(edit.rows()).containsExactly(0, 1);
    }
}
