package org.sae4j.engine.cpu.internal.kernels;

/** Whether the Vector API is there. Touches none of its classes before that is known. */
public final class VectorSupport {
    /** The flag that makes the Vector API available to a program on the class path. */
    public static final String FLAG = "--add-modules jdk.incubator.vector";

    private VectorSupport() {}

    /** {@return whether the module jdk.incubator.vector is resolved in the boot layer} */
    public static boolean isAvailable() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    /**
     * Describes the kernels.
     *
     * @param vector whether the Vector API is used
     * @return a description for people
     */
    public static String description(boolean vector) {
        return (vector ? kernels() : new ScalarKernels()).description();
    }

    public static Kernels kernels() {
        return new VectorKernels();
    }
}
