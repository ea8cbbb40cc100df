package org.sae4j.core.hub;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;

/**
 * Brings repositories of the Hugging Face hub into a cache and finds them there.
 *
 * <p>A file gets its name in the cache only when its size and checksum are those that the hub lists: SHA-256 for large files, git's SHA-1
 * for the others. What a broken or cancelled download leaves is continued by the next. Several threads and processes may share a cache. The
 * token is sent to the endpoint and not to the hosts that it redirects to.
 *
 * <p>Safe for use by several threads.
 */
public final class HubClient implements AutoCloseable {
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private final HubSettings settings;
    private final Retries retries;
    private final Transport transport;
    private volatile boolean closed;

    /**
     * Makes a client. The network is not used before a snapshot is asked for.
     *
     * @param settings where to download from and to
     */
    public HubClient(HubSettings settings) {
        this(settings, Retries.Pause.SYSTEM, SILENCE);
    }

    /** A client with another way to wait between attempts, and another limit on how long a server may be silent. */
    HubClient(HubSettings settings, Retries.Pause pause, Duration silence) {
        this.settings = settings;
        this.retries = new Retries(pause);
        this.transport = new Transport(settings, silence);
    }

    /**
     * Makes sure that files of a repository are in the cache. Without patterns these are the usual files at the top of the repository:
     * configs, tokenizer, and weights as {@code *.safetensors}, {@code *.pt}, {@code *.pth}, {@code *.npz}, or {@code *.bin} where there
     * are no safetensors.
     *
     * <p>Online, the hub is asked what the revision means, unless it is a commit whose files are all here. Offline, it is what it meant
     * when it was last fetched.
     *
     * @param reference the repository and its revision
     * @param include patterns of the paths that are wanted instead of the usual files, such as {@code layer_0/**}; {@code *} stays within a
     *        folder, {@code **} crosses folders
     * @param progress told the bytes of each file; a cancellation leaves what is here for the next time
     * @return the snapshot; all its files are complete
     * @throws Sae4jException if the repository, revision or a file does not exist or is not open to the token, nothing matches the
     *         patterns, the network or the server fails again and again, the content is not what is listed, the disk is full or fails, or a
     *         file is missing offline
     * @throws CancellationException if {@code progress} was cancelled or the thread interrupted
     * @throws IllegalStateException if the client is closed
     */
    public HubSnapshot fetch(HubReference reference, List<String> include, Progress progress) {
        if (closed) {
            throw new IllegalStateException("the hub client is closed");
        }
        FileSelection selection = new FileSelection(include);
        HubCache cache = new HubCache(settings.cache(), reference);
        Optional<Listing> known = cache.listing(cache.commit());
        if (settings.offline()) {
            return fromCache(reference, selection, cache, known);
        }
        boolean fixed = known.isPresent() && known.get().commit().equals(reference.revision());
        if (fixed) {
            List<HubFile> files = selection.of(known.get(), reference.toString());
            if (files.stream().allMatch(file -> cache.has(known.get(), file))) {
                return snapshot(reference, cache, known.get(), files);
            }
        }
        Endpoint endpoint = new Endpoint(settings, reference, transport, retries);
        Listing listing = endpoint.listing(progress);
        List<HubFile> files = selection.of(listing, reference.toString());
        cache.store(listing);
        try (SnapshotLock _ = SnapshotLock.acquire(cache.lock(listing.commit()), retries, progress)) {
            List<HubFile> missing = new ArrayList<>();
            for (HubFile file : files) {
                if (!cache.has(listing, file)) {
                    missing.add(endpoint.complete(file, listing.commit(), progress));
                }
            }
            cache.checkSpace(missing);
            for (HubFile file : missing) {
                Path target = cache.folder(listing.commit()).resolve(file.path());
                new Download(file, endpoint.file(listing.commit(), file), target, endpoint).run(progress);
            }
        }
        return snapshot(reference, cache, listing, files);
    }

    private HubSnapshot fromCache(HubReference reference, FileSelection selection, HubCache cache, Optional<Listing> known) {
        String online = "fetch it once without --offline";
        Listing listing = known.orElseThrow(
                () -> new Sae4jException("the cache has nothing of " + reference, settings.cache().toString(), online));
        List<HubFile> files = selection.of(listing, reference.toString());
        List<String> missing = files.stream().filter(file -> !cache.has(listing, file)).map(HubFile::path).toList();
        if (!missing.isEmpty()) {
            throw new Sae4jException("the cache lacks " + String.join(", ", missing) + " of " + reference,
                    cache.folder(listing.commit()).toString(), online);
        }
        return snapshot(reference, cache, listing, files);
    }

    private static HubSnapshot snapshot(HubReference reference, HubCache cache, Listing listing, List<HubFile> files) {
        Path folder = cache.folder(listing.commit());
        return new HubSnapshot(reference, listing.commit(), folder, files.stream().map(file -> folder.resolve(file.path())).toList());
    }

    /** Ends downloads that are under way, as if their connections broke. Closing twice does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            transport.close();
        }
    }
}
