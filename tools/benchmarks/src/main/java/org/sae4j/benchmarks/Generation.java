package org.sae4j.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Transformers;
import org.sae4j.core.generate.Generator;
import org.sae4j.core.generate.KeyValueCache;
import org.sae4j.core.generate.Sampling;
import org.sae4j.engine.cpu.CpuEngineProvider;

/**
 * A prompt of random tokens and greedy tokens after it, as the peer's {@code folder-generate} and {@code llamacpp-generate}. Times on the
 * wall are medians and least ones; the processor's time of the whole process says what was computed when the machine has other work.
 */
public final class Generation {
    private Generation() {}

    /**
     * Prints one line of JSON, which a peer prints too.
     *
     * @param args a model's folder or file, tokens of the prompt (128), new tokens (64), threads (0 for all), temperature (0)
     * @throws IOException if the model cannot be read
     */
    public static void main(String[] args) throws IOException {
        long started = ManagementFactory.getRuntimeMXBean().getStartTime();
        int prompt = argument(args, 1, 128);
        int count = argument(args, 2, 64);
        int threads = argument(args, 3, 0);
        Sampling sampling = new Sampling(args.length > 4 ? Double.parseDouble(args[4]) : 0, 0, 1, 1, 1);
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), threads, Map.of()));
                Transformer model = Transformers.open(Path.of(args[0]), engine)) {
            SplittableRandom random = new SplittableRandom(3);
            int[] tokens = random.ints(prompt, 0, model.config().dVocab()).toArray();
            Generator generator = new Generator(model).with(sampling);
            generator.generate(tokens, 1);
            double first = (System.currentTimeMillis() - started) / 1e3;
            List<Double> prompts = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                long start = System.nanoTime();
                generator.step(tokens, new KeyValueCache(model));
                prompts.add((System.nanoTime() - start) / 1e9);
            }
            List<Double> each = new ArrayList<>();
            double processor = 0;
            for (int run = 0; run < 3; run++) {
                long[] last = {0};
                long[] cpu = {0};
                generator.generate(tokens, count + 1, org.sae4j.api.Progress.NONE, token -> {
                    long now = System.nanoTime();
                    if (last[0] != 0) {
                        each.add((now - last[0]) / 1e9);
                    } else {
                        cpu[0] = processorTime();
                    }
                    last[0] = now;
                });
                processor = (processorTime() - cpu[0]) / 1e6 / count;
            }
            System.out.printf(Locale.ROOT, "{\"model\": \"%s\", \"first_token_s\": %.2f, \"prompt_tokens_per_s\": %.1f, \"best_prompt\": %.1f, "
                    + "\"decode_tokens_per_s\": %.1f, \"best_decode\": %.1f, \"cpu_ms_a_token\": %.1f, \"peak_mib\": %s, \"anonymous_mib\": %s}%n",
                    args[0], first, prompt / median(prompts), prompt / least(prompts), 1 / median(each), 1 / least(each), processor,
                    status("VmHWM"), status("RssAnon"));
        }
    }

    private static int argument(String[] args, int index, int otherwise) {
        return args.length > index ? Integer.parseInt(args[index]) : otherwise;
    }

    private static long processorTime() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static double median(List<Double> seconds) {
        double[] sorted = seconds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private static double least(List<Double> seconds) {
        return seconds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    /** A line of the process's status in MiB, or null where there is none. */
    private static String status(String name) throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return "null";
        }
        return Files.readAllLines(status).stream().filter(line -> line.startsWith(name + ":")).findFirst()
                .map(line -> String.valueOf(Long.parseLong(line.replaceAll("\\D", "")) / 1024)).orElse("null");
    }
}
