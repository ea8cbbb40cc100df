package org.sae4j.core.store;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.sae4j.api.ElementType;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * The file {@code store.json} of a store. What it names is on the disk: it is written after the rows it counts.
 *
 * @param info what the store holds
 * @param shuffleSeed the seed of the permutation that the rows lie in; empty if they lie in the order of their tokens
 * @param shards complete shards, in order
 * @param openRows rows in the shard that is being written
 * @param progress how far the maker is, for going on
 * @param complete whether no more rows come
 */
record StoreManifest(StoreInfo info, OptionalLong shuffleSeed, List<Shard> shards, long openRows, HarvestProgress progress,
        boolean complete) {
    static final String FILE = "store.json";
    private static final String FORMAT = "sae4j-activation-store-1";
    private static final String AGAIN = "restore the file, or harvest again";

    /** A complete shard: how many rows, and the SHA-256 of its file. */
    record Shard(long rows, String sha256) {}

    /** {@return the name of the file of a shard} */
    static String shardName(int number) {
        return "shard-%05d.safetensors".formatted(number);
    }

    long rows() {
        return shards.stream().mapToLong(Shard::rows).sum() + openRows;
    }

    void write(Path folder) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("format", FORMAT);
        json.put("complete", complete);
        json.put("hook_name", info.requireHook().toString());
        json.put("model_name", info.modelName().orElseThrow());
        json.put("model_fingerprint", info.modelFingerprint());
        json.put("dtype", info.type().name());
        json.put("width", info.width());
        json.put("rows", rows());
        json.put("rows_per_shard", info.rowsPerShard());
        shuffleSeed.ifPresent(seed -> json.put("shuffle_seed", seed));
        json.put("source", info.source());
        Map<String, Object> done = new LinkedHashMap<>();
        done.put("contexts", progress.contexts());
        done.put("tokens", progress.tokens());
        done.put("tokens_sha256", progress.tokensSha256());
        json.put("progress", done);
        List<Object> list = new ArrayList<>();
        for (int number = 0; number < shards.size(); number++) {
            Map<String, Object> shard = new LinkedHashMap<>();
            shard.put("file", shardName(number));
            shard.put("rows", shards.get(number).rows());
            shard.put("sha256", shards.get(number).sha256());
            list.add(shard);
        }
        json.put("shards", list);
        if (!complete) {
            json.put("open_rows", openRows);
        }
        byte[] text = JsonWriter.indented(json).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve(FILE), out -> out.write(text));
    }

    static StoreManifest read(Path folder) {
        JsonFile json = JsonFile.read(folder.resolve(FILE));
        if (!FORMAT.equals(json.string("format").orElse(""))) {
            throw new FormatException("expected the format " + FORMAT + ", found " + json.string("format").orElse("none"), json.where(),
                    "name the folder of an activation store");
        }
        String hook = text(json, "hook_name");
        String type = text(json, "dtype");
        Map<String, String> source = new LinkedHashMap<>();
        JsonFile from = object(json, "source");
        from.node().propertyNames().forEach(key -> source.put(key, text(from, key)));
        boolean complete = json.flag("complete", false);
        JsonFile done = object(json, "progress");
        StoreManifest manifest;
        try {
            HookPoint point = HookPoint.parse(hook).orElseThrow(() -> broken(json, "hook_name", "no hook point " + hook));
            StoreInfo info = new StoreInfo(Optional.of(point), Optional.of(text(json, "model_name")), text(json, "model_fingerprint"),
                    ElementType.valueOf(type), (int) number(json, "width", 1, Integer.MAX_VALUE),
                    number(json, "rows_per_shard", 1, Integer.MAX_VALUE), source).requireWritable();
            manifest = new StoreManifest(info, json.has("shuffle_seed")
                    ? OptionalLong.of(number(json, "shuffle_seed", Long.MIN_VALUE, Long.MAX_VALUE)) : OptionalLong.empty(),
                    shards(json, info, complete), complete ? 0 : number(json, "open_rows", 0, info.rowsPerShard() - 1),
                    new HarvestProgress(number(done, "contexts", 0, Long.MAX_VALUE), number(done, "tokens", 0, Long.MAX_VALUE),
                            text(done, "tokens_sha256")), complete);
        } catch (IllegalArgumentException e) {
            throw new FormatException("the dtype " + type + " is unknown", json.at("dtype"), AGAIN, e);
        } catch (FormatException e) {
            throw e;
        } catch (Sae4jException e) {
            throw new FormatException(e.what(), json.where(), AGAIN, e);
        }
        long rows = number(json, "rows", 0, Long.MAX_VALUE);
        if (manifest.rows() != rows) {
            throw broken(json, "rows", "the shards have " + manifest.rows() + " rows, but rows says " + rows);
        }
        if (complete && rows == 0) {
            throw broken(json, "rows", "the store has no rows");
        }
        return manifest;
    }

    private static List<Shard> shards(JsonFile json, StoreInfo info, boolean complete) {
        JsonNode list = json.get("shards");
        if (list == null || !list.isArray()) {
            throw broken(json, "shards", "no list of shards");
        }
        List<Shard> shards = new ArrayList<>();
        for (JsonNode node : list) {
            JsonFile shard = JsonFile.of(json.at("shards[" + shards.size() + "]"), node);
            if (!shardName(shards.size()).equals(text(shard, "file"))) {
                throw broken(shard, "file", "expected " + shardName(shards.size()) + ", found " + text(shard, "file"));
            }
            long rows = number(shard, "rows", 1, info.rowsPerShard());
            boolean last = complete && shards.size() == list.size() - 1;
            if (rows < info.rowsPerShard() && !last) {
                throw broken(shard, "rows", "expected rows_per_shard, " + info.rowsPerShard() + ", found " + rows);
            }
            shards.add(new Shard(rows, text(shard, "sha256")));
        }
        return shards;
    }

    private static String text(JsonFile json, String key) {
        return json.string(key).orElseThrow(() -> broken(json, key, "the manifest lacks it"));
    }

    private static JsonFile object(JsonFile json, String key) {
        Optional<JsonFile> object = json.object(key);
        return object.orElseThrow(() -> broken(json, key, "the manifest lacks it"));
    }

    private static long number(JsonFile json, String key, long least, long most) {
        JsonNode value = json.get(key);
        if (value == null || !value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < least
                || value.longValue() > most) {
            throw broken(json, key, "expected a whole number from " + least + " to " + most + ", found " + value);
        }
        return value.longValue();
    }

    private static FormatException broken(JsonFile json, String key, String what) {
        return new FormatException(what, json.at(key), AGAIN);
    }
}
