package org.sae4j.api.engine;

import java.util.Map;
import java.util.Objects;
import org.sae4j.api.ElementType;
import org.sae4j.api.Observer;
import org.sae4j.api.Tensor;

/** Runs programs on one device. Safe for use by several threads. */
public interface Engine extends AutoCloseable {
    /** {@return the provider's id, such as {@code cpu}} */
    String id();

    /** {@return the device} */
    Device device();

    /**
     * Whether weights may be given to {@link #compile} in a type as they are. Others are converted to float32 first, by whoever calls.
     *
     * @param type {@linkplain ElementType#isFloat() a type for memory}
     * @return true for F32; of other types, those that the engine reads in whatever order its programs need them
     */
    default boolean reads(ElementType type) {
        Objects.requireNonNull(type, "type");
        return type == ElementType.F32;
    }

    /**
     * Whether the engine runs an operation as it is, with these settings. Programs reach {@link #compile} without any other: whoever
     * compiles puts definitions in their place first ({@link Program#loweredFor}).
     *
     * @param op over buffers of any program
     * @return true for the vocabulary of the release that brought this method, unless the engine says otherwise
     */
    default boolean runs(Op op) {
        Objects.requireNonNull(op, "op");
        return !(op instanceof Op.Extension);
    }

    /**
     * Makes a program ready. Weights are shared between the programs of an engine where the engine can.
     *
     * @param program the program, of operations that the engine {@linkplain #runs runs}
     * @param weights one tensor for each buffer of role WEIGHT, by buffer name, with as many elements as the buffer and of a type that the
     * engine {@linkplain #reads reads}; more entries are ignored
     * @return the compiled program; close it before the engine
     * @throws IllegalArgumentException if a weight is missing or has another number of elements
     * @throws IllegalStateException after close
     * @throws EngineException if the engine does not run one of the operations, if memory does not suffice (the message says bytes needed and available) or compilation fails
     */
    CompiledProgram compile(Program program, Map<String, Tensor> weights);

    /**
     * Refuses a program for which there is too little memory now, with the weights that it would be given, before anything is allocated:
     * for those who would rather know before they begin. {@link #compile} makes the same check.
     *
     * @param program as for {@link #compile}
     * @param weights as for {@link #compile}
     * @throws IllegalArgumentException as {@link #compile}
     * @throws IllegalStateException after close
     * @throws EngineException if memory does not suffice; the message says bytes needed and available. Engines that cannot tell throw nothing
     */
    default void requireMemory(Program program, Map<String, Tensor> weights) {
        Objects.requireNonNull(program, "program");
        Objects.requireNonNull(weights, "weights");
    }

    /** {@return who is told of what runs on this engine; {@link Observer#NONE} unless the application set one} */
    default Observer observer() {
        return Observer.NONE;
    }

    /** Frees the engine and closes its compiled programs. Closing twice has no effect. */
    @Override
    void close();
}
