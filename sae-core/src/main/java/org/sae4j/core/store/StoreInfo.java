package org.sae4j.core.store;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.sae4j.api.ElementType;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.HookPoint;

/**
 * What a store holds and where it comes from.
 *
 * @param hook the hook point
 * @param modelName the transformer's name
 * @param modelFingerprint the transformer's fingerprint, see {@link org.sae4j.api.model.Transformer#fingerprint()}
 * @param type how values are stored: F32, F16 or BF16
 * @param width length of a row, d_in, at least 1
 * @param rowsPerShard rows in each shard but the last, at least 1 and at most 2 GiB of them
 * @param source how the tokens were made, by names of the maker's choice; sorted by name
 */
public record StoreInfo(HookPoint hook, String modelName, String modelFingerprint, ElementType type, int width, long rowsPerShard,
        Map<String, String> source) {
    /** The size of a shard that {@link #rowsPerShard(ElementType, int)} aims at, in bytes. */
    private static final long SHARD_BYTES = 256L << 20;
    private static final long MAX_SHARD_BYTES = Integer.MAX_VALUE - 8;

    /**
     * Copies the map.
     *
     * @throws Sae4jException if the type cannot hold activations or a number is out of range
     */
    public StoreInfo {
        source = Collections.unmodifiableMap(new TreeMap<>(source));
        if (type != ElementType.F32 && type != ElementType.F16 && type != ElementType.BF16) {
            throw new Sae4jException("activations are not stored as " + type, hook.toString(), "choose F32, F16 or BF16");
        }
        if (width < 1 || rowsPerShard < 1 || rowsPerShard > MAX_SHARD_BYTES / ((long) width * type.bytes())) {
            throw new Sae4jException("a shard of " + rowsPerShard + " rows of width " + width + " is impossible", hook.toString(),
                    "choose at least 1 and at most 2 GiB a shard");
        }
    }

    /**
     * A number of rows that makes shards of a quarter of a gibibyte.
     *
     * @param type how values are stored
     * @param width length of a row
     * @return at least 1
     */
    public static long rowsPerShard(ElementType type, int width) {
        return Math.max(1, SHARD_BYTES / ((long) width * type.bytes()));
    }

    int rowBytes() {
        return width * type.bytes();
    }
}
