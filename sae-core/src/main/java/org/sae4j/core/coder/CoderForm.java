package org.sae4j.core.coder;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.Value;

/**
 * An autoencoder or transcoder in one piece: from normalized inputs {@value #INPUT} over {@value #FEATURES} to {@value #RECONSTRUCTION}.
 * Undoing the normalization is not in it.
 *
 * @param form the computation, which wants the reconstruction
 * @param parameters the parameters by name: those of the encoder in the order of their use, then {@code W_dec}, {@code b_dec},
 *     {@code W_skip}
 */
public record CoderForm(Form form, Map<String, Parameter> parameters) {
    /** Name of the inputs [rows, d_in]. */
    public static final String INPUT = "x";
    /** Name of the feature activations, a sparse value [rows, d_sae]. */
    public static final String FEATURES = "features";
    /** Name of what the features make of the output, [rows, d_out]. */
    public static final String DECODED = "decoded";
    /** Name of the output, with the skip connection, [rows, d_out]. */
    public static final String RECONSTRUCTION = "reconstruction";

    private static final List<String> LAST = List.of("W_dec", "b_dec", "W_skip");

    /** Copies the map. */
    public CoderForm {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    /**
     * The form of an autoencoder or transcoder.
     *
     * @param config what is computed
     * @return the form
     * @throws org.sae4j.api.Sae4jException if there is no such architecture
     * @throws IllegalArgumentException if the configuration's settings do not fit the architecture
     */
    public static CoderForm of(SaeConfig config) {
        return of(CoderArchitectures.of(config), config);
    }

    /**
     * The form of an autoencoder or transcoder of an architecture that need not be found by its name.
     *
     * @param architecture makes feature activations
     * @param config what is computed; its architecture's name is not looked at
     * @return the form
     */
    public static CoderForm of(CoderArchitecture architecture, SaeConfig config) {
        FormBuilder b = new FormBuilder("c");
        Value x = b.input(INPUT, Dim.ROWS, Dim.of(config.dIn()));
        Value bDec = b.row("b_dec", config.dOut());
        Value centred = config.applyBDecToInput() ? b.subtract(x, bDec) : x;
        Value features = b.inner(FEATURES, architecture.encode(b, config, centred));
        Value decoded = b.inner(DECODED, b.decode(features, b.matrix("W_dec", config.dSae(), config.dOut()), bDec));
        Value out = config.skip() ? b.add(decoded, b.productByTransposed(x, b.matrix("W_skip", config.dOut(), config.dIn()))) : decoded;
        Value reconstruction = config.skip() ? b.inner(RECONSTRUCTION, out) : b.copy(RECONSTRUCTION, out);
        Map<String, Parameter> ordered = new LinkedHashMap<>();
        b.parameters().forEach((name, parameter) -> {
            if (!LAST.contains(name)) {
                ordered.put(name, parameter);
            }
        });
        LAST.stream().filter(b.parameters()::containsKey).forEach(name -> ordered.put(name, b.parameters().get(name)));
        return new CoderForm(b.build(reconstruction), ordered);
    }

    /** {@return the shapes of the parameters, by name, in their order} */
    public Map<String, int[]> shapes() {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        parameters.forEach((name, parameter) -> shapes.put(name, parameter.shape()));
        return shapes;
    }

    /** {@return the operation that makes the feature activations} */
    public Operation selection() {
        return form.operations().stream().filter(operation -> operation.out().name().equals(FEATURES)).findFirst().orElseThrow();
    }
}
