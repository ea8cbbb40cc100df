package org.sae4j.core.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.FormatException;

/**
 * A complete shard that several threads read. Java closes a channel when a thread is interrupted that reads from it; here that thread alone
 * has the exception, and the channel is opened again for the others.
 */
final class ShardFile implements AutoCloseable {
    private final Path file;
    private final long bytes;
    private volatile FileChannel channel;
    private boolean closed;

    /**
     * Opens a shard whose header was checked.
     *
     * @throws FormatException if it cannot be read or has another size
     */
    ShardFile(Path file, long bytes) {
        this.file = file;
        this.bytes = bytes;
        channel = openChannel();
    }

    private FileChannel openChannel() {
        try {
            FileChannel opened = FileChannel.open(file, StandardOpenOption.READ);
            if (opened.size() != bytes) {
                opened.close();
                throw new FormatException("expected " + bytes + " bytes", file.toString(), "restore the shard, or harvest again");
            }
            return opened;
        } catch (ClosedByInterruptException e) {
            throw interrupted(e);
        } catch (IOException e) {
            throw new FormatException("the shard cannot be read (" + e + ")", file.toString(), "check its permissions", e);
        }
    }

    private FileChannel channel() {
        FileChannel current = channel;
        if (current.isOpen()) {
            return current;
        }
        synchronized (this) {
            requireOpen();
            if (!channel.isOpen()) {
                channel = openChannel();
            }
            return channel;
        }
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the store " + file.getParent() + " is closed");
        }
    }

    /** Reads from a position on as many bytes as the buffer has left. */
    void read(long at, ByteBuffer buffer) {
        int start = buffer.position();
        while (true) {
            try {
                Shards.readFully(channel(), at, buffer, file);
                return;
            } catch (ClosedByInterruptException e) {
                throw interrupted(e);
            } catch (ClosedChannelException e) {
                // Another thread was interrupted, or the store was closed, which channel() says.
                buffer.position(start);
            } catch (IOException e) {
                throw new FormatException("the shard cannot be read (" + e + ")", file.toString(), "check the disk", e);
            }
        }
    }

    private Sae4jException interrupted(ClosedByInterruptException e) {
        return new Sae4jException("the thread was interrupted while it read the shard", file.toString(), "read again", e);
    }

    /** Compares the whole file with its checksum, in hexadecimal. */
    void verify(String sha256, Progress progress) {
        String found = Shards.sha256(this::read, bytes, progress);
        if (!found.equals(sha256)) {
            throw new FormatException("the shard's SHA-256 is " + found + ", but it was written with " + sha256, file.toString(),
                    "restore the shard, or harvest again");
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
