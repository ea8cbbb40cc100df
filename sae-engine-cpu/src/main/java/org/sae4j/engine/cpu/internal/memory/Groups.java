package org.sae4j.engine.cpu.internal.memory;

/**
 * The rows of a product's left operand in groups that a kernel exists for: as many full groups as fit, then groups of 4, then single rows.
 * Which rows share a group does not change any bit of a result.
 */
public final class Groups {
    private final int rows;
    private final int full;
    private final int fullCount;
    private final int fourCount;

    public Groups(int rows, int full) {
        this.rows = rows;
        this.full = full;
        this.fullCount = rows / full;
        this.fourCount = rows % full / 4;
    }

    public int rows() {
        return rows;
    }

    public int count() {
        return fullCount + fourCount + (rows % full) % 4;
    }

    /** {@return the first row of a group; for the number of groups, the number of rows} */
    public int start(int group) {
        if (group <= fullCount) {
            return group * full;
        }
        int fours = Math.min(group - fullCount, fourCount);
        return fullCount * full + fours * 4 + (group - fullCount - fours);
    }

    /** {@return the rows of a group} */
    public int size(int group) {
        return group < fullCount ? full : group < fullCount + fourCount ? 4 : 1;
    }
}
