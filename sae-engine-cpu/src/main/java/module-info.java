/** The embedded default engine: pure Java, with the Vector API where it is available. */
module org.sae4j.engine.cpu {
    requires transitive org.sae4j.api;
    requires jdk.incubator.vector;
    requires static org.jspecify;

    exports org.sae4j.engine.cpu;

    provides org.sae4j.api.engine.EngineProvider with org.sae4j.engine.cpu.CpuEngineProvider;
}
