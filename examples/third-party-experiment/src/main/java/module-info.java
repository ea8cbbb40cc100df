/** The experiment feature-density. */
module com.example.density {
    requires transitive org.sae4j.api;

    exports com.example.density;

    provides org.sae4j.api.experiment.Experiment with com.example.density.FeatureDensity;
}
