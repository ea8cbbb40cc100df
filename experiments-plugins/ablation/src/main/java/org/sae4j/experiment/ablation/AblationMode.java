package org.sae4j.experiment.ablation;

/** What takes the place of a feature's contribution {@code f_j d_j}. */
public enum AblationMode {
    /** Nothing: the activation becomes 0. */
    ZERO("zero"),
    /** The activation becomes the configured value. */
    VALUE("value"),
    /** The activation becomes its mean over the reference tokens. */
    MEAN("mean"),
    /** The activation becomes that at a reference token drawn at random. */
    RESAMPLE("resample"),
    /** A random vector of the contribution's norm. */
    NOISE("noise");

    private final String title;

    AblationMode(String title) {
        this.title = title;
    }

    /** {@return a name for people} */
    public String title() {
        return title;
    }

    /** {@return whether random numbers decide} */
    public boolean random() {
        return this == RESAMPLE || this == NOISE;
    }
}
