package org.sae4j.engine.tornado.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.EngineException;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** What can be known of cuBLAS without a GPU: what it is asked for, and that it is refused where it is not there. */
class CublasTest {
    /** As NVIDIA documents cublasSgemm: C = alpha op(A) op(B) + beta C, all in columns. */
    private static void sgemm(Object[] p) {
        boolean transA = (int) p[0] == 1;
        boolean transB = (int) p[1] == 1;
        int m = (int) p[2];
        int n = (int) p[3];
        int k = (int) p[4];
        FloatArray a = (FloatArray) p[6];
        int lda = (int) p[7];
        FloatArray b = (FloatArray) p[8];
        int ldb = (int) p[9];
        FloatArray c = (FloatArray) p[11];
        int ldc = (int) p[12];
        assertThat(lda).isGreaterThanOrEqualTo(transA ? k : m);
        assertThat(ldb).isGreaterThanOrEqualTo(transB ? n : k);
        assertThat(ldc).isGreaterThanOrEqualTo(m);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += (double) a.get(transA ? l + i * lda : i + l * lda) * b.get(transB ? j + l * ldb : l + j * ldb);
                }
                c.set(i + j * ldc, (float) ((float) p[5] * sum + (float) p[10] * c.get(i + j * ldc)));
            }
        }
    }

    private static FloatArray random(Random random, int size) {
        FloatArray array = new FloatArray(size);
        for (int i = 0; i < size; i++) {
            array.set(i, random.nextFloat() - 0.5f);
        }
        return array;
    }

    @ParameterizedTest
    @CsvSource({"3, 5, 7, false, false", "3, 5, 7, false, true", "3, 5, 7, true, false", "3, 5, 7, true, true", "1, 4, 2, false, true",
        "4, 1, 1, true, false"})
    void asksForTheProductInRows(int m, int n, int k, boolean transposeA, boolean transposeB) {
        Random random = new Random(1);
        FloatArray a = random(random, m * k);
        FloatArray b = random(random, k * n);
        FloatArray out = new FloatArray(m * n);
        LibraryTaskDescriptor task = Cublas.product(a, b, out, m, n, k, transposeA, transposeB);
        assertThat(task.getFunctionName()).isEqualTo("cublasSgemm");
        sgemm(task.getParameters());
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double expected = 0;
                for (int l = 0; l < k; l++) {
                    expected += (double) a.get(transposeA ? l * m + i : i * k + l) * b.get(transposeB ? j * k + l : l * n + j);
                }
                assertThat((double) out.get(i * n + j)).isCloseTo(expected, within(1e-6));
            }
        }
        for (int i = 0; i < task.getParameters().length; i++) {
            assertThat(task.getAccess()[i]).isEqualTo(task.getParameters()[i] == out ? Access.WRITE_ONLY : Access.READ_ONLY);
        }
    }

    @Test
    void isRefusedWhereItIsNotThere() {
        Device device = new Device(0, "a GPU", "cuda", 1L << 30);
        for (TornadoVMBackendType other : new TornadoVMBackendType[] {TornadoVMBackendType.OPENCL, TornadoVMBackendType.PTX}) {
            assertThatThrownBy(() -> Cublas.check(new Device(0, "a GPU", "other", 1L << 30), other)).isInstanceOf(EngineException.class)
                    .hasMessageContaining("setting dense-product=cublas is not offered by back end other")
                    .hasMessageContaining("leave dense-product at kernel");
        }
        if (ModuleLayer.boot().findModule("tornado.cublas").isEmpty()) {
            assertThatThrownBy(() -> Cublas.check(device, TornadoVMBackendType.CUDA)).isInstanceOf(EngineException.class)
                    .hasMessageContaining("needs TornadoVM's module tornado.cublas").hasMessageContaining("argument file");
        }
    }
}
