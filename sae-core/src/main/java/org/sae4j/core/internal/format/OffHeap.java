package org.sae4j.core.internal.format;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/** Memory outside the Java heap, for what is read from files. No option of the JVM limits it, so the machine's memory is looked at first. */
final class OffHeap {
    /** Linux says here what can be had without swapping. What is free in the narrow sense leaves out the caches, which give way. */
    private static final Path MEMORY = Path.of("/proc/meminfo");
    private static final String AVAILABLE = "MemAvailable:";
    /** Below this it is not worth looking. */
    private static final long SMALL = 16 << 20;

    private OffHeap() {}

    /**
     * Allocates memory.
     *
     * @param where what it is for, for the message
     * @throws Sae4jException if it is more than there is; the message says bytes needed and available
     */
    static MemorySegment allocate(Arena arena, long bytes, String where) {
        if (bytes > SMALL && bytes > available()) {
            throw exhausted(bytes, where, null);
        }
        try {
            return arena.allocate(bytes, Long.BYTES);
        } catch (OutOfMemoryError e) {
            throw exhausted(bytes, where, e);
        }
    }

    private static Sae4jException exhausted(long bytes, String where, @Nullable Throwable cause) {
        return new Sae4jException("needs " + bytes + " bytes outside of the Java heap, available are " + available(), where,
                "use a smaller file or a machine with more memory; a lower -Xmx leaves more outside of the heap", cause);
    }

    private static long available() {
        long total = ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system ? system.getTotalMemorySize()
                : Long.MAX_VALUE;
        try (Stream<String> lines = Files.isReadable(MEMORY) ? Files.lines(MEMORY) : Stream.empty()) {
            return lines.filter(line -> line.startsWith(AVAILABLE)).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .map(available -> Math.min(available, total)).findFirst().orElse(total);
        } catch (IOException e) {
            throw new Sae4jException("cannot read what memory is available, " + e, MEMORY.toString(), "check its permissions", e);
        }
    }
}
