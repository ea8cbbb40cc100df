package org.sae4j.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.RandomModels;
import org.sae4j.core.internal.model.Gpt2;
import org.sae4j.core.program.ProgramWriter;

/** That a pass does no work that its plan did not ask for. */
class PassFormsTest {
    private final TransformerConfig config = RandomModels.config(3);
    private final PassForms forms = new PassForms(Gpt2.describe(config));

    private Program program(ForwardPlan plan) {
        ForwardRequest request = ForwardRequest.of(forms, new int[][] {{0, 1}, {1, 0}}, plan);
        return ProgramWriter.write("test", request.pass().form(), request.counts(), Map.of()).program();
    }

    private List<String> ops(ForwardPlan plan) {
        return program(plan).ops().stream().map(op -> op.getClass().getSimpleName()).toList();
    }

    private List<String> ops(HookPoint... captures) {
        return ops(ForwardPlan.capture(captures));
    }

    @Test
    void aPlainPassIsFused() {
        List<String> block = List.of("LayerNorm", "MatMul", "MatMul", "MatMul", "Attention", "MatMul", "Add", "LayerNorm", "MatMul",
                "MatMul", "Add");
        assertThat(ops(HookPoint.LOGITS)).startsWith("Gather", "Gather", "Add").endsWith("LayerNorm", "MatMul")
                .hasSize(3 + 3 * block.size() + 2).containsSubsequence(block);
    }

    @Test
    void capturesOfWhatIsComputedAnywayAddNoOperation() {
        int plain = ops(HookPoint.LOGITS).size();
        for (HookPoint hook : forms.hookPoints()) {
            int more = hook.site().isPattern() ? 2 : hook.site().equals(Site.MLP_PRE) ? 1 : 0;
            assertThat(ops(HookPoint.LOGITS, hook)).as("%s", hook).hasSize(plain + more);
        }
    }

    @Test
    void thePassEndsAtTheLastCapture() {
        assertThat(ops(HookPoint.EMBED)).containsExactly("Gather");
        assertThat(ops(HookPoint.residPre(0))).containsExactly("Gather", "Gather", "Add");
        assertThat(ops(new HookPoint(Site.Q, 0))).endsWith("LayerNorm", "MatMul").hasSize(5);
        assertThat(ops(HookPoint.residPre(1))).endsWith("Add").hasSize(14);
        assertThat(ops(HookPoint.mlpPost(0))).endsWith("LayerNorm", "MatMul").hasSize(12);
    }

    @Test
    void aPassThatResumesSkipsWhatIsBefore() {
        Tensor residual = Tensor.zeros(2, 2, config.dModel());
        assertThat(ops(ForwardPlan.builder().startAt(3, residual).capture(HookPoint.LOGITS).build()))
                .containsExactly("LayerNorm", "MatMul");
        assertThat(ops(ForwardPlan.builder().startAt(2, residual).capture(HookPoint.LOGITS).build())).hasSize(13).doesNotContain("Gather");
    }

    @Test
    void logitsAtSomePositionsAreTheOnlyOnesComputed() {
        ForwardPlan plan = ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build();
        Op last = program(plan).ops().getLast();
        assertThat(last).isInstanceOfSatisfying(Op.MatMul.class, product -> assertThat(product.a().rows()).isEqualTo(2));
    }

    @Test
    void editsOfSimilarSizeShareAProgram() {
        PassKey three = keyOfEdit(0, 1, 2);
        assertThat(three).isEqualTo(keyOfEdit(3, 2, 1)).isEqualTo(keyOfEdit(0, 1, 2, 3)).isNotEqualTo(keyOfEdit(0, 1));
        assertThat(three.edits().getFirst().capacity()).isEqualTo(4);
    }

    private PassKey keyOfEdit(int... rows) {
        return ForwardRequest.of(forms, new int[][] {{0, 1}, {1, 0}}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                .add(HookPoint.residPre(1), rows, Tensor.zeros(rows.length, config.dModel())).build()).key();
    }
}
