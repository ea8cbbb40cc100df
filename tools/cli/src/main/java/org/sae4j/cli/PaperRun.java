package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Sae4j;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.core.features.FeatureProfile;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.features.ProfileSettings;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.demoworld.DemoWorld;
import org.sae4j.report.Report;
import org.sae4j.report.ResultJson;
import org.sae4j.report.Section;

/** Runs the paper's experiments and sets its figures and claims beside what comes out. */
final class PaperRun {
    /** The same sentence in the languages of the paper. */
    static final List<Document> SENTENCES = List.of(new Document("english", "The cat slept under the tree today."),
            new Document("chinese", "今天，猫在树下面睡。"), new Document("arabic", "نام القط تحت الشجرة اليوم."));
    /** How many times as strong as in the others a feature fires in the sentence that it is about. */
    private static final double CLEARLY = 2;
    /** The cosine from which an encoder column belongs to one cluster with the mean one. */
    private static final double ALIKE = 0.8;

    private static final JsonNode NOTHING = nothing();

    private final Transformer model;
    private final SparseAutoencoder sae;
    private final Engine engine;
    private final List<Document> texts;
    private final int feature;
    private final long seed;
    private final Path output;
    private final boolean original;
    private final Terminal terminal;
    private final List<PaperClaim> claims = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();

    PaperRun(Transformer model, SparseAutoencoder sae, Engine engine, List<Document> texts, int feature, long seed, Path output,
            boolean original, Terminal terminal) {
        this.model = model;
        this.sae = sae;
        this.engine = engine;
        this.texts = texts;
        this.feature = feature;
        this.seed = seed;
        this.output = output;
        this.original = original;
        this.terminal = terminal;
    }

    private static JsonNode nothing() {
        try {
            return JsonReader.read("{}");
        } catch (JsonException e) {
            throw new IllegalStateException("an empty object", e);
        }
    }

    /** What an experiment gave, or why it did not run. */
    private record Outcome(@Nullable ExperimentResult<?> result, JsonNode data, String failure) {
        Optional<Figure> figure(String id) {
            return result == null ? Optional.empty() : result.figures().stream().filter(f -> f.id().equals(id)).map(Figure.class::cast)
                    .findFirst();
        }
    }

