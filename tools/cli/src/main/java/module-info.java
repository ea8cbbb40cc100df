/** The command line of sae4j. */
module org.sae4j.cli {
    requires org.sae4j.core;
    requires org.sae4j.report;
    requires org.sae4j.serve;
    requires org.sae4j.demoworld;
    requires info.picocli;
    requires jdk.management;
    requires static org.jspecify;

    provides System.LoggerFinder with org.sae4j.cli.CommandLoggers;

    opens org.sae4j.cli to info.picocli;
}
