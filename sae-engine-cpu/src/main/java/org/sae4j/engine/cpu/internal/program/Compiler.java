package org.sae4j.engine.cpu.internal.program;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.engine.cpu.internal.memory.Operands;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.steps.AttentionGradients;
import org.sae4j.engine.cpu.internal.steps.AttentionSteps;
import org.sae4j.engine.cpu.internal.steps.Context;
import org.sae4j.engine.cpu.internal.steps.ContinuedAttention;
import org.sae4j.engine.cpu.internal.steps.DenseSteps;
import org.sae4j.engine.cpu.internal.steps.NormSteps;
import org.sae4j.engine.cpu.internal.steps.ProductSteps;
import org.sae4j.engine.cpu.internal.steps.SparseSteps;
import org.sae4j.engine.cpu.internal.steps.TrainingSteps;
import org.sae4j.engine.cpu.internal.steps.Updates;
import org.sae4j.engine.cpu.internal.threads.Step;

/** Turns the operations of a program into steps. */
final class Compiler {
    /**
     * Operations that become one step.
     *
     * @param first the operation, or the product
     * @param selects for a product: the selections right after it that alone read its result
     * @param updates the update that these operations are, if they are one
     */
    private record Fused(Op first, List<Op> selects, @Nullable Updates updates) {}

    private final List<Fused> plan = new ArrayList<>();
    private final Set<Buffer> skipped = new HashSet<>();
    private final List<Op> ops;

    Compiler(Program program) {
        ops = Updates.gather(program.ops());
        Map<Buffer, Integer> uses = new HashMap<>();
        for (Op op : ops) {
            Operands.of(op).all().forEach(buffer -> uses.merge(buffer, 1, Integer::sum));
        }
        for (int i = 0; i < ops.size(); i++) {
            Updates updates = Updates.at(ops, i);
            if (updates != null && (updates.outer() == null || isOnlyFor(updates, uses))) {
                if (updates.outer() != null) {
                    skipped.add(updates.outer().out());
                }
                plan.add(new Fused(ops.get(i), List.of(), updates));
                i += updates.size() - 1;
                continue;
            }
            List<Op> selects = new ArrayList<>();
            if (ops.get(i) instanceof Op.MatMul product && product.out().role() == Buffer.Role.INTERMEDIATE) {
                for (int j = i + 1; j < ops.size() && preOf(ops.get(j)) == product.out(); j++) {
                    selects.add(ops.get(j));
                }
                if (Objects.requireNonNull(uses.get(product.out())) != selects.size() + 1) {
                    selects.clear();
                }
                if (!selects.isEmpty()) {
                    skipped.add(product.out());
                }
            }
            plan.add(new Fused(ops.get(i), selects, null));
            i += selects.size();
        }
    }

    /** Whether nothing but an update needs the gradient. */
    private static boolean isOnlyFor(Updates updates, Map<Buffer, Integer> uses) {
        Buffer gradient = updates.adam().gradient();
        int own = 1;
        for (Op op : updates.rows()) {
            own += Collections.frequency(Operands.of(op).all(), gradient);
        }
        return gradient.role() == Buffer.Role.INTERMEDIATE && Objects.requireNonNull(uses.get(gradient)) == own;
    }

    /** {@return the operations in the order of the steps} */
    List<Op> ops() {
        return ops;
    }

    private static @Nullable Buffer preOf(Op op) {
        return switch (op) {
            case Op.Select o -> o.pre();
            case Op.GatedSelect o -> o.pre();
            default -> null;
        };
    }

    /** {@return intermediates that no step touches} */
    Set<Buffer> skipped() {
        return skipped;
    }

    List<Step> steps(Context context, Storage storage) {
        DenseSteps dense = new DenseSteps(context, storage);
        NormSteps norms = new NormSteps(context, storage);
        ProductSteps products = new ProductSteps(context, storage);
        AttentionSteps attention = new AttentionSteps(context, storage);
        ContinuedAttention continued = new ContinuedAttention(context, storage);
        AttentionGradients gradients = new AttentionGradients(context, storage);
        SparseSteps sparse = new SparseSteps(context, storage);
        TrainingSteps training = new TrainingSteps(context, storage);
        List<Step> steps = new ArrayList<>();
        for (Fused fused : plan) {
            if (fused.updates() != null) {
                steps.add(training.update(fused.updates(), sparse));
                continue;
            }
            steps.add(switch (fused.first()) {
                case Op.Gather o -> dense.gather(o);
                case Op.Add o -> dense.add(o);
                case Op.Multiply o -> dense.multiply(o);
                case Op.Scale o -> dense.scale(o);
                case Op.RmsNorm o -> norms.rmsNorm(o);
                case Op.Rotary o -> dense.rotary(o);
                case Op.LayerNorm o -> norms.layerNorm(o);
                case Op.MatMul o -> fused.selects().isEmpty() ? products.matMul(o) : products.fused(o, fused.selects());
                case Op.Map o -> dense.map(o);
                case Op.Attention o -> o.past() == 0 ? attention.attention(o) : continued.attention(o);
                case Op.AttentionScores o -> attention.scores(o);
                case Op.Softmax o -> dense.softmax(o);
                case Op.AttentionMix o -> attention.mix(o);
                case Op.Patch o -> dense.patch(o);
                case Op.Select o -> products.select(o, o.pre());
                case Op.GatedSelect o -> products.select(o, o.pre());
                case Op.Decode o -> sparse.decode(o);
                case Op.SquaredError o -> training.squaredError(o);
                case Op.GhostError o -> training.ghostError(o);
                case Op.FeatureGradient o -> sparse.featureGradient(o);
                case Op.SparseOuter o -> sparse.sparseOuter(o);
                case Op.SparseColumnSum o -> sparse.sparseColumnSum(o);
                case Op.ScaleColumns o -> sparse.scaleColumns(o);
                case Op.Exp o -> dense.exp(o);
                case Op.ColumnSum o -> dense.columnSum(o);
                case Op.SparsitySums o -> sparse.sparsitySums(o);
                case Op.DecoderNormGradient o -> sparse.decoderNormGradient(o);
                case Op.TrackFiring o -> sparse.trackFiring(o);
                case Op.Exceeds o -> dense.exceeds(o);
                case Op.ProjectRows o -> training.projectRows(o);
                case Op.NormalizeRows o -> training.normalizeRows(o);
                case Op.ClipNorm o -> training.clipNorm(o);
                case Op.Extension o -> throw new EngineException("the CPU engine does not run the operation " + o.name(), "",
                        "compile program.loweredFor(engine)");
                case Op.LogSoftmax o -> dense.logSoftmax(o);
                case Op.GatherGradient o -> dense.gatherGradient(o);
                case Op.PatchGradient o -> dense.patchGradient(o);
                case Op.MapGradient o -> dense.mapGradient(o);
                case Op.LayerNormGradient o -> norms.layerNormGradient(o);
                case Op.RmsNormGradient o -> norms.rmsNormGradient(o);
                case Op.SoftmaxGradient o -> dense.softmaxGradient(o);
                case Op.LogSoftmaxGradient o -> dense.logSoftmaxGradient(o);
                case Op.AttentionGradient o -> gradients.attention(o);
                case Op.AttentionScoresGradient o -> gradients.scores(o);
                case Op.AttentionMixGradient o -> gradients.mix(o);
                case Op.AttentionMixTransposed o -> gradients.mixTransposed(o);
                case Op.Adam o -> training.adam(o);
            });
        }
        return steps;
    }
}
