package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.internal.ArchitectureText;
import org.sae4j.core.internal.format.TrainingCheckpoint;
import org.sae4j.core.program.Backward;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.ProgramWriter;
import org.sae4j.core.program.Update;
import org.sae4j.core.program.Value;

/**
 * One training step of a recipe as a form: the autoencoder's own, what the recipe adds to it (losses, terms for dead features, counters),
 * the gradients that {@link Backward} derives, and the {@link Update}. W_enc lies transposed, one row for each feature, so that its gradient
 * is a sum of rows over active entries as the decoder's is.
 *
 * <p>Values by name: inputs {@code x} and {@code hyper}; states: the parameters, their moments {@code m.*} and {@code v.*}, and
 * {@code since}, the tokens since a feature fired; outputs {@code error_loss}, {@code squared_error} (see {@link #separateSquaredError}),
 * {@code aux_loss}, {@code gate_loss}, {@code sums}, {@code gate_sums}, {@code dead_count}, and {@code features} where asked for. JumpReLU's
 * thresholds are trained as their logarithms, {@value #LOG_THRESHOLD}. Features that an architecture chooses on the host are an input.
 */
final class TrainingStep {
    /** Column of {@code hyper}, after Adam's five, with the penalty of one activation. */
    static final int PENALTY = 5;
    /** Columns of {@code hyper}. */
    static final int HYPER = 6;
    /** The state from whose exponential JumpReLU's thresholds come. */
    static final String LOG_THRESHOLD = TrainingCheckpoint.LOG_THRESHOLD;

    /** The name of thresholds. */
    static final String THRESHOLD = "threshold";

    private final Recipe recipe;
    private final FormBuilder b;
    private final Value x;
    /** Null for architectures that choose of something else. */
    private final @Nullable Value pre;
    private final Value features;
    private final Value xHat;
    private final Value wDec;
    private final Value bDec;
    private final Value frozenDecoder;
    private final Value hyper;
    private final List<String> losses = new ArrayList<>();
    private final List<Value> outputs = new ArrayList<>();

    private TrainingStep(Recipe recipe, Form form) {
        this.recipe = recipe;
        b = new FormBuilder("step ", form);
        x = form.value(CoderForm.INPUT);
        pre = form.values().get("pre");
        features = form.value(CoderForm.FEATURES);
        xHat = form.value(CoderForm.RECONSTRUCTION);
        wDec = form.value("W_dec");
        bDec = form.value("b_dec");
        frozenDecoder = b.detached("frozen W_dec", wDec);
        hyper = b.input("hyper", Dim.ONE, Dim.of(HYPER));
    }

    /**
     * The program of a recipe.
     *
     * @param recipe checked
     * @param dIn width of the input
     * @param readFeatures whether {@code features} can be read after a step
     */
    static ProgramWriter.Written of(Recipe recipe, int dIn, boolean readFeatures) {
        Form form = forward(recipe, dIn);
        if (recipe.isJumpRelu()) {
            form = trainable(form, recipe);
        }
        Form step = withoutChoice(new TrainingStep(recipe, form).write(trained(recipe, dIn), readFeatures));
        return ProgramWriter.write("training step of " + recipe.name(), step, Counts.of(1, recipe.batch()), Map.of());
    }

    /**
     * What is trained.
     *
     * @throws org.sae4j.api.Sae4jException if the recipe names an architecture that is not there
     * @throws IllegalArgumentException if its settings do not fit
     */
    static CoderForm coder(Recipe recipe, int dIn) {
        if (recipe.activation() == Recipe.Activation.BATCH_TOPK) {
            return CoderForm.of(new BatchTopK(), config(Architecture.TOPK, recipe, dIn).build());
        }
        return CoderForm.of(result(recipe, dIn).build());
    }

    /** The configuration of what training gives, without its origin. */
    static SaeConfig.Builder result(Recipe recipe, int dIn) {
        return switch (recipe.activation()) {
            case RELU -> config(Architecture.RELU, recipe, dIn);
            case TOPK -> config(Architecture.TOPK, recipe, dIn);
            case BATCH_TOPK, JUMP_RELU -> config(Architecture.JUMP_RELU, recipe, dIn);
            case GATED -> config(Architecture.GATED, recipe, dIn);
            case ARCHITECTURE -> {
                ArchitectureText named = recipe.architecture();
                SaeConfig.Builder config = config(new Architecture(named.name()), recipe, dIn);
                named.settings().forEach(config::setting);
                yield config;
            }
        };
    }

