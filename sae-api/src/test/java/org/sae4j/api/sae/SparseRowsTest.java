package org.sae4j.api.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;

class SparseRowsTest {
    private final SparseRows rows = new SparseRows(4, new int[] {0, 2, 2, 3}, new int[] {1, 3, 0}, new float[] {5, -6, 7});

    @Test
    void holdsEntriesByRow() {
        assertThat(rows.rows()).isEqualTo(3);
        assertThat(rows.columns()).isEqualTo(4);
        assertThat(rows.entries()).isEqualTo(3);
        assertThat(rows.count(0)).isEqualTo(2);
        assertThat(rows.count(1)).isZero();
        assertThat(rows.get(0, 3)).isEqualTo(-6);
        assertThat(rows.get(1, 3)).isZero();
        assertThat(rows.column(0)).containsExactly(0, 0, 7);
        assertThat(rows.toDense().toArray()).containsExactly(0, 5, 0, -6, 0, 0, 0, 0, 7, 0, 0, 0);
        assertThat(rows).hasToString("SparseRows[3, 4] with 3 entries");
        assertThatThrownBy(() -> rows.get(3, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> rows.get(0, 4)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void picksConsecutiveRows() {
        SparseRows part = rows.rows(1, 3);
        assertThat(part.rows()).isEqualTo(2);
        assertThat(part.get(1, 0)).isEqualTo(7);
        assertThat(part.entries()).isEqualTo(1);
        assertThat(rows.rows(1, 1).rows()).isZero();
        assertThatThrownBy(() -> rows.rows(2, 4)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void denseMatricesSurviveTheRoundTrip() {
        CounterRandom random = new CounterRandom(1);
        for (int round = 0; round < 20; round++) {
            int n = random.nextInt(30);
            int m = 1 + random.nextInt(20);
            float[] dense = new float[n * m];
            for (int i = 0; i < dense.length; i++) {
                dense[i] = random.nextInt(3) == 0 ? (float) random.nextGaussian() : 0;
            }
            assertThat(SparseRows.ofDense(Tensor.of(dense, n, m)).toDense().toArray()).containsExactly(dense);
        }
        assertThatThrownBy(() -> SparseRows.ofDense(Tensor.zeros(2, 2, 2))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void brokenRowsAreRefused() {
        refused(4, new int[] {}, new int[] {}, "offsets");
        refused(4, new int[] {1, 2}, new int[] {0, 1}, "start at 0");
        refused(4, new int[] {0, 3}, new int[] {0, 1}, "end within");
        refused(4, new int[] {0, 9, 2}, new int[] {0, 1}, "descend");
        refused(4, new int[] {0, 2}, new int[] {1, 1}, "column 1 after 1");
        refused(4, new int[] {0, 2}, new int[] {1, 4}, "column 4");
        refused(4, new int[] {0, 1}, new int[] {-1}, "column -1");
    }

    private static void refused(int columns, int[] offsets, int[] indices, String message) {
        assertThatThrownBy(() -> new SparseRows(columns, offsets, indices, new float[indices.length]))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
    }
}
