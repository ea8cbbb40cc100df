package org.sae4j.guards;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A module of this build, with its sources and its classes.
 *
 * @param folder the module's folder
 */
record ModuleFolder(Path folder) {
    /** Root of the source tree. */
    static final Path ROOT = Path.of(System.getProperty("sae.root")).normalize();

    /** {@return all modules, found by the sources of their descriptors; the GPU engine only where the build has an SDK for it} */
    static List<ModuleFolder> all() {
        try (Stream<Path> poms = Files.walk(ROOT, 3)) {
            List<ModuleFolder> modules = poms.filter(p -> p.endsWith("pom.xml")).map(p -> new ModuleFolder(p.getParent()))
                    .filter(m -> Files.exists(m.sources().resolve("module-info.java")))
                    .filter(m -> !ROOT.relativize(m.folder()).startsWith("examples"))
                    .filter(m -> !m.folder().endsWith("sae-engine-tornado") || System.getenv("TORNADOVM_HOME") != null)
                    .sorted(Comparator.comparing(ModuleFolder::folder)).toList();
            for (ModuleFolder module : modules) {
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
    static List<ModuleFolder> libraries() {
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
                    .map(f -> sources().relativize(f.getParent()).toString().replace(File.separatorChar, '.')).distinct().sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return whether every module may see the package} */
    boolean exports(String name) {
        return descriptor().exports().stream().anyMatch(e -> e.source().equals(name) && !e.isQualified());
    }

    /** {@return the names of the modules that a package is exported to by name} */
    Set<String> friends(String name) {
        return descriptor().exports().stream().filter(e -> e.source().equals(name)).flatMap(e -> e.targets().stream())
                .collect(Collectors.toSet());
    }

    JavaClasses javaClasses() {
        return new ClassFileImporter().importPath(classes());
    }

    static JavaClasses javaClasses(List<ModuleFolder> modules) {
        return new ClassFileImporter().importPaths(modules.stream().map(ModuleFolder::classes).toList());
    }

    @Override
    public String toString() {
        return ROOT.relativize(folder).toString();
    }
}
