package org.sae4j.core.store;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;

/** Which row of a store is at each position of an endless sequence, epoch after epoch. Safe for use by several threads. */
abstract class RowOrder {
    /** {@return the row at a position, from 0} */
    abstract long row(long position);

    /** {@return for how many positions, from this one on, each row is the one after the row before; at least 1} */
    abstract long run(long position);

    /** Rows as they lie in the store. */
    static RowOrder sequential(long rows) {
        return new RowOrder() {
            @Override
            long row(long position) {
                return position % rows;
            }

            @Override
            long run(long position) {
                return rows - position % rows;
            }
        };
    }

    /** Every epoch in an order of its own: all rows permuted, each for itself. */
    static RowOrder permuted(long rows, CounterRandom random) {
        return new RowOrder() {
            private volatile @Nullable Epoch last;

            @Override
            long row(long position) {
                long epoch = position / rows;
                Epoch current = last;
                if (current == null || current.number != epoch) {
                    current = new Epoch(epoch, new SeededPermutation(rows, random.stream(epoch)), 0);
                    last = current;
                }
                return current.order.at(position % rows);
            }

            @Override
            long run(long position) {
                return 1;
            }
        };
    }

    /**
     * Every epoch in an order of its own: blocks permuted, rows in a block as they lie. Where rows lie in a random order already, the rows'
     * order is then as random: a permutation drawn evenly from all stays so when any other is applied to it. The last block may be shorter.
     */
    static RowOrder blocks(long rows, long blockRows, CounterRandom random) {
        long blocks = (rows + blockRows - 1) / blockRows;
        long lastRows = rows - (blocks - 1) * blockRows;
        return new RowOrder() {
            private volatile @Nullable Epoch last;

            private Epoch epoch(long number) {
                Epoch current = last;
                if (current == null || current.number != number) {
                    SeededPermutation order = new SeededPermutation(blocks, random.stream(number));
                    current = new Epoch(number, order, order.placeOf(blocks - 1));
                    last = current;
                }
                return current;
            }

            @Override
            long row(long position) {
                Epoch epoch = epoch(position / rows);
                long at = position % rows;
                long shortAt = epoch.shortPlace * blockRows;
                if (at < shortAt) {
                    return epoch.order.at(at / blockRows) * blockRows + at % blockRows;
                }
                if (at < shortAt + lastRows) {
                    return (blocks - 1) * blockRows + at - shortAt;
                }
                long rest = at - shortAt - lastRows;
                return epoch.order.at(epoch.shortPlace + 1 + rest / blockRows) * blockRows + rest % blockRows;
            }

            @Override
            long run(long position) {
                long row = row(position);
                return Math.min(blockRows - row % blockRows, rows - row);
            }
        };
    }

    /**
     * An order of fewer rows, which are those of a store without some.
     *
     * @param order of the rows that are kept, counted without the others
     * @param leftOut numbers of the rows that are not there, ascending
     */
    static RowOrder without(RowOrder order, int[] leftOut) {
        if (leftOut.length == 0) {
            return order;
        }
        // The number of kept rows before each that is left out: a row lies behind all of those that are not greater.
        int[] keptBefore = leftOut.clone();
        Arrays.setAll(keptBefore, i -> leftOut[i] - i);
        return new RowOrder() {
            private int passed(long kept) {
                int low = 0;
                int high = keptBefore.length;
                while (low < high) {
                    int middle = (low + high) >>> 1;
                    if (keptBefore[middle] <= kept) {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                return low;
            }

            @Override
            long row(long position) {
                long kept = order.row(position);
                return kept + passed(kept);
            }

            @Override
            long run(long position) {
                long kept = order.row(position);
                int passed = passed(kept);
                long next = passed < keptBefore.length ? keptBefore[passed] - kept : Long.MAX_VALUE;
                return Math.min(order.run(position), next);
            }
        };
    }

    /** An epoch's permutation; of blocks, with the place of the last one. */
    private record Epoch(long number, SeededPermutation order, long shortPlace) {}
}
