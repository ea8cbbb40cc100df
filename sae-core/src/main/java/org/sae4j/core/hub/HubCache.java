package org.sae4j.core.hub;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * What lies where: {@code OWNER/NAME/COMMIT/path} are the files, {@code OWNER/NAME/COMMIT.json} is the listing,
 * {@code OWNER/NAME/refs/REVISION} the commit that a revision meant when it was last asked for.
 */
final class HubCache {
    private final Path repository;
    private final HubReference reference;

    HubCache(Path root, HubReference reference) {
        this.repository = root.toAbsolutePath().normalize().resolve(reference.owner()).resolve(reference.name());
        this.reference = reference;
    }

    Path folder(String commit) {
        return repository.resolve(commit);
    }

    Path lock(String commit) {
        return repository.resolve(commit + ".lock");
    }

    private Path listing(String commit) {
        return repository.resolve(commit + ".json");
    }

    private Path ref() {
        return repository.resolve("refs").resolve(URLEncoder.encode(reference.revision(), StandardCharsets.UTF_8));
    }

    /** {@return the commit of the revision, if the cache knows it} */
    Optional<String> commit() {
        if (reference.revision().matches(Listing.COMMIT)) {
            return Optional.of(reference.revision());
        }
        if (!Files.isRegularFile(ref())) {
            return Optional.empty();
        }
        try {
            return Optional.of(Files.readString(ref(), StandardCharsets.US_ASCII).strip()).filter(commit -> commit.matches(Listing.COMMIT));
        } catch (IOException e) {
            throw failed("the cache cannot be read", ref(), e);
        }
    }

    /** {@return the files of a commit, if the cache knows them} */
    Optional<Listing> listing(Optional<String> commit) {
        return commit.map(this::listing).filter(Files::isRegularFile).map(JsonFile::read).map(Listing::parse);
    }

    /** Records a listing, and that the revision means its commit. */
    void store(Listing listing) {
        write(listing(listing.commit()), JsonWriter.compact(listing.toJson()));
        if (!reference.revision().equals(listing.commit())) {
            write(ref(), listing.commit() + "\n");
        }
    }

    private static void write(Path path, String text) {
        AtomicFile.write(path, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** {@return whether a file is in the cache, as long as it must be; it was verified before it got its name} */
    boolean has(Listing listing, HubFile file) {
        Path path = folder(listing.commit()).resolve(file.path());
        try {
            return Files.isRegularFile(path) && (file.size().isEmpty() || Files.size(path) == file.size().getAsLong());
        } catch (IOException e) {
            throw failed("the cache cannot be read", path, e);
        }
    }

    /**
     * Checks that some files fit on the disk with the repository's folder, which is there once a listing was stored.
     *
     * @throws Sae4jException if the disk has fewer bytes
     */
    void checkSpace(Iterable<HubFile> files) {
        long needed = 0;
        for (HubFile file : files) {
            needed += file.size().orElse(0);
            if (needed < 0) {
                needed = Long.MAX_VALUE;
                break;
            }
        }
        try {
            long free = Files.getFileStore(repository).getUsableSpace();
            if (needed > free) {
                throw new Sae4jException("the files need " + needed + " bytes, the disk has " + free, repository.toString(),
                        "make room, name another disk with --cache, or choose fewer files with --include");
            }
        } catch (IOException e) {
            throw failed("the free space cannot be read", repository, e);
        }
    }

    static Sae4jException failed(String what, Path where, IOException cause) {
        return new Sae4jException(what + " (" + cause + ")", where.toString(),
                "check its permissions and free space, or choose another folder with --cache or SAE4J_CACHE", cause);
    }
}