    void run() {
        ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).corpus(texts).facts(DemoWorld.facts()).seed(seed)
                .progress(terminal).build();
        EncodedCorpus encoded = run.encodedCorpus();
        LabelScores scores = LabelScores.of(encoded, terminal);
        String text = strongestText(encoded);
        neighborhood(run);
        sentences(run);
        list(scores);
        ablation(run, text, encoded);
        walk(run, text);
        tracing(run);
        Map<String, Object> provenance = new LinkedHashMap<>(run.provenance());
        provenance.put("sae4j", Sae4j.version());
        Report.Builder report = Report.builder("The paper, figure by figure").subtitle(model.config().name() + ", feature " + feature + " of "
                + sae.config().dSae()).provenance(provenance).section(overview());
        sections.forEach(report::section);
        report.build().write(output.resolve(OutputKinds.REPORT));
        claims.forEach(claim -> terminal.say(claim.line()));
    }

    /** The text in which the feature fires most, so that ablation and walk have something to act on; the first one if it fires nowhere. */
    private String strongestText(EncodedCorpus encoded) {
        double best = 0;
        int document = 0;
        for (int row = 0; row < encoded.features().rows(); row++) {
            double value = encoded.features().get(row, feature);
            if (value > best) {
                best = value;
                document = encoded.documentOf(row);
            }
        }
        return encoded.documents().get(document).text();
    }

    private Outcome experiment(ExperimentRun run, String id, Map<String, ?> settings) {
        return run(run, Experiments.installed().get(id), settings);
    }

    private <C extends Record, R extends Record> Outcome run(ExperimentRun run, Experiment<C, R> experiment, Map<String, ?> settings) {
        terminal.update(experiment.title(), 0, 0);
        try {
            C config = ConfigBinder.bind(experiment.defaults(), settings, "the paper's settings of " + experiment.id());
            ExperimentResult<R> result = run.run(experiment, config);
            Path folder = Paths.newFolder(output.resolve("results").resolve(experiment.id()));
            Map<String, Object> provenance = run.provenance(experiment, config);
            ResultJson.write(folder.resolve(OutputKinds.RESULT), experiment, result, provenance);
            return new Outcome(result, JsonReader.read(ResultJson.toJson(experiment, result, provenance)).path("data"), "");
        } catch (Sae4jException e) {
            terminal.say("note: " + experiment.id() + " cannot run here: " + e.getMessage());
            return new Outcome(null, NOTHING, String.valueOf(e.getMessage()));
        } catch (JsonException e) {
            throw new IllegalStateException("JSON that was just written", e);
        }
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private void section(String id, String title, String paper, Outcome outcome, List<PaperClaim> own, String... figures) {
        claims.addAll(own);
        Section.Builder section = Section.builder(id, title).lead("The paper: " + paper);
        if (outcome.result() == null) {
            section.notes(List.of("This could not be run here: " + outcome.failure()));
        } else {
            Arrays.stream(figures).map(outcome::figure).flatMap(Optional::stream).forEach(section::figure);
        }
        section.findings(own.stream().map(PaperClaim::line).toList());
        sections.add(section.build());
    }

    // Figures 5 and 6

    private void neighborhood(ExperimentRun run) {
        Outcome outcome = experiment(run, "neighborhood", Map.of("source", "ENCODER", "features", List.of(feature)));
        List<String> maps = outcome.result() == null ? List.of() : outcome.result().figures().stream()
                .filter(f -> f instanceof Figure.Scatter).map(Figure::id).toList();
        double[] together = together();
        PaperClaim cluster = new PaperClaim("5, 6", "More than half of run1's features lie in one dense cluster of encoder directions",
                !original ? Verdict.UNTOLD : together[0] > 0.5 ? Verdict.AGREES : Verdict.DIFFERS,
                format("%.1f%% of the encoder columns have a cosine of %.1f or more with their mean direction", 100 * together[0], ALIKE)
                        + (together[0] == 0 ? "" : format("; the decoder rows of these have a mean cosine of %.3f with theirs", together[1])),
                original ? "" : "this is another autoencoder than run1");
        PaperClaim views = new PaperClaim("5, 6", "Features that are close in the encoder's space are neighbors in meaning",
                Verdict.UNTOLD, neighborNumbers(outcome),
                "the paper shows it by eye; encoder and decoder neighbors are compared below, and they are not the same");
        String[] shown = maps.toArray(String[]::new);
        section("figures-5-6", "Figures 5 and 6: the neighborhood of features",
                "the encoder's weights as points in two and in three dimensions, with cosine similarity. Positions on such maps are a view; "
                        + "similarity is the cosine.", outcome, List.of(cluster, views), shown);
    }

    private static String neighborNumbers(Outcome outcome) {
        return outcome.result() == null ? "" : outcome.result().findings().stream().filter(f -> f.contains("ncoder")).findFirst()
                .orElse(outcome.result().findings().isEmpty() ? "" : outcome.result().findings().getFirst());
    }

    private Tensor matrix(String name) {
        Tensor matrix = sae.parameters().get(name);
        if (matrix == null) {
            throw new Sae4jException("the architecture " + sae.config().architecture() + " has no " + name + ", and the paper's claims are about it",
                    "--sae", "give an autoencoder with an encoder and a decoder");
        }
        return matrix;
    }

    /** The share of encoder columns near their mean direction, and the mean cosine of these features' decoder rows with their own mean. */
    private double[] together() {
        Tensor encoder = matrix("W_enc");
        Tensor decoder = matrix("W_dec");
        int d = encoder.dim(0);
        int n = encoder.dim(1);
        double[][] columns = new double[n][d];
        for (int i = 0; i < d; i++) {
            float[] row = encoder.row(i);
            for (int f = 0; f < n; f++) {
                columns[f][i] = row[f];
            }
        }
        double[] cosines = cosinesWithMean(columns);
        int[] near = IntStream.range(0, n).filter(f -> cosines[f] >= ALIKE).toArray();
        if (near.length == 0) {
            return new double[] {0, Double.NaN};
        }
        double[][] rows = new double[near.length][];
        for (int i = 0; i < near.length; i++) {
            float[] row = decoder.row(near[i]);
            rows[i] = IntStream.range(0, row.length).mapToDouble(j -> row[j]).toArray();
        }
        return new double[] {(double) near.length / n, Arrays.stream(cosinesWithMean(rows)).average().orElse(Double.NaN)};
    }

    private static double[] cosinesWithMean(double[][] vectors) {
        double[] mean = new double[vectors[0].length];
        for (double[] vector : vectors) {
            double norm = Math.sqrt(dot(vector, vector));
            for (int i = 0; i < mean.length && norm > 0; i++) {
                mean[i] += vector[i] / norm;
            }
        }
        double length = Math.sqrt(dot(mean, mean));
        return Arrays.stream(vectors).mapToDouble(v -> dot(v, mean) / (length * Math.sqrt(dot(v, v)))).toArray();
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    // Figure 7

    private void sentences(ExperimentRun run) {
        EncodedCorpus three = EncodedCorpus.encode(model, sae, SENTENCES, terminal);
        float[] max = three.maxByDocument()[feature];
        List<Figure.Strip> strips = new ArrayList<>();
        double most = Math.max(1e-9, Math.max(max[0], Math.max(max[1], max[2])));
        for (int s = 0; s < SENTENCES.size(); s++) {
            int from = three.start(s);
            int to = three.start(s + 1);
            strips.add(new Figure.Strip(SENTENCES.get(s).label(), model.tokenizer().orElseThrow().tokens(three.tokens(s)),
                    IntStream.range(from, to).mapToDouble(r -> three.features().get(r, feature)).toArray()));
        }
        int best = max[0] >= max[1] && max[0] >= max[2] ? 0 : max[1] >= max[2] ? 1 : 2;
        double second = IntStream.range(0, 3).filter(s -> s != best).mapToDouble(s -> max[s]).max().orElse(0);
        String numbers = IntStream.range(0, 3).mapToObj(s -> format("%s %.3g", SENTENCES.get(s).label(), max[s])).collect(Collectors.joining(", "));
        PaperClaim claim = new PaperClaim("7", "Feature " + feature + " tells equivalent sentences of different languages apart",
                max[best] <= 0 ? Verdict.UNTOLD : max[best] > CLEARLY * second ? Verdict.AGREES : Verdict.DIFFERS,
                "largest activation in " + numbers, max[best] <= 0 ? "the feature is silent in all three sentences" : "");
        Outcome outcome = experiment(run, "specificity", Map.of("features", List.of(feature), "sentences", SENTENCES.stream()
                .map(d -> Map.of("label", d.label(), "text", d.text())).toList()));
        claims.add(claim);
        Section.Builder section = Section.builder("figure-7", "Figure 7: the same sentence in three languages").lead("The paper: one feature, "
                + feature + ", over the same sentence in English, Chinese and Arabic. One sentence each is an example, not a measurement: the "
                + "experiment on all texts follows.").findings(List.of(claim.line())).figure(new Figure.TokenStrips("sentences",
                "Feature " + feature + " in the three sentences", "Colored by its activation.", new Figure.ColorScale(
                        Figure.Palette.SEQUENTIAL, 0, most, "activation"), strips));
        if (outcome.result() != null) {
            outcome.result().findings().stream().limit(3).map(List::of).forEach(section::findings);
            outcome.result().figures().stream().limit(3).forEach(section::figure);
        }
        sections.add(section.build());
    }

    // Figure 8

    private void list(LabelScores scores) {
        FeatureProfiles profiles = FeatureProfiles.compute(model, sae, scores, new int[] {feature}, List.of(), ProfileSettings.of(seed),
                terminal);
        FeatureProfile profile = profiles.features().getFirst();
        List<String> labels = profile.examples().stream().filter(e -> e.interval() == 0).map(FeatureProfile.Example::label).toList();
        Map<String, Long> counts = labels.stream().collect(Collectors.groupingBy(l -> l, LinkedHashMap::new, Collectors.counting()));
        Optional<Map.Entry<String, Long>> top = counts.entrySet().stream().max(Map.Entry.comparingByValue());
        boolean told = top.isPresent() && labels.size() >= 4;
        PaperClaim claim = new PaperClaim("8", "The strongest examples of feature " + feature + " are of one kind",
                !told ? Verdict.UNTOLD : top.get().getValue() >= 0.75 * labels.size() ? Verdict.AGREES : Verdict.DIFFERS,
                top.map(t -> format("%d of the %d texts in which it fires most are %s", t.getValue(), labels.size(), t.getKey())).orElse(
                        "it fires in no text"), told ? "" : "it fires in " + labels.size() + " texts of the corpus, too few to say");
        claims.add(claim);
        Section own = new FeaturePages(profiles).section(profile);
        sections.add(Section.builder("figure-8", "Figure 8: where feature " + feature + " fires").lead("The paper: a list of texts by the level of "
                + "the feature's activation. sae report features --feature " + feature + " makes it of any texts.").findings(List.of(claim.line()))
                .figures(own.figures().stream().filter(f -> f instanceof Figure.TokenStrips || f.id().equals("activations")).toList()).build());
    }

    // Figures 9 and 10

    private void ablation(ExperimentRun run, String text, EncodedCorpus encoded) {
        boolean fires = IntStream.range(0, encoded.features().rows()).anyMatch(r -> encoded.features().get(r, feature) > 0);
        Outcome outcome = experiment(run, "ablation", Map.of("text", text, "features", List.of(feature), "modes", List.of("ZERO", "NOISE")));
        String silent = fires ? "" : "feature " + feature + " fires in none of the texts, so there is nothing to take out";
        for (String mode : List.of("ZERO", "NOISE")) {
            boolean zero = mode.equals("ZERO");
            String figure = zero ? "9" : "10";
            String done = zero ? "Setting feature " + feature + " to zero" : "Noise on feature " + feature;
            Optional<JsonNode> effect = reconstruction(outcome.data(), mode).filter(e -> e.path("tokens").asLong(0) > 0);
            String why = outcome.result() == null ? outcome.failure() : silent.isEmpty() ? "it is silent in the text" : silent;
            List<PaperClaim> own = new ArrayList<>();
            if (effect.isEmpty()) {
                own.add(new PaperClaim(figure, done + " changes the reconstruction", Verdict.UNTOLD, "", why));
            } else {
                JsonNode e = effect.get();
                double before = e.path("mse").doubleValue();
                double after = e.path("mseAfter").doubleValue();
                double cosine = e.path("cosine").doubleValue();
                double share = e.path("changedShare").doubleValue();
                own.add(new PaperClaim(figure, done + " makes the reconstruction worse", after > before ? Verdict.AGREES : Verdict.DIFFERS,
                        format("mean squared error %.3g before, %.3g after, over %d tokens", before, after, e.path("tokens").asLong(0)), ""));
                own.add(new PaperClaim(figure, done + " leaves the direction of the reconstruction nearly as it was", cosine >= 0.9 ? Verdict.AGREES
                        : Verdict.DIFFERS, format("cosine with the reconstruction before: %.4f", cosine), ""));
                own.add(new PaperClaim(figure, done + " moves few other features", share < 0.1 ? Verdict.AGREES : Verdict.DIFFERS,
                        format("%.2f%% of the features change when the reconstruction is encoded again", 100 * share), ""));
            }
            section("figure-" + figure, "Figure " + figure + ": " + (zero ? "clamping to zero" : "noise"), (zero ? "one feature is clamped to "
                    + "zero" : "noise takes the feature's place") + ", and four panels show mean squared error, cosine, the effects on other "
                    + "features, and their absolute changes in order.", outcome, own, zero ? new String[] {"reconstruction", "relative-effects",
                        "sorted-differences", "by-position"} : new String[] {"reconstruction", "modes"});
        }
    }

    private Optional<JsonNode> reconstruction(JsonNode data, String mode) {
        JsonNode list = data.path("reconstruction");
        if (list.isArray()) {
            for (JsonNode effect : list) {
                if (effect.path("feature").asLong(-1) == feature && effect.path("mode").asString("").equals(mode)) {
                    return Optional.of(effect);
                }
            }
        }
        return Optional.empty();
    }

    // Figure 11

    private void walk(ExperimentRun run, String text) {
        Outcome outcome = experiment(run, "random-walk", Map.of("text", text, "modes", List.of("FREE", "NON_NEGATIVE", "ACTIVE_SET"),
                "walks", 16, "steps", 60));
        List<PaperClaim> own = new ArrayList<>();
        JsonNode free = outcome.data().path("modes").isArray() ? outcome.data().path("modes").get(0) : outcome.data().path("none");
        JsonNode distances = free.path("curves").path("distance");
        if (!distances.isArray() || distances.size() == 0) {
            own.add(new PaperClaim("11", "The distance from the start grows smoothly", Verdict.UNTOLD, "", outcome.failure().isEmpty()
                    ? "no walk could be made" : outcome.failure()));
        } else {
            int points = distances.get(0).size();
            double[] mean = new double[points];
            for (JsonNode walk : distances) {
                for (int t = 0; t < points; t++) {
                    mean[t] += walk.get(t).doubleValue() / distances.size();
                }
            }
            double[] root = IntStream.range(0, points).mapToDouble(Math::sqrt).toArray();
            double correlation = correlation(mean, root);
            own.add(new PaperClaim("11", "The distance from the start grows smoothly", correlation > 0.99 ? Verdict.AGREES : Verdict.DIFFERS,
                    format("correlation of the mean distance with the square root of the step: %.4f. That is what independent steps in many "
                            + "dimensions do, in any model", correlation), ""));
            JsonNode shares = free.path("pca").path("shares");
            double[] firstThree = new double[3];
            for (JsonNode walk : shares) {
                for (int c = 0; c < Math.min(3, walk.size()); c++) {
                    firstThree[c] += walk.get(c).doubleValue() / shares.size();
                }
            }
            own.add(new PaperClaim("11", "Runs look alike in two dimensions", Math.abs(firstThree[0] - 0.608) < 0.08 ? Verdict.AGREES
                    : Verdict.DIFFERS, format("principal components of a walk hold %.1f, %.1f and %.1f%% of its variance; 60.8, 15.2 and 6.8%% "
                            + "is the limit for any random walk, whose projection is always the same curve", 100 * firstThree[0],
                            100 * firstThree[1], 100 * firstThree[2]), ""));
        }
        List<String> ids = outcome.result() == null ? List.of() : outcome.result().figures().stream().map(Figure::id)
                .filter(id -> !id.equals("decoded")).limit(6).toList();
        section("figure-11", "Figure 11: the walk", "from a token's features, steps of one length in random directions; reconstruction loss, "
                + "cosine and Euclidean distance by step, and the path in two dimensions from light to dark.", outcome, own,
                ids.toArray(String[]::new));
    }

    private static double correlation(double[] a, double[] b) {
        double ma = Arrays.stream(a).average().orElse(0);
        double mb = Arrays.stream(b).average().orElse(0);
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += (a[i] - ma) * (b[i] - mb);
            aa += (a[i] - ma) * (a[i] - ma);
            bb += (b[i] - mb) * (b[i] - mb);
        }
        return ab / Math.sqrt(aa * bb);
    }

    // The last part

    private void tracing(ExperimentRun run) {
        Outcome outcome = experiment(run, "causal-tracing", Map.of("maxFacts", 10, "edit", Map.of("facts", 2, "heldOut", 0)));
        List<PaperClaim> own = new ArrayList<>();
        long known = 0;
        JsonNode facts = outcome.data().path("facts");
        if (facts.isArray()) {
            for (JsonNode fact : facts) {
                known += fact.path("known").asLong(0) > 0 || fact.path("known").toString().equals("true") ? 1 : 0;
            }
        }
        if (outcome.result() == null || known == 0) {
            own.add(new PaperClaim("last part", "Causal tracing finds where facts are recalled", Verdict.UNTOLD, "", outcome.result() == null
                    ? outcome.failure() : "the model answers none of the facts"));
        } else {
            own.add(new PaperClaim("last part", "Causal tracing finds where facts are recalled", model.config().nLayers() < 2 ? Verdict.UNTOLD
                    : Verdict.AGREES, outcome.result().findings().isEmpty() ? "" : outcome.result().findings().getFirst(),
                    model.config().nLayers() < 2 ? "the model has one block, so no layer is earlier than another" : ""));
        }
        JsonNode edits = outcome.data().path("edits");
        if (edits.isArray() && edits.size() > 0) {
            own.add(new PaperClaim("last part", "A rank-one edit of the MLP changes a fact", Verdict.UNTOLD, outcome.result() == null ? ""
                    : outcome.result().findings().stream().filter(f -> f.contains("edit")).findFirst().orElse(""),
                    "the paper proposes it and does not do it; what came out is shown below"));
        }
        claims.addAll(own);
        Section.Builder section = Section.builder("last-part", "What the last part proposes: tracing and an edit").lead("The paper proposes causal "
                + "tracing and a rank-one edit (ROME) for what comes next.").findings(own.stream().map(PaperClaim::line).toList());
        if (outcome.result() != null) {
            outcome.result().figures().stream().limit(6).forEach(section::figure);
        } else {
            section.notes(List.of("This could not be run here: " + outcome.failure()));
        }
        sections.add(section.build());
    }

    private Section overview() {
        long agrees = claims.stream().filter(c -> c.verdict() == Verdict.AGREES).count();
        long differs = claims.stream().filter(c -> c.verdict() == Verdict.DIFFERS).count();
        List<List<Object>> rows = claims.stream().map(c -> List.<Object>of(c.figure(), c.text(), c.verdict().title() + (c.why().isEmpty() ? ""
                : ", because " + c.why()), c.numbers())).toList();
        return Section.builder("overview", "Claim by claim").lead("What the paper shows or says, in this project's words, beside what is seen "
                + "here" + (original ? ", on its own model and autoencoder: gelu-1l and run1 of Neel Nanda's training." : ", on another model and "
                + "autoencoder than the paper's: where it differs, that may be why."))
                .findings(List.of(format("Of %d claims %d agree, %d differ, and %d cannot be told.", claims.size(), agrees, differs,
                        claims.size() - agrees - differs)))
                .figure(new Figure.Table("claims", "Claims", format("%d texts, %s.", texts.size(), "seed " + seed), List.of("figure", "claim",
                        "seen here", "numbers"), rows)).build();
    }

    /** What is seen of a claim. */
    enum Verdict {
        AGREES("agrees"), DIFFERS("differs"), UNTOLD("can't be told");

        private final String title;

        Verdict(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /**
     * A claim of the paper and what is seen here.
     *
     * @param figure the number of its figure
     * @param text the claim
     * @param verdict whether it is seen
     * @param numbers what it is judged by
     * @param why why it cannot be told; empty if it can
     */
    record PaperClaim(String figure, String text, Verdict verdict, String numbers, String why) {
        String line() {
            return (figure.matches("\\d.*") ? "Figure " + figure : "Last part") + ": " + text + ": " + verdict.title() + (why.isEmpty() ? ""
                    : ", because " + why) + (numbers.isEmpty() ? "" : " (" + numbers.replaceFirst("\\.$", "") + ")") + ".";
        }
    }
}
