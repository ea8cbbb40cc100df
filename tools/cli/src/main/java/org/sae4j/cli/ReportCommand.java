package org.sae4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;
import org.sae4j.report.Report;
import org.sae4j.report.ResultJson;
import org.sae4j.report.SavedResult;
import org.sae4j.report.Section;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes one report of several results. */
@Command(name = "report", description = "Make one HTML report of results that sae run wrote, pages of features, or curves of trainings.",
        customSynopsis = {"sae report RESULT... --output=FILE [--title=TEXT]", "       sae report features [OPTION]...",
            "       sae report training DIR... --output=FILE"},
        mixinStandardHelpOptions = true, versionProvider = Version.class,
        subcommands = {FeaturesCommand.class, TrainingReportCommand.class})
final class ReportCommand implements Runnable, Needs {
    // Not required for picocli, which would ask for them before a subcommand too.
    @Parameters(arity = "0..*", paramLabel = "RESULT", description = "result.json files, or folders with one.")
    private List<Path> results = List.of();

    @Option(names = "--title", defaultValue = "sae4j report", paramLabel = "TEXT", description = "The heading. Default: ${DEFAULT-VALUE}.")
    private String title;

    @Option(names = "--output", paramLabel = "FILE", description = "The HTML file to write.")
    private Path output;

    @Mixin
    private OverwriteOption overwriteOption;

    ReportCommand() {
    }

    @Override
    public List<String> missing() {
        return Usage.absent("'RESULT'", results.isEmpty() ? null : results, "'--output=FILE'", output);
    }

    @Override
    public void run() {
        Report.Builder report = Report.builder(title);
        Set<String> taken = new HashSet<>();
        List<Path> files = results.stream().map(path -> Files.isDirectory(path) ? path.resolve(OutputKinds.RESULT) : path).toList();
        OutputFile.check(output, FileForm.REPORT, overwriteOption.existing(), files.toArray(Path[]::new));
        for (int i = 0; i < files.size(); i++) {
            SavedResult saved = ResultJson.read(Paths.existing(files.get(i), "the list of results"));
            report.section(section(saved, results.get(i), number(saved.experiment(), taken)));
        }
        report.build().write(output);
        new Terminal().say("wrote " + output);
    }

    /** The first number that makes the id of a section which is not taken yet. */
    private static int number(String experiment, Set<String> taken) {
        int number = 1;
        while (!taken.add(id(experiment, number))) {
            number++;
        }
        return number;
    }

    private static String id(String experiment, int number) {
        return number == 1 ? experiment : experiment + "-" + number;
    }

    /** The section of a result, with its origin; the second and later ones of an experiment have a number. */
    private static Section section(SavedResult saved, Path path, int number) {
        Section section = Section.of(saved);
        String heading = number == 1 ? section.title() : section.title() + " (" + number + ")";
        List<String> lead = new ArrayList<>(section.lead());
        lead.add("From " + path.getFileName() + ": " + Stream.of("model", "seed", "engine", "device")
                .filter(saved.provenance()::containsKey)
                .map(key -> key + " " + saved.provenance().get(key)).collect(Collectors.joining(", ")) + ".");
        return new Section(id(section.id(), number), heading, lead, section.findings(), section.metrics(), section.figures(), section.notes(), section.commands(),
                section.subsections());
    }
}
