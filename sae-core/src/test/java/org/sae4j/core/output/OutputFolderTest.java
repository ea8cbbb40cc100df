package org.sae4j.core.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;

/** A folder is written by one at a time, and nothing is lost in it that its writer could not have made. */
class OutputFolderTest {
    private static final OutputKind KIND = OutputKind.of("a training")
            .with(OutputKind.Role.RESULT, FileForm.AUTOENCODER, "cfg.json")
            .with(OutputKind.Role.PARTIAL, FileForm.METRICS, "metrics.jsonl")
            .with(OutputKind.Role.RESUMABLE, FileForm.ANY, "checkpoints/checkpoint-*");

    @TempDir
    private Path root;
    private Path folder;

    @BeforeEach
    void choose() {
        folder = root.resolve("out");
    }

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void assertRefused(Existing existing, String... parts) {
        assertThatThrownBy(() -> OutputFolder.open(folder, KIND, existing).close()).isInstanceOf(Sae4jException.class)
                .hasMessageContainingAll(parts);
    }

    private void assertTaken(Existing existing) {
        OutputFolder.open(folder, KIND, existing).close();
    }

    @Test
    void anEmptyFolderIsTakenAndGoesIfNothingWasWritten() throws IOException {
        assertTaken(Existing.REFUSE);
        assertThat(folder).doesNotExist();
        Files.createDirectory(folder);
        for (Existing existing : Existing.values()) {
            assertTaken(existing);
        }
        assertThat(folder).isEmptyDirectory();
        write(".x.1.part", "half a file of a killed process");
        assertTaken(Existing.REFUSE);
    }

    @Test
    void whatStandsThereIsNamedAndKept() throws IOException {
        write("notes.txt", "mine");
        assertRefused(Existing.REFUSE, "already has notes.txt", "choose another folder", "--overwrite");
        assertRefused(Existing.RESUME, "no training to resume", "notes.txt");
        write("cfg.json", "{\"sae_lens_version\": 1}");
        assertRefused(Existing.REFUSE, "already has a training: cfg.json, notes.txt", "replace it (--overwrite)");
        assertRefused(Existing.RESUME, "no training to resume");
        for (int i = 0; i < 5; i++) {
            write(i + ".bin", "");
        }
        assertRefused(Existing.REFUSE, "and 3 more");
        assertThat(folder.resolve("notes.txt")).hasContent("mine");
        assertThat(folder.resolve(".sae4j.lock")).doesNotExist();
    }

    @Test
    void anInterruptedRunIsGoneOnWith() throws IOException {
        write("metrics.jsonl", "{\"step\":1}\n");
        assertRefused(Existing.REFUSE, "already has a training: metrics.jsonl");
        assertTaken(Existing.RESUME);
        write("checkpoints/checkpoint-1", "state");
        write("notes.txt", "mine");
        assertRefused(Existing.REFUSE, "resume it (--resume)");
        try (OutputFolder open = OutputFolder.open(folder, KIND, Existing.RESUME)) {
            assertThat(open.isResumed()).isTrue();
            open.begin();
        }
        assertThat(folder.resolve("checkpoints/checkpoint-1")).exists();
    }

    @Test
    void onlyWhatSuchARunWroteIsOverwrittenAndOnlyWhenWritingBegins() throws IOException {
        write("cfg.json", "{\"sae_lens_version\": 1}");
        write("metrics.jsonl", "{\"step\":1}\n");
        write("checkpoints/checkpoint-1", "state");
        write("notes.txt", "mine");
        write("more/cfg.json", "{}");
        assertTaken(Existing.OVERWRITE);
        assertThat(folder.resolve("cfg.json")).exists();
        try (OutputFolder open = OutputFolder.open(folder, KIND, Existing.OVERWRITE)) {
            open.begin();
            assertThat(folder.resolve("checkpoints")).doesNotExist();
            assertThat(folder.resolve("cfg.json")).doesNotExist();
            assertThat(folder.resolve("metrics.jsonl")).doesNotExist();
            write("cfg.json", "new");
            open.begin();
            assertThat(folder.resolve("cfg.json")).exists();
        }
        assertThat(folder.resolve("notes.txt")).hasContent("mine");
        assertThat(folder.resolve("more/cfg.json")).hasContent("{}");
    }

