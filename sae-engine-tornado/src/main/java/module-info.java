/** Java kernels compiled at run time to OpenCL and CUDA by TornadoVM. */
module org.sae4j.engine.tornado {
    requires transitive org.sae4j.api;
}
