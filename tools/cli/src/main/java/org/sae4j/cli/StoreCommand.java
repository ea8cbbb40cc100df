package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Locale;
import org.sae4j.core.store.ActivationStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Works on stores of activations. */
@Command(name = "store", description = "Check or shuffle a store of activations that sae harvest wrote.", mixinStandardHelpOptions = true,
        versionProvider = Version.class, subcommands = {StoreCommand.Verify.class, StoreCommand.Shuffle.class})
final class StoreCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    StoreCommand() {
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing: verify or shuffle");
    }

    /** What a store is, in a line. */
    static String describe(ActivationStore store) {
        return String.format(Locale.ROOT, "%s: %,d activations of width %d at %s of %s, %s, %s", store.path(), store.rows(),
                store.info().width(), store.info().hook().map(Object::toString).orElse("a hook point that is not known (--hook)"),
                store.info().modelName().orElse("a model that is not known (--model-name)"),
                store.info().type().name().toLowerCase(Locale.ROOT), store.shuffleSeed().isPresent() ? "shuffled with seed "
                        + store.shuffleSeed().getAsLong() : "in the order of the tokens");
    }

    /** Compares shards with their checksums. */
    @Command(name = "verify", description = "Compare all files of a store with their checksums.", mixinStandardHelpOptions = true,
            versionProvider = Version.class)
    static final class Verify implements Runnable {
        @Parameters(paramLabel = "DIR", description = "The store's folder.")
        private Path folder;

        Verify() {
        }

        @Override
        public void run() {
            Terminal terminal = new Terminal();
            try (ActivationStore store = ActivationStore.open(Paths.folder(folder, "DIR"))) {
                store.verify(terminal);
                terminal.say(describe(store));
                terminal.say("all checksums match");
            }
        }
    }

    /** Copies a store into a random order. */
    @Command(name = "shuffle", description = "Copy a store into a random order of all its activations, which is then read at the speed of "
            + "sequential reading. Needs disk space for twice the copy.", mixinStandardHelpOptions = true, versionProvider = Version.class)
    static final class Shuffle implements Runnable {
        @Parameters(paramLabel = "DIR", description = "The store's folder.")
        private Path folder;

        @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of the order. Default: ${DEFAULT-VALUE}.")
        private long seed;

        @Option(names = "--output", required = true, paramLabel = "DIR", description = "The copy's folder.")
        private Path output;

        @Mixin
        private OverwriteOption overwriteOption;

        Shuffle() {
        }

        @Override
        public void run() {
            Terminal terminal = new Terminal();
            try (ActivationStore store = ActivationStore.open(Paths.folder(folder, "DIR"))) {
                store.shuffle(output, seed, overwriteOption.existing(), terminal);
            }
            try (ActivationStore copy = ActivationStore.open(output)) {
                terminal.say(describe(copy));
            }
        }
    }
}
