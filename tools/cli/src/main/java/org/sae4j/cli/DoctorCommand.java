package org.sae4j.cli;

import java.io.PrintWriter;
import org.sae4j.core.experiment.Experiments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what sae4j found on this machine. */
@Command(name = "doctor", description = "Print what sae4j finds on this machine, and what to do about what is missing.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class DoctorCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    DoctorCommand() {
    }

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        Runtime runtime = Runtime.getRuntime();
        out.printf("sae4j  %s%n", Version.current());
        out.printf("java   %s (%s, %s)%n", Runtime.version(), System.getProperty("java.vendor"), System.getProperty("java.home"));
        out.printf("heap   up to %.1f GiB; raise it with SAE_JAVA_OPTS=-Xmx8g%n", runtime.maxMemory() / (double) (1L << 30));
        boolean vector = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        out.printf("vector %s%n", vector ? "jdk.incubator.vector is resolved"
                : "jdk.incubator.vector is missing, kernels are scalar and slow: start java with --add-modules jdk.incubator.vector");
        String tornado = System.getenv("TORNADOVM_HOME");
        out.printf("tornadovm %s%n", tornado == null ? "no SDK: set TORNADOVM_HOME to one for the GPU engine, see docs/gpu.md" : tornado);
        DevicesCommand.print(out);
        Experiments experiments = Experiments.installed();
        out.printf("experiments %s%n", String.join(", ", experiments.all().stream().map(e -> e.id()).toList()));
        experiments.broken().forEach((plugin, reason) -> out.printf("experiment not usable: %s: %s%n", plugin, reason));
        out.flush();
    }
}
