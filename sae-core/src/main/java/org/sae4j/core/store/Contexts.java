package org.sae4j.core.store;

import java.util.Map;
import java.util.Optional;

/** Contexts for a transformer to read, one after the other: rows of token ids. For one thread, and for one pass. */
public interface Contexts extends AutoCloseable {
    /**
     * Makes the next context.
     *
     * @return token ids, at least one and at most as many as the transformer's context, or empty after the last
     * @throws org.sae4j.api.Sae4jException if a file cannot be read or holds what it should not
     * @throws IllegalStateException after close
     */
    Optional<int[]> next();

    /** {@return how the contexts are made, to compare and to keep with what is made of them} */
    Map<String, String> description();

    /** {@return how much of the files is read, in bytes} */
    long bytesRead();

    /** {@return the size of the files in bytes} */
    long bytes();

    /** Closes what is open. Closing twice has no effect. */
    @Override
    void close();
}