    private static SaeConfig.Builder config(Architecture architecture, Recipe recipe, int dIn) {
        return SaeConfig.builder(architecture, dIn, recipe.dSae()).applyBDecToInput(recipe.applyBDec())
                .k(architecture.equals(Architecture.TOPK) && recipe.hasK() ? Math.toIntExact(recipe.whole(Setting.K)) : 0);
    }

    /** The computation of what is trained, with W_enc transposed; it wants the reconstruction. */
    static Form forward(Recipe recipe, int dIn) {
        return coder(recipe, dIn).form().transposing(Set.of("W_enc"));
    }

    /** The names of the states that parameters become. */
    static List<String> trained(Recipe recipe, int dIn) {
        return coder(recipe, dIn).parameters().keySet().stream().map(name -> name.equals(THRESHOLD) ? LOG_THRESHOLD : name).toList();
    }

    /** The name of the encoder's bias. */
    static String encoderBias(Recipe recipe) {
        return recipe.activation() == Recipe.Activation.GATED ? "b_gate" : "b_enc";
    }

    /** Whether the mean over the batch of the summed squared error is an output of its own, not a multiple of {@code error_loss}. */
    static boolean separateSquaredError(Recipe recipe) {
        return recipe.error() == Recipe.ErrorReduction.MEAN_OVER_NORM || recipe.error() == Recipe.ErrorReduction.NORMALIZED
                || nested(recipe);
    }

    static boolean nested(Recipe recipe) {
        return recipe.hasK() && recipe.matryoshka().size() > 1;
    }

    /** The name of the input that cuts to the first features. */
    static String prefixName(int size) {
        return "prefix " + size;
    }

    /** Without a choice on the host, whose features are given to the program, and what only the choice reads. */
    private static Form withoutChoice(Form form) {
        if (form.operations().stream().noneMatch(operation -> operation.kind() instanceof Kind.Choose)) {
            return form;
        }
        Set<Value> needed = new HashSet<>(form.outputs());
        List<Operation> kept = new ArrayList<>();
        for (Operation operation : form.operations().reversed()) {
            boolean changesState = operation.kind() instanceof Kind.Adam || operation.kind() instanceof Kind.NormalizeRows
                    || operation.kind() instanceof Kind.TrackFiring;
            if (!(operation.kind() instanceof Kind.Choose)
                    && (changesState || needed.contains(operation.out()) || operation.inner().stream().anyMatch(needed::contains))) {
                kept.addFirst(operation);
                needed.addAll(operation.in());
            }
        }
        return new Form(kept, form.outputs());
    }

    /** Thresholds become exponentials, and get gradients (Rajamanoharan et al. 2024). */
    private static Form trainable(Form form, Recipe recipe) {
        FormBuilder b = new FormBuilder("thresholds ");
        Value threshold = b.inner(THRESHOLD, b.exp(b.row(LOG_THRESHOLD, recipe.dSae())));
        Stream<Operation> operations = form.operations().stream().map(operation -> operation.kind() instanceof Kind.Select k
                ? new Operation(new Kind.Select(k.rule(), k.k(), (float) recipe.number(Setting.BANDWIDTH)), operation.in(), List.of(),
                        operation.out()) : operation);
        return new Form(Stream.concat(b.build(threshold).operations().stream(), operations).toList(), form.outputs());
    }

    private Form write(List<String> trained, boolean readFeatures) {
        Value since = b.state("since", Dim.ONE, Dim.of(recipe.dSae()));
        Value dead = b.exceeds(since, (float) recipe.whole(Setting.DEAD_AFTER));
        output("dead_count", b.productByTransposed(dead, dead));
        if (recipe.activation() == Recipe.Activation.GATED) {
            gate();
            sparsity("sums", features, Recipe.Penalty.NONE);
        } else {
            sparsity("sums", features, recipe.penalty());
        }
        errors();
        if (separateSquaredError(recipe)) {
            output("squared_error", b.squaredError(xHat, x, Op.Reduction.SUM, 1));
        }
        switch (recipe.dead()) {
            case GHOST -> ghost(dead);
            case AUX_K -> auxiliary(dead);
            case NONE, REINITIALISE, RESAMPLE -> { }
        }
        b.trackFiring(since, features);
        if (readFeatures) {
            outputs.add(features);
        }
        Form gradients = Backward.of(b.build(outputs.toArray(Value[]::new)), losses, trained, Set.of());
        Update.UnitRows unitRows = switch (recipe.unitNorm()) {
            case NONE -> Update.UnitRows.NEVER;
            case BEFORE_FORWARD -> Update.UnitRows.BEFORE_FORWARD;
            case BEFORE_ADAM -> Update.UnitRows.BEFORE_ADAM;
            case AFTER_ADAM -> Update.UnitRows.AFTER_ADAM;
        };
        return Update.adam(gradients, trained, unitRows, wDec.name(), (float) recipe.number(Setting.CLIP), hyper.name(), HYPER);
    }

