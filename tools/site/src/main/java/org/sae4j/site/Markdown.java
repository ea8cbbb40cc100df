package org.sae4j.site;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.commonmark.Extension;
import org.commonmark.ext.gfm.tables.TableBlock;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.heading.anchor.HeadingAnchorExtension;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.Image;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;

/** Markdown to HTML. Links to files that are pages become links to these, links to other files of the repository lead to the repository. */
final class Markdown {
    private static final String REPOSITORY = "https://github.com/sae4j/sae4j/blob/main/";
    private static final List<Extension> EXTENSIONS = List.of(TablesExtension.create(), HeadingAnchorExtension.create());

    private final Parser parser = Parser.builder().extensions(EXTENSIONS).build();
    private final HtmlRenderer renderer = HtmlRenderer.builder().extensions(EXTENSIONS)
            .attributeProviderFactory(context -> (node, tag, attributes) -> {
                if (node instanceof TableBlock) {
                    // Scrolls by keyboard where it is wider than the page.
                    attributes.put("tabindex", "0");
                } else if (node instanceof Image) {
                    attributes.put("loading", "lazy");
                }
            }).build();
    private final Map<Path, String> outputs;
    private final Set<Path> images = new TreeSet<>();

    Markdown(Map<Path, String> outputs) {
        this.outputs = outputs;
    }

    /** {@return images that pages show, relative to the repository's root} */
    Set<Path> images() {
        return images;
    }

    /** The title and the body of a page. */
    record Rendered(String title, String html) {}

    /**
     * Renders a text.
     *
     * @param source where it stands, relative to the repository's root; its links are relative to that
     * @param text Markdown
     */
    Rendered render(Path source, String text) {
        Node document = parser.parse(text);
        String[] title = {source.getFileName().toString()};
        document.accept(new AbstractVisitor() {
            private boolean titled;

            @Override
            public void visit(Heading heading) {
                if (!titled && heading.getLevel() == 1) {
                    titled = true;
                    title[0] = text(heading);
                }
                visitChildren(heading);
            }

            @Override
            public void visit(HtmlBlock block) {
                // The comments that tell DocumentationTest what to do.
                if (block.getLiteral().startsWith("<!--")) {
                    block.unlink();
                }
            }

            @Override
            public void visit(Link link) {
                link.setDestination(resolve(source, link.getDestination()));
                visitChildren(link);
            }

            @Override
            public void visit(Image image) {
                Path file = inRepository(source, image.getDestination());
                images.add(file);
                image.setDestination("images/" + file.getFileName());
                visitChildren(image);
            }
        });
        return new Rendered(title[0], renderer.render(document));
    }

    private static Path inRepository(Path source, String link) {
        Path folder = source.getParent();
        return (folder == null ? Path.of(link) : folder.resolve(link)).normalize();
    }

    private String resolve(Path source, String link) {
        if (link.isEmpty() || link.startsWith("#") || link.startsWith(Javadoc.FOLDER) || link.matches("[a-z]+:.*")) {
            return link;
        }
        int hash = link.indexOf('#');
        String anchor = hash < 0 ? "" : link.substring(hash);
        Path file = inRepository(source, hash < 0 ? link : link.substring(0, hash));
        String page = outputs.getOrDefault(file, outputs.get(file.resolve("README.md")));
        return (page == null ? REPOSITORY + file : page) + anchor;
    }

    private static String text(Node node) {
        StringBuilder text = new StringBuilder();
        node.accept(new AbstractVisitor() {
            @Override
            public void visit(Text part) {
                text.append(part.getLiteral());
            }
        });
        return text.toString();
    }
}
