package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.testkit.ReferenceEngine;

class EnginesTest {
    /** A class loader with the given service configuration files. */
    private static final class Services extends ClassLoader {
        private final List<String> files;
        private int lookups;

        Services(String... files) {
            super(EnginesTest.class.getClassLoader());
            this.files = List.of(files);
        }

        static Services of(Class<?>... providers) {
            return new Services(Arrays.stream(providers).map(Class::getName).collect(Collectors.joining("\n")));
        }

        @Override
        public Enumeration<URL> getResources(String name) throws IOException {
            if (!name.equals("META-INF/services/" + EngineProvider.class.getName())) {
                return super.getResources(name);
            }
            lookups++;
            List<URL> urls = new ArrayList<>();
            for (String file : files) {
                urls.add(url(file));
            }
            return Collections.enumeration(urls);
        }

        private static URL url(String content) throws IOException {
            return URL.of(URI.create("memory:services"), new URLStreamHandler() {
                @Override
                protected URLConnection openConnection(URL url) {
                    return new URLConnection(url) {
                        @Override
                        public void connect() {}

                        @Override
                        public InputStream getInputStream() {
                            return new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8));
                        }
                    };
                }
            });
        }
    }

    private abstract static class Fake implements EngineProvider {
        private final String id;
        private final int priority;
        private final Availability availability;

        Fake(String id, int priority, Availability availability) {
            this.id = id;
            this.priority = priority;
            this.availability = availability;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public String name() {
            return id + " engine";
        }

        @Override
        public int priority() {
            return priority;
        }

        @Override
        public Availability availability() {
            return availability;
        }

        @Override
        public List<Device> devices() {
            return List.of();
        }

        @Override
        public Engine open(EngineOptions options) {
            return new ReferenceEngine();
        }
    }

    public static final class Slow extends Fake {
        public Slow() {
            super("slow", 0, new Availability.Available("scalar code"));
        }
    }

    public static final class Fast extends Fake {
        public Fast() {
            super("fast", 5, new Availability.Available("vector code"));
        }

        @Override
        public Engine open(EngineOptions options) {
            throw new EngineException("the device is lost", "fast engine", "plug it in");
        }
    }

    public static final class Absent extends Fake {
        public Absent() {
            super("absent", 10, new Availability.Unavailable("no driver", "install one"));
        }
    }

    public static final class Throwing extends Fake {
        public Throwing() {
            super("throwing", 20, new Availability.Available(""));
        }

        @Override
        public Availability availability() {
            throw new IllegalStateException("native library");
        }
    }

    public static final class Unloadable extends Fake {
        public Unloadable() {
            super("unloadable", 30, new Availability.Available(""));
            throw new UnsatisfiedLinkError("libgpu");
        }
    }

    public static final class Impostor extends Fake {
        public Impostor() {
            super("slow", 40, new Availability.Available(""));
        }
    }

    public static final class Automatic extends Fake {
        public Automatic() {
            super("auto", 50, new Availability.Available(""));
        }
    }

    @Test
    void autoPicksTheAvailableEngineOfHighestPriorityAndSaysWhy() {
        Engines.Choice choice = Engines.choose("auto", Services.of(Slow.class, Absent.class, Throwing.class, Fast.class));
        assertThat(choice.provider().id()).isEqualTo("fast");
        assertThat(choice.reason()).contains("highest priority (5)", "vector code", "absent (priority 10) is not available: no driver",
                "throwing (priority 20) is not available", "native library");
    }

    @Test
    void autoDoesNotFallBackWhenTheChosenEngineFailsToOpen() {
        assertThatExceptionOfType(EngineException.class)
                .isThrownBy(() -> Engines.open("auto", EngineOptions.DEFAULT, Services.of(Slow.class, Fast.class)))
                .withMessageContaining("device is lost");
    }

    @Test
    void anEngineThatIsAskedForIsOpenedOrTheReasonSaysWhyNot() {
        Services services = Services.of(Slow.class, Absent.class);
        try (Engine engine = Engines.open("slow", EngineOptions.DEFAULT, services)) {
            assertThat(engine).isInstanceOf(ReferenceEngine.class);
        }
        assertThatExceptionOfType(EngineException.class).isThrownBy(() -> Engines.open("absent", EngineOptions.DEFAULT, services))
                .withMessageContainingAll("'absent' is not available", "no driver", "install one");
        assertThatExceptionOfType(EngineException.class).isThrownBy(() -> Engines.open("gpu", EngineOptions.DEFAULT, services))
                .withMessageContainingAll("no engine 'gpu'", "absent", "slow");
    }

    @Test
    void brokenProvidersAreListedAndDoNotHideTheOthers() {
        String names = Stream.of(Unloadable.class, Slow.class, Impostor.class, EnginesTest.class, Automatic.class).map(Class::getName)
                .collect(Collectors.joining("\n"));
        Services services = new Services("not a name!", "org.example.Missing\n" + names, "");
        assertThat(Engines.providers(services)).extracting(EngineProvider::id).containsExactly("slow");
        assertThat(Engines.broken(services).toString()).contains("memory:services:1", "org.example.Missing", "libgpu",
                Impostor.class.getName(), Slow.class.getName(), "not a subtype", "'auto'");
        assertThat(Engines.choose("auto", services).provider().id()).isEqualTo("slow");
    }

    @Test
    void noEngineAtAllIsAnErrorThatSaysWhatToDo() {
        assertThatExceptionOfType(EngineException.class).isThrownBy(() -> Engines.choose("auto", Services.of(Absent.class)))
                .withMessageContainingAll("no engine is available", "no driver", "sae-engine-cpu");
    }

    @Test
    void aClassLoaderIsSearchedOnce() {
        Services services = Services.of(Slow.class, Fast.class);
        EngineProvider first = Engines.choose("slow", services).provider();
        assertThat(Engines.providers(services)).extracting(EngineProvider::id).containsExactly("fast", "slow");
        assertThat(Engines.choose("slow", services).provider()).isSameAs(first);
        assertThat(services.lookups).isEqualTo(1);
    }
}
