package org.sae4j.core.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.sae4j.api.Progress;
import org.sae4j.core.internal.LockFile;

/** Lets one download at a time fill a snapshot: of all threads of this process and of all processes that share the cache. */
final class SnapshotLock implements AutoCloseable {
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

    private final Path file;
    private final LockFile lock;

    private SnapshotLock(Path file, LockFile lock) {
        this.file = file;
        this.lock = lock;
    }

    /** Waits until no other download fills the snapshot. */
    static SnapshotLock acquire(Path file, Retries retries, Progress progress) {
        try {
            Files.createDirectories(file.getParent());
            while (true) {
                Optional<LockFile> lock = LockFile.tryAcquire(file, "a download");
                if (lock.isPresent()) {
                    return new SnapshotLock(file, lock.get());
                }
                progress.update("waiting for another download of the same repository", 0, 0);
                retries.await(BETWEEN_LOOKS, progress);
            }
        } catch (IOException e) {
            throw HubCache.failed("the cache cannot be locked", file, e);
        }
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw HubCache.failed("the lock of the cache cannot be released", file, e);
        }
    }
}
