package org.sae4j.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Event files, byte by byte; {@code src/test/python/read_events.py} reads one with TensorBoard itself. */
class TensorBoardFileTest {
    private static final InstantSource NOON = InstantSource.fixed(Instant.ofEpochSecond(1_700_000_000L, 500_000_000));

    @TempDir
    private Path folder;

    /** The data of all records, their checksums verified as TensorFlow's record_reader does. */
    private static List<byte[]> records(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<byte[]> records = new ArrayList<>();
        while (in.hasRemaining()) {
            byte[] length = new byte[8];
            in.get(length);
            assertThat(unmasked(in.getInt())).isEqualTo(crc(length));
            byte[] data = new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
            in.get(data);
            assertThat(unmasked(in.getInt())).isEqualTo(crc(data));
            records.add(data);
        }
        return records;
    }

    private static int unmasked(int masked) {
        return Integer.rotateLeft(masked - 0xa282ead8, 15);
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    @Test
    void eventsHaveVersionStartAndScalars() throws IOException {
        Path file;
        try (TensorBoardFile events = new TensorBoardFile(folder, 299, NOON)) {
            file = events.path();
            Map<String, Number> values = new LinkedHashMap<>();
            values.put("l0", 31.5);
            values.put("dead", 7);
            events.scalars(300, values);
        }
        assertThat(file.getFileName().toString()).isEqualTo("events.out.tfevents.1700000000.sae4j");
        List<byte[]> records = records(file);
        assertThat(records).hasSize(3);
        assertThat(new String(records.getFirst(), StandardCharsets.ISO_8859_1)).endsWith("brain.Event:2");
        // Session START (field 7) at step 300, a varint of two bytes.
        assertThat(records.get(1)).endsWith(0x10, 0xac, 0x02, 0x3a, 0x02, 0x08, 0x01);
        ByteBuffer scalars = ByteBuffer.wrap(records.get(2)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(scalars.getDouble(1)).isEqualTo(1_700_000_000.5);
        assertThat(records.get(2)).endsWith(0x10, 0xac, 0x02, 0x2a, 24, 0x0a, 9, 0x0a, 2, 'l', '0', 0x15, 0, 0, 0xfc, 0x41,
                0x0a, 11, 0x0a, 4, 'd', 'e', 'a', 'd', 0x15, 0, 0, 0xe0, 0x40);
    }

    @Test
    void runsOfOneSecondDoNotShareAFile() {
        try (TensorBoardFile one = new TensorBoardFile(folder, 0, NOON); TensorBoardFile two = new TensorBoardFile(folder, 0, NOON)) {
            assertThat(one.path()).isNotEqualTo(two.path());
        }
    }

    @Test
    void nothingIsWrittenAfterClose() {
        TensorBoardFile events = new TensorBoardFile(folder, 0);
        events.close();
        events.close();
        assertThatThrownBy(() -> events.scalars(1, Map.of("a", 1))).isInstanceOf(IllegalStateException.class);
    }
}
