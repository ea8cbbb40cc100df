package org.sae4j.report;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.zip.CRC32C;
import org.sae4j.api.Sae4jException;

/**
 * Writes numbers over steps as TensorBoard reads them: a file of TFRecords (length, its checksum, data, its checksum), each an
 * {@code Event} of TensorFlow's {@code event.proto} with scalar summaries. Every file carries the times of its events, as TensorBoard
 * wants. What is written can be seen about a second later. For one thread at a time.
 */
public final class TensorBoardFile implements AutoCloseable {
    private static final long FLUSH_NANOS = Duration.ofSeconds(1).toNanos();
    /** TensorFlow adds this to a rotated checksum, so that the checksum of data with checksums stays meaningful. */
    private static final int MASK = 0xa282ead8;
    private static final int WIRE_VARINT = 0;
    private static final int WIRE_64 = 1;
    private static final int WIRE_BYTES = 2;
    private static final int WIRE_32 = 5;
    private static final int SESSION_START = 1;

    private final Path file;
    private final OutputStream out;
    private final InstantSource clock;
    private long flushed = System.nanoTime();
    private boolean closed;

    /**
     * Begins a new file in a folder of logs; files of earlier runs stay.
     *
     * @param folder the folder that {@code tensorboard --logdir} is given, or one below it, whose name then is the run's; made if needed
     * @param stepsDone steps before the next one: TensorBoard drops what other files of the folder say about later ones
     * @throws Sae4jException if the file cannot be made
     */
    public TensorBoardFile(Path folder, long stepsDone) {
        this(folder, stepsDone, InstantSource.system());
    }

    TensorBoardFile(Path folder, long stepsDone, InstantSource clock) {
        this.clock = clock;
        Path made = folder;
        try {
            Files.createDirectories(folder);
            OutputStream opened = null;
            // TensorBoard reads the files of a folder in the order of their names.
            for (long second = clock.millis() / 1000; opened == null; second++) {
                made = folder.resolve("events.out.tfevents." + second + ".sae4j");
                try {
                    opened = Files.newOutputStream(made, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                } catch (FileAlreadyExistsException e) {
                    // Another run began in the same second.
                }
            }
            out = new BufferedOutputStream(opened);
        } catch (IOException e) {
            throw failure(made, e);
        }
        file = made;
        Message version = event(0);
        version.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
        write(version);
        Message start = event(stepsDone + 1);
        start.bytes(7, new Message().varint(1, SESSION_START).toByteArray());
        write(start);
    }

    /** {@return the file} */
    public Path path() {
        return file;
    }

    /**
     * Writes numbers of a step; they are rounded to float32, which is what a scalar of TensorBoard has.
     *
     * @param step the step
     * @param values by tag; the part of a tag before a slash groups charts
     * @throws Sae4jException if the file cannot be written
     * @throws IllegalStateException after close
     */
    public void scalars(long step, Map<String, ? extends Number> values) {
        if (closed) {
            throw new IllegalStateException(file + " is closed");
        }
        Message summary = new Message();
        values.forEach((tag, value) -> {
            Message scalar = new Message();
            scalar.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
            scalar.float32(2, value.floatValue());
            summary.bytes(1, scalar.toByteArray());
        });
        Message event = event(step);
        event.bytes(5, summary.toByteArray());
        write(event);
        if (System.nanoTime() - flushed > FLUSH_NANOS) {
            flush();
        }
    }

    /** Writes what is left. Closing twice has no effect. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                out.close();
            } catch (IOException e) {
                throw failure(file, e);
            }
        }
    }

    private Message event(long step) {
        return new Message().float64(1, clock.millis() / 1e3).varint(2, step);
    }

    private void write(Message message) {
        byte[] data = message.toByteArray();
        byte[] length = little(Long.BYTES).putLong(data.length).array();
        try {
            out.write(length);
            out.write(little(Integer.BYTES).putInt(checksum(length)).array());
            out.write(data);
            out.write(little(Integer.BYTES).putInt(checksum(data)).array());
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private void flush() {
        try {
            out.flush();
        } catch (IOException e) {
            throw failure(file, e);
        }
        flushed = System.nanoTime();
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Sae4jException failure(Path file, IOException e) {
        return new Sae4jException("the events cannot be written, " + e.getClass().getSimpleName(), file.toString(),
                "check space and permissions, or choose another folder", e);
    }

    /** A message of Protocol Buffers, field by field. */
    private static final class Message {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        private void key(int field, int wire) {
            number((long) field << 3 | wire);
        }

        private void number(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                bytes.write((int) (rest & 0x7f | 0x80));
                rest >>>= 7;
            }
            bytes.write((int) rest);
        }

        Message varint(int field, long value) {
            key(field, WIRE_VARINT);
            number(value);
            return this;
        }

        Message float64(int field, double value) {
            key(field, WIRE_64);
            bytes.writeBytes(little(Double.BYTES).putDouble(value).array());
            return this;
        }

        void float32(int field, float value) {
            key(field, WIRE_32);
            bytes.writeBytes(little(Float.BYTES).putFloat(value).array());
        }

        void bytes(int field, byte[] value) {
            key(field, WIRE_BYTES);
            number(value.length);
            bytes.writeBytes(value);
        }

        byte[] toByteArray() {
            return bytes.toByteArray();
        }
    }
}
