package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.demoworld.DemoWorld;

/**
 * What the documentation shows works. In docs/ every fenced block of Java or of commands has a comment before it:
 *
 * <ul>
 * <li>{@code <!-- test -->}: Java is compiled, commands are run with the packaged command line;
 * <li>{@code <!-- test: run -->}: Java statements are compiled and run;
 * <li>{@code <!-- test: helper -->}: Java methods that the page's other statements use;
 * <li>{@code <!-- test: file NAME -->}: the block's text is written to a file, for those after it;
 * <li>{@code <!-- no test: REASON -->}.
 * </ul>
 *
 * Blocks run in the order of the page, in a folder that has what {@code ./sae demo} writes, with an autoencoder of random weights,
 * and a small model.gguf with its autoencoder sae.
 */
@Tag("packaged")
class DocumentationTest {
    private static final Pattern BLOCK =
            Pattern.compile("(?:<!-- (test|no test)(?:: ([^>]*))? -->\\n)?```(\\w*)\\n(.*?)\\n```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(?:#[^)]*)?\\)");
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

    /** What every snippet may use without saying so. */
    private static final String IMPORTS = Stream.of("java.nio.file", "java.util", "org.sae4j.api", "org.sae4j.api.engine",
            "org.sae4j.api.experiment", "org.sae4j.api.model", "org.sae4j.api.sae", "org.sae4j.core", "org.sae4j.core.activations",
            "org.sae4j.core.evaluate", "org.sae4j.core.experiment", "org.sae4j.core.format", "org.sae4j.core.generate", "org.sae4j.core.output",
            "org.sae4j.core.store", "org.sae4j.core.train", "org.sae4j.report")
            .map(p -> "import " + p + ".*;\n").reduce("", String::concat);

    @TempDir
    private Path folder;

    private record Block(String marker, String detail, String language, String text) {}

    static List<Path> pages() {
        List<Path> pages = new ArrayList<>(markdown(ModuleFolder.ROOT.resolve("docs")));
        pages.add(ModuleFolder.ROOT.resolve("README.md"));
        return pages;
    }

    static List<Path> allPages() {
        List<Path> pages = new ArrayList<>(markdown(ModuleFolder.ROOT));
        pages.addAll(markdown(ModuleFolder.ROOT.resolve("docs")));
        return pages;
    }

    private static List<Path> markdown(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.toString().endsWith(".md")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("allPages")
    void linksLeadToFiles(Path page) throws IOException {
        Matcher link = LINK.matcher(Files.readString(page));
        while (link.find()) {
            assertThat(page.resolveSibling(link.group(1))).as("link of " + page).exists();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void blocksWork(Path page) throws IOException {
        demo();
        int number = 0;
        List<Block> blocks = blocks(page);
        String helpers = blocks.stream().filter(b -> b.detail().equals("helper")).map(Block::text).reduce("", (a, b) -> a + "\n" + b);
        for (Block block : blocks) {
            number++;
            String where = ModuleFolder.ROOT.relativize(page) + ", block " + number + ":\n" + block.text() + "\n";
            boolean shown = block.language().equals("java") || block.language().equals("sh");
            assertThat(!shown || !block.marker().isEmpty()).as(where + "says whether it is tested").isTrue();
            if (block.marker().equals("test")) {
                if (block.detail().startsWith("file ")) {
                    Files.writeString(folder.resolve(block.detail().substring("file ".length())), block.text() + "\n");
                } else if (block.language().equals("java")) {
                    java(block, helpers, number, where);
                } else {
                    commands(block.text(), where);
                }
            }
        }
    }

    private void demo() throws IOException {
        DemoFolders demo = DemoFolders.writeTo(Files.createDirectory(folder.resolve("made")));
        Path models = Files.createDirectories(folder.resolve("sae-demo/models"));
        Files.move(demo.model(), models.resolve(DemoWorld.GELU_1L));
        Files.move(demo.autoencoder(), Files.createDirectories(folder.resolve("sae-demo/autoencoders")).resolve("topk-2048"));
        Files.move(demo.texts(), folder.resolve("texts.tsv"));
        DemoFolders.writeGguf(folder);
    }

    private static List<Block> blocks(Path page) throws IOException {
        List<Block> blocks = new ArrayList<>();
        Matcher block = BLOCK.matcher(Files.readString(page));
        while (block.find()) {
            blocks.add(new Block(block.group(1) == null ? "" : block.group(1), block.group(2) == null ? "" : block.group(2).strip(),
                    block.group(3), block.group(4)));
        }
        return blocks;
    }

    private void java(Block block, String helpers, int number, String where) throws IOException {
        boolean unit = Pattern.compile("^(package|import) ", Pattern.MULTILINE).matcher(block.text()).find();
        String name = unit ? className(block.text()) : "Snippet";
        String statements = block.detail().equals("helper") ? "" : block.text();
        String source = unit ? block.text() : IMPORTS + "class Snippet {\n    public static void main(String[] args) throws Exception {\n"
                + statements + "\n    }\n" + helpers + "\n}\n";
        Path work = Files.createDirectory(folder.resolve("java-" + number));
        String path = Packaged.classPath() + File.pathSeparator
                + ModuleFolder.ROOT.resolve("tools/testkit/target/classes").toAbsolutePath();
        Path classes;
        try {
            classes = Packaged.compile(work, Map.of(name + ".java", source), "-cp", path);
        } catch (AssertionError e) {
            throw new AssertionError(where + e.getMessage(), e);
        }
        if (block.detail().equals("run")) {
            Packaged.Outcome outcome = Packaged.java(folder, "--add-modules", Packaged.VECTOR, "-cp",
                    classes + File.pathSeparator + path, name);
            assertThat(outcome.exit()).as(where + outcome.err()).isZero();
        }
    }

    private static String className(String source) {
        Matcher name = Pattern.compile("\\b(?:class|record|interface|enum) (\\w+)").matcher(source);
        assertThat(name.find()).as("a type in\n" + source).isTrue();
        return name.group(1);
    }

    private void commands(String text, String where) {
        for (String line : text.replace("\\\n", " ").lines().filter(l -> !l.isBlank() && !l.startsWith("#")).toList()) {
            List<String> words = new ArrayList<>();
            Matcher word = WORD.matcher(line.replaceAll("\\s#.*", ""));
            while (word.find()) {
                words.add(word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group(3));
            }
            assertThat(words.removeFirst()).as(where).isEqualTo("./sae");
            Packaged.Outcome outcome = Packaged.sae(folder, words.toArray(String[]::new));
            assertThat(outcome.exit()).as(where + "command: " + line + "\n" + outcome.err()).isZero();
        }
    }
}
