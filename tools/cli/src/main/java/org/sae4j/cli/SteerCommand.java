package org.sae4j.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.generate.SteeringCurve;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Steers by one feature with growing strength. */
@Command(name = "steer", description = {"Continue prompts while a feature's direction is added with growing strength, beside a random direction of "
        + "the same norms, and measure what becomes of the text.", "A strength is the norm of what is added, in units of the median norm of "
        + "the activations at the autoencoder's hook point, the first position left out."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class SteerCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "PATH", description = "The model's folder or GGUF file, with a tokenizer.")
    private Path model;

    @Option(names = "--sae", required = true, paramLabel = "PATH", description = "The autoencoder's folder or file.")
    private Path sae;

    @Option(names = "--feature", required = true, paramLabel = "N", description = "The feature whose direction is added.")
    private int feature;

    @Option(names = "--prompts", required = true, paramLabel = "FILE", description = "The prompts, one a line.")
    private Path prompts;

    @Option(names = "--strength", split = ",", paramLabel = "X", defaultValue = "0,0.1,0.2,0.3,0.5,0.7,1,1.5",
            description = "The strengths. Default: ${DEFAULT-VALUE}.")
    private List<Double> strengths;

    @Option(names = "--positions", paramLabel = "WHICH", defaultValue = "not-first", description = "all, or not-first: position 0 stays as it "
            + "is, which many models make an attention sink. Default: ${DEFAULT-VALUE}.")
    private String positions;

    @Option(names = "--max-new-tokens", paramLabel = "N", defaultValue = "20", description = "Tokens to write after each prompt. Default: "
            + "${DEFAULT-VALUE}.")
    private int count;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of the random direction. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private JsonOption json;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    SteerCommand() {
    }

    @Override
    public void run() {
        check();
        boolean data = json.begin();
        Terminal terminal = new Terminal();
        try (Engine engine = engineOption.open(terminal); Transformer transformer = processOption.openWhole(model, engine);
                SparseAutoencoder autoencoder = SparseAutoencoders.open(sae, engine)) {
            if (feature < 0 || feature >= autoencoder.config().dSae()) {
                throw new Sae4jException("no feature " + feature + ", only 0 to " + (autoencoder.config().dSae() - 1), "--feature",
                        "choose a feature of this autoencoder");
            }
            Tokenizer tokenizer = transformer.tokenizer().orElseThrow(() -> new Sae4jException("the model has no tokenizer",
                    model.toString(), "put tokenizer.json into its folder"));
            int room = transformer.config().nCtx() - count;
            if (room < 1) {
                throw new Sae4jException("a context of " + transformer.config().nCtx() + " tokens has no room for a prompt and " + count
                        + " new ones", "--max-new-tokens", "ask for fewer");
            }
            List<int[]> read = read(tokenizer, room);
            SteeringCurve curve = measure(transformer, autoencoder, feature, read, terminal);
            SteeringCurve control;
            try (SparseAutoencoder random = random(autoencoder, engine)) {
                control = measure(transformer, random, 0, read, terminal);
            }
            Terminal.endLine();
            if (data) {
                Map<String, @Nullable Object> values = new LinkedHashMap<>();
                values.put("feature", feature);
                values.put("positions", positions);
                values.put("prompts", read.stream().map(tokenizer::decode).toList());
                values.put("norm", curve.norm());
                values.put("steered", points(curve, tokenizer));
                values.put("random", points(control, tokenizer));
                json.print("steer", values);
            } else {
                print(curve, control, tokenizer);
            }
        }
    }

    private void check() {
        processOption.check();
        Paths.existing(model, "--model");
        Paths.existing(sae, "--sae");
        Paths.existing(prompts, "--prompts");
        if (!positions.equals("all") && !positions.equals("not-first")) {
            throw new ParameterException(spec.commandLine(), "--positions is all or not-first, found " + positions);
        }
        if (count < 1) {
            throw new ParameterException(spec.commandLine(), "--max-new-tokens must be at least 1, found " + count);
        }
        if (strengths.stream().anyMatch(s -> !Double.isFinite(s))) {
            throw new ParameterException(spec.commandLine(), "--strength takes numbers, found " + strengths);
        }
    }

    private List<int[]> read(Tokenizer tokenizer, int most) {
        List<String> lines;
        try {
            lines = Files.readAllLines(prompts, StandardCharsets.UTF_8).stream().filter(line -> !line.isBlank()).toList();
        } catch (IOException e) {
            throw new Sae4jException("the file cannot be read as UTF-8 (" + e + ")", prompts.toString(), "check it", e);
        }
        List<int[]> read = lines.stream().map(line -> tokenizer.encodeWithSpecialTokens(line).ids()).toList();
        if (read.isEmpty() || read.stream().anyMatch(ids -> ids.length == 0 || ids.length > most)) {
            throw new Sae4jException("expected prompts of 1 to " + most + " tokens, one a line", prompts.toString(), "shorten or write them");
        }
        return read;
    }

    private SteeringCurve measure(Transformer transformer, SparseAutoencoder autoencoder, int moved, List<int[]> read, Terminal terminal) {
        return SteeringCurve.measure(transformer, autoencoder, moved, positions.equals("not-first"), read, strengths.stream()
                .mapToDouble(Double::doubleValue).toArray(), count, terminal);
    }

    /** One feature that writes a random direction at the same hook point. */
    private SparseAutoencoder random(SparseAutoencoder like, Engine engine) {
        int d = like.config().dOut();
        CounterRandom numbers = new CounterRandom(seed).stream("steering direction");
        float[] direction = new float[d];
        for (int i = 0; i < d; i++) {
            direction[i] = (float) numbers.nextGaussian();
        }
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, d, 1).hook(like.config().hookOut().orElseThrow(() ->
                new Sae4jException("the autoencoder does not say its hook point", sae.toString(), "set hook_name in cfg.json"))).build();
        return SparseAutoencoders.of(config, Map.of("W_enc", Tensor.zeros(d, 1), "b_enc", Tensor.zeros(1), "W_dec", Tensor.of(direction, 1, d),
                "b_dec", Tensor.zeros(d)), engine);
    }

    private static List<Map<String, @Nullable Object>> points(SteeringCurve curve, Tokenizer tokenizer) {
        return curve.points().stream().map(p -> {
            Map<String, @Nullable Object> point = new LinkedHashMap<>();
            point.put("strength", p.strength());
            point.put("repeated", values(p.repeated()));
            point.put("nll", values(p.nll()));
            point.put("kl", values(p.divergence()));
            point.put("texts", texts(p, tokenizer));
            return point;
        }).toList();
    }

    private static Map<String, @Nullable Object> values(Estimate estimate) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("value", estimate.value());
        values.put("low", estimate.hasInterval() ? estimate.interval().low() : null);
        values.put("high", estimate.hasInterval() ? estimate.interval().high() : null);
        values.put("n", estimate.n());
        return values;
    }

    private static List<String> texts(SteeringCurve.Point point, Tokenizer tokenizer) {
        return point.tokens().stream().map(ids -> tokenizer.decode(Arrays.stream(ids).filter(id -> id < tokenizer.vocabularySize())
                .toArray())).toList();
    }

    private void print(SteeringCurve curve, SteeringCurve control, Tokenizer tokenizer) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, "the unit of strength is %.4g, the median norm at the hook point%n", curve.norm());
        out.printf("%8s  %9s %7s %7s  %9s %7s %7s  %s%n", "strength", "repeated", "NLL", "KL", "random: ", "NLL", "KL", "first text");
        for (int i = 0; i < curve.points().size(); i++) {
            SteeringCurve.Point point = curve.points().get(i);
            SteeringCurve.Point other = control.points().get(i);
            out.printf(Locale.ROOT, "%8.3g  %9.2f %7.2f %7.2f  %9.2f %7.2f %7.2f  %s%n", point.strength(), point.repeated().value(),
                    point.nll().value(), point.divergence().value(), other.repeated().value(), other.nll().value(),
                    other.divergence().value(), texts(point, tokenizer).getFirst().replace("\n", "\\n"));
        }
        out.println(curve.breaks().isPresent() ? String.format(Locale.ROOT, "text breaks at strength %.3g: 0.3 more of it is repeated than"
                + " without steering", curve.breaks().getAsDouble()) : "text does not break at these strengths (0.3 more of it repeated than at "
                + "strength 0)");
        out.flush();
    }
}
