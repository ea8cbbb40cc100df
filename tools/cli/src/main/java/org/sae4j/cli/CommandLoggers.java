package org.sae4j.cli;

import java.text.MessageFormat;
import java.util.Locale;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/**
 * Shows what the libraries log as lines that a user can read: what sae4j notes about files that it opens beside the progress, warnings of
 * all on standard error. Found by the service loader.
 */
public final class CommandLoggers extends System.LoggerFinder {
    private static final String OURS = "org.sae4j.";

    /** Called by the service loader. */
    public CommandLoggers() {
    }

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new CommandLogger(name);
    }

    private record CommandLogger(String name) implements System.Logger {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            Level least = name.startsWith(OURS) ? Level.INFO : Level.WARNING;
            return level != Level.OFF && level.getSeverity() >= least.getSeverity();
        }

        @Override
        public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
            if (!isLoggable(level)) {
                return;
            }
            String text = message + (thrown == null ? "" : " (" + thrown + ")");
            if (level == Level.INFO) {
                new Terminal().say("note: " + text);
            } else {
                Terminal.endLine();
                System.err.println(level.getName().toLowerCase(Locale.ROOT) + ": " + text);
            }
        }

        @Override
        public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String format, @Nullable Object... params) {
            // System.Logger's methods without parameters pass null.
            boolean plain = format == null || params == null || params.length == 0;
            log(level, bundle, plain ? format : new MessageFormat(format, Locale.ROOT).format(params), (Throwable) null);
        }
    }
}
