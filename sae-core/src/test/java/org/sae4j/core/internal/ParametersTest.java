package org.sae4j.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;

class ParametersTest {
    @Test
    void theFingerprintIsSha256OverSortedNamesShapesAndBits() throws Exception {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        parameters.put("b", Tensor.of(new float[] {1.5f, -0f}, 2));
        parameters.put("a", Tensor.of(new float[] {3, 4, 5}, 1, 3));
        ByteBuffer bytes = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put("a\0".getBytes(StandardCharsets.UTF_8)).putInt(2).putInt(1).putInt(3).putFloat(3).putFloat(4).putFloat(5);
        bytes.put("b\0".getBytes(StandardCharsets.UTF_8)).putInt(1).putInt(2).putFloat(1.5f).putFloat(-0f);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(bytes.flip());
        assertThat(Parameters.fingerprint(parameters)).isEqualTo(HexFormat.of().formatHex(digest.digest()));
    }

    @Test
    void theFingerprintOfLargeTensorsSeesEveryElement() {
        float[] values = new float[200_001];
        String zeros = Parameters.fingerprint(Map.of("w", Tensor.of(values.clone(), values.length)));
        for (int i : new int[] {0, 65_535, 65_536, 200_000}) {
            float[] changed = values.clone();
            changed[i] = 1;
            assertThat(Parameters.fingerprint(Map.of("w", Tensor.of(changed, values.length)))).isNotEqualTo(zeros);
        }
        assertThat(Parameters.fingerprint(Map.of("w", Tensor.of(values, 1, values.length)))).isNotEqualTo(zeros);
    }

    @Test
    void theFingerprintOfStoredElementsSeesTypeOrderAndEveryByte() {
        byte[] bytes = new byte[4 * 34];
        Tensor tensor = Tensor.ofSegment(ElementType.Q8_0, MemorySegment.ofArray(bytes.clone()), 2, 64);
        String zeros = Parameters.fingerprint(Map.of("w", tensor));
        Tensor same = Tensor.ofSegment(ElementType.Q8_0, MemorySegment.ofArray(bytes), 2, 64);
        assertThat(zeros).isEqualTo(Parameters.fingerprint(Map.of("w", same)));
        bytes[135] = 1;
        assertThat(Parameters.fingerprint(Map.of("w", Tensor.ofSegment(ElementType.Q8_0, MemorySegment.ofArray(bytes), 2, 64))))
                .isNotEqualTo(zeros);
        Tensor square = Tensor.ofSegment(ElementType.F16, MemorySegment.ofArray(new byte[8]), 2, 2);
        assertThat(Parameters.fingerprint(Map.of("w", square))).isNotEqualTo(Parameters.fingerprint(Map.of("w", square.permuted(1, 0))))
                .isNotEqualTo(Parameters.fingerprint(Map.of("w", Tensor.ofSegment(ElementType.BF16, square.elements(), 2, 2))));
        // Float32 values count in the order of the axes that users see.
        Tensor floats = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
        assertThat(Parameters.fingerprint(Map.of("w", floats.permuted(1, 0))))
                .isEqualTo(Parameters.fingerprint(Map.of("w", Tensor.of(new float[] {1, 3, 2, 4}, 2, 2))));
    }
}
