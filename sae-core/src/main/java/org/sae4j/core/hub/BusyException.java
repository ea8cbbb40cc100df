package org.sae4j.core.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An answer that asks to come back later: too many requests, or a failure of the server. */
final class BusyException extends IOException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final @Nullable Duration wait;

    /**
     * Makes an exception of an answer.
     *
     * @param retryAfter the header {@code Retry-After}; used if it is a number of seconds
     */
    BusyException(int status, Optional<String> retryAfter) {
        super("the server answers " + status);
        this.status = status;
        this.wait = retryAfter.map(String::strip).filter(text -> text.matches("\\d{1,9}"))
                .map(text -> Duration.ofSeconds(Long.parseLong(text))).orElse(null);
    }

    int status() {
        return status;
    }

    /** {@return how long the server asks to wait} */
    Optional<Duration> retryAfter() {
        return Optional.ofNullable(wait);
    }
}
