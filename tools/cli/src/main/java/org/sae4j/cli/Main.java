package org.sae4j.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code sae} command. */
@Command(
        name = "sae",
        description = "Sparse autoencoders for transformer language models.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {DemoCommand.class, ExploreCommand.class, PaperCommand.class, ActivationsCommand.class, EncodeCommand.class, HarvestCommand.class, StoreCommand.class,
                TrainCommand.class, SweepCommand.class, EvaluateCommand.class, ConvertCommand.class, FetchCommand.class, InspectCommand.class,
                TokenizeCommand.class, GenerateCommand.class, SteerCommand.class, ServeCommand.class, ExperimentsCommand.class, RunCommand.class, ReportCommand.class,
                DoctorCommand.class, DevicesCommand.class, CompletionCommand.class, ManCommand.class, HelpCommand.class})
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "Show where a failure comes from.")
    private boolean stacktrace;

    Main() {
    }

    /**
     * Runs the command and ends the process: 0 on success, 2 for wrong usage, 1 for any other failure, 130 when interrupted.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        StandardError.restore();
        Interruption.install();
        StandardOutput out = StandardOutput.install();
        CommandLine command = commandLine();
        command.setOut(StandardOutput.writer());
        int code = execute(command, args);
        command.getOut().flush();
        Interruption.exit(out.exitCode(code, command));
    }

    /** Runs a command; errors such as an exhausted heap, which no handler of exceptions sees, become one line as well. */
    static int execute(CommandLine command, String... args) {
        try {
            return command.execute(args);
        } catch (Error e) {
            // Where the heap is exhausted while a class is linked, that is the cause of another error.
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof OutOfMemoryError exhausted) {
                    return Failures.outOfMemory(exhausted, command);
                }
            }
            return Failures.failed(e, command, List.of(args).contains("--stacktrace"));
        }
    }

    static CommandLine commandLine() {
        Main main = new Main();
        return new CommandLine(main).setCaseInsensitiveEnumValuesAllowed(true).setUsageHelpAutoWidth(true)
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF)).setExecutionStrategy(Main::runKnown)
                .setParameterExceptionHandler(Failures::wrongUsage)
                .setExecutionExceptionHandler((error, command, parsed) -> Failures.failed(error, command, main.stacktrace));
    }

    /** Where help is asked for, what is unknown is not refused by the parser. */
    private static int runKnown(ParseResult parsed) {
        for (CommandLine command : parsed.asCommandLineList()) {
            List<String> unknown = command.getParseResult().unmatched();
            if (!unknown.isEmpty()) {
                throw new UnmatchedArgumentException(command, unknown);
            }
        }
        CommandLine last = parsed.asCommandLineList().getLast();
        if (last.getCommand() instanceof Needs needs && !last.isUsageHelpRequested() && !needs.missing().isEmpty()) {
            throw Usage.missing(last, needs.missing());
        }
        try {
            return new CommandLine.RunLast().execute(parsed);
        } finally {
            Terminal.keepOutputForData(false);
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
