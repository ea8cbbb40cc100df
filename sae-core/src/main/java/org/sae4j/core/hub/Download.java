package org.sae4j.core.hub;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;

/**
 * Brings one file: into a {@code .part} file that a later download continues, checked while it comes, and renamed when it is whole and
 * right.
 */
final class Download {
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");
    private static final int CHUNK = 1 << 20;

    private final HubFile file;
    private final long size;
    private final Checksum checksum;
    private final URI address;
    private final Path target;
    private final Path part;
    private final Endpoint endpoint;
    private final String stage;

    private MessageDigest digest;
    private long position;

    /** A download of a file whose size and checksum are known. */
    Download(HubFile file, URI address, Path target, Endpoint endpoint) {
        this.file = file;
        this.size = file.size().orElseThrow();
        this.checksum = file.checksum().orElseThrow();
        this.address = address;
        this.target = target;
        this.part = target.resolveSibling(target.getFileName() + HubFile.PART);
        this.endpoint = endpoint;
        this.stage = "fetching " + file.path();
        this.digest = checksum.start(size);
    }

    /**
     * Downloads what is missing.
     *
     * @throws Sae4jException if the server does not give the file that is listed, or the disk fails
     */
    void run(Progress progress) {
        try {
            Files.createDirectories(part.getParent());
            try (FileChannel channel = FileChannel.open(part, CREATE, READ, WRITE)) {
                boolean resumed = takeUp(channel, progress);
                String found = complete(channel, progress);
                if (!found.equals(checksum.hex()) && resumed) {
                    // What lay here from an earlier download may be to blame: once more, from the start.
                    startOver(channel);
                    found = complete(channel, progress);
                }
                if (!found.equals(checksum.hex())) {
                    Files.delete(part);
                    throw new Sae4jException("the content is not what is listed: expected " + checksum + ", found " + found,
                            address.toString(), "run again; if it stays so, do not trust the endpoint (--endpoint, HF_ENDPOINT)");
                }
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw HubCache.failed("the file cannot be written", target, e);
        }
    }

    /** Digests what an earlier download left, and says whether there was anything. */
    private boolean takeUp(FileChannel channel, Progress progress) throws IOException {
        if (channel.size() > size) {
            channel.truncate(0);
        }
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        while (channel.read(chunk) >= 0) {
            progress.checkCancelled();
            digest.update(chunk.flip());
            position += chunk.limit();
            chunk.clear();
        }
        return position > 0;
    }

    private void startOver(FileChannel channel) throws IOException {
        channel.truncate(0);
        position = 0;
        digest = checksum.start(size);
    }

    /** Downloads up to the end and gives the digits of what is there. */
    private String complete(FileChannel channel, Progress progress) {
        progress.update(stage, position, size);
        if (position < size) {
            endpoint.retries().run(() -> {
                attempt(channel, progress);
                return position;
            }, () -> position, address.toString(), progress);
        }
        return Checksum.hex(digest);
    }

    private void attempt(FileChannel channel, Progress progress) throws IOException {
        Map<String, String> headers = position > 0 ? Map.of("Range", "bytes=" + position + "-") : Map.of();
        try (Transport.Response response = endpoint.transport().get(address, headers, progress)) {
            switch (response.status()) {
                case 200 -> {
                    // The whole file, whether a range was asked for or not.
                    onDisk(() -> startOver(channel));
                    checkLength(response.headers().firstValue("Content-Length"), size);
                }
                case 206 -> checkRange(channel, response);
                case 416 -> {
                    onDisk(() -> startOver(channel));
                    throw new IOException("the server has no bytes after those that are here");
                }
                default -> throw endpoint.refused(response, "the file " + file.path(), address);
            }
            receive(channel, response.body(), progress);
        }
        if (position < size) {
            throw new IOException("the connection ended after " + position + " of " + size + " bytes");
        }
    }

    private void checkRange(FileChannel channel, Transport.Response response) throws IOException {
        String range = response.headers().firstValue("Content-Range").orElse("");
        Matcher matcher = CONTENT_RANGE.matcher(range);
        if (!matcher.matches() || Long.parseLong(matcher.group(1)) != position) {
            onDisk(() -> startOver(channel));
            throw new IOException("the server sends the range '" + range + "'");
        }
        checkLength(Optional.of(matcher.group(3)).filter(total -> !total.equals("*")), size);
    }

    private void checkLength(Optional<String> found, long expected) {
        if (found.isPresent() && !found.get().equals(Long.toString(expected))) {
            throw wrongSize(found.get());
        }
    }

    private void receive(FileChannel channel, Body body, Progress progress) throws IOException {
        for (Optional<List<ByteBuffer>> piece = body.next(progress); piece.isPresent(); piece = body.next(progress)) {
            for (ByteBuffer buffer : piece.get()) {
                if (buffer.remaining() > size - position) {
                    onDisk(() -> startOver(channel));
                    throw wrongSize("more");
                }
                digest.update(buffer.duplicate());
                int length = buffer.remaining();
                onDisk(() -> {
                    while (buffer.hasRemaining()) {
                        channel.write(buffer, position + length - buffer.remaining());
                    }
                });
                position += length;
            }
            progress.update(stage, position, size);
        }
    }

    private Sae4jException wrongSize(String found) {
        return new Sae4jException("expected " + size + " bytes, the server has " + found, address.toString(),
                "run again; if it stays so, do not trust the endpoint (--endpoint, HF_ENDPOINT)");
    }

    /** Work on the disk, whose failures must not be taken for those of the network and tried again. */
    private interface DiskWork {
        void run() throws IOException;
    }

    private void onDisk(DiskWork work) {
        try {
            work.run();
        } catch (IOException e) {
            throw HubCache.failed("the file cannot be written", part, e);
        }
    }
}
