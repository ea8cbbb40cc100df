package org.sae4j.cli;

import com.sun.management.OperatingSystemMXBean;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.core.Engines;
import org.sae4j.core.Sae4j;
import org.sae4j.core.experiment.Experiments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Checks Java, its flags, memory, engines and plugins, and says how to fix each problem. */
@Command(name = "doctor", description = "Check Java, its flags, memory, engines, TornadoVM and plugins, and say how to fix problems.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class DoctorCommand implements Runnable {
    private static final double GIB = 1L << 30;
    /** What the demo needs. */
    private static final long COMFORTABLE_HEAP = 1L << 30;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PluginOption plugins;

    @Mixin
    private JsonOption json;

    private int problems;
    private final List<String> remedies = new ArrayList<>();

    DoctorCommand() {
    }

    @Override
    public void run() {
        problems = 0;
        remedies.clear();
        if (json.begin()) {
            json.print("doctor", values());
            return;
        }
        PrintWriter out = spec.commandLine().getOut();
        check(out);
        int count = problems;
        out.println(count == 0 ? "No problems found" : count == 1 ? "1 problem found, see above" : count + " problems found, see above");
        out.flush();
    }

    private Map<String, Object> values() {
        check(new PrintWriter(Writer.nullWriter()));
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("sae4j", Sae4j.version());
        values.put("java", Runtime.version().toString());
        values.put("java_home", System.getProperty("java.home"));
        values.put("vector_api", ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
        values.put("heap_bytes", Runtime.getRuntime().maxMemory());
        if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
            values.put("memory_bytes", system.getTotalMemorySize());
            values.put("free_memory_bytes", system.getFreeMemorySize());
        }
        values.put("processors", Runtime.getRuntime().availableProcessors());
        values.put("engines", DevicesCommand.values(plugins.loader()));
        values.put("experiments", plugins.experiments().all().stream().map(Experiment::id).toList());
        values.put("problems", problems);
        values.put("fixes", List.copyOf(remedies));
        return values;
    }

    private void check(PrintWriter out) {
        out.printf("sae4j  %s%n", Sae4j.version());
        java(out);
        flags(out);
        memory(out);
        tornado(out, System.getenv());
        engines(out);
        experiments(out);
    }

    private void java(PrintWriter out) {
        out.printf("java   %s (%s, %s)%n", Runtime.version(), System.getProperty("java.vendor"), System.getProperty("java.home"));
        if (System.getProperty("java.vm.info", "").contains("interpreted")) {
            fix(out, "java is interpreted, hundreds of times slower: remove -Xint");
        }
    }

    private void flags(PrintWriter out) {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
            out.printf("vector jdk.incubator.vector is resolved%n");
        } else {
            out.printf("vector jdk.incubator.vector is missing, kernels are scalar and slow%n");
            fix(out, "start java with --add-modules jdk.incubator.vector, as ./sae does");
        }
    }

    private void memory(PrintWriter out) {
        long heap = Runtime.getRuntime().maxMemory();
        if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
            long all = system.getTotalMemorySize();
            out.printf("memory heap up to %.1f GiB; machine %.1f GiB, free %.1f%n", heap / GIB, all / GIB,
                    system.getFreeMemorySize() / GIB);
            if (heap > all) {
                fix(out, "the heap may grow beyond the machine's memory: lower -Xmx in SAE_JAVA_OPTS");
            }
        } else {
            out.printf("memory heap up to %.1f GiB%n", heap / GIB);
        }
        if (heap < COMFORTABLE_HEAP) {
            fix(out, "less than 1 GiB of heap is too little for the demo: raise it with SAE_JAVA_OPTS=-Xmx2g");
        }
    }

    private void tornado(PrintWriter out, Map<String, String> environment) {
        String home = environment.get("TORNADOVM_HOME");
        if (home == null || home.isBlank()) {
            out.printf("tornadovm no SDK; the GPU engine needs one, see docs/gpu.md%n");
        } else if (!Files.isRegularFile(Path.of(home, "tornado-argfile"))) {
            out.printf("tornadovm TORNADOVM_HOME is %s, which is not an SDK%n", home);
            fix(out, "set TORNADOVM_HOME to the folder with tornado-argfile, or unset it");
        } else {
            out.printf("tornadovm %s%n", home);
        }
    }

    private void engines(PrintWriter out) {
        problems += DevicesCommand.print(plugins.loader(), out);
        try {
            out.printf("auto   %s%n", Engines.choose(Engines.AUTO, plugins.loader()).reason());
        } catch (EngineException e) {
            out.printf("auto   none%n");
            fix(out, Objects.requireNonNull(e.getMessage()));
        }
    }

    private void experiments(PrintWriter out) {
        Experiments experiments = plugins.experiments();
        out.printf("experiments %s%n", String.join(", ", experiments.all().stream().map(e -> e.id()).toList()));
        experiments.broken().forEach((plugin, reason) -> {
            out.printf("experiment not usable: %s: %s%n", plugin, reason);
            fix(out, "remove its jar, or install a version that works");
        });
    }

    private void fix(PrintWriter out, String what) {
        problems++;
        remedies.add(what);
        out.printf("  fix: %s%n", what);
    }
}
