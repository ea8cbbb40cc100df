package org.sae4j.serve;

/** A request that is refused, with what the client is told. */
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    ApiException(int status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    static ApiException bad(String message) {
        return new ApiException(400, message);
    }

    int status() {
        return status;
    }
}
