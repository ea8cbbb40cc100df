package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;

/**
 * The paper's experiments on files of exactly its layouts, with small random weights; {@code src/test/python/make_paper_files.py} made them.
 */
class PaperCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter err = new StringWriter();

    private int paper(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(new StringWriter(), true));
        commandLine.setErr(new PrintWriter(err, true));
        String[] all = new String[args.length + 1];
        all[0] = "paper";
        System.arraycopy(args, 0, all, 1, args.length);
        return commandLine.execute(all);
    }

    private void file(String name, Path target) throws IOException {
        Files.createDirectories(target.getParent());
        try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream("paper/" + name))) {
            Files.copy(in, target);
        }
    }

    /** The folder that the command makes of its downloads; the tokenizer is the demo's, which knows the three scripts. */
    private void layouts() throws IOException {
        Path demo = DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("demo"));
        file("model/config.json", folder.resolve("model/config.json"));
        file("model/model_final.pth", folder.resolve("model/model_final.pth"));
        Files.copy(demo.resolve("tokenizer.json"), folder.resolve("model/tokenizer.json"));
        file("25.pt", folder.resolve("25.pt"));
        file("25_cfg.json", folder.resolve("25_cfg.json"));
    }

    @Test
    void filesOfThePapersLayoutsGiveAPageWithEveryFigureAndClaim() throws IOException {
        layouts();
        assertThat(paper("--model", folder.resolve("model").toString(), "--sae", folder.resolve("25.pt").toString(), "--documents", "60",
                "--output", folder.resolve("out").toString())).as(err.toString()).isZero();
        String page = Files.readString(folder.resolve("out/report.html"));
        assertThat(page).contains("Figures 5 and 6", "Figure 7", "Figure 8", "Figure 9", "Figure 10", "Figure 11", "What the last part proposes",
                "Feature 42 tells equivalent sentences of different languages apart",
                "Setting feature 42 to zero makes the reconstruction worse", "The distance from the start grows smoothly: agrees",
                "autoencoder than the paper");
        assertThat(page).doesNotContain("-> null", "NaN).");
        assertThat(folder.resolve("out/results/ablation/result.json")).exists();
    }

    @Test
    void withoutANetworkAndWithAWrongFeatureALineSaysWhatToDo() throws IOException {
        layouts();
        assertThat(paper("--offline", "--output", folder.resolve("a").toString())).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("the paper's model and autoencoder cannot be had").contains("docs/replicate-the-paper.md")
                .contains("--model and --sae");
        err.getBuffer().setLength(0);
        assertThat(paper("--model", folder.resolve("model").toString(), "--sae", folder.resolve("25.pt").toString(), "--feature", "64",
                "--output", folder.resolve("b").toString())).isEqualTo(1);
        assertThat(err.toString()).contains("no feature 64, only 0 to 63");
        assertThat(paper("--model", folder.resolve("model").toString())).isEqualTo(2);
    }
}
