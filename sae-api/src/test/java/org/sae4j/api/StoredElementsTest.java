package org.sae4j.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Tensors whose elements lie in other types than float32: values to the bit those of {@code src/test/python/make_block_golden.py}. */
class StoredElementsTest {
    private static final int VALUES = 1024;

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = StoredElementsTest.class.getResourceAsStream("blocks/" + name)) {
            return in.readAllBytes();
        }
    }

    private static Tensor tensor(ElementType type) throws IOException {
        return Tensor.ofSegment(type, MemorySegment.ofArray(resource(type + ".blocks")), VALUES / 256, 256);
    }

    private static int[] expected(ElementType type) throws IOException {
        int[] bits = new int[VALUES];
        ByteBuffer.wrap(resource(type + ".values")).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(bits);
        return bits;
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
        return bits;
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = {"F64", "F32", "I64", "I32", "I16", "I8", "U8", "BOOL"})
    void valuesAreThoseOfTheDefinitionToTheBit(ElementType type) throws IOException {
        Tensor tensor = tensor(type);
        assertThat(bits(tensor.toArray())).containsExactly(expected(type));
        assertThat(tensor.type()).isEqualTo(type);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_K"})
    void anyRunCanBeRead(ElementType type) throws IOException {
        Tensor tensor = tensor(type);
        int[] all = expected(type);
        for (int[] run : new int[][] {{0, 1}, {5, 40}, {31, 2}, {255, 300}, {64, 32}, {1000, 24}, {1023, 1}, {7, 0}}) {
            float[] target = new float[run[1] + 2];
            tensor.copyTo(run[0], target, 1, run[1]);
            assertThat(bits(Arrays.copyOfRange(target, 1, run[1] + 1))).as("run %s", Arrays.toString(run))
                    .containsExactly(Arrays.copyOfRange(all, run[0], run[0] + run[1]));
            assertThat(target[0]).isZero();
            assertThat(target[run[1] + 1]).isZero();
        }
        assertThat(bits(new float[] {tensor.at(2, 9), tensor.get(700)})).containsExactly(all[521], all[700]);
        assertThat(bits(tensor.slice(3).toArray())).containsExactly(Arrays.copyOfRange(all, 768, 1024));
        assertThat(bits(tensor.slice(3).slice(10).toArray())).containsExactly(all[778]);
        assertThat(bits(tensor.reshape(2, 512).row(1))).containsExactly(Arrays.copyOfRange(all, 512, 1024));
    }

    @Test
    void rowsAreWholeBlocks() throws IOException {
        MemorySegment blocks = MemorySegment.ofArray(resource("Q8_0.blocks"));
        assertThatThrownBy(() -> Tensor.ofSegment(ElementType.Q8_0, blocks, 64, 16)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("whole blocks of 32");
        assertThatThrownBy(() -> tensor(ElementType.Q8_0).reshape(64, 16)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Tensor.ofSegment(ElementType.Q8_0, blocks, 33, 32)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs 1122 bytes, but the data has 1088");
        assertThatThrownBy(() -> Tensor.ofSegment(ElementType.I32, blocks, 272)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void bytesAreNeverTakenForFloats() throws IOException {
        Tensor tensor = tensor(ElementType.Q8_0);
        assertThatThrownBy(tensor::segment).isInstanceOf(IllegalStateException.class).hasMessageContaining("Q8_0");
        assertThat(tensor.elements().byteSize()).isEqualTo(VALUES / 32 * 34);
        assertThat(Tensor.zeros(2, 3).elements().byteSize()).isEqualTo(24);
    }

    @Test
    void sizesOfBlocks() {
        assertThat(ElementType.Q4_K.bytes(512)).isEqualTo(288);
        assertThat(ElementType.BF16.bytes(3)).isEqualTo(6);
        assertThatThrownBy(() -> ElementType.Q4_K.bytes(100)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ElementType.F32.bytes(Long.MAX_VALUE / 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(ElementType.Q4_K::bytes).isInstanceOf(UnsupportedOperationException.class);
    }
}
