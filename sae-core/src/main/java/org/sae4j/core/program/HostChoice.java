package org.sae4j.core.program;

import org.sae4j.api.Tensor;

/**
 * A choice of features that engines have no operation for: an engine computes what it reads, the host chooses. The same values for any
 * number of threads.
 */
@FunctionalInterface
public interface HostChoice {
    /** What an engine computes of the rows of one call. For one thread. */
    interface Steps {
        /** {@return the number of rows} */
        int rows();

        /**
         * A value of the form.
         *
         * @param name name of a dense value that the choice depends on
         * @return rows times columns elements, in an array of the caller's own
         */
        float[] value(String name);

        /**
         * A value of the form, where another value is given instead of computed.
         *
         * @param name name of a dense value
         * @param given name of the given value, which alone decides the first
         * @param values its rows; more than are used may be there
         * @param rows how many are used, from 1
         * @return at least as many rows
         */
        float[] value(String name, String given, float[] values, int rows);

        /**
         * A parameter.
         *
         * @param name its name
         * @return the tensor
         */
        Tensor parameter(String name);
    }

    /**
     * Chooses.
     *
     * @param steps what the engine computes
     * @return feature activations [rows, d_sae], 0 where a feature is not active
     */
    float[] choose(Steps steps);
}
