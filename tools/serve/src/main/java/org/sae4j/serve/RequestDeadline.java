package org.sae4j.serve;

import java.time.Duration;
import java.util.Map;
import org.sae4j.api.Sae4jException;

/**
 * How long a request may take to arrive. Without a deadline a client that sends half a request keeps its connection for ever, and the JDK's
 * server knows one for the whole JVM alone. What belongs to the whole JVM is the application's: it sets the properties, once, before
 * anything of its process uses {@code jdk.httpserver}.
 *
 * {@snippet :
 * RequestDeadline.PROPERTIES.forEach(System.getProperties()::putIfAbsent);
 * }
 */
public final class RequestDeadline {
    /** After so long a request that has not arrived whole is closed. */
    public static final Duration DEADLINE = Duration.ofSeconds(10);

    private static final String REQUEST = "sun.net.httpserver.maxReqTime";

    /**
     * System properties of the JDK's server, by name: the deadline of requests; one of answers, which a client that does not read its
     * answer meets; the most connections.
     */
    public static final Map<String, String> PROPERTIES = Map.of(REQUEST, Long.toString(DEADLINE.toSeconds()),
            "sun.net.httpserver.maxRspTime", "900", "jdk.httpserver.maxConnections", "512");

    private RequestDeadline() {}

    /** Refuses a JVM in which requests have no deadline. */
    static void require() {
        if (Long.getLong(REQUEST, -1) < 1) {
            throw new Sae4jException("requests have no deadline in this JVM", "the system property " + REQUEST,
                    "set RequestDeadline.PROPERTIES when the application starts");
        }
    }
}
