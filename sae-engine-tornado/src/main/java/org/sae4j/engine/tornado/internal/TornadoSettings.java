package org.sae4j.engine.tornado.internal;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sae4j.api.engine.EngineException;

/**
 * The settings of the engine.
 *
 * @param verifier id of the engine that first runs are compared with, or {@value #OFF}
 * @param sparseCapacity the part of a row's columns that sparse rows have room for
 * @param memoryBytes the most device memory that the engine's programs may take, or empty for all of it
 * @param profile the file that gets a line for each run, or empty for none
 * @param cudaGraph whether the tasks of a program are replayed as one CUDA graph
 * @param cublas whether dense products are cuBLAS's instead of the engine's own
 */
public record TornadoSettings(String verifier, double sparseCapacity, OptionalLong memoryBytes, Optional<Path> profile, boolean cudaGraph,
        boolean cublas) {
    /** Setting: the engine that first runs are compared with, or {@value #OFF}. */
    public static final String VERIFY = "verify";
    /** Value of {@link #VERIFY} that compares nothing. */
    public static final String OFF = "off";
    /** Setting: the part of a row's columns that sparse rows have room for. */
    public static final String SPARSE_CAPACITY = "sparse-capacity";
    /** Setting: the most device memory that the engine's programs may take. */
    public static final String MEMORY = "memory";
    /** Setting: the file that gets a line for each run. */
    public static final String PROFILE = "profile";
    /** Setting: whether the tasks of a program are replayed as one CUDA graph. */
    public static final String CUDA_GRAPH = "cuda-graph";
    /** Setting: what computes dense products. */
    public static final String DENSE_PRODUCT = "dense-product";

    private static final Set<String> NAMES = Set.of(VERIFY, SPARSE_CAPACITY, MEMORY, PROFILE, CUDA_GRAPH, DENSE_PRODUCT);
    private static final Pattern SIZE = Pattern.compile("(\\d{1,12}) ?([KMGT]?)B?");

    /**
     * Reads settings.
     *
     * @param settings by name
     * @return the settings, with defaults for those absent
     * @throws EngineException if a name is unknown, or a value makes no sense
     */
    public static TornadoSettings of(Map<String, String> settings) {
        for (String name : settings.keySet()) {
            if (!NAMES.contains(name)) {
                throw new EngineException("unknown setting " + name, "tornado engine", "use one of " + new TreeSet<>(NAMES));
            }
        }
        String memory = settings.get(MEMORY);
        return new TornadoSettings(settings.getOrDefault(VERIFY, "cpu"), capacity(settings.getOrDefault(SPARSE_CAPACITY, "1")),
                memory == null ? OptionalLong.empty() : OptionalLong.of(bytes(memory)),
                Optional.ofNullable(settings.get(PROFILE)).map(TornadoSettings::file),
                is(CUDA_GRAPH, "on", OFF, settings), is(DENSE_PRODUCT, "cublas", "kernel", settings));
    }

    private static Path file(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new EngineException("setting " + PROFILE + " is no file: " + text, "tornado engine", "give a file to write", e);
        }
    }

    /** Whether a setting of two values has the first; the second is its default. */
    private static boolean is(String name, String first, String second, Map<String, String> settings) {
        String text = settings.getOrDefault(name, second);
        if (!text.equals(first) && !text.equals(second)) {
            throw new EngineException("setting " + name + " is " + text, "tornado engine", "use " + first + " or " + second);
        }
        return text.equals(first);
    }

    private static double capacity(String text) {
        try {
            double value = Double.parseDouble(text);
            if (value > 0 && value <= 1) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw new EngineException("setting " + SPARSE_CAPACITY + " is no number: " + text, "tornado engine",
                    "use a number above 0 and up to 1", e);
        }
        throw new EngineException("setting " + SPARSE_CAPACITY + " is " + text, "tornado engine", "use a number above 0 and up to 1");
    }

    /**
     * Reads a number of bytes as TornadoVM writes it, such as {@code 6GB}.
     *
     * @param text digits, then nothing or a unit
     * @return the number of bytes
     * @throws EngineException if it is none
     */
    static long bytes(String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new EngineException("no number of bytes: " + text, "tornado engine", "write it like 6GB or 512MB");
        }
        return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << 10 * " KMGT".indexOf((matcher.group(2) + " ").charAt(0)));
    }
}
