/** Java kernels compiled at run time to OpenCL and CUDA by TornadoVM. */
@org.jspecify.annotations.NullMarked
module org.sae4j.engine.tornado {
    requires transitive org.sae4j.api;
    requires static org.jspecify;
    requires jdk.management;
    requires static tornado.api;

    exports org.sae4j.engine.tornado;

    uses org.sae4j.api.engine.EngineProvider;

    provides org.sae4j.api.engine.EngineProvider with org.sae4j.engine.tornado.TornadoEngineProvider;
}
