package org.sae4j.core.internal;

import java.nio.file.Path;
import java.util.function.Function;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.FormatException;

/** What parameters lie in, such as a mapped file, shared by the models that use them: the last one to let go closes it. */
public final class SharedResource {
    private final AutoCloseable resource;
    private final String name;
    private int holders = 1;

    private SharedResource(AutoCloseable resource, String name) {
        this.resource = resource;
        this.name = name;
    }

    /** {@return a resource of which nothing has to be closed} */
    public static SharedResource none() {
        return new SharedResource(() -> { }, "");
    }

    /**
     * Makes something of the content of files, which it then holds.
     *
     * @param <T> what is made
     * @param weights the content; closed by the last holder, or at once if nothing can be made of it
     * @param path where it came from
     * @param maker makes the first holder
     * @return what was made
     * @throws FormatException if the content does not fit together
     */
    public static <T> T take(AutoCloseable weights, Path path, Function<SharedResource, T> maker) {
        SharedResource resource = new SharedResource(weights, path.toString());
        try {
            return maker.apply(resource);
        } catch (IllegalArgumentException e) {
            resource.release();
            throw new FormatException(String.valueOf(e.getMessage()), path.toString(), "check that weights and configuration belong together", e);
        } catch (RuntimeException | Error e) {
            resource.release();
            throw e;
        }
    }

    /** {@return this, for one more holder} */
    synchronized SharedResource retain() {
        holders++;
        return this;
    }

    /** Lets go for one holder. */
    synchronized void release() {
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
