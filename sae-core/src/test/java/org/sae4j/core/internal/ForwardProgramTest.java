package org.sae4j.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.RandomModels;

/** That a pass does no work that its plan did not ask for. */
class ForwardProgramTest {
    private final TransformerConfig config = RandomModels.config(3);
    private final Map<String, Tensor> matrices = TransformerWeightMatrices.matrices(false, RandomModels.parameters(config, 3), Map.of(),
            Map.of());

    private List<String> ops(ForwardPlan plan) {
        ForwardShape shape = ForwardRequest.of(config, new int[][] {{0, 1}, {1, 0}}, plan).shape();
        return ForwardProgram.of(config, matrices, shape).program().ops().stream().map(op -> op.getClass().getSimpleName()).toList();
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
        for (HookPoint hook : HookPoint.of(config)) {
            switch (hook.site()) {
                case ATTN_SCORES, PATTERN -> assertThat(ops(HookPoint.LOGITS, hook)).hasSize(plain + 2);
                case MLP_PRE -> assertThat(ops(HookPoint.LOGITS, hook)).hasSize(plain + 1);
                default -> assertThat(ops(HookPoint.LOGITS, hook)).as("%s", hook).hasSize(plain);
            }
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
        ForwardShape shape = ForwardRequest.of(config, new int[][] {{0, 1}, {1, 0}}, plan).shape();
        Op last = ForwardProgram.of(config, matrices, shape).program().ops().getLast();
        assertThat(last).isInstanceOfSatisfying(Op.MatMul.class, product -> assertThat(product.a().rows()).isEqualTo(2));
    }

    @Test
    void editsOfSimilarSizeShareAProgram() {
        ForwardShape three = shapeOfEdit(0, 1, 2);
        assertThat(three).isEqualTo(shapeOfEdit(3, 2, 1)).isEqualTo(shapeOfEdit(0, 1, 2, 3)).isNotEqualTo(shapeOfEdit(0, 1));
        assertThat(three.edits().getFirst().capacity()).isEqualTo(4);
    }

    private ForwardShape shapeOfEdit(int... rows) {
        return ForwardRequest.of(config, new int[][] {{0, 1}, {1, 0}}, ForwardPlan.builder().capture(HookPoint.LOGITS)
                .add(HookPoint.residPre(1), rows, Tensor.zeros(rows.length, config.dModel())).build()).shape();
    }
}
