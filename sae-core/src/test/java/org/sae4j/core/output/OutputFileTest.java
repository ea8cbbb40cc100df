package org.sae4j.core.output;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.format.SafetensorsWriter;

/** Only regular files are ever replaced, and only those that are meant. */
class OutputFileTest {
    private static final FileForm FORM = FileForm.json("a result", "sae4j/result/");

    @TempDir
    private Path folder;

    private void assertRefused(Path file, Existing existing, String... parts) {
        assertThatThrownBy(() -> OutputFile.check(file, FORM, existing)).isInstanceOf(Sae4jException.class).hasMessageContainingAll(parts);
    }

    private static int mode(Path path) throws IOException {
        return (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    }

    @Test
    void aFileThatStandsThereIsReplacedOnlyIfItIsSuchAFileAndThatIsSaid() throws IOException {
        Path file = folder.resolve("r.json");
        OutputFile.check(file, FORM, Existing.REFUSE);
        Files.createFile(file);
        OutputFile.check(file, FORM, Existing.REFUSE);
        Files.writeString(file, "{\"schema\": \"sae4j/result/1\"}");
        assertRefused(file, Existing.REFUSE, "a result of 28 bytes already exists", "replace it (--overwrite)");
        OutputFile.check(file, FORM, Existing.OVERWRITE);
        Files.writeString(file, "{\"name\": \"mine\"}");
        assertRefused(file, Existing.REFUSE, "a file of 16 bytes already exists");
        assertRefused(file, Existing.OVERWRITE, "is not a result, so it is not replaced");
        assertRefused(folder, Existing.OVERWRITE, "a folder exists where the file should go");
    }

    @Test
    void noInputAndNothingInAFolderThatIsReadIsWrittenOver() throws IOException {
        Path file = Files.writeString(folder.resolve("x.json"), "{\"schema\": \"sae4j/result/1\"}");
        for (Path input : new Path[] {file, folder, folder.resolve("../" + folder.getFileName() + "/x.json")}) {
            assertThatThrownBy(() -> OutputFile.check(file, FORM, Existing.OVERWRITE, null, input)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("the output is one of the inputs");
        }
        OutputFile.check(folder.resolve("new.json"), FORM, Existing.REFUSE, folder);
    }

    @Test
    void symbolicLinksAreWrittenThrough() throws IOException {
        Path real = Files.writeString(Files.createDirectory(folder.resolve("real")).resolve("r.json"), "{\"schema\": \"sae4j/result/1\"}");
        Path link = Files.createSymbolicLink(folder.resolve("link.json"), real);
        assertRefused(link, Existing.REFUSE, "exists");
        OutputFile.check(link, FORM, Existing.OVERWRITE);
        OutputFile.write(link, "new".getBytes(UTF_8));
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(real).hasContent("new");
        Path broken = Files.createSymbolicLink(folder.resolve("broken.json"), folder.resolve("nowhere/x.json"));
        assertRefused(broken, Existing.OVERWRITE, "a broken symbolic link");
        assertThatThrownBy(() -> OutputFile.write(broken, new byte[1])).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("a broken symbolic link");
        assertThatThrownBy(() -> OutputFile.append(broken, "x")).isInstanceOf(Sae4jException.class);
        assertThat(Files.isSymbolicLink(broken)).isTrue();
    }

    @Test
    void devicesAndPipesStayWhatTheyAre() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/mkfifo")) && Files.exists(Path.of("/dev/null")));
        Path none = Path.of("/dev/null");
        int before = mode(none);
        OutputFile.check(none, FORM, Existing.REFUSE);
        OutputFile.write(none, new byte[10]);
        SafetensorsWriter.write(none, Map.of("x", Tensor.zeros(2)), Map.of());
        assertThat(mode(none)).isEqualTo(before);
        assertThatThrownBy(() -> OutputFile.write(Path.of("/dev/full"), new byte[10])).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("/dev/full").hasMessageContaining("No space left");
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        before = mode(pipe);
        OutputFile.check(pipe, FORM, Existing.REFUSE);
        CompletableFuture<byte[]> read = CompletableFuture.supplyAsync(() -> {
            try {
                return Files.newInputStream(pipe).readAllBytes();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        SafetensorsWriter.write(pipe, Map.of("x", Tensor.of(new float[] {1, 2}, 2)), Map.of());
        Path copy = Files.write(folder.resolve("copy.safetensors"), read.get());
        try (SafetensorsFile file = SafetensorsFile.open(copy)) {
            assertThat(file.tensor("x").toArray()).containsExactly(1, 2);
        }
        assertThat(mode(pipe)).isEqualTo(before);
    }
}
