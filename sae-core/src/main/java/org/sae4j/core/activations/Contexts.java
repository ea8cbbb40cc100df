package org.sae4j.core.activations;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.model.Context;

/** Contexts for a transformer to read, one after the other. For one thread, and for one pass. */
public interface Contexts extends AutoCloseable {
    /**
     * Makes the next context.
     *
     * @return the context, or empty after the last
     * @throws org.sae4j.api.Sae4jException if a file cannot be read or holds what it should not
     * @throws IllegalStateException after close
     */
    Optional<Context> next();

    /**
     * Contexts that are in memory.
     *
     * @param contexts in order
     * @return them, one after the other
     */
    static Contexts of(List<Context> contexts) {
        Iterator<Context> rest = List.copyOf(contexts).iterator();
        return new Contexts() {
            private int read;

            @Override
            public Optional<Context> next() {
                read += rest.hasNext() ? 1 : 0;
                return rest.hasNext() ? Optional.of(rest.next()) : Optional.empty();
            }

            @Override
            public Map<String, String> description() {
                return Map.of("kind", "contexts in memory");
            }

            @Override
            public long bytesRead() {
                return read;
            }

            @Override
            public long bytes() {
                return contexts.size();
            }

            @Override
            public void close() {}
        };
    }

    /** {@return how the contexts are made and what does not count, to compare and to keep with what is made of them} */
    Map<String, String> description();

    /** {@return how much is read, in bytes of files} */
    long bytesRead();

    /** {@return the size of the files in bytes} */
    long bytes();

    /** Closes what is open. Closing twice has no effect. */
    @Override
    void close();
}
