package org.sae4j.engine.cpu.internal.threads;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One operation, or several fused ones, bound to arrays. After the first few runs it allocates nothing. */
@FunctionalInterface
public interface Step {
    void run();

    /** {@return a step that runs some one after the other} */
    static Step inOrder(Step... steps) {
        return () -> {
            for (Step step : steps) {
                step.run();
            }
        };
    }

    /** {@return a step that is made when it first runs, for what needs memory that other ways to do the same do not} */
    static Step lazily(Supplier<Step> maker) {
        return new Step() {
            private @Nullable Step made;

            @Override
            public void run() {
                Step step = made;
                if (step == null) {
                    step = maker.get();
                    made = step;
                }
                step.run();
            }
        };
    }
}
