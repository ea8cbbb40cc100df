package org.sae4j.engine.cpu.internal.memory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/**
 * The buffers of an operation.
 *
 * @param reads what it reads; includes what it changes in place
 * @param writes what it writes
 */
public record Operands(List<Buffer> reads, List<Buffer> writes) {
    public static Operands of(Op op) {
        return switch (op) {
            case Op.Gather o -> reads(o.indices(), o.table()).writes(o.out());
            case Op.Add o -> reads(o.a(), o.b()).writes(o.out());
            case Op.Multiply o -> reads(o.a(), o.b()).writes(o.out());
            case Op.Scale o -> reads(o.x()).writes(o.out());
            case Op.RmsNorm o -> reads(o.x(), o.weight()).writes(o.out(), o.scale());
            case Op.Rotary o -> reads(o.x(), o.cos(), o.sin()).writes(o.out());
            case Op.LayerNorm o -> reads(o.x(), o.weight(), o.bias()).writes(o.out(), o.scale());
            case Op.MatMul o -> reads(o.a(), o.b(), o.bias()).writes(o.out());
            case Op.Map o -> reads(o.x()).writes(o.out());
            case Op.Attention o -> reads(o.q(), o.k(), o.v(), o.pastK(), o.pastV(), o.pastLength()).writes(o.out());
            case Op.AttentionScores o -> reads(o.q(), o.k()).writes(o.out());
            case Op.Softmax o -> reads(o.x()).writes(o.out());
            case Op.AttentionMix o -> reads(o.pattern(), o.v()).writes(o.out());
            case Op.Patch o -> reads(o.target(), o.rows(), o.values()).writes(o.target());
            case Op.Select o -> reads(o.pre(), o.threshold(), o.mask()).writes(o.out());
            case Op.GatedSelect o -> reads(o.pre(), o.bGate(), o.rMag(), o.bMag()).writes(o.out());
            case Op.Decode o -> reads(o.s(), o.w(), o.bias()).writes(o.out());
            case Op.SquaredError o -> reads(o.xHat(), o.x()).writes(o.gradient(), o.loss());
            case Op.GhostError o -> reads(o.ghost(), o.residual(), o.x()).writes(o.gradient(), o.loss());
            case Op.FeatureGradient o -> reads(o.s(), o.g(), o.w(), o.hyper()).writes(o.out());
            case Op.SparseOuter o -> reads(o.s(), o.y(), o.accumulate() ? o.out() : null).writes(o.out());
            case Op.SparseColumnSum o -> reads(o.s(), o.accumulate() ? o.out() : null).writes(o.out());
            case Op.ScaleColumns o -> reads(o.s(), o.row()).writes(o.out());
            case Op.Exp o -> reads(o.x()).writes(o.out());
            case Op.ColumnSum o -> reads(o.x()).writes(o.out());
            case Op.SparsitySums o -> reads(o.s(), o.w()).writes(o.out());
            case Op.DecoderNormGradient o -> reads(o.s(), o.w(), o.hyper(), o.gradient()).writes(o.gradient());
            case Op.TrackFiring o -> reads(o.s(), o.since()).writes(o.since());
            case Op.Exceeds o -> reads(o.x()).writes(o.out());
            case Op.ProjectRows o -> reads(o.gradient(), o.w()).writes(o.gradient());
            case Op.NormalizeRows o -> reads(o.w()).writes(o.w());
            case Op.ClipNorm o -> new Operands(o.gradients(), o.gradients());
            case Op.Extension o -> new Operands(o.reads(), o.writes());
            case Op.LogSoftmax o -> reads(o.x()).writes(o.out());
            case Op.GatherGradient o -> reads(o.indices(), o.g()).writes(o.out());
            case Op.PatchGradient o -> reads(o.rows(), o.g()).writes(o.out());
            case Op.MapGradient o -> reads(o.x(), o.g()).writes(o.out());
            case Op.LayerNormGradient o -> reads(o.x(), o.weight(), o.g()).writes(o.out(), o.weightGradient());
            case Op.RmsNormGradient o -> reads(o.x(), o.weight(), o.g()).writes(o.out(), o.weightGradient());
            case Op.SoftmaxGradient o -> reads(o.y(), o.g()).writes(o.out());
            case Op.LogSoftmaxGradient o -> reads(o.y(), o.g()).writes(o.out());
            case Op.AttentionGradient o -> reads(o.q(), o.k(), o.v(), o.pastK(), o.pastV(), o.pastLength(), o.g())
                    .writes(o.queryGradient(), o.keyGradient(), o.valueGradient());
            case Op.AttentionScoresGradient o -> reads(o.scores(), o.g()).writes(o.out());
            case Op.AttentionMixGradient o -> reads(o.g(), o.v()).writes(o.out());
            case Op.AttentionMixTransposed o -> reads(o.pattern(), o.x()).writes(o.out());
            case Op.Adam o -> reads(o.w(), o.gradient(), o.m(), o.v(), o.hyper()).writes(o.w(), o.m(), o.v());
        };
    }

    private static Operands reads(@Nullable Buffer... buffers) {
        return new Operands(present(buffers), List.of());
    }

    private Operands writes(@Nullable Buffer... buffers) {
        return new Operands(reads, present(buffers));
    }

    private static List<Buffer> present(@Nullable Buffer... buffers) {
        return Arrays.stream(buffers).filter(Objects::nonNull).toList();
    }

    /** {@return all buffers, some perhaps twice} */
    public List<Buffer> all() {
        List<Buffer> all = new ArrayList<>(reads);
        all.addAll(writes);
        return all;
    }
}
