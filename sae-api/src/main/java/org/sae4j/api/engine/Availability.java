package org.sae4j.api.engine;

import java.util.Objects;

/** Whether an engine can be opened here, and if not, why not and what to do. */
public sealed interface Availability {
    /**
     * The engine can be opened.
     *
     * @param detail how it will run, such as the instruction set in use
     */
    record Available(String detail) implements Availability {
        /** Refuses null. */
        public Available {
            Objects.requireNonNull(detail, "detail");
        }
    }

    /**
     * The engine cannot be opened.
     *
     * @param reason what is missing
     * @param remedy what to do about it
     */
    record Unavailable(String reason, String remedy) implements Availability {
        /** Refuses null. */
        public Unavailable {
            Objects.requireNonNull(reason, "reason");
            Objects.requireNonNull(remedy, "remedy");
        }
    }
}