    @Test
    void whatAnotherProgramWroteUnderTheSameNameIsNeverOverwritten() throws IOException {
        write("cfg.json", "{\"compilerOptions\": {}}");
        assertRefused(Existing.OVERWRITE, "cfg.json", "not the configuration of an autoencoder", "not replaced");
        Files.delete(folder.resolve("cfg.json"));
        Files.createDirectory(folder.resolve("cfg.json"));
        assertRefused(Existing.OVERWRITE, "not replaced");
        Files.delete(folder.resolve("cfg.json"));
        Path elsewhere = Files.createDirectory(root.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("checkpoint-1"), "another's");
        Files.createSymbolicLink(folder.resolve("checkpoints"), elsewhere);
        try (OutputFolder open = OutputFolder.open(folder, KIND, Existing.OVERWRITE)) {
            open.begin();
        }
        assertThat(elsewhere.resolve("checkpoint-1")).exists();
    }

    @Test
    void somethingElseThanAFolderIsRefusedAndALinkToAFolderFollowed() throws IOException {
        Path real = Files.createDirectory(root.resolve("real"));
        Files.createSymbolicLink(folder, real);
        try (OutputFolder open = OutputFolder.open(folder, KIND, Existing.OVERWRITE)) {
            Files.writeString(open.path().resolve("cfg.json"), "{}");
        }
        assertThat(real.resolve("cfg.json")).exists();
        assertThat(Files.isSymbolicLink(folder)).isTrue();
        Files.delete(folder);
        Files.createSymbolicLink(folder, root.resolve("nothing"));
        assertRefused(Existing.OVERWRITE, "a broken symbolic link exists where the folder of a training is to go");
        Files.delete(folder);
        Files.writeString(folder, "a file");
        assertRefused(Existing.OVERWRITE, "a file exists where the folder of a training is to go");
        assertThat(folder).hasContent("a file");
    }

    @Test
    void anInputIsNeverOutput() throws IOException {
        write("cfg.json", "{\"sae_lens_version\": 1}");
        for (Existing existing : Existing.values()) {
            assertThatThrownBy(() -> OutputFolder.open(folder, KIND, existing, null, root.resolve("out/../out/cfg.json")))
                    .isInstanceOf(Sae4jException.class).hasMessageContaining("the output is one of the inputs");
        }
    }

    @Test
    void aSecondWriterIsToldOfTheFirstAndAKilledOneBlocksNobody() throws Exception {
        ThrowingCallable second = () -> OutputFolder.open(root.resolve("./out"), KIND, Existing.OVERWRITE).close();
        String here = "process " + ProcessHandle.current().pid() + ", a training";
        try (OutputFolder first = OutputFolder.open(folder, KIND, Existing.REFUSE)) {
            assertThatThrownBy(second).isInstanceOf(Sae4jException.class).hasMessageContaining("is being written by " + here);
            assertThat(first.path()).isEqualTo(folder);
        }
        Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Holder.class.getName(), folder.toString()).start();
        assertThat(other.inputReader().readLine()).isEqualTo("held");
        assertThatThrownBy(second).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("is being written by process " + other.pid() + ", a training");
        other.destroyForcibly();
        assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(folder.resolve(".sae4j.lock")).as("left by the killed process").exists();
        assertTaken(Existing.REFUSE);
        assertThat(folder.resolve(".sae4j.lock")).doesNotExist();
    }

    /** Another process that has a folder until it is killed. */
    static final class Holder {
        public static void main(String[] args) throws Exception {
            try (OutputFolder _ = OutputFolder.open(Path.of(args[0]), KIND, Existing.REFUSE)) {
                System.out.println("held");
                System.out.flush();
                Thread.sleep(60_000);
            }
        }
    }
}
