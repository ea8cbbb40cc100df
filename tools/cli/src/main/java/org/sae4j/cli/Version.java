package org.sae4j.cli;

import org.sae4j.core.Sae4j;
import picocli.CommandLine.IVersionProvider;

/** The version of sae4j, for {@code --version}. */
final class Version implements IVersionProvider {
    Version() {}

    @Override
    public String[] getVersion() {
        return new String[] {"sae4j " + Sae4j.version()};
    }
}
