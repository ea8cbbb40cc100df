package org.sae4j.core.internal.template;

/** What a template may still do: one unit a character or an element, some a step. */
final class Work {
    private static final long MOST = 50_000_000;
    private static final int STEP = 10;
    private static final int ROUND = 100;
    private static final int DEEPEST = 600;

    private long left = MOST;
    private int depth;

    /** Work is exhausted. */
    static final class Exhausted extends RuntimeException {
        private static final long serialVersionUID = 1;

        Exhausted(String what) {
            super(what, null, false, false);
        }
    }

    void spend(long units) {
        left -= Math.max(1, units);
        if (left < 0) {
            throw new Exhausted("needs too much work");
        }
    }

    /** An expression or a statement. */
    void step() {
        spend(STEP);
    }

    /** One time through a loop. */
    void round() {
        spend(ROUND);
    }

    /** Whoever enters leaves, unless work is exhausted. */
    void enter() {
        if (++depth > DEEPEST) {
            throw new Exhausted("nests more than " + DEEPEST + " deep");
        }
    }

    void leave() {
        depth--;
    }
}
