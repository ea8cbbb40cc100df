package org.sae4j.core.internal;

import org.sae4j.api.Sae4jException;

/** What parameters lie in, such as a mapped file, shared by the models that use them: the last one to let go closes it. */
public final class SharedResource {
    private final AutoCloseable resource;
    private final String name;
    private int holders = 1;

    /**
     * Takes a resource over, for one holder.
     *
     * @param resource closed by the last holder
     * @param name for messages
     */
    public SharedResource(AutoCloseable resource, String name) {
        this.resource = resource;
        this.name = name;
    }

    /** {@return this, for one more holder} */
    synchronized SharedResource retain() {
        holders++;
        return this;
    }

    /** Lets go for one holder. */
    public synchronized void release() {
        holders--;
        if (holders == 0) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new Sae4jException("closing failed", name, "see the cause", e);
            }
        }
    }
}
