package com.example.absorption

import java.util.Optional
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.sae4j.api.engine.Engine
import org.sae4j.api.engine.EngineOptions
import org.sae4j.api.experiment.Document
import org.sae4j.api.model.HookPoint
import org.sae4j.api.model.TransformerConfig
import org.sae4j.api.sae.SaeConfig
import org.sae4j.core.Engines
import org.sae4j.core.SparseAutoencoders
import org.sae4j.core.Transformers
import org.sae4j.core.experiment.ConfigBinder
import org.sae4j.core.experiment.ExperimentRun
import org.sae4j.testkit.ExperimentConformance
import org.sae4j.testkit.SmallModels

class AbsorptionTest {
    @Test
    fun conforms() {
        val experiment = Absorption()
        Engines.open("cpu", EngineOptions.DEFAULT).use { engine ->
            withRun(engine) { run -> ExperimentConformance.cases(experiment, experiment.defaults(), run).forEach { it.check() } }
        }
    }

    @Test
    fun settingsAreDocumented() {
        val settings = ConfigBinder.describe(Absorption().defaults())
        assertEquals(listOf("decoder cosine from which a feature is near", "resamples of the confidence interval"), settings.map { it.description() })
        assertEquals(listOf("from -1 to 1", "from 1"), settings.map { it.range() })
    }

    private fun <T> withRun(engine: Engine, body: (ExperimentRun) -> T): T {
        val config = SmallModels.config(1, TransformerConfig.Activation.GELU)
        val coder = SaeConfig.builder(SaeConfig.Architecture.TOPK, config.dMlp(), 40).k(3).hook(HookPoint.mlpPost(0)).build()
        return Transformers.of(config, SmallModels.parameters(config, 1), Optional.of(SmallModels.characters()), engine).use { model ->
            SparseAutoencoders.of(coder, SmallModels.parameters(coder, 2), engine).use { sae ->
                body(ExperimentRun.builder(model, engine).autoencoder(sae)
                    .corpus(listOf(Document("a", "to be, or not to be"), Document("b", "that is the question"))).build())
            }
        }
    }
}
