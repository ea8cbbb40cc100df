package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a module's descriptor says and what its packages and service files say are the same. */
class ModuleDescriptorsTest {
    static List<ModuleFolder> modules() {
        return ModuleFolder.all();
    }

    static List<ModuleFolder> libraries() {
        return ModuleFolder.libraries();
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void aPackageIsExportedOrInternal(ModuleFolder module) {
        assertThat(module.packages()).allSatisfy(name ->
                assertThat(module.exports(name)).as(name + " is exported").isEqualTo(!name.contains(".internal")));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void everyPackageOfTheDescriptorExists(ModuleFolder module) {
        assertThat(module.packages()).containsAll(module.descriptor().exports().stream().map(ModuleDescriptor.Exports::source).toList());
    }

    @ParameterizedTest
    @MethodSource("modules")
    void exportedPackagesAreDescribed(ModuleFolder module) {
        for (ModuleDescriptor.Exports exported : module.descriptor().exports()) {
            assertThat(module.sources().resolve(exported.source().replace('.', '/')).resolve("package-info.java")).exists().content()
                    .contains("/**");
        }
    }

    /** A public type that no one outside can name is one too many: it is package-private, or in a package named internal. */
    @ParameterizedTest
    @MethodSource("libraries")
    void publicTypesAreExportedOrInternal(ModuleFolder module) {
        List<String> hidden = module.javaClasses().stream()
                .filter(t -> t.isTopLevelClass() && t.getModifiers().contains(JavaModifier.PUBLIC))
                .filter(t -> !t.getPackageName().contains(".internal") && !module.exports(t.getPackageName()))
                .map(JavaClass::getName).toList();
        assertThat(hidden).isEmpty();
    }

    /** On the class path services are found by files, on the module path by the descriptor. */
    @ParameterizedTest
    @MethodSource("modules")
    void servicesAreTheSameOnBothPaths(ModuleFolder module) throws IOException {
        Set<String> described = new HashSet<>();
        module.descriptor().provides().forEach(p -> p.providers().forEach(type -> described.add(p.service() + " " + type)));
        assertThat(servicesOnTheClassPath(module)).containsExactlyInAnyOrderElementsOf(described);
    }

    private static List<String> servicesOnTheClassPath(ModuleFolder module) throws IOException {
        Path folder = module.classes().resolve("META-INF/services");
        List<String> services = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.readAllLines(file).stream().map(String::strip).filter(l -> !l.isEmpty() && !l.startsWith("#"))
                            .forEach(l -> services.add(file.getFileName() + " " + l));
                }
            }
        }
        return services;
    }
}
