package org.sae4j.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sae4j.core.output.OutputFile;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints or writes manual pages. */
@Command(name = "man", description = {"Print a command's manual page, or write those of all commands to a folder.",
        "To read one: sae man train | man -l -"}, mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ManCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "The command, such as train or report features. Default: sae itself.")
    private List<String> path = List.of();

    @Option(names = "--output", paramLabel = "DIR", description = "Write sae.1, sae-train.1 and so on to this folder, such as "
            + "/usr/local/share/man/man1.")
    private Path output;

    ManCommand() {
    }

    @Override
    public void run() {
        CommandLine main = Main.commandLine();
        if (output == null) {
            CommandLine asked = main;
            for (String name : path) {
                asked = asked.getSubcommands().get(name);
                if (asked == null) {
                    throw new ParameterException(spec.commandLine(), "no command " + String.join(" ", path));
                }
            }
            spec.commandLine().getOut().print(ManPage.of(asked));
            spec.commandLine().getOut().flush();
            return;
        }
        if (!path.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--output writes the pages of all commands, so COMMAND has no effect");
        }
        List<CommandLine> all = new ArrayList<>();
        collect(main, all);
        Paths.newFolder(output);
        for (CommandLine command : all) {
            OutputFile.write(output.resolve(ManPage.name(command.getCommandSpec()) + ".1"),
                    ManPage.of(command).getBytes(StandardCharsets.UTF_8));
        }
        new Terminal().say("wrote " + all.size() + " manual pages to " + output);
    }

    private static void collect(CommandLine command, List<CommandLine> all) {
        all.add(command);
        for (Map.Entry<String, CommandLine> sub : command.getSubcommands().entrySet()) {
            if (!sub.getValue().getCommandSpec().usageMessage().hidden()) {
                collect(sub.getValue(), all);
            }
        }
    }
}
