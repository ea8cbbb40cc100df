package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.hub.HubClient;
import org.sae4j.core.hub.HubReference;
import org.sae4j.core.hub.HubSettings;
import org.sae4j.core.hub.SaeRelease;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Downloads from the hub. Standard output has the folder and nothing else, so that scripts can use it. */
@Command(name = "fetch", description = {"Download a model or autoencoder from the Hugging Face hub and print its folder.",
        "sae:RELEASE/ID names an autoencoder as SAELens' directory does, such as sae:gpt2-small-res-jb/blocks.8.hook_resid_pre: its folder or "
                + "file is printed, and with --with-model the folder of its model in a second line.",
        "Without --include: config, tokenizer and weights at the top of the repository. Run again to continue an interrupted download.",
        "HF_TOKEN or ~/.cache/huggingface/token gives access to gated and private repositories."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class FetchCommand implements Runnable {
    private static final String RELEASE = "sae:";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "hf:OWNER/NAME[@REVISION]", description = "The repository, and a branch, tag or commit (default: main), or "
            + "sae:RELEASE/ID.")
    private String repository;

    @Option(names = "--include", paramLabel = "GLOB",
            description = "Files to download instead, such as 'layer_0/**'; * stays within a folder, ** does not. May be repeated.")
    private List<String> include = List.of();

    @Option(names = "--with-model", description = "Download the model of a sae:RELEASE/ID, too.")
    private boolean withModel;

    @Option(names = "--cache", paramLabel = "DIR",
            description = "Where to keep downloads. Default: SAE4J_CACHE, or sae4j in XDG_CACHE_HOME or ~/.cache.")
    private @Nullable Path cache;

    @Option(names = "--endpoint", paramLabel = "URL",
            description = "The hub or a mirror. Default: HF_ENDPOINT, else https://huggingface.co.")
    private @Nullable String endpoint;

    @Option(names = "--offline", description = "Use only what is in the cache.")
    private boolean offline;

    FetchCommand() {
    }

    @Override
    public void run() {
        boolean named = repository.startsWith(RELEASE);
        if (named ? !include.isEmpty() : withModel) {
            throw new ParameterException(spec.commandLine(), named ? "--include has no effect on " + RELEASE + "RELEASE/ID"
                    : "--with-model needs " + RELEASE + "RELEASE/ID");
        }
        @Nullable HubReference reference = named ? null : Usage.argument(spec, () -> HubReference.parse(repository));
        HubSettings environment = HubSettings.fromEnvironment().withOffline(offline);
        HubSettings settings = endpoint == null ? environment
                : Usage.argument(spec, () -> environment.withEndpoint(HubSettings.address(Objects.requireNonNull(endpoint))));
        List<Path> places;
        try (HubClient client = new HubClient(cache == null ? settings : settings.withCache(cache))) {
            places = reference == null ? release(client) : List.of(client.fetch(reference, include, Terminal.quiet()).folder());
        }
        Terminal.endLine();
        PrintWriter out = spec.commandLine().getOut();
        places.forEach(out::println);
        out.flush();
    }

    /** The place of a coder of a release, and that of its model if it is wanted. */
    private List<Path> release(HubClient client) {
        String rest = repository.substring(RELEASE.length());
        int slash = rest.indexOf('/');
        SaeRelease release = SaeRelease.get(slash < 0 ? rest : rest.substring(0, slash));
        String id = slash < 0 ? "" : rest.substring(slash + 1);
        Path coder = client.fetch(release.repository(), release.files(id), Terminal.quiet()).folder().resolve(release.path(id));
        return withModel ? List.of(coder, client.fetch(release.model(), List.of(), Terminal.quiet()).folder()) : List.of(coder);
    }
}
