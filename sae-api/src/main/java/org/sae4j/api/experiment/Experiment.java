package org.sae4j.api.experiment;

/**
 * An experiment that can be plugged in, found with {@link java.util.ServiceLoader}: a function from model, autoencoder, configuration and
 * context to a result. Instances hold no state.
 *
 * @param <C> the configuration: a record whose components are numbers, booleans, strings, enums, or lists or records of these, each with
 *     {@link Param}
 * @param <R> the typed result: a record of numbers, strings, enums, arrays, lists, maps, optionals and records, which is written as
 *     JSON
 */
public interface Experiment<C extends Record, R extends Record> {
    /** The version of this interface that the running library implements. */
    int API_VERSION = 1;

    /** {@return the id that users run the experiment by, such as {@code random-walk}; lower-case letters, digits and hyphens} */
    String id();

    /** {@return a title for people} */
    String title();

    /** {@return what it measures, in one or two sentences} */
    String description();

    /** {@return the configuration that is used where the user sets nothing; it must work on any model and autoencoder that fit} */
    C defaults();

    /** {@return the version of this interface that the experiment was written for; newer than {@link #API_VERSION} is refused} */
    default int apiVersion() {
        return 1;
    }

    /**
     * Runs the experiment. The result depends on configuration, model, autoencoders, corpus, facts and seed alone.
     *
     * @param config the configuration
     * @param context model, autoencoders, data, seed and progress
     * @return the result
     * @throws org.sae4j.api.Sae4jException if something that it needs is missing or does not fit
     * @throws java.util.concurrent.CancellationException if the run was cancelled
     */
    ExperimentResult<R> run(C config, ExperimentContext context);
}
