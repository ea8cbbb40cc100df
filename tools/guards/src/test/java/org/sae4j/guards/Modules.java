package org.sae4j.guards;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The modules of this build, found by their module descriptors' sources.
 *
 * @param folder the module's folder
 */
record Modules(Path folder) {
    /** Root of the source tree. */
    static final Path ROOT = Path.of(System.getProperty("sae.root")).normalize();

    /** {@return the modules; the GPU engine only where the build has an SDK for it} */
    static List<Modules> all() {
        try (Stream<Path> poms = Files.walk(ROOT, 3)) {
            List<Modules> modules = poms.filter(p -> p.endsWith("pom.xml")).map(p -> new Modules(p.getParent()))
                    .filter(m -> Files.exists(m.sources().resolve("module-info.java")))
                    .filter(m -> !ROOT.relativize(m.folder()).startsWith("examples"))
                    .filter(m -> !m.folder().endsWith("sae-engine-tornado") || System.getenv("TORNADOVM_HOME") != null).sorted(
                            java.util.Comparator.comparing(Modules::folder)).toList();
            for (Modules module : modules) {
                if (!Files.exists(module.classes().resolve("module-info.class"))) {
                    throw new IllegalStateException(module + " is not compiled: build with ./mvnw -pl tools/guards -am");
                }
            }
            return modules;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the modules that applications embed: all but the command line} */
    static List<Modules> libraries() {
        return all().stream().filter(m -> !m.name().equals("org.sae4j.cli")).toList();
    }

    Path sources() {
        return folder.resolve("src/main/java");
    }

    Path classes() {
        return folder.resolve("target/classes");
    }

    String name() {
        return descriptor().name();
    }

    ModuleDescriptor descriptor() {
        try (InputStream in = Files.newInputStream(classes().resolve("module-info.class"))) {
            return ModuleDescriptor.read(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the packages that have sources} */
    List<String> packages() {
        try (Stream<Path> files = Files.walk(sources())) {
            return files.filter(f -> f.toString().endsWith(".java") && !f.endsWith("module-info.java") && !f.endsWith("package-info.java"))
                    .map(f -> sources().relativize(f.getParent()).toString().replace(java.io.File.separatorChar, '.')).distinct().sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return whether every module may see the package} */
    boolean exports(String name) {
        return descriptor().exports().stream().anyMatch(e -> e.source().equals(name) && !e.isQualified());
    }

    JavaClasses javaClasses() {
        return new ClassFileImporter().importPath(classes());
    }

    static JavaClasses javaClasses(List<Modules> modules) {
        return new ClassFileImporter().importPaths(modules.stream().map(Modules::classes).toList());
    }

    @Override
    public String toString() {
        return ROOT.relativize(folder).toString();
    }
}
