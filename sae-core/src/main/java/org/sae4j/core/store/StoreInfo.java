package org.sae4j.core.store;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sae4j.api.ElementType;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.HookPoint;

/**
 * What a store holds and where it comes from.
 *
 * @param hook the hook point; empty if it is not known
 * @param modelName the transformer's name; empty if it is not known
 * @param modelFingerprint the transformer's fingerprint, see {@link org.sae4j.api.model.Transformer#fingerprint()}; an empty string if it
 *     is not known
 * @param type how values are stored
 * @param width length of a row, d_in, at least 1
 * @param rowsPerShard rows in each shard but the last, at least 1; of files that something else wrote, rows in the largest
 * @param source how the tokens were made, by names of the maker's choice; sorted by name
 */
public record StoreInfo(Optional<HookPoint> hook, Optional<String> modelName, String modelFingerprint, ElementType type, int width,
        long rowsPerShard, Map<String, String> source) {
    /** The size of a shard that {@link #rowsPerShard(ElementType, int)} aims at, in bytes. */
    private static final long SHARD_BYTES = 256L << 20;
    private static final long MAX_SHARD_BYTES = Integer.MAX_VALUE - 8;

    /**
     * Copies the map.
     *
     * @throws Sae4jException if a number is out of range
     */
    public StoreInfo {
        source = Collections.unmodifiableMap(new TreeMap<>(source));
        if (width < 1 || rowsPerShard < 1) {
            throw new Sae4jException("a shard of " + rowsPerShard + " rows of width " + width + " is impossible", "the activations",
                    "give rows of at least one value");
        }
    }

    /**
     * Requires what the shards of a store that is written here have.
     *
     * @throws Sae4jException if hook point or model are not known, the type cannot hold activations, or a shard is larger than 2 GiB
     */
    StoreInfo requireWritable() {
        String where = hook.map(HookPoint::toString).orElse("the store's hook point");
        if (hook.isEmpty() || modelName.isEmpty()) {
            throw new Sae4jException("a store names its hook point and its model", where, "say both");
        }
        if (type != ElementType.F32 && type != ElementType.F16 && type != ElementType.BF16) {
            throw new Sae4jException("activations are not stored as " + type, where, "choose F32, F16 or BF16");
        }
        if (rowsPerShard > MAX_SHARD_BYTES / ((long) width * type.bytes())) {
            throw new Sae4jException("a shard of " + rowsPerShard + " rows of width " + width + " is impossible", where,
                    "choose at least 1 and at most 2 GiB a shard");
        }
        return this;
    }

    /** The hook point of a store that was written here. */
    HookPoint requireHook() {
        return hook.orElseThrow(() -> new IllegalStateException("a store that is written here names its hook point"));
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
