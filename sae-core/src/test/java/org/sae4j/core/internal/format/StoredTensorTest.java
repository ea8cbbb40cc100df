package org.sae4j.core.internal.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;

class StoredTensorTest {
    /** A segment whose element i has the value of {@code value(i)} in any type. */
    private static MemorySegment segment(ElementType type, ByteOrder order, int count, Arena arena) {
        // One byte ahead of the data makes every access unaligned.
        MemorySegment data = arena.allocate((long) count * type.bytes() + 1, 8).asSlice(1);
        for (int i = 0; i < count; i++) {
            switch (type) {
                case F64 -> data.set(ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(order), i * 8L, value(i));
                case F32 -> data.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(order), i * 4L, value(i));
                case F16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order), i * 2L, Float.floatToFloat16(value(i)));
                case BF16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order), i * 2L,
                        (short) (Float.floatToIntBits(value(i)) >>> 16));
                case I64 -> data.set(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order), i * 8L, (long) value(i));
                case I32 -> data.set(ValueLayout.JAVA_INT_UNALIGNED.withOrder(order), i * 4L, (int) value(i));
                case I16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order), i * 2L, (short) value(i));
                case I8, U8 -> data.set(ValueLayout.JAVA_BYTE, i, (byte) value(i));
                case BOOL -> data.set(ValueLayout.JAVA_BYTE, i, (byte) (value(i) == 0 ? 0 : 3));
            }
        }
        return data;
    }

    /** Small integers, exact in every type. */
    private static float value(int i) {
        return Math.floorMod(i * 37, 101);
    }

    private static float expected(ElementType type, int i) {
        return type == ElementType.BOOL ? value(i) == 0 ? 0 : 1 : value(i);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = "I?Q.*")
    void everyTypeWithoutBlocksInBothByteOrdersIsRead(ElementType type) {
        for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
            try (Arena arena = Arena.ofShared()) {
                Tensor tensor = StoredTensor.contiguous("x", type, order, segment(type, order, 210, arena), 3, 70).read(arena);
                for (int i = 0; i < 210; i++) {
                    assertThat(tensor.get(i)).isEqualTo(expected(type, i));
                }
            }
        }
    }

    @Test
    void float32IsNotCopied() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = segment(ElementType.F32, ByteOrder.nativeOrder(), 12, arena);
            Tensor tensor = StoredTensor.contiguous("x", ElementType.F32, ByteOrder.nativeOrder(), data, 3, 4).read(arena);
            assertThat(tensor.segment().address()).isEqualTo(data.address());
        }
    }

    @ParameterizedTest
    @EnumSource(value = ElementType.class, names = {"F32", "F16", "BF16", "I32"})
    void viewsOfAnyStridesAreReadElementForElement(ElementType type) {
        SplittableRandom random = new SplittableRandom(3);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = segment(type, ByteOrder.LITTLE_ENDIAN, 60_000, arena);
            for (int round = 0; round < 60; round++) {
                int[] shape = {1 + random.nextInt(4), 1 + random.nextInt(140), 1 + random.nextInt(100)};
                int[] axes = permutation(random);
                long[] strides = new long[3];
                long step = 1;
                for (int i = 2; i >= 0; i--) {
                    strides[axes[i]] = step;
                    step *= shape[axes[i]];
                }
                long offset = random.nextInt((int) (60_000 - step + 1));
                Tensor tensor = StoredTensor.strided("x", type, ByteOrder.LITTLE_ENDIAN, data, offset, shape, strides).read(arena);
                for (int check = 0; check < 400; check++) {
                    int[] index = {random.nextInt(shape[0]), random.nextInt(shape[1]), random.nextInt(shape[2])};
                    int source = (int) (offset + index[0] * strides[0] + index[1] * strides[1] + index[2] * strides[2]);
                    assertThat(tensor.at(index)).isEqualTo(expected(type, source));
                }
            }
        }
    }

    private static int[] permutation(SplittableRandom random) {
        int[][] all = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        return all[random.nextInt(all.length)];
    }

    @Test
    void aLargeTransposedMatrixIsReadOnAllCores() {
        int rows = 1100;
        int columns = 1003;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = segment(ElementType.F32, ByteOrder.LITTLE_ENDIAN, rows * columns, arena);
            Tensor tensor = StoredTensor.contiguous("x", ElementType.F32, data, rows, columns).permuted(1, 0).read(arena);
            for (int row = 0; row < rows; row += 7) {
                for (int column = 0; column < columns; column++) {
                    assertThat(tensor.at(column, row)).isEqualTo(value(row * columns + column));
                }
            }
        }
    }

    @Test
    void narrowedAndSplitAxesAreViews() {
        try (Arena arena = Arena.ofShared()) {
            StoredTensor whole = StoredTensor.contiguous("x", ElementType.F32,
                    segment(ElementType.F32, ByteOrder.LITTLE_ENDIAN, 5 * 18, arena), 5, 18);
            Tensor heads = whole.narrowed(1, 6, 6).split(1, 3).permuted(1, 0, 2).read(arena);
            assertThat(heads.shape()).containsExactly(3, 5, 2);
            assertThat(heads.at(2, 4, 1)).isEqualTo(value(4 * 18 + 6 + 2 * 2 + 1));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 10, 1, true", "1, 10, 1, false", "0, 4, 3, true", "1, 4, 3, false", "0, 4, 4, false",
            "0, 2, 9223372036854775807, false",
            "-1, 2, 1, false", "0, 3, -1, false", "10, 0, 1, true", "11, 0, 1, false", "0, 20000000, 0, false", "0, 100, 0, true"})
    void viewsMustStayWithinTheirStorage(long offset, int length, long stride, boolean sound) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = segment(ElementType.F32, ByteOrder.LITTLE_ENDIAN, 10, arena);
            if (sound) {
                Tensor tensor = StoredTensor.strided("x", ElementType.F32, ByteOrder.LITTLE_ENDIAN, data, offset, new int[] {length},
                        new long[] {stride}).read(arena);
                assertThat(tensor.size()).isEqualTo(length);
            } else {
                assertThatThrownBy(() -> StoredTensor.strided("x", ElementType.F32, ByteOrder.LITTLE_ENDIAN, data, offset,
                        new int[] {length}, new long[] {stride})).isInstanceOf(FormatException.class).hasMessageContaining("x");
            }
        }
    }

    /** Loading keeps the file's type and place wherever the axes lie, and gives the values that reading gives. */
    @ParameterizedTest
    @EnumSource(value = ElementType.class, names = {"F32", "F16", "BF16", "I32", "Q8_0"})
    void loadedViewsHaveTheValuesOfReadOnes(ElementType type) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = type == ElementType.Q8_0 ? arena.allocate(type.bytes(6 * 64))
                    : segment(type, ByteOrder.LITTLE_ENDIAN, 384, arena);
            for (int block = 0; type == ElementType.Q8_0 && block < 12; block++) {
                data.set(ValueLayout.JAVA_SHORT_UNALIGNED, block * 34L, Float.floatToFloat16(block + 1));
                for (int i = 0; i < 32; i++) {
                    data.set(ValueLayout.JAVA_BYTE, block * 34L + 2 + i, (byte) (i * 7 - block));
                }
            }
            StoredTensor whole = StoredTensor.contiguous("x", type, data, 6, 64);
            StoredTensor[] views = {whole, whole.permuted(1, 0), whole.split(0, 3), whole.split(0, 3).permuted(0, 2, 1),
                whole.split(0, 3).permuted(1, 0, 2), whole.split(0, 3).permuted(2, 1, 0), whole.split(1, 2).permuted(1, 2, 0),
                whole.narrowed(0, 1, 4), whole.narrowed(0, 1, 4).permuted(1, 0), whole.narrowed(1, 32, 32), whole.narrowed(1, 5, 7),
                whole.narrowed(1, 32, 32).permuted(1, 0), whole.narrowed(0, 2, 1), whole.split(0, 1), whole.narrowed(0, 0, 0)};
            for (StoredTensor view : views) {
                Tensor loaded = view.load(arena);
                assertThat(loaded.shape()).containsExactly(view.shape());
                assertThat(loaded.toArray()).containsExactly(view.read(arena).toArray());
            }
            if (type != ElementType.I32) {
                assertThat(whole.split(0, 3).permuted(0, 2, 1).load(arena).elements().address()).isEqualTo(data.address());
                assertThat(whole.narrowed(0, 1, 4).permuted(1, 0).load(arena).type()).isEqualTo(type);
                assertThat(whole.narrowed(1, 32, 32).load(arena).type()).isEqualTo(type);
            }
            assertThat(whole.withRows(row -> 5 - row, arena).read(arena).row(1)).containsExactly(whole.read(arena).row(4));
            assertThat(whole.split(0, 1).load(arena).stored().rank()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource(value = ElementType.class, names = {"F32", "F16", "BF16", "Q8_0", "Q4_1", "Q2_K", "Q3_K", "Q4_K", "Q6_K"})
    void weightsThatAreNotFiniteAreFoundInEveryType(ElementType type) {
        for (int half : new int[] {0x7fc0, 0xfc00, 0x7c00}) {
            byte[] bytes = new byte[(int) type.bytes(512)];
            Tensor tensor = Tensor.ofSegment(type, MemorySegment.ofArray(bytes), 2, 256);
            Finite.check("x", tensor);
            int at = switch (type) {
                case Q4_1 -> 2 * 20 + 2;
                case Q2_K -> 84 + 82;
                case Q3_K -> 110 + 108;
                case Q4_K -> 144 + 2;
                case Q6_K -> 210 + 208;
                case Q8_0 -> 34;
                default -> bytes.length - 2;
            };
            bytes[at] = (byte) half;
            bytes[at + 1] = (byte) (half >> 8);
            boolean broken = switch (type) {
                case F32, BF16 -> half == 0x7fc0;
                default -> true;
            };
            if (broken) {
                assertThatThrownBy(() -> Finite.check("x", tensor.permuted(1, 0))).isInstanceOf(FormatException.class)
                        .hasMessageContaining("must be finite");
            } else {
                Finite.check("x", tensor);
            }
        }
    }
}
