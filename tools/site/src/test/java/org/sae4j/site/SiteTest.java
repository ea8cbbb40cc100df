package org.sae4j.site;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SiteTest {
    private static final Path REPOSITORY = Path.of("../..");
    private static final Pattern REFERENCE = Pattern.compile("(?:href|src)=\"([^\"]*)\"");
    private static final Pattern ID = Pattern.compile("\\bid=\"([^\"]*)\"");

    @TempDir
    private static Path site;

    @BeforeAll
    static void build() throws IOException {
        Site.build(REPOSITORY, site, Optional.empty());
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> files = Files.list(site)) {
            return files.filter(f -> f.toString().endsWith(".html")).sorted().toList();
        }
    }

    @Test
    void everyPageOfTheDocumentationIsInTheMenu() throws IOException {
        try (Stream<Path> docs = Files.list(REPOSITORY.resolve("docs"))) {
            List<Path> sources = docs.filter(f -> f.toString().endsWith(".md")).map(REPOSITORY::relativize).toList();
            assertThat(Navigation.outputs().keySet()).containsAll(sources);
        }
        assertThat(pages()).hasSize(Navigation.entries().size());
    }

    @Test
    void everyLinkLeadsToAPageAndAPlaceOnIt() throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path page : pages()) {
            Matcher reference = REFERENCE.matcher(Files.readString(page));
            while (reference.find()) {
                String link = reference.group(1);
                if (!link.matches("(https?|mailto):.*") && !leadsSomewhere(page, link)) {
                    broken.add(page.getFileName() + ": " + link);
                }
            }
        }
        assertThat(broken).isEmpty();
    }

    private static boolean leadsSomewhere(Path page, String link) throws IOException {
        String[] parts = link.split("#", 2);
        Path file = parts[0].isEmpty() ? page : site.resolve(parts[0]);
        if (!Files.isRegularFile(file)) {
            return false;
        }
        return parts.length == 1 || ids(Files.readString(file)).contains(parts[1]);
    }

    private static Set<String> ids(String html) {
        return ID.matcher(html).results().map(r -> r.group(1)).collect(HashSet::new, Set::add, Set::addAll);
    }

    @Test
    void linksToTheRepositoryNameFilesThatAreThere() throws IOException {
        Pattern file = Pattern.compile("href=\"https://github.com/sae4j/sae4j/blob/main/([^\"#]*)");
        for (Path page : pages()) {
            for (MatchResult link : file.matcher(Files.readString(page)).results().toList()) {
                assertThat(REPOSITORY.resolve(link.group(1))).as("link of " + page.getFileName()).exists();
            }
        }
    }

    @Test
    void pagesHaveAHeadingAndLoadNothingFromElsewhere() throws IOException {
        for (Path page : pages()) {
            String html = Files.readString(page);
            assertThat(html).as(page.toString()).contains("<h1").doesNotContain("<script")
                    .doesNotContainPattern("(src|<link[^>]*href)=\"https?:");
            assertThat(html).as("comments of tests are left out").doesNotContain("<!-- test");
        }
        assertThat(site.resolve("site.css")).content().doesNotContain("http").doesNotContain("@import");
    }
}
