package org.sae4j.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts JVMs in which TornadoVM cannot start or run, and expects words instead of a crash. */
class TornadoStartTest {
    private static final Path SDK = Path.of(System.getenv("TORNADOVM_HOME"));
    private static final String FLAGS = "@" + SDK.resolve("tornado-argfile");

    private static String classPath(boolean withApi) {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> withApi || !entry.contains("tornado-api")).collect(Collectors.joining(File.pathSeparator));
    }

    private static String run(boolean withApi, String... flags) throws IOException, InterruptedException {
        return run(withApi, Map.of(), flags);
    }

    private static String run(boolean withApi, Map<String, String> environment, String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", classPath(withApi), ChildMain.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process child = builder.start();
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).as(output).isZero();
        assertThat(output).endsWith("alive" + System.lineSeparator());
        return output;
    }

    @Test
    void withoutTornadoVm() throws IOException, InterruptedException {
        assertThat(run(false)).contains("reason: TornadoVM is not there", "TORNADOVM_HOME", "docs/gpu.md", "devices: 0",
                "EngineException: TornadoVM is not there");
    }

    @Test
    void withItsApiButWithoutFlags() throws IOException, InterruptedException {
        assertThat(run(true)).contains("reason: this JVM was started without TornadoVM's modules", "tornado-argfile", "devices: 0");
    }

    @Test
    void withoutTheCompilerInterface() throws IOException, InterruptedException {
        assertThat(run(true, FLAGS, "-XX:-EnableJVMCI")).contains("reason: this JVM was started without", "JVMCI", "devices: 0");
    }

    @Test
    void withoutNativeLibraries() throws IOException, InterruptedException {
        assertThat(run(true, FLAGS, "-Djava.library.path=no-such-folder")).contains("reason: TornadoVM could not start",
                "tornado --devices", "devices: 0");
    }

    @Test
    void withBrokenNativeLibraries(@TempDir Path folder) throws IOException, InterruptedException {
        for (String name : Files.readString(SDK.resolve("etc/tornado.backend")).replaceAll("(?s).*=", "").strip().split("-backend,?")) {
            Files.writeString(folder.resolve(System.mapLibraryName("tornado-" + name)), "no library");
        }
        assertThat(run(true, FLAGS, "-Djava.library.path=" + folder)).contains("reason: TornadoVM could not start",
                "tornado --devices", "devices: 0");
    }

    @Test
    void withoutADevice(@TempDir Path folder) throws IOException, InterruptedException {
        assumeThat(new TornadoEngineProvider().devices().getFirst().backEnd()).isEqualTo("opencl");
        assertThat(run(true, Map.of("OCL_ICD_VENDORS", folder + "/", "OPENCL_VENDOR_PATH", folder.toString()), FLAGS)).contains(
                "reason: TornadoVM", "install a driver for OpenCL or CUDA", "devices: 0");
    }

    @Test
    void withAnotherVersion(@TempDir Path folder) throws IOException, InterruptedException {
        Path modules = SDK.resolve("share/java/tornado");
        try (Stream<Path> jars = Files.list(modules)) {
            for (Path jar : jars.toList()) {
                Files.copy(jar, folder.resolve(jar.getFileName()));
            }
        }
        try (Stream<Path> jars = Files.list(folder)) {
            Path api = jars.filter(jar -> jar.getFileName().toString().startsWith("tornado-api-")).findFirst().orElseThrow();
            ToolProvider.findFirst("jar").orElseThrow().run(System.out, System.err, "--update", "--file", api.toString(),
                    "--module-version", "9.9");
        }
        Path flags = Files.writeString(folder.resolve("flags"), Files.readString(SDK.resolve("tornado-argfile"))
                .replace(modules.toString(), folder.toString()));
        assertThat(run(true, "@" + flags)).contains("reason: TornadoVM 9.9 is there, this engine was built for",
                "-Dtornadovm.version=9.9", "devices: 0");
    }

    @Test
    void withASilentFallBackAskedFor() throws IOException, InterruptedException {
        assertThat(run(true, FLAGS, "-Dtornado.recover.bailout=true")).contains("reason: tornado.recover.bailout is true");
    }

    @Test
    void withTooLittleDeviceMemory() throws IOException, InterruptedException {
        assertThat(run(true, FLAGS, "-Dtornado.device.memory=1MB")).contains("EngineException: 4404000 bytes of device memory are needed",
                "1048576", "program child", "tornado.device.memory");
    }

    @Test
    void withTooLittleMemoryOutsideTheHeap() throws IOException, InterruptedException {
        assertThat(run(true, FLAGS, "-XX:MaxDirectMemorySize=2m")).contains("EngineException: 4404000 bytes of host memory",
                "-XX:MaxDirectMemorySize");
    }

    @Test
    void withAnIndexThatWouldEndTheProcess() throws IOException, InterruptedException {
        assertThat(run(true, FLAGS)).contains("IllegalArgumentException: program child: indices I32[1, 1000] holds 1000000000 at 7");
    }
}
