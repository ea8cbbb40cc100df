package org.sae4j.experiment.causaltracing;

/** What is restored to its clean value in a corrupted run. */
public enum Site {
    /** The residual stream after a block. */
    BLOCK_OUTPUT("block output"),
    /** The residual stream after a block, while all later MLPs keep their corrupted outputs at that token: that path is severed. */
    BLOCK_OUTPUT_MLP_SEVERED("block output, later MLPs severed"),
    /** The residual stream after a block, while all later attentions keep their corrupted outputs at that token. */
    BLOCK_OUTPUT_ATTENTION_SEVERED("block output, later attention severed"),
    /** The MLP's addition to the residual stream, in a window of layers. */
    MLP_OUTPUT("MLP output"),
    /** The attention's addition to the residual stream, in a window of layers. */
    ATTENTION_OUTPUT("attention output"),
    /** The residual stream before a block. */
    RESID_PRE("resid_pre"),
    /** The mixed values of one attention head, before the output projection. */
    HEAD_Z("head z"),
    /** The residual stream between attention and MLP. */
    RESID_MID("resid_mid"),
    /** The MLP's hidden layer after its activation function. */
    MLP_POST("mlp post");

    private final String title;

    Site(String title) {
        this.title = title;
    }

    /** {@return whether it is the residual stream after a block, whatever is severed} */
    public boolean isBlockOutput() {
        return this == BLOCK_OUTPUT || isSevered();
    }

    /** {@return whether later outputs at the restored token keep their corrupted values} */
    public boolean isSevered() {
        return this == BLOCK_OUTPUT_MLP_SEVERED || this == BLOCK_OUTPUT_ATTENTION_SEVERED;
    }

    /** {@return a name for people} */
    public String title() {
        return title;
    }
}
