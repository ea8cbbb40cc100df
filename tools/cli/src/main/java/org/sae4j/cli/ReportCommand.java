package org.sae4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.sae4j.report.Report;
import org.sae4j.report.ResultJson;
import org.sae4j.report.SavedResult;
import org.sae4j.report.Section;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes one report of several results. */
@Command(name = "report", description = "Make one HTML report of results that sae run wrote, or pages of features.",
        customSynopsis = {"sae report RESULT... --output=FILE [--title=TEXT]", "       sae report features [OPTION]..."},
        mixinStandardHelpOptions = true, versionProvider = Version.class, subcommands = FeaturesCommand.class)
final class ReportCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    // Not required for picocli, which would ask for them before a subcommand too.
    @Parameters(arity = "0..*", paramLabel = "RESULT", description = "result.json files, or folders that hold one.")
    private List<Path> results = List.of();

    @Option(names = "--title", defaultValue = "sae4j report", paramLabel = "TEXT", description = "The heading. Default: ${DEFAULT-VALUE}.")
    private String title;

    @Option(names = "--output", paramLabel = "FILE", description = "The HTML file to write.")
    private Path output;

    ReportCommand() {
    }

    @Override
    public void run() {
        if (results.isEmpty() || output == null) {
            throw new ParameterException(spec.commandLine(),
                    results.isEmpty() ? "Missing required parameter: 'RESULT'" : "Missing required option: '--output=FILE'");
        }
        Report.Builder report = Report.builder(title);
        for (Path path : results) {
            Path file = Files.isDirectory(path) ? path.resolve("result.json") : path;
            SavedResult saved = ResultJson.read(Paths.existing(file, "the list of results"));
            report.section(Section.of(saved));
        }
        report.build().write(Paths.newFile(output));
        new Terminal().say("wrote " + output);
    }
}
