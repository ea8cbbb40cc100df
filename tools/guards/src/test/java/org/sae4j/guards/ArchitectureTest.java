package org.sae4j.guards;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may know whom, and what a library must not do. */
class ArchitectureTest {
    private static final int MAX_API_TYPES = 48;

    private static JavaClasses all;
    private static JavaClasses libraries;

    @BeforeAll
    static void readClasses() {
        all = ModuleFolder.javaClasses(ModuleFolder.all());
        libraries = ModuleFolder.javaClasses(ModuleFolder.libraries());
    }

    @Test
    void everyPartIsSeen() {
        for (String part : List.of("api", "core", "engine.cpu", "experiment", "testkit", "report", "demoworld", "cli")) {
            assertThat(all.that(resideInAPackage("org.sae4j." + part + ".."))).as(part).isNotEmpty();
        }
    }

    @Test
    void theApiKnowsNothingButJavaAndJSpecify() {
        classes().that().resideInAPackage("org.sae4j.api..").should().onlyDependOnClassesThat()
                .resideInAnyPackage("org.sae4j.api..", "java..", "org.jspecify..").check(all);
    }

    @Test
    void coreEnginesExperimentsAndTestkitKnowTheApiAlone() {
        for (String part : List.of("core", "engine", "experiment", "testkit")) {
            noClasses().that().resideInAPackage("org.sae4j." + part + "..").should().dependOnClassesThat(
                    resideInAPackage("org.sae4j..").and(resideOutsideOfPackages("org.sae4j.api..", "org.sae4j." + part + ".."))).check(all);
        }
    }

    @Test
    void enginesAndExperimentsDoNotKnowEachOther() {
        slices().matching("org.sae4j.engine.(*)..").should().notDependOnEachOther().check(all);
        slices().matching("org.sae4j.experiment.(*)..").should().notDependOnEachOther().check(all);
    }

    @Test
    void theLibraryDoesNotKnowTheCommandLine() {
        noClasses().that().resideOutsideOfPackage("org.sae4j.cli..").should().dependOnClassesThat().resideInAPackage("org.sae4j.cli..")
                .check(all);
    }

    @Test
    void internalPackagesAreUsedByTheirOwnModuleAndThoseItNames() {
        for (ModuleFolder module : ModuleFolder.all()) {
            for (String internal : module.packages().stream().filter(p -> p.contains(".internal")).toList()) {
                Set<String> friends = module.friends(internal);
                String[] users = ModuleFolder.all().stream().filter(m -> m.name().equals(module.name()) || friends.contains(m.name()))
                        .flatMap(m -> m.packages().stream()).toArray(String[]::new);
                noClasses().that().resideOutsideOfPackages(users).should().dependOnClassesThat().resideInAPackage(internal)
                        .because(module + " owns it").check(all);
            }
        }
    }

    /**
     * An internal package makes what its owner hands out, so it may know the owner's data: records, enums and exceptions. These are left
     * out; whatever has behaviour must not be reached back to.
     */
    @Test
    void packagesHaveNoCycles() {
        DescribedPredicate<JavaClass> data = DescribedPredicate.describe("records, enums and exceptions", type -> type.isRecord()
                || type.isEnum() || type.isAssignableTo(Throwable.class));
        slices().matching("org.sae4j.(**)").should().beFreeOfCycles().ignoreDependency(resideInAPackage("..internal.."), data).check(all);
    }

    @Test
    void librariesDoNotPrint() {
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(libraries);
        noClasses().should().callMethodWhere(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                com.tngtech.archunit.core.domain.properties.HasName.Predicates.name("printStackTrace"))).check(libraries);
    }

    @Test
    void librariesLogToTheSystemLoggerAndNeverEndTheProcess() {
        noClasses().should().dependOnClassesThat().resideInAnyPackage("java.util.logging..", "org.slf4j..", "org.apache.logging..",
                "org.apache.commons.logging..").check(all);
        noClasses().should().callMethod(System.class, "exit", int.class).check(libraries);
        noClasses().that().resideOutsideOfPackage("org.sae4j.engine.tornado..").should().callMethod(System.class, "setProperty",
                String.class, String.class).because("properties belong to the whole JVM; TornadoVM has no other settings").check(libraries);
    }

    @Test
    void mappingOfJsonIsNoBusinessOfTheApiOrOfExperiments() {
        noClasses().that().resideInAnyPackage("org.sae4j.api..", "org.sae4j.experiment..", "org.sae4j.engine..", "org.sae4j.testkit..")
                .should().dependOnClassesThat().resideInAPackage("tools.jackson..").check(all);
    }

    /** A databind does not run beside every jackson-annotations that a host may have; the streaming parser knows none. */
    @Test
    void librariesReadJsonWithTheStreamingParserAlone() {
        noClasses().should().dependOnClassesThat().resideInAnyPackage("tools.jackson.databind..", "com.fasterxml.jackson..").check(all);
    }

    @Test
    void publicSignaturesOfCoreHaveNoTypesOfItsInternals() {
        for (JavaClass type : all.that(resideInAPackage("org.sae4j.core..").and(resideOutsideOfPackages("..internal..")))) {
            type.getMethods().stream().filter(m -> isVisible(type) && isVisible(m.getModifiers())).forEach(m ->
                    assertThat(m.getAllInvolvedRawTypes()).as(m.getFullName()).noneMatch(t -> t.getPackageName().contains(".internal")
                            || t.getPackageName().startsWith("tools.jackson")));
        }
    }

    private static boolean isVisible(JavaClass type) {
        return type.getModifiers().contains(JavaModifier.PUBLIC);
    }

    private static boolean isVisible(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
    }

    @Test
    void theApiStaysSmall() {
        List<String> types = all.that(resideInAPackage("org.sae4j.api..")).stream()
                .filter(t -> t.isTopLevelClass() && isVisible(t)).map(JavaClass::getName).sorted().toList();
        System.Logger log = System.getLogger(ArchitectureTest.class.getName());
        log.log(System.Logger.Level.INFO, "sae-api has {0} public top-level types of at most {1}", types.size(), MAX_API_TYPES);
        assertThat(types).hasSizeBetween(1, MAX_API_TYPES);
    }
}
