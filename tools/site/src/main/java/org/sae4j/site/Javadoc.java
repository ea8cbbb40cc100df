package org.sae4j.site;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The javadoc of the modules, unpacked from the jars that the build made of it. */
final class Javadoc {
    /** Where the javadoc of all modules lies, in the site. */
    static final String FOLDER = "api/";
    static final String PAGE = "javadoc.html";

    private record Module(String artifact, String folder, String description) {}

    private static final List<Module> MODULES = List.of(
            new Module("sae-api", "sae-api", "the API: tensors, models, autoencoders, engines, experiments"),
            new Module("sae-core", "sae-core", "opening models and autoencoders, training, evaluation, file formats"),
            new Module("sae-report", "tools/report", "reports and result files"),
            new Module("sae-testkit", "tools/testkit", "conformance suites for engines and experiments"),
            new Module("sae-spring-boot-starter", "tools/spring-boot-starter", "beans, health and metrics for Spring Boot"));

    private Javadoc() {}

    /**
     * Unpacks what there is, and says so on a page.
     *
     * @return the page in Markdown
     */
    static String unpack(Path repository, Path site) throws IOException {
        List<String> lines = new ArrayList<>(List.of("# Javadoc", "", "Read `sae-api` first: it takes an hour, and the rest follows from it.",
                "", "| module | what it has |", "|---|---|"));
        boolean missing = false;
        for (Module module : MODULES) {
            Optional<Path> jar = jar(repository.resolve(module.folder()).resolve("target"));
            String name = "`" + module.artifact() + "`";
            if (jar.isPresent()) {
                unzip(jar.get(), site.resolve("api").resolve(module.artifact()));
                name = "[" + name + "](" + FOLDER + module.artifact() + "/index.html)";
            } else {
                missing = true;
            }
            lines.add("| " + name + " | " + module.description() + " |");
        }
        if (missing) {
            lines.addAll(List.of("", "Modules without a link had no javadoc when this site was built; `./mvnw package` makes it."));
        }
        return String.join("\n", lines);
    }

    private static Optional<Path> jar(Path target) throws IOException {
        if (!Files.isDirectory(target)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(f -> f.toString().endsWith("-javadoc.jar")).findFirst();
        }
    }

    private static void unzip(Path jar, Path folder) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (Enumeration<? extends ZipEntry> entries = zip.entries(); entries.hasMoreElements();) {
                ZipEntry entry = entries.nextElement();
                Path file = folder.resolve(entry.getName()).normalize();
                if (entry.isDirectory() || entry.getName().startsWith("META-INF/") || !file.startsWith(folder)) {
                    continue;
                }
                Files.createDirectories(file.getParent());
                try (InputStream in = zip.getInputStream(entry)) {
                    Files.copy(in, file);
                }
            }
        }
    }
}