    private Value pre() {
        return Objects.requireNonNull(pre);
    }

    private Value output(String name, Value value) {
        Value named = b.inner(name, value);
        outputs.add(named);
        return named;
    }

    private Value loss(String name, Value value) {
        losses.add(name);
        return b.inner(name, value);
    }

    private Value error(Value estimate, Value target, double coefficient) {
        double factor = recipe.error() == Recipe.ErrorReduction.SUM_OVER_FEATURES ? coefficient / recipe.dSae() : coefficient;
        Op.Reduction reduction = switch (recipe.error()) {
            case SUM, SUM_OVER_FEATURES -> Op.Reduction.SUM;
            case MEAN -> Op.Reduction.MEAN;
            case MEAN_OVER_NORM -> Op.Reduction.MEAN_OVER_NORM;
            case NORMALIZED -> Op.Reduction.NORMALIZED;
        };
        return b.squaredError(estimate, target, reduction, (float) factor);
    }

    /** What is penalised. A penalty's gradient by decoder norms lies along the rows: where that part is projected out, it is left out. */
    private void sparsity(String name, Value s, Recipe.Penalty penalised) {
        Kind.Penalty penalty = switch (penalised) {
            case NONE -> Kind.Penalty.NONE;
            case L1_SUM, L1 -> Kind.Penalty.SUM;
            case L1_DECODER_NORM -> Kind.Penalty.DECODER_NORM;
            case L0 -> Kind.Penalty.COUNT;
        };
        Value decoder = recipe.unitNorm() == Recipe.UnitNorm.NONE ? wDec : frozenDecoder;
        outputs.add(b.inner(name, b.sparsity(s, decoder, penalty, hyper, PENALTY)));
        if (penalty != Kind.Penalty.NONE) {
            losses.add(name);
        }
    }

    /** The errors of all features' reconstruction and, nested, of those from prefixes: a diagonal of ones and zeros cuts the decoder. */
    private void errors() {
        if (!nested(recipe)) {
            outputs.add(loss("error_loss", error(xHat, x, 1)));
            return;
        }
        Value sum = loss("error of all", error(xHat, x, 1));
        List<Integer> sizes = recipe.matryoshka();
        for (int size : sizes.subList(0, sizes.size() - 1)) {
            Value prefix = b.sparseInput(prefixName(size), Dim.of(recipe.dSae()), Dim.of(recipe.dSae()));
            Value estimate = b.decode(features, b.decode(prefix, wDec, null), bDec);
            sum = b.add(sum, loss("error of " + prefixName(size), error(estimate, x, 1)));
        }
        output("error_loss", sum);
    }

    /** The gate's own reconstruction, from a frozen decoder (Rajamanoharan et al. 2024). */
    private void gate() {
        Value gate = b.select(Op.Rule.RELU, 0, pre());
        sparsity("gate_sums", gate, recipe.penalty());
        Value estimate = b.decode(gate, frozenDecoder, b.detached("frozen b_dec", bDec));
        outputs.add(loss("gate_loss", error(estimate, x, 1)));
    }

    private Value residual() {
        return b.detached("residual", b.subtract(x, xHat));
    }

    private void ghost(Value dead) {
        Value estimate = b.decode(b.select(Op.Rule.EXP, 0, pre(), dead), wDec, null);
        outputs.add(loss("aux_loss", b.ghostError(estimate, residual(), x, recipe.error() == Recipe.ErrorReduction.MEAN_OVER_NORM
                ? Op.Reduction.MEAN_OVER_NORM : Op.Reduction.MEAN)));
    }

    private void auxiliary(Value dead) {
        Value chosen = b.select(Op.Rule.TOPK, (int) Math.min(recipe.dSae(), recipe.whole(Setting.K_AUX)), pre(), dead);
        Value estimate = b.decode(chosen, wDec, null);
        outputs.add(loss("aux_loss", error(estimate, residual(), recipe.number(Setting.AUX_COEFFICIENT))));
    }
}
