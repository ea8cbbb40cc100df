package org.sae4j.cli;

import java.util.Locale;
import java.util.stream.LongStream;
import org.sae4j.api.Progress;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.store.StoreRows;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;
import picocli.CommandLine.TypeConversionException;

/** The option that says which activations are too large to count. */
final class NormOption {
    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--max-norm", paramLabel = "X", defaultValue = "" + RowNorms.DEFAULT_MULTIPLE,
            converter = Multiple.class, description = "Exclude activations whose norm is more than X times the median: a few of "
                    + "them, such as those at the model's first position, can carry most of the variance. "
                    + "inf excludes none. Default: ${DEFAULT-VALUE}.")
    private double multiple;

    NormOption() {
    }

    /** Numbers, and inf. */
    static final class Multiple implements ITypeConverter<Double> {
        Multiple() {
        }

        @Override
        public Double convert(String value) {
            try {
                return value.equalsIgnoreCase("inf") ? Double.POSITIVE_INFINITY : Double.valueOf(value);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected a number or inf, found '" + value + "'");
            }
        }
    }

    /** Refuses a number that makes no sense. */
    void check() {
        if (!(multiple > 0)) {
            throw new ParameterException(spec.commandLine(), "--max-norm is more than 0, found " + multiple);
        }
    }

    /** The largest norm that counts. */
    double limit(RowNorms norms) {
        return norms.limit(multiple);
    }

    /** How many times the median a norm may be. */
    double multiple() {
        return multiple;
    }

    /** The rows of a store that count. */
    StoreRows rows(ActivationStore store, Progress progress) {
        return multiple == Double.POSITIVE_INFINITY ? store.all() : store.within(limit(store.norms(progress)), progress);
    }

    /** The largest norm that counts, by the median of the first activations of a model. */
    double limit(StreamedActivations rows, int sample, Progress progress) {
        if (multiple == Double.POSITIVE_INFINITY) {
            return multiple;
        }
        float[] norms = new float[sample];
        float[] row = new float[rows.width()];
        rows.load(LongStream.range(0, sample).toArray(), progress, (number, activation) -> {
            activation.copyTo(row, 0);
            norms[number] = RowNorms.norm(row, 0, row.length);
        });
        return new RowNorms(norms).limit(multiple);
    }

    /** Says in a line what is left out. */
    String describe(ActivationStore store, StoreRows rows, Progress progress) {
        if (multiple == Double.POSITIVE_INFINITY) {
            return "no activation is excluded for its norm";
        }
        RowNorms norms = store.norms(progress);
        return String.format(Locale.ROOT, "excluded %,d of %,d activations whose norm is more than %s times the median %.4g; the "
                + "largest is %.4g (--max-norm)", rows.leftOut(), store.rows(),
                Double.toString(multiple).replaceAll("\\.0$", ""), norms.median(),
                norms.max());
    }
}
