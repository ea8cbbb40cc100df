package org.sae4j.api;

/**
 * The types in which files and memory hold the elements of a tensor. Whatever the type, a {@link Tensor} gives float32 values: those of
 * {@link #isFloat() floating-point types} as they are, F64 and integers only after a conversion by the reader of the file.
 *
 * <p>Elements of a block type lie in blocks of consecutive elements of a row that share scales. Their values are those of the ggml library:
 * float32 arithmetic on the block's half-precision scales and small integers.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the description of GGUF, whose names these are</a>
 */
public enum ElementType {
    /** IEEE 754 binary64. */
    F64(8),
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16. */
    F16(2),
    /** The upper half of a binary32. */
    BF16(2),
    /** Signed 64-bit integer. */
    I64(8),
    /** Signed 32-bit integer. */
    I32(4),
    /** Signed 16-bit integer. */
    I16(2),
    /** Signed 8-bit integer. */
    I8(1),
    /** Unsigned 8-bit integer. */
    U8(1),
    /** A byte, 0 for false and anything else for true; read as 0 and 1. */
    BOOL(1),
    /** Blocks of 32 with 4 bits each and a scale. */
    Q4_0(32, 18),
    /** Blocks of 32 with 4 bits each, a scale and a minimum. */
    Q4_1(32, 20),
    /** Blocks of 32 with 5 bits each and a scale. */
    Q5_0(32, 22),
    /** Blocks of 32 with 5 bits each, a scale and a minimum. */
    Q5_1(32, 24),
    /** Blocks of 32 with 8 bits each and a scale. */
    Q8_0(32, 34),
    /** Blocks of 256 with 2 bits each; scales and minima of 16 elements in 4 bits. */
    Q2_K(256, 84),
    /** Blocks of 256 with 3 bits each; scales of 16 elements in 6 bits. */
    Q3_K(256, 110),
    /** Blocks of 256 with 4 bits each; scales and minima of 32 elements in 6 bits. */
    Q4_K(256, 144),
    /** Blocks of 256 with 5 bits each; scales and minima of 32 elements in 6 bits. */
    Q5_K(256, 176),
    /** Blocks of 256 with 6 bits each; scales of 16 elements in 8 bits. */
    Q6_K(256, 210),
    /** Blocks of 32 with 4 bits each that choose from a table, and a scale. */
    IQ4_NL(32, 18),
    /** Blocks of 256 with 4 bits each that choose from a table; scales of 32 elements in 6 bits. */
    IQ4_XS(256, 136);

    private final int blockSize;
    private final int blockBytes;

    ElementType(int bytes) {
        this(1, bytes);
    }

    ElementType(int blockSize, int blockBytes) {
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
    }

    /** {@return the number of elements of a block; 1 for types without blocks} */
    public int blockSize() {
        return blockSize;
    }

    /** {@return the size of a block in bytes; of an element for types without blocks} */
    public int blockBytes() {
        return blockBytes;
    }

    /** {@return whether elements lie in blocks that share scales} */
    public boolean isBlock() {
        return blockSize > 1;
    }

    /** {@return whether a tensor in memory can be of this type: F32, F16, BF16 and the block types} */
    public boolean isFloat() {
        return isBlock() || this == F32 || this == F16 || this == BF16;
    }

    /**
     * The size of one element.
     *
     * @return bytes
     * @throws UnsupportedOperationException for a block type
     */
    public int bytes() {
        if (isBlock()) {
            throw new UnsupportedOperationException(this + " has blocks of " + blockSize + " elements, and no size of one element");
        }
        return blockBytes;
    }

    /**
     * The size of some elements.
     *
     * @param elements a number of elements, at least 0
     * @return bytes
     * @throws IllegalArgumentException if the elements are no whole blocks, or the size exceeds 2^63-1
     */
    public long bytes(long elements) {
        if (elements < 0 || elements % blockSize != 0 || elements / blockSize > Long.MAX_VALUE / blockBytes) {
            throw new IllegalArgumentException(elements + " elements are not whole blocks of " + blockSize + " (" + this
                    + "), or too many");
        }
        return elements / blockSize * blockBytes;
    }
}
