package org.sae4j.spring;

import org.sae4j.api.Sae4jException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what kept an application from starting and what to do about it, without a stack trace. */
final class Sae4jFailureAnalyzer extends AbstractFailureAnalyzer<Sae4jException> {
    Sae4jFailureAnalyzer() {}

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, Sae4jException cause) {
        return new FailureAnalysis(cause.what() + " (" + cause.where() + ")", cause.remedy(), cause);
    }
}
