/** A plugin that brings an architecture. */
module com.example.pursuit {
    requires org.sae4j.core;

    exports com.example.pursuit;

    provides org.sae4j.core.coder.CoderArchitecture with com.example.pursuit.OrthogonalMatchingPursuit;
}
