package org.sae4j.core.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.sae4j.api.Progress;

/** Lets one download at a time fill a snapshot: of all threads of this process and of all processes that share the cache. */
final class SnapshotLock implements AutoCloseable {
    /** A file lock belongs to the process, and closing any channel on the file releases it: threads must exclude each other before. */
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

    private final Path file;
    private final FileChannel channel;

    private SnapshotLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Waits until no other download fills the snapshot. */
    static SnapshotLock acquire(Path file, Retries retries, Progress progress) {
        while (!HELD_HERE.add(file)) {
            look(retries, progress);
        }
        boolean done = false;
        try {
            Files.createDirectories(file.getParent());
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                while (channel.tryLock() == null) {
                    look(retries, progress);
                }
                done = true;
                return new SnapshotLock(file, channel);
            } finally {
                if (!done) {
                    channel.close();
                }
            }
        } catch (IOException e) {
            throw HubCache.failed("the cache cannot be locked", file, e);
        } finally {
            if (!done) {
                HELD_HERE.remove(file);
            }
        }
    }

    private static void look(Retries retries, Progress progress) {
        progress.update("waiting for another download of the same repository", 0, 0);
        retries.await(BETWEEN_LOOKS, progress);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw HubCache.failed("the lock of the cache cannot be released", file, e);
        } finally {
            HELD_HERE.remove(file);
        }
    }
}
