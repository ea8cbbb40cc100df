package org.sae4j.core.hub;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.format.JsonFile;

/**
 * What the hub answers about a repository.
 *
 * @param settings the hub
 * @param reference the repository
 * @param transport sends requests
 * @param retries sends them again
 */
record Endpoint(HubSettings settings, HubReference reference, Transport transport, Retries retries) {
    private static final long MAX_LISTING = 64L << 20;

    /**
     * Asks for the commit and the files of the revision.
     *
     * @throws Sae4jException if there is no answer, or not the right one
     */
    Listing listing(Progress progress) {
        URI address = address("/api/models/" + reference.repository() + "/revision/" + encode(reference.revision()) + "?blobs=true");
        progress.update("asking for the files of " + reference, 0, 0);
        byte[] json = retries.run(() -> {
            try (Transport.Response response = transport.get(address, Map.of("Accept", "application/json"), progress)) {
                if (response.status() != 200) {
                    throw refused(response, "the repository " + reference, address);
                }
                return Transport.readAll(response, MAX_LISTING, address.toString(), progress);
            }
        }, () -> 0, address.toString(), progress);
        Listing listing = Listing.parse(JsonFile.parse(address.toString(), json));
        if (reference.revision().matches(Listing.COMMIT) && !listing.commit().equals(reference.revision())) {
            throw new Sae4jException("the server answers with commit " + listing.commit(), reference.toString(),
                    "check the endpoint (--endpoint, HF_ENDPOINT)");
        }
        return listing;
    }

    /**
     * Completes a file whose size or checksum the listing lacks, from the headers with which the hub answers for it.
     *
     * @throws Sae4jException if they lack it too
     */
    HubFile complete(HubFile file, String commit, Progress progress) {
        if (file.isComplete()) {
            return file;
        }
        URI address = file(commit, file);
        HubFile completed = retries.run(() -> {
            try (Transport.Response response = transport.head(address, progress)) {
                boolean elsewhere = response.status() >= 300 && response.status() < 400;
                if (response.status() != 200 && !elsewhere) {
                    throw refused(response, "the file " + file.path(), address);
                }
                Optional<String> tag = header(response, "X-Linked-ETag").or(() -> elsewhere ? Optional.empty() : header(response, "ETag"));
                Optional<String> length = header(response, "X-Linked-Size")
                        .or(() -> elsewhere ? Optional.empty() : header(response, "Content-Length"));
                return new HubFile(file.path(), file.size().isPresent() ? file.size() : length.filter(text -> text.matches("\\d{1,18}"))
                        .map(text -> OptionalLong.of(Long.parseLong(text))).orElse(OptionalLong.empty()),
                        file.checksum().or(() -> tag.flatMap(Checksum::ofTag)));
            }
        }, () -> 0, address.toString(), progress);
        if (!completed.isComplete()) {
            String lacking = completed.size().isEmpty() ? "size" : "checksum";
            throw new Sae4jException("the server gives no " + lacking + ", so that the file cannot be checked", address.toString(),
                    "use another endpoint (--endpoint, HF_ENDPOINT)");
        }
        return completed;
    }

    private static Optional<String> header(Transport.Response response, String name) {
        return response.headers().firstValue(name);
    }

    URI file(String commit, HubFile file) {
        String path = Arrays.stream(file.path().split("/")).map(Endpoint::encode).collect(Collectors.joining("/"));
        return address("/" + reference.repository() + "/resolve/" + commit + "/" + path);
    }

    private URI address(String path) {
        return URI.create(settings.endpoint() + path);
    }

    private static String encode(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** {@return the failure for a response with another status than expected} */
    Sae4jException refused(Transport.Response response, String what, URI address) {
        String code = header(response, "X-Error-Code").orElse("");
        boolean token = settings.token().isPresent();
        String page = settings.endpoint() + "/" + reference.repository();
        return switch (response.status()) {
            case 401 -> token
                    ? new Sae4jException("401: " + what + " is not open to this token, or does not exist", address.toString(),
                            "check the name; use a token with read access (HF_TOKEN)")
                    : new Sae4jException("401: " + what + " needs a token, or does not exist", address.toString(),
                            "check the name; set HF_TOKEN to a token with read access, from " + settings.endpoint() + "/settings/tokens");
            case 403 -> new Sae4jException("403: " + what + (code.equals("GatedRepo") ? " is gated" : " is forbidden")
                    + (token ? " for this token" : " without a token"), address.toString(), "accept its terms on " + page
                            + " and set HF_TOKEN to a token that may read it");
            case 404 -> new Sae4jException("404: " + switch (code) {
                case "RevisionNotFound" -> "no revision '" + reference.revision() + "'";
                case "RepoNotFound" -> "no repository " + reference.repository();
                default -> "not found: " + what;
            }, address.toString(), "look at " + page + " for the names of repository, revisions and files");
            default -> new Sae4jException("the server answers " + response.status() + " for " + what, address.toString(),
                    "check the endpoint (--endpoint, HF_ENDPOINT)");
        };
    }
}
