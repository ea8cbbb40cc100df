package org.sae4j.testkit;

import static org.sae4j.testkit.ContractCases.equal;
import static org.sae4j.testkit.ContractCases.refused;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.api.engine.Program;
import org.sae4j.testkit.ContractCases.Sample;
import org.sae4j.testkit.EngineConformance.ProviderCase;

/** What providers promise, and what engines promise about their end. */
final class ProviderCases {
    private static final String NONSENSE = "no-such-thing-in-any-engine";

    private ProviderCases() {}

    static Stream<ProviderCase> all() {
        return Stream.of(
                new ProviderCase("A provider has an id to choose it by and a name for people", ProviderCases::names),
                new ProviderCase("A provider says how it runs, or why it cannot and what to do", ProviderCases::availability),
                new ProviderCase("Devices are numbered from 0", ProviderCases::devices),
                new ProviderCase("A provider that is not available does not open", ProviderCases::unavailable),
                available("An engine has its provider's id and one of its devices", ProviderCases::identity),
                available("A device is chosen by its number and by a part of its name", ProviderCases::choice),
                available("A device that is not there is refused", ProviderCases::unknownDevice),
                available("An unknown setting is refused by its name", ProviderCases::unknownSetting),
                available("Engines of one provider are independent", ProviderCases::independent),
                available("A closed engine compiles nothing", ProviderCases::closed),
                available("Closing an engine closes its programs", ProviderCases::programs));
    }

    /** A case that needs an engine, so it holds for whatever is not available. */
    private static ProviderCase available(String name, Consumer<EngineProvider> body) {
        return new ProviderCase(name, provider -> {
            if (isAvailable(provider)) {
                body.accept(provider);
            }
        });
    }

    private static boolean isAvailable(EngineProvider provider) {
        return provider.availability() instanceof Availability.Available;
    }

    private static void names(EngineProvider provider) {
        require(provider.id().matches("[a-z0-9]+(-[a-z0-9]+)*"), "the id has lower-case letters, digits and hyphens", provider.id());
        require(!provider.id().equals("auto"), "the id is not auto, which leaves the choice open", provider.id());
        require(!provider.name().isBlank(), "the name is not blank", provider.name());
        equal("the id, asked again", provider.id(), provider.id());
        equal("the priority, asked again", provider.priority(), provider.priority());
    }

    private static void availability(EngineProvider provider) {
        switch (provider.availability()) {
            case Availability.Available found -> require(!found.detail().isBlank(), "the detail says how it runs", found);
            case Availability.Unavailable found -> {
                require(!found.reason().isBlank(), "the reason says what is missing", found);
                require(!found.remedy().isBlank(), "the remedy says what to do", found);
            }
            case null -> throw new AssertionError("availability(): expected a value, found null");
        }
        equal("the availability, asked again", isAvailable(provider), isAvailable(provider));
    }

    private static void devices(EngineProvider provider) {
        List<Device> devices = provider.devices();
        equal("whether there are devices", isAvailable(provider), !devices.isEmpty());
        equal("the numbers of the devices", IntStream.range(0, devices.size()).boxed().toList(),
                devices.stream().map(Device::index).toList());
        for (Device device : devices) {
            require(!device.name().isBlank() && !device.backEnd().isBlank(), "a device has a name and a back end", device);
            require(device.memoryBytes() > 0, "a device has memory", device);
        }
    }

    private static void unavailable(EngineProvider provider) {
        if (!isAvailable(provider)) {
            refused("opening what is not available", EngineException.class, () -> provider.open(EngineOptions.DEFAULT));
        }
    }

    private static void identity(EngineProvider provider) {
        try (Engine engine = provider.open(EngineOptions.DEFAULT)) {
            equal("id() of the engine", provider.id(), engine.id());
            equal("the number of the device that is chosen by default", 0, engine.device().index());
            require(provider.devices().stream().anyMatch(d -> d.index() == engine.device().index()
                    && d.name().equals(engine.device().name())), "the device is one of " + provider.devices(), engine.device());
        }
    }

    private static void choice(EngineProvider provider) {
        for (Device device : provider.devices()) {
            for (String wanted : List.of(String.valueOf(device.index()), device.name())) {
                try (Engine engine = provider.open(new EngineOptions(Optional.of(wanted), 0, Map.of()))) {
                    equal("the device chosen by " + wanted, device.name(), engine.device().name());
                }
            }
        }
    }

    private static void unknownDevice(EngineProvider provider) {
        for (String wanted : List.of(String.valueOf(provider.devices().size()), NONSENSE)) {
            String message = refused("opening the device " + wanted, EngineException.class,
                    () -> provider.open(new EngineOptions(Optional.of(wanted), 0, Map.of())).close());
            require(message.contains(wanted), "the message names the device " + wanted, message);
        }
    }

    private static void unknownSetting(EngineProvider provider) {
        String message = refused("opening with an unknown setting", EngineException.class,
                () -> provider.open(new EngineOptions(Optional.empty(), 0, Map.of(NONSENSE, "1"))).close());
        require(message.contains(NONSENSE), "the message names the setting", message);
    }

    private static void independent(EngineProvider provider) {
        Engine one = provider.open(EngineOptions.DEFAULT);
        try (Engine two = provider.open(EngineOptions.DEFAULT); Sample sample = new Sample(two)) {
            sample.expect(10);
            one.close();
            sample.expect(20);
            try (Sample another = new Sample(two)) {
                another.expect(10);
            }
        }
    }

    private static void closed(EngineProvider provider) {
        Engine engine = provider.open(EngineOptions.DEFAULT);
        engine.close();
        engine.close();
        Program.Builder nothing = Program.builder("nothing");
        nothing.parameter("kept", 2, 2);
        refused("compile() after close", IllegalStateException.class, () -> engine.compile(nothing.build(), Map.of()).close());
    }

    private static void programs(EngineProvider provider) {
        Engine engine = provider.open(EngineOptions.DEFAULT);
        Sample sample = new Sample(engine);
        sample.expect(10);
        engine.close();
        refused("run() after the engine was closed", IllegalStateException.class, sample.compiled::run);
        refused("read() after the engine was closed", IllegalStateException.class, () -> sample.compiled.read(sample.out));
        sample.close();
    }

    private static void require(boolean holds, String what, Object found) {
        if (!holds) {
            throw new AssertionError("expected that " + what + ", found " + found);
        }
    }
}
