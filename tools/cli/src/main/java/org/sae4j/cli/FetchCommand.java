package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.hub.HubClient;
import org.sae4j.core.hub.HubReference;
import org.sae4j.core.hub.HubSettings;
import org.sae4j.core.hub.HubSnapshot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Downloads from the hub. Standard output has the folder and nothing else, so that scripts can use it. */
@Command(name = "fetch", description = {"Download a model or autoencoder from the Hugging Face hub and print the folder where it lies.",
        "Without --include: config, tokenizer and weights at the top of the repository. A broken download is continued when run again.",
        "HF_TOKEN or ~/.cache/huggingface/token gives access to what is gated or private."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class FetchCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "hf:OWNER/NAME[@REVISION]", description = "The repository, and a branch, tag or commit. Default: main.")
    private String repository;

    @Option(names = "--include", paramLabel = "GLOB",
            description = "Files to download instead, such as 'layer_0/**'; * stays within a folder, ** does not. May be repeated.")
    private List<String> include = List.of();

    @Option(names = "--cache", paramLabel = "DIR",
            description = "Where to keep downloads. Default: SAE4J_CACHE, else sae4j in XDG_CACHE_HOME or in ~/.cache.")
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
        HubReference reference = argument(() -> HubReference.parse(repository));
        HubSettings environment = HubSettings.fromEnvironment().withOffline(offline);
        HubSettings settings = endpoint == null ? environment
                : argument(() -> environment.withEndpoint(HubSettings.address(Objects.requireNonNull(endpoint))));
        HubSnapshot snapshot;
        try (HubClient client = new HubClient(cache == null ? settings : settings.withCache(cache))) {
            snapshot = client.fetch(reference, include, Terminal.quiet());
        }
        Terminal.endLine();
        PrintWriter out = spec.commandLine().getOut();
        out.println(snapshot.folder());
        out.flush();
    }

    private <T> T argument(Supplier<T> parsed) {
        try {
            return parsed.get();
        } catch (Sae4jException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
