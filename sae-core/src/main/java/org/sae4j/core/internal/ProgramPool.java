package org.sae4j.core.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Program;

/**
 * Compiled programs that wait for their next use, by a key that stands for their shape. A program is used by one thread at a time: if it is
 * out, another is compiled. Programs beyond the limits are closed, the least recently used first.
 *
 * @param <K> the key; equal keys make interchangeable programs
 * @param <P> a compiled program with what its maker needs to know of it
 */
final class ProgramPool<K, P extends ProgramPool.Pooled> {
    /** What the pool keeps. */
    interface Pooled {
        CompiledProgram compiled();
    }

    private record Idle<K, P>(K key, P program, long bytes) {}

    private static final int MAX_IDLE = 32;
    /** The most that programs which wait may hold; larger ones are made anew for each use. */
    static final long MAX_BYTES = Math.min(512L << 20, Runtime.getRuntime().maxMemory() / 4);

    private final int maxIdle;
    private final long maxBytes;
    private final Function<K, P> compiler;
    /** Most recently used first. */
    private final ArrayDeque<Idle<K, P>> idle = new ArrayDeque<>();
    private long idleBytes;

    ProgramPool(Function<K, P> compiler) {
        this(compiler, MAX_IDLE, MAX_BYTES);
    }

    ProgramPool(Function<K, P> compiler, int maxIdle, long maxBytes) {
        this.compiler = compiler;
        this.maxIdle = maxIdle;
        this.maxBytes = maxBytes;
    }

    /** Runs a body with a program of a key. A program whose use failed is closed, as nothing is known of its state. */
    <R> R use(K key, Function<P, R> body) {
        P program = take(key);
        if (program == null) {
            program = compile(key);
        }
        R result;
        try {
            result = body.apply(program);
        } catch (Throwable failure) {
            try {
                program.compiled().close();
            } catch (RuntimeException closing) {
                failure.addSuppressed(closing);
            }
            throw failure;
        }
        give(key, program);
        return result;
    }

    private P compile(K key) {
        try {
            return compiler.apply(key);
        } catch (EngineException e) {
            // The programs that wait may hold the memory that is missing.
            if (!close()) {
                throw e;
            }
            return compiler.apply(key);
        }
    }

    private synchronized @Nullable P take(K key) {
        for (Iterator<Idle<K, P>> each = idle.iterator(); each.hasNext();) {
            Idle<K, P> candidate = each.next();
            if (candidate.key().equals(key)) {
                each.remove();
                idleBytes -= candidate.bytes();
                return candidate.program();
            }
        }
        return null;
    }

    private void give(K key, P program) {
        List<Idle<K, P>> evicted = new ArrayList<>();
        synchronized (this) {
            Idle<K, P> last = new Idle<>(key, program, bytes(program.compiled().program()));
            idle.addFirst(last);
            idleBytes += last.bytes();
            while (idle.size() > maxIdle || idleBytes > maxBytes && !idle.isEmpty()) {
                Idle<K, P> oldest = idle.removeLast();
                idleBytes -= oldest.bytes();
                evicted.add(oldest);
            }
        }
        evicted.forEach(e -> e.program().compiled().close());
    }

    /** The memory of a program's own buffers, sparse ones counted as if half full. */
    static long bytes(Program program) {
        return program.buffers().stream().filter(b -> b.role() != Buffer.Role.WEIGHT).mapToLong(b -> b.size() * Float.BYTES).sum();
    }

    /** Closes the programs that wait, and says whether there were any. */
    synchronized boolean close() {
        boolean any = !idle.isEmpty();
        idle.forEach(e -> e.program().compiled().close());
        idle.clear();
        idleBytes = 0;
        return any;
    }
}
