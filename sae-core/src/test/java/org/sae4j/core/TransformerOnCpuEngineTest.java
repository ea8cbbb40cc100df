package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;

class TransformerOnCpuEngineTest extends TransformerContract {
    @Override
    Engine open() {
        return Engines.open("cpu", EngineOptions.DEFAULT);
    }

    @Test
    void anInterruptEndsAPassAndLeavesModelAndEngineUsable() {
        TransformerConfig config = RandomModels.config(4);
        try (Engine engine = open();
                Transformer model = Transformers.of(config, RandomModels.parameters(config, 4), Optional.empty(), engine)) {
            int[][] tokens = RandomModels.tokens(config, 40, config.nCtx(), 4);
            float[] expected = model.forward(tokens, ForwardPlan.logits()).get(HookPoint.LOGITS).toArray();
            for (int round = 0; round < 5; round++) {
                Thread caller = Thread.currentThread();
                Thread.ofVirtual().start(() -> {
                    try {
                        Thread.sleep(Duration.ofMillis(20));
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    caller.interrupt();
                });
                assertThatThrownBy(() -> {
                    while (true) {
                        model.forward(tokens, ForwardPlan.logits());
                    }
                }).isInstanceOf(CancellationException.class).hasMessageContaining("interrupted");
                assertThat(Thread.interrupted()).isTrue();
                assertThat(model.forward(tokens, ForwardPlan.logits()).get(HookPoint.LOGITS).toArray()).isEqualTo(expected);
            }
        }
    }
}
