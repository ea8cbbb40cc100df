package org.sae4j.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/**
 * Gives standard error back. The JVM greets every start with a warning that the Vector API incubates, whatever its options; the launcher
 * therefore starts it with standard error on a log file and the real one on file descriptor 3.
 */
final class StandardError {
    private static final int REAL = 3;
    private static final int STANDARD_ERROR = 2;

    private StandardError() {
    }

    /** Makes file descriptor 2 what the launcher saved, if it did. */
    @SuppressWarnings("restricted")
    static void restore() {
        if (!Boolean.getBoolean("sae.stderr.saved")) {
            return;
        }
        FunctionDescriptor signature = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
        try {
            Linker linker = Linker.nativeLinker();
            int result = (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("dup2"), signature).invokeExact(REAL,
                    STANDARD_ERROR);
            if (result != STANDARD_ERROR) {
                throw new IllegalStateException("dup2(3, 2) gave " + result);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("cannot restore standard error", e);
        }
    }
}
