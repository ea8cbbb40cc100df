package org.sae4j.core.evaluate;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;

/** Writes evaluations for programs to read. */
public final class EvaluationFile {
    private static final String SCHEMA = "sae4j/evaluation/1";
    private static final FileForm FORM = FileForm.json("an evaluation", "sae4j/evaluation/");

    private EvaluationFile() {}

    /**
     * Writes an evaluation as JSON. A file whose name ends with {@code .jsonl} gets one more line; any other is replaced, as a whole.
     *
     * @param file the file; its folder is made if needed
     * @param evaluation the evaluation
     * @param provenance what was evaluated on what: strings, numbers, booleans, lists and maps of these
     * @throws Sae4jException if the file cannot be written
     */
    public static void write(Path file, Evaluation evaluation, Map<String, ?> provenance) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", SCHEMA);
        json.put("provenance", provenance);
        json.putAll(values(evaluation));
        json.put("density", list(evaluation.density()));
        if (isLines(file)) {
            OutputFile.append(file, JsonWriter.compact(json));
        } else {
            OutputFile.write(file, JsonWriter.indented(json).getBytes(StandardCharsets.UTF_8));
        }
    }

    /**
     * Refuses a place where an evaluation must not go, before it is made.
     *
     * @param file as for {@link #write}
     * @param existing whether an evaluation that stands there may be replaced; of no effect where a line is added
     * @param inputs files that are read, none of which may be written over; null stands for one that is not given
     * @throws Sae4jException if the file is one of the inputs or holds something else, or no file can go there
     */
    public static void check(Path file, Existing existing, @Nullable Path... inputs) {
        if (isLines(file)) {
            OutputFile.check(file, FORM, Existing.RESUME, inputs);
        } else {
            OutputFile.check(file, FORM, existing, inputs);
        }
    }

    private static boolean isLines(Path file) {
        return file.toString().endsWith(".jsonl");
    }

    /**
     * The numbers of an evaluation but the features' densities, by the names that its file uses. Numbers that are not finite are null.
     *
     * @param e the evaluation
     * @return in order, unmodifiable
     */
    public static Map<String, @Nullable Object> values(Evaluation e) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("tokens", e.tokens());
        values.put("l0", finite(e.l0()));
        values.put("l1", finite(e.l1()));
        values.put("mse", finite(e.mse()));
        values.put("cosine", finite(e.cosine()));
        values.put("explained_variance", finite(e.explainedVariance()));
        values.put("mean_centring", finite(e.meanCentring()));
        values.put("features", e.density().length);
        values.put("dead", e.dead());
        values.put("dense_1_percent", e.denserThan(0.01));
        values.put("dense_10_percent", e.denserThan(0.1));
        values.put("log10_density_edges", list(IntStream.rangeClosed(0, Evaluation.HISTOGRAM_BINS)
                .mapToDouble(i -> Evaluation.HISTOGRAM_START + i * Evaluation.HISTOGRAM_STEP).toArray()));
        values.put("log10_density_histogram", IntStream.of(e.log10DensityHistogram()).boxed().toList());
        e.large().ifPresent(large -> {
            values.put("norm_limit", finite(large.normLimit()));
            values.put("rows_beyond_norm_limit", large.rows());
            values.put("explained_variance_of_all_rows", finite(large.explainedVariance()));
        });
        e.recovered().ifPresent(r -> {
            values.put("predictions", r.predictions());
            values.put("tokens_kept", r.kept());
            values.put("first_token_kept", r.firstKept());
            values.put("ce_clean", finite(r.ceClean()));
            values.put("ce_sae", finite(r.ceSae()));
            values.put("ce_zero", finite(r.ceZero()));
            values.put("ce_recovered", finite(r.ceRecovered()));
            values.put("kl_sae", finite(r.klSae()));
            values.put("kl_zero", finite(r.klZero()));
            values.put("kl_recovered", finite(r.klRecovered()));
            values.put("ce_cost_of_kept_tokens", finite(r.costOfKept()));
            Map<String, @Nullable Object> everywhere = new LinkedHashMap<>();
            everywhere.put("ce_loss_without_sae", finite(r.everywhere().ceWithoutSae()));
            everywhere.put("ce_loss_with_sae", finite(r.everywhere().ceWithSae()));
            everywhere.put("ce_loss_with_ablation", finite(r.everywhere().ceWithAblation()));
            everywhere.put("ce_loss_score", finite(r.everywhere().ceLossScore()));
            everywhere.put("kl_div_with_sae", finite(r.everywhere().klWithSae()));
            everywhere.put("kl_div_with_ablation", finite(r.everywhere().klWithAblation()));
            everywhere.put("kl_div_score", finite(r.everywhere().klDivScore()));
            values.put("saelens", everywhere);
        });
        return java.util.Collections.unmodifiableMap(values);
    }

    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static List<Double> list(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }
}
