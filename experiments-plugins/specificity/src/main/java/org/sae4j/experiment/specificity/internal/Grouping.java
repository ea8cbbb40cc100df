package org.sae4j.experiment.specificity.internal;

import org.sae4j.api.CounterRandom;

/** Cases with the group that each belongs to. A case of a group is positive for it and negative for the others. */
public final class Grouping {
    /** A case that takes no part. */
    public static final int EXCLUDED = -1;

    private final int[] groupOf;
    private final int[] sizes;
    private final int cases;

    /**
     * Counts the groups.
     *
     * @param groupOf for each case its group from 0, or {@link #EXCLUDED}
     * @param groups number of groups
     */
    public Grouping(int[] groupOf, int groups) {
        this.groupOf = groupOf.clone();
        sizes = new int[groups];
        int n = 0;
        for (int group : groupOf) {
            if (group != EXCLUDED) {
                sizes[group]++;
                n++;
            }
        }
        cases = n;
    }

    /** {@return the number of groups} */
    public int groups() {
        return sizes.length;
    }

    /**
     * The group of a case.
     *
     * @param index the case
     * @return its group, or {@link #EXCLUDED}
     */
    public int of(int index) {
        return groupOf[index];
    }

    /**
     * The size of a group.
     *
     * @param group the group
     * @return number of cases
     */
    public int size(int group) {
        return sizes[group];
    }

    /** {@return the number of cases that are not excluded} */
    public int cases() {
        return cases;
    }

    /**
     * The groups dealt out anew.
     *
     * @param random where the permutation comes from
     * @return a grouping of the same sizes
     */
    public Grouping shuffled(CounterRandom random) {
        int[] shuffled = groupOf.clone();
        for (int i = shuffled.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = shuffled[i];
            shuffled[i] = shuffled[j];
            shuffled[j] = swap;
        }
        return new Grouping(shuffled, sizes.length);
    }

    /**
     * One of two halves in which every group is split evenly.
     *
     * @param second whether to keep the second half
     * @param random where the split comes from; equal numbers give matching halves
     * @return a grouping with the other half excluded
     */
    public Grouping half(boolean second, CounterRandom random) {
        int[] order = new int[groupOf.length];
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        int[] kept = groupOf.clone();
        int[] seen = new int[sizes.length];
        for (int i : order) {
            if (kept[i] != EXCLUDED && seen[kept[i]]++ % 2 == 0 == second) {
                kept[i] = EXCLUDED;
            }
        }
        return new Grouping(kept, sizes.length);
    }
}
