package org.sae4j.core.coder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Edits;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.Value;

/**
 * An autoencoder or transcoder as a part of a model: what it makes of the value at one hook point takes the place of that value, or of another
 * one. Its own values are hook points with names as in SAELens, behind the name of the place: {@value #FEATURES}, {@value #RECONSTRUCTION}
 * and, where it is kept, {@value #ERROR}. Its parameters are the model's, with the same prefix; {@code W_enc} is [d_sae, d_in] there.
 */
public final class Splice {
    /** Feature activations [batch, pos, d_sae]. */
    public static final String FEATURES = "hook_sae_acts_post";
    /** What they make of the output. */
    public static final String RECONSTRUCTION = "hook_sae_recons";
    /** What the autoencoder leaves of the value, added again; no gradient passes through it. */
    public static final String ERROR = "hook_sae_error";

    private static final Set<String> TURNED = Set.of("W_enc");

    private Splice() {}

    /**
     * The hook point of the features of an autoencoder in a model.
     *
     * @param place where its output belongs
     * @return the hook point
     */
    public static HookPoint features(HookPoint place) {
        return HookPoint.parse(place + "." + FEATURES).orElseThrow();
    }

    /**
     * A model with an autoencoder in it.
     *
     * @param model the model
     * @param reads the hook point that it reads
     * @param place the hook point whose value it takes the place of, the same one or a later one
     * @param config the autoencoder
     * @param keepError whether what it leaves of the value is added, so that values behind it stay, as if given: gradients pass through
     *     features alone
     * @return the model, in which the value of {@code place} is what later operations read
     * @throws IllegalArgumentException if a hook point is not there, is of another width or is not computed for every token, if the
     *     autoencoder normalizes its inputs or chooses its features on the host, or if there is one at this place already
     */
    public static Description of(Description model, HookPoint reads, HookPoint place, SaeConfig config, boolean keepError) {
        CoderForm coder = CoderForm.of(config);
        if (config.normalization() != SaeConfig.Normalization.NONE) {
            throw new IllegalArgumentException(config + " normalizes its inputs, which a model does not do for it");
        }
        if (coder.selection().kind() instanceof Kind.Choose) {
            throw new IllegalArgumentException(config + " chooses its features on the host, outside the model's programs");
        }
        Form form = model.form().open(new HashSet<>(List.of(reads.toString(), place.toString())));
        check(form, reads, config.dIn());
        check(form, place, config.dOut());
        if (form.values().containsKey(place + "." + FEATURES)) {
            throw new IllegalArgumentException("there is an autoencoder at " + place + " already");
        }
        List<String> written = form.operations().stream().map(operation -> operation.out().name()).toList();
        if (written.indexOf(reads.toString()) > written.indexOf(place.toString())) {
            throw new IllegalArgumentException(reads + ", which is read, comes behind " + place + ", which is replaced");
        }
        Form spliced = Edits.replace(form, place.toString(), (raw, out) -> write(coder, reads.equals(place) ? raw
                : form.value(reads.toString()), raw, out, keepError));
        Map<String, Parameter> parameters = new LinkedHashMap<>(model.parameters());
        coder.parameters().forEach((name, parameter) -> parameters.put(place + "." + name, new Parameter(place + "." + name,
                parameter.layout(), TURNED.contains(name) ? parameter.cols() : parameter.rows(),
                TURNED.contains(name) ? parameter.rows() : parameter.cols(), parameter.heads())));
        return new Description(model.config(), spliced, parameters, model.entries(), model.cacheHooks(), model.positional());
    }

    private static void check(Form form, HookPoint hook, int width) {
        Value value = form.values().get(hook.toString());
        if (value == null || form.operations().stream().noneMatch(operation -> operation.out().equals(value))) {
            throw new IllegalArgumentException("the model computes no " + hook);
        }
        if (!value.rows().equals(Dim.ROWS) || value.type() != Buffer.Type.F32 || !value.cols().equals(Dim.of(width))) {
            throw new IllegalArgumentException("an autoencoder of width " + width + " does not fit " + value);
        }
    }

    private static List<Operation> write(CoderForm coder, Value input, Value raw, Value out, boolean keepError) {
        List<Operation> operations = new ArrayList<>();
        String prefix = out.name() + ".";
        for (Operation operation : coder.form().transposing(TURNED).operations()) {
            List<Value> in = operation.in().stream().map(value -> value.name().equals(CoderForm.INPUT) ? input : within(prefix, value)).toList();
            operations.add(new Operation(operation.kind(), in, operation.inner().stream().map(value -> within(prefix, value)).toList(),
                    within(prefix, operation.out())));
        }
        Value reconstruction = within(prefix, coder.form().value(CoderForm.RECONSTRUCTION));
        if (!keepError) {
            operations.add(new Operation(new Kind.Copy(), List.of(reconstruction), List.of(), out));
            return operations;
        }
        Value difference = out.named(prefix + "difference", Value.Role.INNER, out.heads());
        Value error = out.named(prefix + ERROR, Value.Role.HOOK, out.heads());
        operations.add(new Operation(new Kind.Add(-1), List.of(raw, reconstruction), List.of(), difference));
        operations.add(new Operation(new Kind.Detached(), List.of(difference), List.of(), error));
        operations.add(new Operation(new Kind.Add(1), List.of(reconstruction, error), List.of(), out));
        return operations;
    }

    private static Value within(String prefix, Value value) {
        return switch (value.name()) {
            case CoderForm.FEATURES -> value.named(prefix + FEATURES, Value.Role.HOOK, value.heads());
            case CoderForm.RECONSTRUCTION -> value.named(prefix + RECONSTRUCTION, Value.Role.HOOK, value.heads());
            default -> value.named(prefix + value.name(), value.role(), value.heads());
        };
    }

    /**
     * An autoencoder's parameters as the model has them.
     *
     * @param place where its output belongs
     * @param parameters by their SAELens names
     * @return by the names and in the layouts of the model; W_enc is copied unless it lies so in memory
     */
    public static Map<String, Tensor> parameters(HookPoint place, Map<String, Tensor> parameters) {
        Map<String, Tensor> named = new LinkedHashMap<>();
        parameters.forEach((name, tensor) -> named.put(place + "." + name, TURNED.contains(name) ? turned(tensor) : tensor));
        return named;
    }

    private static Tensor turned(Tensor tensor) {
        Tensor turned = Objects.requireNonNull(tensor).permuted(1, 0);
        return Arrays.equals(turned.axes(), new int[] {0, 1}) ? turned : Tensor.of(turned.toArray(), turned.shape());
    }
}
