package org.sae4j.core.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that one holder at a time locks: of all threads of this process and of all processes. The operating system releases the lock of a
 * process that ends, however it ends, so the file that a killed process left does not block anyone. The file says who holds it.
 *
 * <p>On POSIX systems a lock belongs to the process, and closing whatever channel on the file releases it. So threads exclude each other
 * before, and a process that has a lock does not open its file again.
 */
public final class LockFile implements AutoCloseable {
    /** What the holders in this process do, by the real paths of the files. */
    private static final Map<Path, String> HELD_HERE = new ConcurrentHashMap<>();
    /** The lock is on a byte that the file does not have, so that its text can be read where locks are mandatory. */
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;
    private static final int MOST_PADDING = 4000;

    private final Path file;
    private final Path key;
    private final FileChannel channel;

    private LockFile(Path file, Path key, FileChannel channel) {
        this.file = file;
        this.key = key;
        this.channel = channel;
    }

    /**
     * Locks a file, which is made if needed.
     *
     * @param file in a folder that exists
     * @param purpose what the holder does, for {@link #holder}
     * @return the lock, or empty if someone has it
     * @throws IOException if the file cannot be made or locked
     */
    public static Optional<LockFile> tryAcquire(Path file, String purpose) throws IOException {
        Path key = key(file);
        if (HELD_HERE.putIfAbsent(key, purpose) != null) {
            return Optional.empty();
        }
        boolean done = false;
        try {
            while (true) {
                FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                try {
                    FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
                    if (lock == null) {
                        return Optional.empty();
                    }
                    if (isAt(file, channel, purpose)) {
                        done = true;
                        return Optional.of(new LockFile(file, key, channel));
                    }
                } catch (OverlappingFileLockException e) {
                    // Another class loader of this process has it.
                    return Optional.empty();
                } finally {
                    if (!done) {
                        channel.close();
                    }
                }
            }
        } finally {
            if (!done) {
                HELD_HERE.remove(key);
            }
        }
    }

    private static Path key(Path file) throws IOException {
        Path absolute = file.toAbsolutePath();
        return Objects.requireNonNull(absolute.getParent()).toRealPath().resolve(absolute.getFileName());
    }

    /**
     * Whether the locked file is still the one at the path: its last holder may have deleted it after it was opened here. Told by its size,
     * which is a random one.
     */
    private static boolean isAt(Path file, FileChannel channel, String purpose) throws IOException {
        String text = describe(ProcessHandle.current().pid(), purpose) + "\n"
                + " ".repeat(ThreadLocalRandom.current().nextInt(MOST_PADDING));
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        channel.truncate(0);
        while (bytes.hasRemaining()) {
            channel.write(bytes, bytes.position());
        }
        return Files.exists(file) && Files.size(file) == bytes.limit();
    }

    private static String describe(long process, String purpose) {
        return "process " + process + ", " + purpose;
    }

    /**
     * Who holds a lock.
     *
     * @param file a file that {@link #tryAcquire} did not get
     * @return the process and what it does, as far as can be told
     */
    public static String holder(Path file) {
        try {
            String here = HELD_HERE.get(key(file));
            return here != null ? describe(ProcessHandle.current().pid(), here)
                    : Files.readString(file).lines().findFirst().filter(line -> !line.isBlank()).orElse("another process");
        } catch (IOException e) {
            return "another process";
        }
    }

    /** Releases the lock and deletes the file. Closing twice has no effect. */
    @Override
    public void close() throws IOException {
        if (!channel.isOpen()) {
            return;
        }
        try {
            // While it is locked: who has it open already finds out that it is gone.
            Files.deleteIfExists(file);
        } finally {
            channel.close();
            HELD_HERE.remove(key);
        }
    }
}
