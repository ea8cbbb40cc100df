package org.sae4j.core.internal.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sae4j.core.internal.format.GgufBytes.int32;
import static org.sae4j.core.internal.format.GgufBytes.int64;
import static org.sae4j.core.internal.format.GgufBytes.join;
import static org.sae4j.core.internal.format.GgufBytes.string;
import static org.sae4j.core.internal.format.GgufBytes.strings;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.ElementType;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.Inspection;
import org.sae4j.core.format.Inspector;

/** The GGUF container: what sound files hold, and that broken ones are refused with the file, the key or tensor, and the rule. */
class GgufFileTest {
    @TempDir
    private Path folder;
    private Arena arena;

    @BeforeEach
    void open() {
        arena = Arena.ofShared();
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private static GgufBytes sound() {
        return new GgufBytes().text("general.architecture", "llama").uint32("llama.block_count", 2)
                .pair("tokens", 9, strings("a", "é", "<0x0A>")).floats("a", new float[] {1, 2, 3, 4, 5, 6}, 3, 2)
                .floats("b", new float[] {7}, 1);
    }

    private TensorTable read(GgufBytes bytes) throws IOException {
        return WeightFiles.open(bytes.write(folder.resolve("m.gguf")), arena);
    }

    @Test
    void namesShapesAndMetadata() throws IOException {
        TensorTable table = read(sound());
        assertThat(table.kind()).isEqualTo("gguf");
        assertThat(table.tensors().keySet()).containsExactly("a", "b");
        assertThat(table.get("a").shape()).containsExactly(2, 3);
        assertThat(table.get("a").read(arena).at(1, 0)).isEqualTo(4);
        assertThat(table.get("b").read(arena).get(0)).isEqualTo(7);
        GgufMetadata metadata = GgufMetadata.of(table);
        assertThat(metadata.string("general.architecture")).contains("llama");
        assertThat(metadata.array("tokens").orElseThrow().strings()).containsExactly("a", "é", "<0x0A>");
        assertThat(metadata.array("tokens").orElseThrow()).hasToString("[a, é, <0x0A>]");
        assertThat(metadata.has("llama.block_count")).isTrue();
        assertThat(metadata.integer("absent")).isEmpty();
    }

    @Test
    void inspectionShowsTypesSizesAndMetadata() throws IOException {
        Path file = sound().info("q", 8, 64, 32).data(new byte[28 + 34]).write(folder.resolve("m.gguf"));
        Inspection inspection = Inspector.inspect(file);
        assertThat(inspection.kind()).isEqualTo("GGUF model of architecture llama");
        assertThat(inspection.summary()).contains("3 tensors, 39 elements (F32, Q8_0), 62 bytes");
        assertThat(inspection.metadata()).containsEntry("llama.block_count", "2").containsEntry("tokens", "[a, é, <0x0A>]");
        assertThat(Inspector.inspect(folder)).isEqualTo(inspection);
    }

    @Test
    void anyIntegerTypeIsAnInteger() throws IOException {
        GgufBytes bytes = new GgufBytes().pair("u8", 0, new byte[] {(byte) 200}).pair("i8", 1, new byte[] {7})
                .pair("u16", 2, new byte[] {1, (byte) 0xff}).pair("i16", 3, new byte[] {1, 1}).uint32("u32", 3_000_000_000L)
                .pair("i32", 5, int32(5)).pair("u64", 10, int64(12)).pair("i64", 11, int64(-1)).pair("big", 10, int64(-1))
                .pair("f32", 6, int32(Float.floatToIntBits(1e-5f))).pair("f64", 12, int64(Double.doubleToLongBits(0.25)))
                .pair("yes", 7, new byte[] {1}).pair("nan", 6, int32(0x7fc00000))
                .pair("numbers", 9, join(int32(5), int64(2), int32(3), int32(4)))
                .pair("weights", 9, join(int32(6), int64(1), int32(Float.floatToIntBits(2.5f)))).pair("none", 9, join(int32(4), int64(0)));
        GgufMetadata metadata = GgufMetadata.of(read(bytes));
        assertThat(Stream.of("u8", "i8", "u16", "i16", "i32", "u64").map(key -> metadata.integer(key).orElseThrow()))
                .containsExactly(200, 7, 0xff01, 257, 5, 12);
        assertThat(metadata.number("u32")).hasValue(3e9);
        assertThat(metadata.number("f32")).hasValue(1e-5);
        assertThat(metadata.number("f64")).hasValue(0.25);
        assertThat(metadata.flag("yes", false)).isTrue();
        assertThat(metadata.array("numbers").orElseThrow().integers()).containsExactly(3, 4);
        assertThat(metadata.array("weights").orElseThrow().floats()).containsExactly(2.5f);
        assertThat(metadata.array("none").orElseThrow().size()).isZero();
        for (String key : List.of("u32", "i64", "big", "f32", "yes")) {
            assertThatThrownBy(() -> metadata.integer(key)).as(key).isInstanceOf(FormatException.class).hasMessageContaining(key)
                    .hasMessageContaining("expected an integer");
        }
        assertThatThrownBy(() -> metadata.number("nan")).isInstanceOf(FormatException.class).hasMessageContaining("finite");
        assertThatThrownBy(() -> metadata.string("i8")).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> metadata.array("i8")).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> metadata.flag("i8", true)).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> metadata.array("numbers").orElseThrow().strings()).isInstanceOf(FormatException.class);
    }

    @Test
    void alignmentAndVersionTwo() throws IOException {
        GgufBytes bytes = new GgufBytes().version(2).uint32("general.alignment", 8).info("a", 0, 0, 1).info("b", 0, 8, 1);
        byte[] header = bytes.bytes();
        byte[] whole = Arrays.copyOf(header, header.length + 12);
        Path file = Files.write(folder.resolve("m.gguf"), whole);
        assertThat(WeightFiles.open(file, arena).tensors()).hasSize(2);
    }

    @Test
    void blocksAreReadWhereTheyLie() throws IOException {
        byte[] block = new byte[34 * 4];
        block[1] = 0x3c;
        block[34 + 1] = 0x40;
        block[2 * 34 + 1] = 0x44;
        block[3 * 34 + 1] = 0x48;
        for (int i = 0; i < 4; i++) {
            block[34 * i + 2] = (byte) (i - 2);
        }
        StoredTensor stored = read(new GgufBytes().info("w", 8, 0, 32, 4).data(block)).get("w");
        assertThat(stored.type()).isEqualTo(ElementType.Q8_0);
        assertThat(stored.load(arena).type()).isEqualTo(ElementType.Q8_0);
        assertThat(stored.load(arena).at(0, 0)).isEqualTo(-2);
        assertThat(stored.load(arena).at(3, 0)).isEqualTo(8);
        StoredTensor swapped = stored.split(0, 2).permuted(1, 0, 2);
        assertThat(swapped.load(arena).type()).isEqualTo(ElementType.Q8_0);
        assertThat(swapped.load(arena).toArray()).containsExactly(swapped.read(arena).toArray());
        assertThat(swapped.load(arena).at(0, 1, 0)).isEqualTo(stored.load(arena).at(2, 0));
        assertThat(stored.permuted(1, 0).load(arena).type()).isEqualTo(ElementType.Q8_0);
        assertThat(stored.permuted(1, 0).load(arena).at(0, 3)).isEqualTo(8);
        assertThat(stored.narrowed(0, 1, 2).load(arena).at(1, 0)).isZero();
        assertThat(stored.narrowed(1, 0, 5).load(arena).at(3, 0)).isEqualTo(8);
    }

    static Stream<Arguments> broken() {
        long huge = Long.MAX_VALUE;
        return Stream.of(Arguments.of("version 1", sound().version(1), "version 1 is not supported"),
                Arguments.of("version 9", sound().version(9), "version 9 is not known"),
                Arguments.of("version 0", sound().version(0), "version 0 is not known"),
                Arguments.of("big endian", sound().version(3 << 24), "big-endian"),
                Arguments.of("tensors", sound().counts(huge, 3), "number of tensors"),
                Arguments.of("negative tensors", sound().counts(-1, 3), "number of tensors is 18446744073709551615"),
                Arguments.of("pairs", sound().counts(2, 1L << 60), "number of metadata pairs"),
                Arguments.of("key length", new GgufBytes().pair("k", 9, join(int32(8), int64(1), int64(-1))), "file has room for"),
                Arguments.of("string length", new GgufBytes().pair("k", 8, int64(1L << 40)), "key k"),
                Arguments.of("array count", new GgufBytes().pair("k", 9, join(int32(10), int64(1L << 61), int64(0))), "number of elements"),
                Arguments.of("string array count", new GgufBytes().pair("k", 9, join(int32(8), int64(3), string("a"))), "key k"),
                Arguments.of("nested array", new GgufBytes().pair("k", 9, join(int32(9), int64(1), int32(4), int64(1), int32(7))),
                        "array within an array"),
                Arguments.of("value type", new GgufBytes().pair("k", 13, int64(0)), "types are from 0 to 12"),
                Arguments.of("element type", new GgufBytes().pair("k", 9, join(int32(99), int64(0))), "types are from 0 to 12"),
                Arguments.of("boolean", new GgufBytes().pair("k", 7, new byte[] {2}), "booleans are 0 or 1"),
                Arguments.of("key twice", sound().uint32("llama.block_count", 3), "the key is there twice"),
                Arguments.of("tensor twice", sound().floats("a", new float[1], 1), "the tensor is there twice"),
                Arguments.of("utf-8", new GgufBytes().pair("k", 8, join(int64(2), new byte[] {(byte) 0xc3, 0x28})), "not UTF-8"),
                Arguments.of("axes", sound().info("c", 0, 64), "a tensor has 1 to 4 axes, found 0"),
                Arguments.of("five axes", sound().info("c", 0, 64, 1, 1, 1, 1, 1), "found 5"),
                Arguments.of("zero axis", sound().info("c", 0, 64, 0), "found 0"),
                Arguments.of("wrapping product", sound().info("c", 0, 64, (1L << 31) - 1, (1L << 31) - 1, (1L << 31) - 1),
                        "too many elements"),
                Arguments.of("long axis", sound().info("c", 0, 64, huge), "length of an axis"),
                Arguments.of("partial block", sound().info("c", 8, 64, 33), "whole blocks of 32"),
                Arguments.of("unknown type", sound().info("c", 77, 64, 32), "tensor type 77 is unknown"),
                Arguments.of("other type", sound().info("c", 39, 64, 32), "tensor type MXFP4 is not supported"),
                Arguments.of("beyond the file", sound().info("c", 0, 64, 1000), "the tensor's 4000 bytes at offset 64 leave the file's"),
                Arguments.of("offset", sound().info("c", 0, 1L << 62, 1), "leave the file's"),
                Arguments.of("negative offset", sound().info("c", 0, -32, 1), "offset must be a multiple of 32"),
                Arguments.of("crooked offset", sound().info("c", 0, 4, 1), "offset must be a multiple of 32"),
                Arguments.of("overlap", sound().info("c", 0, 0, 1), "overlap"),
                Arguments.of("alignment 0", sound().uint32("general.alignment", 0), "power of two"),
                Arguments.of("alignment 24", sound().uint32("general.alignment", 24), "power of two"),
                Arguments.of("alignment huge", sound().uint32("general.alignment", 1L << 31), "general.alignment"),
                Arguments.of("alignment text", sound().text("general.alignment", "32"), "found the string \"32\""));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void broken(String name, GgufBytes bytes, String message) {
        assertThatThrownBy(() -> read(bytes)).isInstanceOf(FormatException.class).hasMessageContaining("m.gguf")
                .hasMessageContaining(message);
    }

    @Test
    void truncationAtAnyByteIsRefused() throws IOException {
        byte[] whole = sound().bytes();
        for (int length = 0; length < whole.length; length++) {
            Path file = Files.write(folder.resolve("m.gguf"), Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> WeightFiles.open(file, arena)).as("%d bytes", length).isInstanceOf(FormatException.class);
        }
    }

    @Test
    void anyChangedBitIsReadOrRefused() throws IOException {
        byte[] whole = sound().bytes();
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 3000; i++) {
            byte[] changed = whole.clone();
            for (int flip = 0; flip <= i % 3; flip++) {
                changed[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Path file = Files.write(folder.resolve("m.gguf"), changed);
            try (Arena own = Arena.ofConfined()) {
                WeightFiles.open(file, own).tensors().values().forEach(tensor -> tensor.read(own));
            } catch (FormatException refused) {
                // The only way in which a reader may fail.
            }
        }
    }

    private void part(int number, int count, String... tensors) throws IOException {
        GgufBytes bytes = new GgufBytes().pair("split.no", 2, new byte[] {(byte) number, 0})
                .pair("split.count", 2, new byte[] {(byte) count, 0});
        if (number == 0) {
            bytes.text("general.architecture", "llama").pair("split.tensors.count", 5, int32(3));
        }
        for (String tensor : tensors) {
            bytes.floats(tensor, new float[] {number}, 1);
        }
        bytes.write(folder.resolve("m-0000" + (number + 1) + "-of-0000" + count + ".gguf"));
    }

    @Test
    void splitModelsAreJoinedFromAnyPart() throws IOException {
        part(0, 2, "a", "b");
        part(1, 2, "c");
        for (int number = 1; number <= 2; number++) {
            TensorTable table = WeightFiles.open(folder.resolve("m-0000" + number + "-of-00002.gguf"), arena);
            assertThat(table.tensors().keySet()).containsExactly("a", "b", "c");
            assertThat(table.get("c").read(arena).get(0)).isEqualTo(1);
            assertThat(table.extras()).containsEntry("general.architecture", "llama");
        }
    }

    @Test
    void partsThatDoNotFitAreRefused() throws IOException {
        Path first = folder.resolve("m-00001-of-00002.gguf");
        part(0, 2, "a", "b");
        assertThatThrownBy(() -> WeightFiles.open(first, arena)).isInstanceOf(FormatException.class)
                .hasMessageContaining("part 2 of 2 is missing");
        for (Map.Entry<String[], String> wrong : List.of(Map.entry(new String[] {"a"}, "two parts"),
                Map.entry(new String[] {"c", "d"}, "expected 3 tensors in all parts, found 4"))) {
            part(1, 2, wrong.getKey());
            assertThatThrownBy(() -> WeightFiles.open(first, arena)).isInstanceOf(FormatException.class)
                    .hasMessageContaining(wrong.getValue());
        }
        Files.copy(first, folder.resolve("m-00002-of-00002.gguf"), StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> WeightFiles.open(first, arena)).isInstanceOf(FormatException.class)
                .hasMessageContaining("expected part 1 (from 0), found 0");
        Path renamed = Files.copy(first, folder.resolve("renamed.gguf"));
        assertThatThrownBy(() -> WeightFiles.open(renamed, arena)).isInstanceOf(FormatException.class)
                .hasMessageContaining("names end with -00001-of-00002.gguf");
        Files.writeString(folder.resolve("m-00002-of-00002.gguf"), "nothing");
        assertThatThrownBy(() -> WeightFiles.open(first, arena)).isInstanceOf(FormatException.class)
                .hasMessageContaining("not a GGUF file");
    }
}
