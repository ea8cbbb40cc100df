package org.sae4j.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the script that completes commands and options in a shell. */
@Command(name = "completion", description = {"Print a script that completes commands and options in bash and zsh.",
        "In bash: source <(sae completion). In zsh: first autoload -U +X bashcompinit && bashcompinit."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class CompletionCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    CompletionCommand() {
    }

    @Override
    public void run() {
        spec.commandLine().getOut().print(AutoComplete.bash("sae", Main.commandLine()));
        spec.commandLine().getOut().flush();
    }
}
