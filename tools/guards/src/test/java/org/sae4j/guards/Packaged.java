package org.sae4j.guards;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** The packaged command line with all its jars, and processes and jars made in a test. */
final class Packaged {
    /** The folder with the jars of the command line and all that it needs. */
    static final Path LIB = Path.of(System.getProperty("sae.lib")).toAbsolutePath().normalize();
    static final String VECTOR = "jdk.incubator.vector";

    private static final long MINUTES = 5;

    private Packaged() {}

    /**
     * How a process ended.
     *
     * @param exit its exit code
     * @param out its standard output
     * @param err its standard error
     */
    record Outcome(int exit, String out, String err) {}

    /** {@return the class path of the packaged command line} */
    static String classPath() {
        return String.join(File.pathSeparator, jars().stream().map(Path::toString).toList());
    }

    static List<Path> jars() {
        try (Stream<Path> files = Files.list(LIB)) {
            List<Path> jars = files.filter(f -> f.toString().endsWith(".jar")).sorted().toList();
            if (jars.stream().noneMatch(j -> j.getFileName().toString().startsWith("sae-cli-"))) {
                throw new IllegalStateException(LIB + " holds no packaged command line: build with ./mvnw -pl tools/guards -am verify");
            }
            return jars;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the {@code sae} command in a JVM of its own, with the launcher's flags. */
    static Outcome sae(Path workingFolder, String... arguments) {
        List<String> command = new ArrayList<>(List.of("--add-modules", VECTOR, "-cp", classPath(), "org.sae4j.cli.Main"));
        command.addAll(List.of(arguments));
        return java(workingFolder, command.toArray(String[]::new));
    }

    /** Runs a JVM of this version. */
    static Outcome java(Path workingFolder, String... arguments) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(arguments));
        return run(workingFolder, Map.of(), command);
    }

    static Outcome run(Path workingFolder, Map<String, String> environment, List<String> command) {
        try {
            Path out = Files.createTempFile(workingFolder, "out", ".txt");
            Path err = Files.createTempFile(workingFolder, "err", ".txt");
            ProcessBuilder builder = new ProcessBuilder(command).directory(workingFolder.toFile()).redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            // Options of the surrounding JVM are none of the child's business.
            List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "MAVEN_OPTS", "MAVEN_ARGS").forEach(builder.environment()::remove);
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException("did not end within " + MINUTES + " minutes: " + command + "\n" + Files.readString(err));
            }
            Outcome outcome = new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
            Files.delete(out);
            Files.delete(err);
            return outcome;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /**
     * Compiles sources.
     *
     * @param folder where sources go to {@code src} and classes to {@code classes}
     * @param sources file names and their text
     * @param options of javac, such as class path or module path
     * @return the folder of classes
     */
    static Path compile(Path folder, Map<String, String> sources, String... options) {
        try {
            List<Path> files = new ArrayList<>();
            for (Map.Entry<String, String> source : sources.entrySet()) {
                Path file = folder.resolve("src").resolve(source.getKey());
                Files.createDirectories(file.getParent());
                files.add(Files.writeString(file, source.getValue()));
            }
            Path classes = Files.createDirectories(folder.resolve("classes"));
            JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
            List<String> all = new ArrayList<>(List.of(options));
            all.addAll(List.of("-d", classes.toString(), "-proc:none"));
            StringWriter messages = new StringWriter();
            try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
                if (!compiler.getTask(messages, manager, null, all, null, manager.getJavaFileObjectsFromPaths(files)).call()) {
                    throw new AssertionError("does not compile: " + sources.keySet() + "\n" + messages);
                }
            }
            return classes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Writes a jar.
     *
     * @param jar the file
     * @param classes a folder of classes
     * @param left the classes that are left out, by file name
     * @param texts further entries and their text
     */
    static void jar(Path jar, Path classes, List<String> left, Map<String, String> texts) {
        try (OutputStream file = Files.newOutputStream(jar); JarOutputStream out = new JarOutputStream(file);
                Stream<Path> files = Files.walk(classes)) {
            List<Path> entries = files.filter(Files::isRegularFile).filter(f -> !left.contains(f.getFileName().toString())).sorted()
                    .toList();
            for (Path entry : entries) {
                out.putNextEntry(new JarEntry(classes.relativize(entry).toString().replace(File.separatorChar, '/')));
                try (InputStream in = Files.newInputStream(entry)) {
                    in.transferTo(out);
                }
            }
            for (Map.Entry<String, String> text : texts.entrySet()) {
                out.putNextEntry(new JarEntry(text.getKey()));
                out.write(text.getValue().getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
