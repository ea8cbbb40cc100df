package org.sae4j.engine.tornado;

import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/** What a host application does, in a JVM of its own: asks, opens, runs, survives. */
final class ChildMain {
    private ChildMain() {}

    public static void main(String[] arguments) {
        TornadoEngineProvider provider = new TornadoEngineProvider();
        if (provider.availability() instanceof Availability.Unavailable(String reason, String remedy)) {
            System.out.println("reason: " + reason);
            System.out.println("remedy: " + remedy);
        }
        System.out.println("devices: " + provider.devices().size());
        try (Engine engine = provider.open(new EngineOptions(Optional.empty(), 0, Map.of("verify", "off")))) {
            Program.Builder builder = Program.builder("child");
            Buffer indices = builder.intInput("indices", 1000);
            builder.add(new Op.Gather(indices, builder.weight("table", 100, 1000), builder.output("out", 1000, 1000)));
            try (CompiledProgram program = engine.compile(builder.build(), Map.of("table", Tensor.zeros(100, 1000)))) {
                int[] wrong = new int[1000];
                wrong[7] = 1_000_000_000;
                program.write(indices, wrong);
                program.run();
            }
        } catch (EngineException | IllegalArgumentException e) {
            System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
        }
        System.out.println("alive");
    }
}
