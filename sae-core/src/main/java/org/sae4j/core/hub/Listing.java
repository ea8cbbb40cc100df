package org.sae4j.core.hub;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;

/**
 * The files of a repository at a commit. Its JSON, in the cache too, is that of the hub's {@code /api/models/REPO/revision/REV?blobs=true}.
 *
 * @param commit 40 hexadecimal digits
 * @param files the files, in the order of the hub
 */
record Listing(String commit, List<HubFile> files) {
    static final String COMMIT = "[0-9a-f]{40}";

    /**
     * Reads a listing.
     *
     * @throws Sae4jException if it is not what the hub answers, or a name is not safe
     */
    static Listing parse(JsonFile json) {
        String commit = json.string("sha").filter(sha -> sha.matches(COMMIT))
                .orElseThrow(() -> foreign("no commit in 'sha'", json.where()));
        JsonNode siblings = json.get("siblings");
        if (siblings == null || !siblings.isArray()) {
            throw foreign("no list of files in 'siblings'", json.where());
        }
        List<HubFile> files = new ArrayList<>();
        for (JsonNode sibling : siblings) {
            JsonFile file = JsonFile.of(json.at("siblings"), sibling);
            String path = file.string("rfilename").orElseThrow(() -> foreign("a file without 'rfilename'", json.where()));
            Optional<JsonFile> large = file.object("lfs");
            Optional<Checksum> checksum = large.isPresent()
                    ? large.get().string("sha256", "oid").flatMap(hex -> Checksum.of(Checksum.Kind.SHA256, hex))
                    : file.string("blobId").flatMap(hex -> Checksum.of(Checksum.Kind.GIT_BLOB, hex));
            files.add(HubFile.of(path, size(file), checksum, json.where()));
        }
        return new Listing(commit, files);
    }

    private static OptionalLong size(JsonFile file) {
        JsonNode size = file.get("size");
        if (size == null) {
            return OptionalLong.empty();
        }
        if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
            throw file.mismatch("size", "a number of bytes", size);
        }
        return OptionalLong.of(size.longValue());
    }

    private static Sae4jException foreign(String what, String where) {
        return new Sae4jException("the answer is not that of a hub: " + what, where, "check the endpoint (--endpoint, HF_ENDPOINT)");
    }

    Map<String, Object> toJson() {
        List<Map<String, Object>> siblings = new ArrayList<>();
        for (HubFile file : files) {
            Map<String, Object> sibling = new LinkedHashMap<>();
            sibling.put("rfilename", file.path());
            file.size().ifPresent(size -> sibling.put("size", size));
            file.checksum().ifPresent(checksum -> {
                switch (checksum.kind()) {
                    case SHA256 -> sibling.put("lfs", Map.of("sha256", checksum.hex()));
                    case GIT_BLOB -> sibling.put("blobId", checksum.hex());
                }
            });
            siblings.add(sibling);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("sha", commit);
        json.put("siblings", siblings);
        return json;
    }
}
