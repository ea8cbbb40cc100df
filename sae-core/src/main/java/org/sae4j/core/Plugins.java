package org.sae4j.core;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.jar.JarFile;
import org.sae4j.api.Sae4jException;

/**
 * The jars of a folder, whose engines and experiments are found beside those that are installed: pass the {@link #loader()} to
 * {@link Engines#open(String, org.sae4j.api.engine.EngineOptions, ClassLoader)}, or this to
 * {@link org.sae4j.core.experiment.Experiments#with(Plugins)}.
 *
 * <p>Classes stay loaded as long as this or anything that was made of them is used.
 */
public final class Plugins {
    private final ClassLoader loader;
    private final Map<String, String> unreadable;

    private Plugins(ClassLoader loader, Map<String, String> unreadable) {
        this.loader = loader;
        this.unreadable = Collections.unmodifiableMap(unreadable);
    }

    /**
     * Makes the jars of a folder visible.
     *
     * @param folder a folder with jar files; folders in it are not searched
     * @return its plugins
     * @throws Sae4jException if the folder cannot be read
     */
    public static Plugins in(Path folder) {
        List<URL> jars = new ArrayList<>();
        Map<String, String> unreadable = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.jar")) {
            for (Path jar : files) {
                // A class loader passes over a file that it cannot open.
                reason(jar).ifPresent(reason -> unreadable.put(jar.toString(), reason));
                jars.add(jar.toUri().toURL());
            }
        } catch (MalformedURLException e) {
            throw new IllegalStateException("a path always has a URL", e);
        } catch (IOException e) {
            throw new Sae4jException("cannot read the plugin folder, " + e, folder.toString(), "pass a folder that holds jar files", e);
        }
        jars.sort(Comparator.comparing(URL::toString));
        return new Plugins(new URLClassLoader("plugins", jars.toArray(URL[]::new), Plugins.class.getClassLoader()), unreadable);
    }

    /** {@return finds the classes of the jars, and those of sae4j} */
    public ClassLoader loader() {
        return loader;
    }

    /** {@return why jars could not be read, by path} */
    public Map<String, String> unreadable() {
        return unreadable;
    }

    private static Optional<String> reason(Path jar) {
        try (JarFile opened = new JarFile(jar.toFile())) {
            return opened.size() > 0 ? Optional.empty() : Optional.of("the jar is empty");
        } catch (IOException e) {
            return Optional.of("the jar cannot be read, " + e.getMessage());
        }
    }
}
