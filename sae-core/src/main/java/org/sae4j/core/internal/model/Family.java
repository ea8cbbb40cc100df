package org.sae4j.core.internal.model;

import java.util.Set;

/** A family of transformers in Hugging Face folders: the keys of its configuration, its forward pass, and the names of its tensors. */
interface Family {
    /** {@return the values of {@code model_type} that are of this family} */
    Set<String> types();

    /**
     * Reads a model.
     *
     * @param hub the folder
     * @return the model
     * @throws org.sae4j.core.format.FormatException if the folder is not sound, or the model cannot be run exactly
     */
    ModelTensors read(Hub hub);
}
