package org.sae4j.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TensorTest {
    private final Tensor tensor = Tensor.of(new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2, 3, 2);

    @Test
    void elementsAreInRowMajorOrder() {
        assertThat(tensor.at(1, 2, 0)).isEqualTo(10);
        assertThat(tensor.get(10)).isEqualTo(10);
        assertThat(tensor.row(4)).containsExactly(8, 9);
        assertThat(tensor.slice(1).at(2, 0)).isEqualTo(10);
        assertThat(tensor.slice(1).slice(2).toArray()).containsExactly(10, 11);
        assertThat(tensor.dim(-1)).isEqualTo(2);
        assertThat(tensor.dim(0)).isEqualTo(2);
        assertThat(tensor.rank()).isEqualTo(3);
        assertThat(tensor).hasToString("Tensor[2, 3, 2]");
    }

    @Test
    void reshapingInfersOneAxis() {
        assertThat(tensor.reshape(-1, 4).shape()).containsExactly(3, 4);
        assertThat(tensor.reshape(-1, 4).at(2, 3)).isEqualTo(11);
        assertThat(Tensor.zeros(0, 3).reshape(-1, 5).shape()).containsExactly(0, 5);
        assertThatThrownBy(() -> tensor.reshape(5, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tensor.reshape(-1, -1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void copiesRuns() {
        float[] target = {-1, -1, -1, -1};
        tensor.copyTo(3, target, 1, 2);
        assertThat(target).containsExactly(-1, 3, 4, -1);
        assertThatThrownBy(() -> tensor.copyTo(11, target, 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.copyTo(0, target, 3, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void scalarsHaveNoAxes() {
        Tensor scalar = Tensor.of(new float[] {5});
        assertThat(scalar.size()).isEqualTo(1);
        assertThat(scalar.at()).isEqualTo(5);
        assertThatThrownBy(() -> scalar.slice(0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> scalar.row(0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void indicesOutOfRangeAreRefused() {
        assertThatThrownBy(() -> tensor.at(0, 3, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.at(0, 0)).isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("[2, 3, 2]");
        assertThatThrownBy(() -> tensor.get(12)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.get(-1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.row(6)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.dim(3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.dim(-4)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        float[] none = {};
        assertThatThrownBy(() -> Tensor.of(new float[5], 2, 3)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("24 bytes").hasMessageContaining("20");
        assertThatThrownBy(() -> Tensor.of(new float[1], -1, -1)).isInstanceOf(IllegalArgumentException.class);
        // 2^62 elements are 2^64 bytes, which is 0 if it wraps around.
        assertThatThrownBy(() -> Tensor.of(none, 1 << 30, 1 << 30, 4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Tensor.of(none, 1 << 30, 1 << 30, 1 << 30)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Tensor.zeros(1 << 16, 1 << 16)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("does not fit");
    }

    @Test
    void shapesAreCopied() {
        tensor.shape()[0] = 99;
        assertThat(tensor.dim(0)).isEqualTo(2);
    }

    @Test
    void segmentsMayBeUnalignedAndDieWithTheirArena() {
        Tensor view;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(9);
            bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 1, 2.5f);
            bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 5, -1);
            view = Tensor.ofSegment(bytes.asSlice(1), 2);
            assertThat(view.toArray()).containsExactly(2.5f, -1);
            assertThat(view.segment().isReadOnly()).isTrue();
        }
        assertThatThrownBy(() -> view.get(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void permutedAxesAreViews() {
        Tensor swapped = tensor.permuted(2, 0, 1);
        assertThat(swapped.shape()).containsExactly(2, 2, 3);
        assertThat(swapped.toArray()).containsExactly(0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11);
        assertThat(swapped.at(1, 0, 2)).isEqualTo(tensor.at(0, 2, 1));
        assertThat(swapped.row(2)).containsExactly(1, 3, 5);
        assertThat(swapped.slice(1).toArray()).containsExactly(1, 3, 5, 7, 9, 11);
        assertThat(swapped.reshape(3, 4).toArray()).containsExactly(swapped.toArray());
        assertThat(swapped.axes()).containsExactly(2, 0, 1);
        assertThat(swapped.stored().toArray()).containsExactly(tensor.toArray());
        assertThat(swapped.stored().shape()).containsExactly(2, 3, 2);
        assertThat(swapped.permuted(1, 2, 0).segment().address()).isEqualTo(tensor.segment().address());
        assertThat(tensor.stored()).isSameAs(tensor);
        assertThatThrownBy(swapped::segment).isInstanceOf(IllegalStateException.class).hasMessageContaining("another order of axes");
        for (int[] wrong : new int[][] {{0, 1}, {0, 1, 1}, {1, 2, 3}, {-1, 0, 1}}) {
            assertThatThrownBy(() -> tensor.permuted(wrong)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void anyRunOfAPermutedTensorIsRead() {
        SplittableRandom random = new SplittableRandom(1);
        for (int[] axes : new int[][] {{1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}, {0, 1, 2}}) {
            for (int[] shape : new int[][] {{3, 4, 5}, {1, 7, 2}, {5, 1, 3}, {6, 2, 1}}) {
                float[] values = new float[shape[0] * shape[1] * shape[2]];
                for (int i = 0; i < values.length; i++) {
                    values[i] = i;
                }
                Tensor view = Tensor.of(values, shape).permuted(axes);
                float[] all = view.toArray();
                for (int i = 0; i < all.length; i++) {
                    assertThat(view.get(i)).isEqualTo(all[i]);
                }
                for (int trial = 0; trial < 40; trial++) {
                    int from = random.nextInt(all.length);
                    int count = random.nextInt(all.length - from + 1);
                    float[] target = new float[count + 1];
                    view.copyTo(from, target, 1, count);
                    assertThat(Arrays.copyOfRange(target, 1, count + 1)).containsExactly(Arrays.copyOfRange(all, from, from + count));
                }
            }
        }
        assertThat(Tensor.zeros(0, 3).permuted(1, 0).toArray()).isEmpty();
    }

    @Test
    void aRowWhosePositionOverflowsIsRefused() {
        Tensor tensor = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
        for (long row : new long[] {1L << 62, 1L << 63, Long.MAX_VALUE, -1, 2}) {
            assertThatThrownBy(() -> tensor.row(row)).as("row " + row).isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThat(tensor.row(1)).containsExactly(5, 6, 7, 8);
    }
}
