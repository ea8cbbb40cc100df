package org.sae4j.core.store;

import org.sae4j.api.CounterRandom;

/**
 * A pseudo-random permutation of 0 to n - 1 that is computed place by place, in either direction, and holds no table: a Feistel network
 * (Luby and Rackoff 1988) over the numbers of the least sufficient number of bits, walked along its cycle until it comes back below n
 * (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). Safe for use by several threads.
 */
final class SeededPermutation {
    /** Each half is changed four times; four rounds in all suffice for a strong pseudo-random permutation of a large set. */
    private static final int ROUNDS = 8;
    /** Halves of fewer bits would leave too few different functions between them. */
    private static final int LEAST_BITS = 8;

    private final long n;
    private final int lowBits;
    private final long lowMask;
    private final long highMask;
    private final long[] keys = new long[ROUNDS];

    /**
     * Draws a permutation.
     *
     * @param n how many numbers, from 1 to 2^62
     * @param random where the network's keys come from
     */
    SeededPermutation(long n, CounterRandom random) {
        if (n < 1 || n > 1L << 62) {
            throw new IllegalArgumentException("a permutation is of 1 to 2^62 numbers, found " + n);
        }
        this.n = n;
        int bits = Math.max(LEAST_BITS, Long.SIZE - Long.numberOfLeadingZeros(n - 1));
        lowBits = bits / 2;
        lowMask = (1L << lowBits) - 1;
        highMask = (1L << bits - lowBits) - 1;
        for (int round = 0; round < ROUNDS; round++) {
            keys[round] = random.nextLong();
        }
    }

    /** {@return the number at a place, from 0 to n - 1} */
    long at(long place) {
        long value = place;
        do {
            long low = value & lowMask;
            long high = value >>> lowBits;
            for (int round = 0; round < ROUNDS; round += 2) {
                low ^= mixed(high, keys[round]) & lowMask;
                high ^= mixed(low, keys[round + 1]) & highMask;
            }
            value = high << lowBits | low;
        } while (value >= n);
        return value;
    }

    /** {@return the place of a number, so that {@code at(placeOf(x)) == x}} */
    long placeOf(long number) {
        long value = number;
        do {
            long low = value & lowMask;
            long high = value >>> lowBits;
            for (int round = ROUNDS - 2; round >= 0; round -= 2) {
                high ^= mixed(low, keys[round + 1]) & highMask;
                low ^= mixed(high, keys[round]) & lowMask;
            }
            value = high << lowBits | low;
        } while (value >= n);
        return value;
    }

    /** The finalizer of SplitMix64. */
    private static long mixed(long half, long key) {
        long z = half + key;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
