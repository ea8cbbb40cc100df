package org.sae4j.core.internal;

import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SaeConfig;

/**
 * A program of a sparse autoencoder.
 *
 * @param program the program
 * @param input inputs [rows, d_in], or null if it reads feature activations alone
 * @param features feature activations: read by DECODE and SKIP, made by ENCODE; null for PRE and PROJECT
 * @param output what it makes: feature activations, pre-activations [rows, d_sae], or reconstructions [rows, d_out]
 */
record SaeProgram(Program program, @Nullable Buffer input, @Nullable Buffer features, Buffer output) {
    /** What a program computes. */
    enum Task {
        /** Feature activations of inputs. */
        ENCODE,
        /** Pre-activations of inputs, for a choice that engines have no operation for. */
        PRE,
        /** Products of residuals with the decoder's rows, for matching pursuit. */
        PROJECT,
        /** Reconstructions of feature activations. */
        DECODE,
        /** Reconstructions of feature activations, with the skip connection of the inputs. */
        SKIP,
        /** Reconstructions of inputs. */
        RECONSTRUCT
    }

    /**
     * What decides a program.
     *
     * @param task what it computes
     * @param rows for how many rows at once
     */
    record Shape(Task task, int rows) {}

    /**
     * Writes a program.
     *
     * @param config what the autoencoder computes
     * @param shape the program's task and size
     * @return the program; its weights have the names of the parameters
     */
    static SaeProgram of(SaeConfig config, Shape shape) {
        Program.Builder builder = Program.builder("autoencoder " + shape.task().name().toLowerCase(Locale.ROOT) + " " + shape.rows());
        return switch (shape.task()) {
            case PRE -> {
                Buffer x = builder.input("x", shape.rows(), config.dIn());
                Buffer pre = builder.output("pre", shape.rows(), config.dSae());
                preActivations(builder, config, x, builder.weight("b_dec", 1, config.dOut()), "b_enc", pre);
                yield new SaeProgram(builder.build(), x, null, pre);
            }
            case PROJECT -> {
                Buffer x = builder.input("x", shape.rows(), config.dOut());
                Buffer products = builder.output("x W_dec^T", shape.rows(), config.dSae());
                builder.add(new Op.MatMul(x, false, builder.weight("W_dec", config.dSae(), config.dOut()), true, null,
                        Op.Function.IDENTITY, products));
                yield new SaeProgram(builder.build(), x, null, products);
            }
            default -> features(builder, config, shape);
        };
    }

    private static SaeProgram features(Program.Builder builder, SaeConfig config, Shape shape) {
        Task task = shape.task();
        Buffer features = builder.buffer("features", task == Task.ENCODE ? Buffer.Role.OUTPUT
                : task == Task.RECONSTRUCT ? Buffer.Role.INTERMEDIATE : Buffer.Role.INPUT, Buffer.Type.SPARSE, shape.rows(), config.dSae());
        Buffer bDec = builder.weight("b_dec", 1, config.dOut());
        Buffer input = task == Task.DECODE ? null : builder.input("x", shape.rows(), config.dIn());
        if (task == Task.ENCODE || task == Task.RECONSTRUCT) {
            encode(builder, config, Objects.requireNonNull(input), bDec, features);
        }
        if (task == Task.ENCODE) {
            return new SaeProgram(builder.build(), input, features, features);
        }
        Buffer output = builder.output("reconstruction", shape.rows(), config.dOut());
        Buffer decoded = config.skip() && input != null ? builder.intermediate("decoded", shape.rows(), config.dOut()) : output;
        builder.add(new Op.Decode(features, builder.weight("W_dec", config.dSae(), config.dOut()), bDec, decoded));
        if (config.skip() && input != null) {
            Buffer skipped = builder.intermediate("x W_skip^T", shape.rows(), config.dOut());
            builder.add(new Op.MatMul(input, false, builder.weight("W_skip", config.dOut(), config.dIn()), true, null,
                    Op.Function.IDENTITY, skipped));
            builder.add(new Op.Add(decoded, skipped, 1, output));
        }
        return new SaeProgram(builder.build(), input, features, output);
    }

    private static void encode(Program.Builder builder, SaeConfig config, Buffer x, Buffer bDec, Buffer features) {
        boolean gated = config.architecture() == SaeConfig.Architecture.GATED;
        Buffer pre = builder.intermediate("pre", x.rows(), config.dSae());
        Buffer bias = preActivations(builder, config, x, bDec, gated ? "b_gate" : "b_enc", pre);
        builder.add(switch (config.architecture()) {
            case RELU -> new Op.Select(pre, Op.Rule.RELU, 0, null, 0, null, features);
            case TOPK -> new Op.Select(pre, Op.Rule.TOPK, config.k(), null, 0, null, features);
            case JUMP_RELU -> new Op.Select(pre, Op.Rule.JUMP_RELU, 0, builder.weight("threshold", 1, config.dSae()), 0, null, features);
            case GATED -> new Op.GatedSelect(pre, bias, builder.weight("r_mag", 1, config.dSae()),
                    builder.weight("b_mag", 1, config.dSae()), features);
            case ABS_TOPK, GROUP_MAX, MATCHING_PURSUIT -> throw new IllegalArgumentException(
                    config.architecture() + " is chosen on the host");
        });
    }

    /** Adds the product of the encoder; {@return its bias} */
    private static Buffer preActivations(Program.Builder builder, SaeConfig config, Buffer x, Buffer bDec, String biasName,
            Buffer pre) {
        Buffer centred = x;
        if (config.applyBDecToInput()) {
            centred = builder.intermediate("x - b_dec", x.rows(), config.dIn());
            builder.add(new Op.Add(x, bDec, -1, centred));
        }
        Buffer bias = builder.weight(biasName, 1, config.dSae());
        builder.add(new Op.MatMul(centred, false, builder.weight("W_enc", config.dIn(), config.dSae()), false, bias,
                Op.Function.IDENTITY, pre));
        return bias;
    }

    /** The parameters as the matrices that programs use. */
    static Tensor matrix(Tensor parameter) {
        return parameter.rank() == 1 ? parameter.reshape(1, parameter.dim(0)) : parameter;
    }
}
