package org.sae4j.core.store;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.internal.format.ElementDecoder;

/** The file of a store with the norm of each row, a safetensors file with the tensor {@code norms} [rows]. */
final class NormsFile implements AutoCloseable {
    static final String FILE = "norms.safetensors";
    private static final String TENSOR = "norms";
    private static final int CHUNK_ROWS = 1 << 12;

    private final Path file;
    private final StoreInfo info;
    private @Nullable FileChannel open;
    /** Whether rows came before these whose norms nobody wrote, or there are more than a tensor holds: then there is no file. */
    private boolean without;

    /** Prepares for writing; the file is opened with the first rows. */
    NormsFile(Path folder, StoreInfo info) {
        file = folder.resolve(FILE);
        this.info = info;
    }

    private FileChannel channel() throws IOException {
        FileChannel channel = open;
        if (channel == null) {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            open = channel;
        }
        return channel;
    }

    /** Writes the norms of rows in their stored form, the first of which has a number; the buffer stays as it is. */
    void write(long first, ByteBuffer rows) throws IOException {
        if (open == null && first > 0) {
            without = !Files.exists(file) || Files.size(file) < Shards.DATA + first * Float.BYTES;
        }
        if (without) {
            return;
        }
        int width = info.width();
        int count = rows.remaining() / info.rowBytes();
        ElementDecoder decoder = ElementDecoder.of(info.type(), ByteOrder.LITTLE_ENDIAN, MemorySegment.ofBuffer(rows));
        float[] row = new float[width];
        ByteBuffer norms = ByteBuffer.allocate(Float.BYTES * Math.min(count, CHUNK_ROWS)).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < count; from += CHUNK_ROWS) {
            norms.clear();
            for (int i = from; i < Math.min(count, from + CHUNK_ROWS); i++) {
                decoder.decode((long) i * width, 1, row, 0, width);
                norms.putFloat(RowNorms.norm(row, 0, width));
            }
            put(norms.flip(), Shards.DATA + (first + from) * Float.BYTES);
        }
    }

    private void put(ByteBuffer bytes, long at) throws IOException {
        long next = at;
        while (bytes.hasRemaining()) {
            next += channel().write(bytes, next);
        }
    }

    void force() throws IOException {
        if (open != null) {
            open.force(true);
        }
    }

    /** Writes the header and cuts off what lies beyond the rows. */
    void complete(long rows) throws IOException {
        if (without || rows > Integer.MAX_VALUE) {
            close();
            Files.deleteIfExists(file);
            return;
        }
        put(Shards.header(info.modelName().orElse(""), TENSOR, ElementType.F32, List.of(rows), rows * Float.BYTES), 0);
        channel().truncate(Shards.DATA + rows * Float.BYTES);
        force();
    }

    /**
     * Reads the norms of a complete store.
     *
     * @return empty if the store was written without
     * @throws FormatException if the file is broken or has another number of rows
     */
    static Optional<RowNorms> read(Path folder, long rows) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (SafetensorsFile tensors = SafetensorsFile.open(file)) {
            if (!tensors.names().contains(TENSOR) || !Arrays.equals(tensors.shape(TENSOR), new int[] {(int) rows})) {
                throw new FormatException("expected the tensor " + TENSOR + " [" + rows + "], found " + tensors.names(), file.toString(),
                        "delete the file; norms are then measured again");
            }
            float[] norms = tensors.tensor(TENSOR).toArray();
            for (float norm : norms) {
                if (!(norm >= 0)) {
                    throw new FormatException("a norm is " + norm, file.toString(), "delete the file; norms are then measured again");
                }
            }
            return Optional.of(new RowNorms(norms));
        }
    }

    @Override
    public void close() throws IOException {
        if (open != null) {
            open.close();
            open = null;
        }
    }
}
