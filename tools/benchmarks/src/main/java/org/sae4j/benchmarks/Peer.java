package org.sae4j.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Another implementation of a case: a command that takes the case as arguments and prints JSON with {@code median_s}. */
final class Peer {
    private static final Pattern MEDIAN = Pattern.compile("\"median_s\": *([0-9.eE+-]+)");

    private Peer() {}

    /**
     * Runs the command.
     *
     * @param command the command, such as an interpreter and a script
     * @param arguments the case
     * @return the median of its runs in seconds
     * @throws IOException if the command fails or prints no median
     * @throws InterruptedException if interrupted
     */
    static double median(List<String> command, List<String> arguments) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(command);
        line.addAll(arguments);
        Process process = new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        Matcher matcher = MEDIAN.matcher(output);
        if (status != 0 || !matcher.find()) {
            throw new IOException("the peer " + line + " ended with status " + status + " and printed no median_s: " + output);
        }
        return Double.parseDouble(matcher.group(1));
    }
}
