package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Fetching from a hub on the loopback interface. */
class FetchCommandTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    /** The content "hello" and a line feed, and what {@code git hash-object} says of it. */
    private static final String CONTENT = "hello\n";
    private static final String BLOB = "ce013625030ba8dba906f756967f9e9ca394464a";

    @TempDir
    private Path cache;
    private HttpServer server;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void startHub() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/models/a/b/revision/main", exchange -> send(exchange, "{\"sha\": \"" + COMMIT + "\", \"siblings\": ["
                + "{\"rfilename\": \"config.json\", \"size\": 6, \"blobId\": \"" + BLOB + "\"},"
                + "{\"rfilename\": \"layer_0/cfg.json\", \"size\": 6, \"blobId\": \"" + BLOB + "\"}]}"));
        server.createContext("/a/b/resolve/" + COMMIT + "/", exchange -> send(exchange, CONTENT));
        server.start();
    }

    private static void send(HttpExchange exchange, String text) throws IOException {
        try (exchange) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    @AfterEach
    void stopHub() {
        server.stop(0);
    }

    private int fetch(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        List<String> all = new ArrayList<>(List.of("fetch", "--cache", cache.toString()));
        all.addAll(List.of(args));
        if (!all.contains("--endpoint")) {
            all.addAll(List.of("--endpoint", "http://127.0.0.1:" + server.getAddress().getPort()));
        }
        return commandLine.execute(all.toArray(String[]::new));
    }

    @Test
    void printsTheFolderAlone() {
        assertThat(fetch("hf:a/b")).as(err.toString()).isZero();
        Path folder = cache.resolve("a/b").resolve(COMMIT);
        assertThat(out.toString()).isEqualTo(folder + System.lineSeparator());
        assertThat(folder.resolve("config.json")).hasContent(CONTENT);
        assertThat(folder.resolve("layer_0")).doesNotExist();
        assertThat(fetch("hf:a/b@main", "--include", "layer_0/*")).isZero();
        assertThat(folder.resolve("layer_0/cfg.json")).hasContent(CONTENT);
        stopHub();
        assertThat(fetch("hf:a/b", "--include", "*.json", "--include", "**/*.json", "--offline")).as(err.toString()).isZero();
    }

    /** Repository, path and files of a release come from SAELens' directory. */
    @Test
    void releasesAreFetchedByTheirNames() {
        String[] repositories = {"jbloom/GPT2-Small-SAEs-Reformatted", "openai-community/gpt2"};
        for (String repository : repositories) {
            server.createContext("/api/models/" + repository + "/revision/main", exchange -> send(exchange, "{\"sha\": \"" + COMMIT
                    + "\", \"siblings\": [{\"rfilename\": \"config.json\", \"size\": 6, \"blobId\": \"" + BLOB + "\"},"
                    + "{\"rfilename\": \"blocks.8.hook_resid_pre/cfg.json\", \"size\": 6, \"blobId\": \"" + BLOB + "\"},"
                    + "{\"rfilename\": \"blocks.9.hook_resid_pre/cfg.json\", \"size\": 6, \"blobId\": \"" + BLOB + "\"}]}"));
            server.createContext("/" + repository + "/resolve/" + COMMIT + "/", exchange -> send(exchange, CONTENT));
        }
        assertThat(fetch("sae:gpt2-small-res-jb/blocks.8.hook_resid_pre", "--with-model")).as(err.toString()).isZero();
        Path coder = cache.resolve(repositories[0]).resolve(COMMIT).resolve("blocks.8.hook_resid_pre");
        Path model = cache.resolve(repositories[1]).resolve(COMMIT);
        assertThat(out.toString().lines()).containsExactly(coder.toString(), model.toString());
        assertThat(coder.resolve("cfg.json")).hasContent(CONTENT);
        assertThat(coder.resolveSibling("blocks.9.hook_resid_pre")).doesNotExist();
        assertThat(model.resolve("config.json")).hasContent(CONTENT);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 | not the name of a repository on the hub, gpt2, write hf:OWNER/NAME | gpt2",
        "2 | not the address of a hub, nowhere | hf:a/b --endpoint nowhere",
        "2 | Missing required parameter: 'hf:OWNER/NAME[@REVISION]' | --offline",
        "1 | no release 'gpt2-small-res-jp' among the 170 of SAELens' directory, sae:gpt2-small-res-jp, did you mean | sae:gpt2-small-res-jp/a",
        "1 | release gpt2-small-res-jb has 13 coders, sae:gpt2-small-res-jb, give sae:gpt2-small-res-jb/ID with one of | sae:gpt2-small-res-jb",
        "1 | release gpt2-small-res-jb has no coder x | sae:gpt2-small-res-jb/x",
        "2 | --with-model needs sae:RELEASE/ID | hf:a/b --with-model",
        "1 | 404: not found: the repository hf:a/c@main | hf:a/c",
        "1 | no file matches *.pt | hf:a/b --include *.pt",
        "1 | the cache has nothing of hf:a/b@main | hf:a/b --offline",
    })
    void failuresAreExplained(int code, String message, String args) {
        assertThat(fetch(args.split(" "))).isEqualTo(code);
        assertThat(err.toString().strip()).startsWith("error: ").contains(message).doesNotContain("\n");
        assertThat(out.toString()).isEmpty();
    }
}
