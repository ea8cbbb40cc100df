package org.sae4j.engine.tornado.internal;

import java.util.Optional;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/** Which operations have kernels. */
final class Vocabulary {
    private Vocabulary() {}

    /**
     * Demands kernels for all operations of a program, before anything is compiled.
     *
     * @throws EngineException that names the operation that has none
     */
    static void require(Program program) {
        for (Op op : program.ops()) {
            Optional<String> missing = missing(op);
            if (missing.isPresent()) {
                throw new EngineException("the TornadoVM engine has no kernel for " + missing.get(), "program " + program.name(),
                        "use --engine cpu for this model");
            }
        }
    }

    /** {@return what has no kernel, if the operation needs something of that kind} */
    static Optional<String> missing(Op op) {
        return switch (op) {
            case Op.Attention o -> plain(o.heads());
            case Op.AttentionScores o -> plain(o.heads());
            case Op.AttentionMix o -> plain(o.heads());
            case Op.LayerNorm o when o.weight() == null || o.bias() == null -> Optional.of("LayerNorm without weight or bias");
            case Op.MatMul o -> known(o.function());
            case Op.Map o -> known(o.function());
            case Op.Multiply o when o.a().rows() != o.b().rows() || o.a().cols() != o.b().cols() -> Optional.of("Multiply by a row or column");
            case Op.RmsNorm _, Op.Rotary _, Op.LogSoftmax _, Op.GatherGradient _, Op.PatchGradient _,
                    Op.MapGradient _, Op.LayerNormGradient _, Op.RmsNormGradient _, Op.SoftmaxGradient _, Op.LogSoftmaxGradient _,
                    Op.AttentionGradient _, Op.AttentionScoresGradient _, Op.AttentionMixGradient _, Op.AttentionMixTransposed _ ->
                Optional.of(op.getClass().getSimpleName());
            case Op.Extension o -> Optional.of(o.name());
            default -> Optional.empty();
        };
    }

    private static Optional<String> plain(Op.Heads heads) {
        return heads.count() == heads.keyValues() && heads.cap() == 0 && heads.window() == 0 ? Optional.empty()
                : Optional.of("attention with groups of heads, a soft cap or a window");
    }

    private static Optional<String> known(Op.Function function) {
        return function == Op.Function.SILU || function == Op.Function.TANH ? Optional.of("the function " + function) : Optional.empty();
    }
}
