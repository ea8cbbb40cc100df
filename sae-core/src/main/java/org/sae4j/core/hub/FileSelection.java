package org.sae4j.core.hub;

import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.sae4j.api.Sae4jException;

/** Which files of a repository are wanted. */
final class FileSelection {
    private static final List<String> USUAL = List.of("config.json", "*cfg.json", "tokenizer*.json", "special_tokens_map.json",
            "vocab.json", "merges.txt", "*.safetensors", "*.safetensors.index.json", "*.pt", "*.pth", "*.npz");
    private static final List<String> OLD_WEIGHTS = List.of("*.bin", "*.bin.index.json");
    private static final int SHOWN = 12;

    private final List<String> globs;

    /**
     * Makes a selection.
     *
     * @param globs patterns over whole paths, where only {@code **} crosses a slash; none for the usual files at the top of the repository
     * @throws Sae4jException if a pattern is malformed
     */
    FileSelection(List<String> globs) {
        globs.forEach(FileSelection::matcher);
        this.globs = List.copyOf(globs);
    }

    /**
     * The wanted files, in the order of their paths.
     *
     * @throws Sae4jException if there are none, or a name would be mistaken for a download that is not complete
     */
    List<HubFile> of(Listing listing, String where) {
        List<HubFile> chosen = new ArrayList<>(matching(listing, globs.isEmpty() ? USUAL : globs));
        if (globs.isEmpty() && matching(listing, List.of("*.safetensors")).isEmpty()) {
            chosen.addAll(matching(listing, OLD_WEIGHTS));
        }
        chosen.sort(Comparator.comparing(HubFile::path));
        if (chosen.isEmpty()) {
            throw new Sae4jException(globs.isEmpty() ? "no weights, config or tokenizer at the top of the repository"
                    : "no file matches " + String.join(" or ", globs), where, "choose with --include 'FOLDER/**' or another pattern among "
                            + sample(listing));
        }
        chosen.stream().filter(file -> file.path().endsWith(HubFile.PART)).findFirst().ifPresent(file -> {
            throw new Sae4jException("names that end with " + HubFile.PART + " stand for downloads that are not complete: " + file.path(),
                    where, "choose other files with --include");
        });
        return chosen;
    }

    private static List<HubFile> matching(Listing listing, List<String> globs) {
        List<PathMatcher> matchers = globs.stream().map(FileSelection::matcher).toList();
        return listing.files().stream().filter(file -> {
            Path path = Path.of(file.path());
            return matchers.stream().anyMatch(matcher -> matcher.matches(path));
        }).toList();
    }

    private static PathMatcher matcher(String glob) {
        try {
            return FileSystems.getDefault().getPathMatcher("glob:" + glob);
        } catch (PatternSyntaxException e) {
            throw new Sae4jException("not a pattern, " + e.getDescription(), glob, "write one like '*.json' or 'layer_0/**'", e);
        }
    }

    private static String sample(Listing listing) {
        List<String> places = listing.files().stream().map(HubFile::path)
                .map(path -> path.contains("/") ? path.substring(0, path.indexOf('/') + 1) : path).distinct().toList();
        return places.size() <= SHOWN ? places.toString() : places.subList(0, SHOWN) + " and " + (places.size() - SHOWN) + " more";
    }
}
