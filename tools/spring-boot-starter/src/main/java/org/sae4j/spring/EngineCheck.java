package org.sae4j.spring;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/**
 * Whether an engine computes.
 *
 * @param details what it is
 * @param failure why it does not, or empty
 */
record EngineCheck(Map<String, Object> details, Optional<String> failure) {
    /** Adds one number to itself. */
    static EngineCheck of(Engine engine) {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("engine", engine.id());
        details.put("device", engine.device().name());
        Program.Builder builder = Program.builder("health");
        Buffer x = builder.input("x", 1, 1);
        Buffer sum = builder.output("sum", 1, 1);
        builder.add(new Op.Add(x, x, 1, sum));
        try (CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.write(x, new float[] {1});
            program.run();
            float found = program.read(sum).get(0);
            return new EngineCheck(details, found == 2 ? Optional.empty() : Optional.of("1 + 1 gave " + found));
        } catch (RuntimeException e) {
            return new EngineCheck(details, Optional.of(e.toString()));
        }
    }
}
