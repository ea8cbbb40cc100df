package org.sae4j.cli;

import org.sae4j.core.output.Existing;
import picocli.CommandLine.Option;

/** The option that says what becomes of what stands at the output, for commands that cannot go on with what they began. */
final class OverwriteOption {
    static final String DESCRIPTION = "Replace what an earlier run of this command wrote to the output. Without it, nothing is replaced. "
            + "Other files are never changed.";

    @Option(names = "--overwrite", description = DESCRIPTION)
    private boolean overwrite;

    OverwriteOption() {
    }

    Existing existing() {
        return overwrite ? Existing.OVERWRITE : Existing.REFUSE;
    }
}
