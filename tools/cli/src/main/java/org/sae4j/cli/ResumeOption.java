package org.sae4j.cli;

import org.jspecify.annotations.Nullable;
import org.sae4j.core.output.Existing;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options that say what becomes of what stands at the output, for commands that can go on with what they began. */
final class ResumeOption {
    @ArgGroup
    private @Nullable Choice choice;

    /** One of them. */
    static final class Choice {
        @Option(names = "--resume", description = "Go on with the interrupted run in the output, to the same bytes as without the "
                + "interruption, or start from scratch if there is none.")
        private boolean resume;

        @Option(names = "--overwrite", description = OverwriteOption.DESCRIPTION)
        private boolean overwrite;

        Choice() {
        }
    }

    ResumeOption() {
    }

    Existing existing() {
        return choice == null ? Existing.REFUSE : choice.resume ? Existing.RESUME : choice.overwrite ? Existing.OVERWRITE : Existing.REFUSE;
    }
}
