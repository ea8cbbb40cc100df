package org.sae4j.api;

import java.util.random.RandomGenerator;

/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * <p>The n-th number of a stream is a pure function of seed, stream and n, so results do not depend on threads or on what else was drawn.
 * An instance is a cursor over one stream and belongs to one thread; {@link #stream(String)} derives independent ones.
 */
public final class CounterRandom implements RandomGenerator {
    private static final int M0 = 0xD2511F53;
    private static final int M1 = 0xCD9E8D57;
    private static final int W0 = 0x9E3779B9;
    private static final int W1 = 0xBB67AE85;

    private final long seed;
    private final long stream;
    private final int[] block = new int[4];
    private long counter;
    private int used = 4;

    /**
     * The main stream of a seed.
     *
     * @param seed any number
     */
    public CounterRandom(long seed) {
        this(seed, 0);
    }

    private CounterRandom(long seed, long stream) {
        this.seed = seed;
        this.stream = stream;
    }

    /**
     * An independent stream of the same seed, at its start.
     *
     * @param name says what the numbers are for; equal names under this stream give equal numbers
     * @return a new cursor
     */
    public CounterRandom stream(String name) {
        long hash = stream ^ 0xcbf29ce484222325L;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
        }
        return new CounterRandom(seed, mix(hash));
    }

    /**
     * An independent numbered stream of the same seed, at its start.
     *
     * @param index any number; equal numbers under this stream give equal numbers
     * @return a new cursor
     */
    public CounterRandom stream(long index) {
        return new CounterRandom(seed, mix(mix(stream + 0x9E3779B97F4A7C15L) ^ index));
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    @Override
    public int nextInt() {
        if (used == 4) {
            philox(counter++, stream, seed, block);
            used = 0;
        }
        return block[used++];
    }

    @Override
    public long nextLong() {
        return (long) nextInt() << 32 | nextInt() & 0xffffffffL;
    }

    /** {@return the seed that this stream and all its relatives share} */
    public long seed() {
        return seed;
    }

    /**
     * One block of Philox4x32-10.
     *
     * @param low lower half of the 128-bit counter
     * @param high upper half of the counter
     * @param key the 64-bit key
     * @param out receives four 32-bit words
     */
    static void philox(long low, long high, long key, int[] out) {
        int c0 = (int) low;
        int c1 = (int) (low >>> 32);
        int c2 = (int) high;
        int c3 = (int) (high >>> 32);
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        for (int round = 0; round < 10; round++) {
            long p0 = (M0 & 0xffffffffL) * (c0 & 0xffffffffL);
            long p1 = (M1 & 0xffffffffL) * (c2 & 0xffffffffL);
            int n0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            int n2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c1 = (int) p1;
            c3 = (int) p0;
            c0 = n0;
            c2 = n2;
            k0 += W0;
            k1 += W1;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
    }
}
