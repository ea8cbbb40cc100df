package org.sae4j.engine.tornado.internal;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.EngineException;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Dense products by NVIDIA's cuBLAS, as library tasks of TornadoVM. A task is described with the API alone; the SDK's module
 * {@code tornado.cublas} calls the library.
 */
final class Cublas {
    private static final String MODULE = "tornado.cublas";
    private static final String NATIVE = System.mapLibraryName("tornado-cublas");
    /** Position of the result among the arguments of {@code cublasSgemm} that follow the handle. */
    private static final int RESULT = 11;
    private static final int AS_IT_IS = 0;
    private static final int TRANSPOSED = 1;

    private Cublas() {}

    /**
     * Refuses where the library cannot be called: TornadoVM finds out only when a program runs.
     *
     * @throws EngineException if the back end has no library tasks, or the SDK's module or a native library is missing
     */
    // Loading runs the library's initialisation, as TornadoVM would.
    @SuppressWarnings("restricted")
    static void check(Device device, TornadoVMBackendType backEnd) {
        String setting = "setting " + TornadoSettings.DENSE_PRODUCT + "=cublas ";
        String where = "tornado engine on " + device.name();
        String leave = ", or leave " + TornadoSettings.DENSE_PRODUCT + " at kernel";
        if (backEnd != TornadoVMBackendType.CUDA) {
            throw new EngineException(setting + "is not offered by back end " + device.backEnd(), where,
                    "use a device of back end cuda" + leave);
        }
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            throw new EngineException(setting + "needs TornadoVM's module " + MODULE + ", which this JVM was started without", where,
                    "use an SDK with the back end cuda, and its argument file" + leave);
        }
        String folders = System.getProperty("java.library.path", "");
        Optional<Path> library = Stream.of(folders.split(File.pathSeparator)).map(folder -> Path.of(folder, NATIVE))
                .filter(Files::isRegularFile).findFirst();
        if (library.isEmpty()) {
            throw new EngineException(setting + "needs " + NATIVE + ", which is not in " + folders, where,
                    "build the SDK where cuBLAS is installed" + leave);
        }
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(library.get(), arena);
        } catch (IllegalArgumentException e) {
            throw new EngineException(setting + "needs " + library.get() + ", which cannot be loaded: " + e.getMessage(), where,
                    "install cuBLAS, and name its folder in LD_LIBRARY_PATH" + leave, e);
        }
    }

    /**
     * {@code out = a' b'} in rows, which cuBLAS takes for columns: to it every matrix is transposed, and so is the product,
     * {@code out^T = b'^T a'^T}. See cublasSgemm in NVIDIA's cuBLAS documentation.
     *
     * @param a shape [m, k], or [k, m] if it is transposed
     * @param b shape [k, n], or [n, k] if it is transposed
     * @param out shape [m, n]
     */
    static LibraryTaskDescriptor product(FloatArray a, FloatArray b, FloatArray out, int m, int n, int k, boolean transposeA,
            boolean transposeB) {
        Object[] arguments = {transposeB ? TRANSPOSED : AS_IT_IS, transposeA ? TRANSPOSED : AS_IT_IS, n, m, k, 1f, b, transposeB ? k : n, a,
            transposeA ? m : k, 0f, out, n};
        Access[] access = new Access[arguments.length];
        Arrays.fill(access, Access.READ_ONLY);
        access[RESULT] = Access.WRITE_ONLY;
        return new LibraryTaskDescriptor().withLibrary("nvidia/cublas").withFunction("cublasSgemm").withParameters(arguments)
                .withAccess(access);
    }
}
