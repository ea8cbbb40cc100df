package org.sae4j.api.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A computation: operations in order, over named buffers of fixed shapes. Immutable. */
public final class Program {
    private final String name;
    private final Map<String, Buffer> buffers;
    private final List<Op> ops;

    private Program(Builder builder) {
        name = builder.name;
        buffers = Collections.unmodifiableMap(new LinkedHashMap<>(builder.buffers));
        ops = List.copyOf(builder.ops);
    }

    /**
     * Starts a program.
     *
     * @param name for messages
     * @return a builder
     */
    public static Builder builder(String name) {
        return new Builder(Objects.requireNonNull(name, "name"));
    }

    /** {@return the name, for messages} */
    public String name() {
        return name;
    }

    /** {@return the operations, in order} */
    public List<Op> ops() {
        return ops;
    }

    /** {@return all buffers, in the order of their making} */
    public Collection<Buffer> buffers() {
        return buffers.values();
    }

    /**
     * A buffer by its name.
     *
     * @param bufferName the name
     * @return the buffer
     * @throws IllegalArgumentException if there is none of that name
     */
    public Buffer buffer(String bufferName) {
        Objects.requireNonNull(bufferName, "bufferName");
        Buffer buffer = buffers.get(bufferName);
        if (buffer == null) {
            throw new IllegalArgumentException("program " + name + " has no buffer " + bufferName + ", only " + buffers.keySet());
        }
        return buffer;
    }

    /**
     * The same computation in operations that an engine runs: every other one gives way to its definition in simpler operations.
     *
     * @param engine the engine
     * @return this program if the engine runs all of it
     * @throws EngineException that names the operation, if the engine does not run it and it has no definition that the engine runs
     */
    public Program loweredFor(Engine engine) {
        Objects.requireNonNull(engine, "engine");
        return ops.stream().allMatch(engine::runs) ? this : new Lowering(this, engine).lowered();
    }

    /** Collects a program. Not for use by several threads. */
    public static final class Builder {
        private final String name;
        private final Map<String, Buffer> buffers = new LinkedHashMap<>();
        private final List<Op> ops = new ArrayList<>();

        private Builder(String name) {
            this.name = name;
        }

        /**
         * Makes a buffer.
         *
         * @param bufferName unique in the program
         * @param role who writes and reads it
         * @param type what its elements are
         * @param rows number of rows, at least 0
         * @param cols number of columns, at least 0
         * @return the buffer
         * @throws IllegalArgumentException if the name is taken, or a dimension is negative
         */
        public Buffer buffer(String bufferName, Buffer.Role role, Buffer.Type type, int rows, int cols) {
            Objects.requireNonNull(bufferName, "bufferName");
            Objects.requireNonNull(role, "role");
            Objects.requireNonNull(type, "type");
            if (rows < 0 || cols < 0) {
                throw new IllegalArgumentException("negative shape [" + rows + ", " + cols + "] of " + bufferName);
            }
            Buffer buffer = new Buffer(bufferName, role, type, rows, cols);
            if (buffers.putIfAbsent(bufferName, buffer) != null) {
                throw new IllegalArgumentException("program " + name + " already has a buffer " + bufferName);
            }
            return buffer;
        }

        /**
         * A float32 weight, bound when the program is compiled.
         *
         * @param bufferName unique in the program
         * @param rows number of rows
         * @param cols number of columns
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer weight(String bufferName, int rows, int cols) {
            return buffer(bufferName, Buffer.Role.WEIGHT, Buffer.Type.F32, rows, cols);
        }

        /**
         * A float32 input.
         *
         * @param bufferName unique in the program
         * @param rows number of rows
         * @param cols number of columns
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer input(String bufferName, int rows, int cols) {
            return buffer(bufferName, Buffer.Role.INPUT, Buffer.Type.F32, rows, cols);
        }

        /**
         * An int32 input.
         *
         * @param bufferName unique in the program
         * @param cols number of elements of its one row
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer intInput(String bufferName, int cols) {
            return buffer(bufferName, Buffer.Role.INPUT, Buffer.Type.I32, 1, cols);
        }

        /**
         * A float32 parameter.
         *
         * @param bufferName unique in the program
         * @param rows number of rows
         * @param cols number of columns
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer parameter(String bufferName, int rows, int cols) {
            return buffer(bufferName, Buffer.Role.PARAMETER, Buffer.Type.F32, rows, cols);
        }

        /**
         * A float32 intermediate.
         *
         * @param bufferName unique in the program
         * @param rows number of rows
         * @param cols number of columns
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer intermediate(String bufferName, int rows, int cols) {
            return buffer(bufferName, Buffer.Role.INTERMEDIATE, Buffer.Type.F32, rows, cols);
        }

        /**
         * A sparse intermediate.
         *
         * @param bufferName unique in the program
         * @param rows number of rows
         * @param cols number of columns
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer sparse(String bufferName, int rows, int cols) {
            return buffer(bufferName, Buffer.Role.INTERMEDIATE, Buffer.Type.SPARSE, rows, cols);
        }

        /**
         * A float32 output.
         *
         * @param bufferName unique in the program
         * @param rows number of rows
         * @param cols number of columns
         * @return the buffer
         * @throws IllegalArgumentException as {@link #buffer}
         */
        public Buffer output(String bufferName, int rows, int cols) {
            return buffer(bufferName, Buffer.Role.OUTPUT, Buffer.Type.F32, rows, cols);
        }

        /**
         * Appends an operation.
         *
         * @param op the operation, over buffers of this program
         * @return this
         * @throws IllegalArgumentException if shapes, types or roles do not fit the operation, or a buffer is not of this program
         */
        public Builder add(Op op) {
            Objects.requireNonNull(op, "op");
            OpShapes.check(name, buffers, op);
            ops.add(op);
            return this;
        }

        /** Has the buffers of a program, and none of its operations. */
        static Builder like(Program program) {
            Builder builder = new Builder(program.name);
            builder.buffers.putAll(program.buffers);
            return builder;
        }

        /** Takes away the operations after the first ones, and {@return them}. */
        List<Op> cutAfter(int count) {
            List<Op> tail = ops.subList(count, ops.size());
            List<Op> cut = List.copyOf(tail);
            tail.clear();
            return cut;
        }

        int size() {
            return ops.size();
        }

        /** {@return the program} */
        public Program build() {
            return new Program(this);
        }
    }
}
