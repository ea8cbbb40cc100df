package org.sae4j.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.internal.model.Gpt2;
import org.sae4j.core.program.Backward;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.ProgramWriter;
import org.sae4j.core.program.Slice;

/** The memory of gradients of GPT-2 small, in MiB of buffers beside the weights: the table of ARCHITECTURE.md. */
class GradientMemoryTest {
    private final PassForms forms = new PassForms(Gpt2.describe(TransformerConfig.builder("gpt2").layers(12).dModel(768).heads(12).dHead(64)
            .dMlp(3072).nCtx(1024).dVocab(50257).activation(TransformerConfig.Activation.GELU_TANH).build()));

    private long mebibytes(Form form, int batch, int length) {
        Counts counts = new Counts(batch, length, 0, batch, batch);
        return ProgramPool.bytes(ProgramWriter.write("memory", form, counts, Map.of()).program()) >> 20;
    }

    private GradientKey by(HookPoint... hooks) {
        return new GradientKey(new PassKey(Set.of(), List.of(), -1, false, true), List.of(PassForms.LOG_PROBABILITIES),
                new LinkedHashSet<>(List.of(hooks)), Set.of());
    }

    @Test
    void memoryIsBounded() {
        Form whole = Slice.of(forms.description().form(), Set.of(), Set.of()).wanting(List.of(HookPoint.LOGITS.toString()));
        Form weights = Slice.of(Backward.of(whole, List.of(HookPoint.LOGITS.toString()), forms.description().parameters().keySet(), Set.of()),
                Set.of(), Set.of());
        GradientKey first = by(HookPoint.residPre(0));
        GradientKey all = by(IntStream.range(0, 12).mapToObj(HookPoint::residPre).toArray(HookPoint[]::new));
        for (int[] tokens : new int[][] {{64, 128}, {8, 1024}}) {
            int batch = tokens[0];
            int length = tokens[1];
            assertThat(mebibytes(forms.gradient(first, false).form(), batch, length)).isBetween(2700L, 2850L);
            assertThat(mebibytes(forms.gradient(first, true).form(), batch, length)).isBetween(1700L, 1800L);
            assertThat(mebibytes(forms.gradient(all, false).form(), batch, length)).isBetween(3000L, 3100L);
            assertThat(mebibytes(forms.gradient(all, true).form(), batch, length)).isBetween(1950L, 2050L);
            assertThat(mebibytes(weights, batch, length)).isBetween(5300L, 5500L);
        }
    }
}
