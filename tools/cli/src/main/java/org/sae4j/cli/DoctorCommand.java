package org.sae4j.cli;

import java.io.PrintWriter;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what sae4j found on this machine. */
@Command(name = "doctor", description = "Print what sae4j finds on this machine.", mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class DoctorCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    DoctorCommand() {
    }

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("sae4j  %s%n", Version.current());
        out.printf("java   %s (%s, %s)%n", Runtime.version(), System.getProperty("java.vendor"), System.getProperty("java.home"));
        out.flush();
    }
}
