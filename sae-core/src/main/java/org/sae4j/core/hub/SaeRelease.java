package org.sae4j.core.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.Nearest;

/**
 * A published set of autoencoders or transcoders under its name in SAELens' directory: which repository has them, and for which model they
 * are.
 *
 * @param name the name, such as {@code gpt2-small-res-jb}
 * @param loader the kind of files, as SAELens names its loaders
 * @param repository the repository of the coders
 * @param model the repository of the model
 * @param coders paths in the repository by id, in the directory's order; unmodifiable
 */
public record SaeRelease(String name, String loader, HubReference repository, HubReference model, Map<String, String> coders) {
    private static final int SHOWN = 6;

    /** Copies the map. */
    public SaeRelease {
        coders = Collections.unmodifiableMap(new LinkedHashMap<>(coders));
    }

    /**
     * Finds a release.
     *
     * @param name its name in SAELens' directory
     * @return the release
     * @throws Sae4jException if there is none of this name
     */
    public static SaeRelease get(String name) {
        SaeRelease release = Table.RELEASES.get(name);
        if (release == null) {
            throw new Sae4jException("no release '" + name + "' among the " + Table.RELEASES.size() + " of SAELens' directory",
                    "sae:" + name, Nearest.of(name, names()).map(nearest -> "did you mean '" + nearest + "'?")
                            .orElse("give a release of SAELens' directory, or hf:OWNER/NAME"));
        }
        return release;
    }

    /** {@return the names of all releases, in the directory's order} */
    public static List<String> names() {
        return List.copyOf(Table.RELEASES.keySet());
    }

    /**
     * The place of a coder in the repository: a folder, or a file of weights.
     *
     * @param id its id
     * @return a path with slashes
     * @throws Sae4jException if the release has no such coder
     */
    public String path(String id) {
        String path = coders.get(id);
        if (path == null) {
            List<String> some = coders.keySet().stream().limit(SHOWN).toList();
            throw new Sae4jException("release " + name + (id.isEmpty() ? " has " + coders.size() + " coders" : " has no coder " + id),
                    "sae:" + name, "give sae:" + name + "/ID with one of " + some
                            + (coders.size() > SHOWN ? " and " + (coders.size() - SHOWN) + " more" : ""));
        }
        return loader.equals("mntss_clt_layer_transcoder") ? "W_enc_" + path + ".safetensors" : path;
    }

    /**
     * Which files of the repository a coder needs, for {@link HubClient#fetch}.
     *
     * @param id its id
     * @return patterns
     * @throws Sae4jException if the release has no such coder
     */
    public List<String> files(String id) {
        String path = path(id);
        return switch (loader) {
            case "connor_rob_hook_z" -> List.of(path, path.replaceFirst("\\.pt$", "_cfg.json"));
            case "goodfire", "deepseek_r1", "qwen_scope" -> List.of(path);
            case "mwhanna_transcoder" -> List.of(path, "config.yaml", "wandb-config.yaml", "wanb-config.yaml");
            case "mntss_clt_layer_transcoder" -> List.of(path, path.replace("W_enc_", "W_dec_"), "config.yaml");
            default -> List.of(path + "/**");
        };
    }

    /** The directory, read when it is first asked for. */
    private static final class Table {
        static final Map<String, SaeRelease> RELEASES = read();

        private Table() {}

        private static Map<String, SaeRelease> read() {
            Map<String, SaeRelease> releases = new LinkedHashMap<>();
            try (InputStream table = Objects.requireNonNull(SaeRelease.class.getResourceAsStream("sae-releases.tsv"))) {
                List<String> lines = new String(table.readAllBytes(), StandardCharsets.UTF_8).lines().filter(line -> !line.startsWith("#"))
                        .toList();
                for (int i = 0; i < lines.size(); i += 2) {
                    String[] release = lines.get(i).split("\t");
                    String[] listed = lines.get(i + 1).split("\t", 3);
                    Map<String, String> coders = new LinkedHashMap<>();
                    for (String coder : listed[2].split(" ")) {
                        int equals = coder.indexOf('=');
                        coders.put(equals < 0 ? coder : coder.substring(0, equals),
                                equals < 0 ? listed[1] + coder : coder.substring(equals + 1));
                    }
                    releases.put(release[0], new SaeRelease(release[0], release[1], HubReference.parse("hf:" + release[2]),
                            HubReference.parse("hf:" + release[3]), coders));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return releases;
        }
    }
}
