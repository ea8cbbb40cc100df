package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.output.Existing;
import org.sae4j.engine.cpu.CpuEngineProvider;
import tools.jackson.databind.json.JsonMapper;

/** Training in processes that are killed, and in folders that take no more. */
class CrashTest {
    /** SIGKILLs in {@link #killedTrainingEndsWithTheBitsOfAnUninterruptedOne}: {@code -Dsae.kills=50} for many. */
    private static final int KILLS = Integer.getInteger("sae.kills", 4);
    private static final int STEPS = 600;
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static Process child(Path folder, int threads) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m",
                "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "--add-modules", "jdk.incubator.vector", "-cp",
                System.getProperty("java.class.path"), KilledTraining.class.getName(), folder.toString(), Integer.toString(STEPS), "1",
                Integer.toString(threads)));
        return new ProcessBuilder(command).redirectError(folder.resolve("error.txt").toFile()).start();
    }

    /** Kills run after run at a random moment; as there is a checkpoint after every step, some kills hit one that is being written. */
    @Test
    void killedTrainingEndsWithTheBitsOfAnUninterruptedOne(@TempDir Path temporary) throws Exception {
        Path whole = Files.createDirectory(temporary.resolve("whole"));
        KilledTraining.train(engine, whole, STEPS, STEPS);
        Random moments = new Random(7);
        int kills = 0;
        int unfinished = 0;
        for (int run = 0; kills < KILLS; run++) {
            Path folder = Files.createDirectory(temporary.resolve("run-" + run));
            boolean finished = false;
            while (!finished) {
                // Threads change from life to life: results must not depend on them.
                Process process = child(folder, 1 + kills % 3);
                try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                    assertThat(out.lines().anyMatch(KilledTraining.TRAINING::equals)).as(() -> error(folder)).isTrue();
                    boolean kill = kills < KILLS;
                    finished = process.waitFor(kill ? moments.nextInt(250) : 120_000, TimeUnit.MILLISECONDS);
                    if (!finished) {
                        assertThat(kill).as("the last life ends by itself").isTrue();
                        process.destroyForcibly().waitFor();
                        kills++;
                        unfinished += parts(folder);
                        checkReadable(folder);
                    } else {
                        assertThat(process.exitValue()).as(() -> error(folder)).isZero();
                    }
                } finally {
                    process.destroyForcibly();
                }
            }
            for (String name : List.of("sae_weights.safetensors", "cfg.json", "metrics.jsonl")) {
                assertThat(folder.resolve(name)).hasSameBinaryContentAs(whole.resolve(name));
            }
            assertThat(parts(folder)).as("unfinished files are removed").isZero();
        }
        System.out.println("kills " + kills + ", of which left an unfinished file " + unfinished);
    }

    private static String error(Path folder) {
        try {
            return Files.readString(folder.resolve("error.txt"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static int parts(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return (int) files.filter(file -> file.toString().endsWith(".part")).count();
        }
    }

    private static void checkReadable(Path folder) throws IOException {
        Path checkpoints = folder.resolve("checkpoints");
        Trainer.latestCheckpoint(checkpoints).ifPresent(last -> assertThat(Checkpoint.read(last).steps()).isPositive());
        if (Files.exists(checkpoints)) {
            try (Stream<Path> files = Files.list(checkpoints)) {
                files.filter(file -> file.toString().endsWith(".safetensors")).forEach(Checkpoint::read);
            }
        }
    }

    @Test
    void aFullDiskIsExplainedAndLeavesTheLastCheckpoint(@TempDir Path disk) throws Exception {
        assumeTrue(mount(disk), "only who may mount a small file system can fill it");
        try {
            Path checkpoints = disk.resolve("checkpoints");
            try (Trainer trainer = Trainer.builder(engine, KilledTraining.recipe(40), KilledTraining.source())
                    .checkpoints(checkpoints, 10).build()) {
                Progress filling = new Progress() {
                    @Override
                    public void update(String stage, long done, long total) {
                        if (done == 15) {
                            fill(disk.resolve("filler"));
                        }
                    }

                    @Override
                    public boolean isCancelled() {
                        return false;
                    }
                };
                assertThatThrownBy(() -> trainer.run(filling)).isInstanceOf(Sae4jException.class)
                        .hasMessageContaining("No space left on device").hasMessageContaining("free space");
                assertThat(trainer.steps()).as("the trainer can go on").isEqualTo(20);
                Path last = Trainer.latestCheckpoint(checkpoints).orElseThrow();
                assertThat(Checkpoint.read(last).steps()).isEqualTo(10);
                assertThat(parts(disk)).isZero();
                Files.delete(disk.resolve("filler"));
                trainer.run(Progress.NONE);
            }
            assertThat(Checkpoint.read(Trainer.latestCheckpoint(checkpoints).orElseThrow()).steps()).isEqualTo(40);
        } finally {
            run("umount", disk.toString());
        }
    }

    private static boolean mount(Path folder) throws Exception {
        return Files.exists(Path.of("/bin/mount")) && run("mount", "-t", "tmpfs", "-o", "size=400k", "sae4j-test", folder.toString()) == 0;
    }

    private static int run(String... command) throws Exception {
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    private static void fill(Path file) {
        try (var out = Files.newOutputStream(file)) {
            while (true) {
                out.write(new byte[4096]);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space");
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsExplainedAndKeepsItsCheckpoints(@TempDir Path folder) throws IOException {
        Path checkpoints = folder.resolve("checkpoints");
        try (Trainer trainer = Trainer.builder(engine, KilledTraining.recipe(40), KilledTraining.source()).checkpoints(checkpoints, 0)
                .build()) {
            for (int step = 0; step < 4; step++) {
                trainer.step();
            }
            // Root may write anywhere: a folder in the file's place stops everybody.
            Path blocked = Files.createDirectory(checkpoints.resolve("checkpoint-000000040.safetensors"));
            Files.createFile(blocked.resolve("content"));
            assertThatThrownBy(() -> trainer.run(Progress.NONE)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("checkpoint-000000040.safetensors").hasMessageContaining("cannot be written");
            assertThat(parts(folder)).isZero();
            assertThat(Trainer.latestCheckpoint(folder.resolve("none"))).isEmpty();
        }
        assumeTrue(Files.getFileStore(folder).supportsFileAttributeView("posix") && !System.getProperty("user.name").equals("root"),
                "root may write to read-only folders");
        Path locked = Files.createDirectory(folder.resolve("locked"), PosixFilePermissions.asFileAttribute(
                PosixFilePermissions.fromString("r-xr-xr-x")));
        assertThatThrownBy(() -> Trainer.builder(engine, KilledTraining.recipe(2), KilledTraining.source()).checkpoints(locked, 0).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("permissions");
    }

    @Test
    void theNewestCheckpointsAreKeptAndTheManifestNamesThem(@TempDir Path folder) throws IOException {
        try (Trainer trainer = Trainer.builder(engine, KilledTraining.recipe(25), KilledTraining.source()).checkpoints(folder, 5)
                .keepCheckpoints(3).build()) {
            trainer.run(Progress.NONE);
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("manifest.json",
                    "checkpoint-000000015.safetensors", "checkpoint-000000020.safetensors", "checkpoint-000000025.safetensors");
        }
        var manifest = new JsonMapper().readTree(Files.readString(folder.resolve("manifest.json")));
        assertThat(manifest.path("checkpoints").size()).isEqualTo(3);
        assertThat(manifest.path("checkpoints").get(2).path("steps").asLong()).isEqualTo(25);
        assertThat(manifest.path("checkpoints").get(2).path("sha256").asString()).hasSize(64);

        Path last = folder.resolve("checkpoint-000000025.safetensors");
        byte[] bytes = Files.readAllBytes(last);
        bytes[bytes.length - 9] ^= 1;
        Files.write(last, bytes);
        assertThatThrownBy(() -> Trainer.latestCheckpoint(folder)).isInstanceOf(Sae4jException.class).hasMessageContaining("manifest.json")
                .hasMessageContaining("delete it to resume from the one before");
        Files.delete(last);
        assertThat(Trainer.latestCheckpoint(folder)).contains(folder.resolve("checkpoint-000000020.safetensors"));
    }

    @Test
    void aRunFromTheStartReplacesTheCheckpointsOfAnEarlierOneWhereThatIsSaid(@TempDir Path folder) {
        for (int steps : new int[] {30, 10}) {
            Trainer.Builder builder = Trainer.builder(engine, KilledTraining.recipe(steps), KilledTraining.source()).checkpoints(folder, 0);
            if (steps == 10) {
                assertThatThrownBy(builder::build).isInstanceOf(Sae4jException.class).hasMessageContaining("checkpoint-000000030");
                builder.existing(Existing.OVERWRITE);
            }
            try (Trainer trainer = builder.build()) {
                assertThatThrownBy(builder::build).isInstanceOf(Sae4jException.class).hasMessageContaining("is being written by process "
                        + ProcessHandle.current().pid());
                assertThat(Trainer.latestCheckpoint(folder).isPresent()).as("kept until there is a new one").isEqualTo(steps == 10);
                trainer.run(Progress.NONE);
            }
        }
        assertThat(Checkpoint.read(Trainer.latestCheckpoint(folder).orElseThrow()).steps()).isEqualTo(10);
    }

    @Test
    void otherDataAreNotResumedWith(@TempDir Path folder) {
        Recipe recipe = KilledTraining.recipe(4);
        try (Trainer trainer = Trainer.builder(engine, recipe, KilledTraining.source()).checkpoints(folder, 0).data("these").build()) {
            trainer.run(Progress.NONE);
        }
        Path last = Trainer.latestCheckpoint(folder).orElseThrow();
        assertThatThrownBy(() -> Trainer.builder(engine, recipe, KilledTraining.source()).data("those").resume(last).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("these").hasMessageContaining("those");
        Trainer.builder(engine, recipe, KilledTraining.source()).resume(last).build().close();
    }
}
