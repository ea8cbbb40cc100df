package org.sae4j.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code sae} command. */
@Command(
        name = "sae",
        description = "Sparse autoencoders for transformer language models.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {DoctorCommand.class, HelpCommand.class})
public final class Main implements Runnable {

    @Spec
    private CommandSpec spec;

    Main() {
    }

    /**
     * Runs the command and ends the process: 0 on success, 2 for wrong usage, 1 for any other failure.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main());
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
