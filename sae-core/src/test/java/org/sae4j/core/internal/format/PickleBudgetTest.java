package org.sae4j.core.internal.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.Inspector;

/** Small pickles that make more and more of what they recall: each of these would take minutes or gigabytes. */
class PickleBudgetTest {
    private static final int MANY = 20_000;
    private static final String TOO_MUCH = "makes more values than tensors need";

    /** A pickle under construction; {@code \u0080\u0002} begins it, and characters are bytes. */
    private static final class Pickle {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Pickle() {
            add("\u0080\u0002");
        }

        Pickle add(String opcodes) {
            out.writeBytes(opcodes.getBytes(StandardCharsets.ISO_8859_1));
            return this;
        }

        Pickle text(String text) {
            return add("X").add(new String(new char[] {(char) (text.length() & 255), (char) (text.length() >> 8), 0, 0})).add(text);
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }

    private static Object read(Pickle pickle) {
        return PickleReader.read("here", MemorySegment.ofArray(pickle.bytes()));
    }

    @Test
    void dictionariesOfARecalledListAreLimited() {
        Pickle pickle = new Pickle().add("](");
        for (int i = 0; i < MANY; i++) {
            pickle.add("(").text("k" + i).add("K\u0001t");
        }
        pickle.add("eq\u0001ccollections\nOrderedDict\nq\u0002");
        for (int i = 0; i < MANY; i++) {
            pickle.add("h\u0002h\u0001\u0085R");
        }
        assertThatThrownBy(() -> read(pickle)).isInstanceOf(FormatException.class).hasMessageContaining(TOO_MUCH);
    }

    @Test
    void listsThatGrowByThemselvesAreLimited() {
        Pickle pickle = new Pickle().add("]q\u0001(").add("N".repeat(100)).add("e");
        for (int i = 0; i < 40; i++) {
            pickle.add("(h\u0001h\u0001eh\u0001(ccollections\nOrderedDict\nh\u0001tR0");
        }
        assertThatThrownBy(() -> read(pickle)).isInstanceOf(FormatException.class);
    }

    @Test
    void tensorsHaveFewAxes() {
        Pickle pickle = new Pickle().add("ctorch._utils\n_rebuild_tensor_v2\n((").text("storage").add("ctorch\nFloatStorage\n").text("0")
                .text("cpu").add("K\u0008tQK\u0000(").add("K\u0001".repeat(MANY)).add("tq\u0001h\u0001tR.");
        assertThatThrownBy(() -> read(pickle)).isInstanceOf(FormatException.class).hasMessageContaining("a tensor has 20000 axes");
    }

    @Test
    void pickleOfMillionsOfValuesIsRefused() {
        Pickle pickle = new Pickle().add("](").add("]".repeat(3_000_000)).add("e.");
        assertThatThrownBy(() -> read(pickle)).isInstanceOf(FormatException.class).hasMessageContaining(TOO_MUCH);
    }

    @Test
    void anOrdinaryListOfNumbersIsRead() {
        Object read = read(new Pickle().add("}").text("loss").add("](").add("K\u0001".repeat(900_000)).add("es."));
        assertThat(((Map<?, ?>) read).get("loss")).asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST).hasSize(900_000);
    }

    /** One dictionary under many names is one table. */
    @Test
    void aDictionaryWithManyNamesIsReadOnce(@TempDir Path folder) throws IOException {
        Pickle pickle = new Pickle().add("}(").text("x").add("}q\u0001(");
        for (int i = 0; i < MANY; i++) {
            pickle.text("k" + i).add("K\u0001");
        }
        pickle.add("u");
        for (int i = 0; i < MANY; i++) {
            pickle.text("n" + i).add("h\u0001");
        }
        byte[] bytes = pickle.add("u.").bytes();
        Path path = folder.resolve("0.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
            ZipEntry entry = new ZipEntry("archive/data.pkl");
            CRC32 crc = new CRC32();
            crc.update(bytes);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(bytes.length);
            entry.setCrc(crc.getValue());
            zip.putNextEntry(entry);
            zip.write(bytes);
        }
        assertThat(Inspector.inspect(path).tensors()).isEmpty();
    }
}
