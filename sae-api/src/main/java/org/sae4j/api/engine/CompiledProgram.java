package org.sae4j.api.engine;

import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SparseRows;

/**
 * A program made ready by an engine, with its own inputs, parameters and intermediates. For one thread at a time; several compiled programs
 * of one engine may run at once. After {@link #close()}, every other method throws {@link IllegalStateException}.
 */
public interface CompiledProgram extends AutoCloseable {
    /** {@return the program} */
    Program program();

    /**
     * Writes a float32 input or parameter.
     *
     * @param buffer a buffer of the program
     * @param values all elements, row-major; copied
     * @throws IllegalArgumentException if the buffer is no F32 input or parameter of the program, or the number of elements differs
     * @throws EngineException if the device fails
     */
    void write(Buffer buffer, float[] values);

    /**
     * Writes an int32 input.
     *
     * @param buffer a buffer of the program
     * @param values all elements, row-major; copied
     * @throws IllegalArgumentException if the buffer is no I32 input of the program, or the number of elements differs
     * @throws EngineException if the device fails
     */
    void write(Buffer buffer, int[] values);

    /**
     * Writes a sparse input.
     *
     * @param buffer a buffer of the program
     * @param values as many rows and columns as the buffer has; used until the buffer is written again
     * @throws IllegalArgumentException if the buffer is no SPARSE input of the program, or the shape differs
     * @throws EngineException if the device fails
     */
    void write(Buffer buffer, SparseRows values);

    /**
     * Runs all operations once. Inputs that were not written since the last run keep their values; at first they are zero.
     *
     * <p>If the calling thread is interrupted, an engine may end the run of a program without parameters early. The buffers that the program
     * writes then hold any values until the next run. A program with parameters always finishes, so that none is left half changed.
     *
     * @throws IllegalArgumentException if an index buffer holds an index out of range
     * @throws java.util.concurrent.CancellationException if an interrupt ended the run; the thread stays interrupted, and the program can
     *     be run again
     * @throws EngineException if the device fails
     */
    void run();

    /**
     * Reads a float32 output or parameter.
     *
     * @param buffer a buffer of the program
     * @return a copy of its values, shape [rows, cols]
     * @throws IllegalArgumentException if the buffer is no F32 output or parameter of the program
     * @throws EngineException if the device fails
     */
    Tensor read(Buffer buffer);

    /**
     * Reads a float32 output or parameter into an array, for loops that allocate nothing.
     *
     * @param buffer a buffer of the program
     * @param target receives all elements, row-major
     * @throws IllegalArgumentException if the buffer is no F32 output or parameter of the program, or the number of elements differs
     * @throws EngineException if the device fails
     */
    default void read(Buffer buffer, float[] target) {
        Objects.requireNonNull(buffer, "buffer");
        Objects.requireNonNull(target, "target");
        Tensor values = read(buffer);
        if (values.size() != target.length) {
            throw new IllegalArgumentException(buffer + " has " + values.size() + " elements, found " + target.length);
        }
        values.copyTo(0, target, 0, target.length);
    }

    /**
     * Reads a sparse output.
     *
     * @param buffer a buffer of the program
     * @return a copy of its rows
     * @throws IllegalArgumentException if the buffer is no SPARSE output of the program
     * @throws EngineException if the device fails
     */
    SparseRows readSparse(Buffer buffer);

    /**
     * Reads the values of a sparse output's entries, row by row and without their columns, for loops that allocate nothing.
     *
     * @param buffer a buffer of the program
     * @param target receives the values from index 0 on; may be longer
     * @return the number of entries
     * @throws IllegalArgumentException if the buffer is no SPARSE output of the program, or has more entries than the target elements
     * @throws EngineException if the device fails
     */
    default int readValues(Buffer buffer, float[] target) {
        Objects.requireNonNull(buffer, "buffer");
        Objects.requireNonNull(target, "target");
        SparseRows rows = readSparse(buffer);
        if (rows.entries() > target.length) {
            throw new IllegalArgumentException(buffer + " has " + rows.entries() + " entries, there is room for " + target.length);
        }
        for (int entry = 0; entry < rows.entries(); entry++) {
            target[entry] = rows.value(entry);
        }
        return rows.entries();
    }

    /** Frees the buffers. Closing twice has no effect. */
    @Override
    void close();
}
