package com.example.absorption

import kotlin.math.sqrt
import org.sae4j.api.experiment.Experiment
import org.sae4j.api.experiment.ExperimentContext
import org.sae4j.api.experiment.ExperimentResult
import org.sae4j.api.experiment.Figure
import org.sae4j.api.experiment.Metric
import org.sae4j.api.experiment.Param
import org.sae4j.api.stats.Statistics

/** For each label, the tokens on which the label's best feature is silent but one near to it by decoder cosine fires. */
class Absorption : Experiment<Absorption.Config, Absorption.Data> {
    @JvmRecord
    data class Config(
        @Param("decoder cosine from which a feature is near", min = -1.0, max = 1.0) val cosine: Double,
        @Param("resamples of the confidence interval", min = 1.0) val resamples: Int,
    )

    @JvmRecord
    data class Score(val label: String, val feature: Int, val silent: Int, val absorbed: Int)

    @JvmRecord
    data class Data(val scores: List<Score>)

    override fun id() = "absorption"

    override fun title() = "Absorption"

    override fun description() = "Counts tokens on which a label's feature is silent and a near one fires."

    override fun defaults() = Config(0.025, 100)

    override fun run(config: Config, context: ExperimentContext): ExperimentResult<Data> {
        val corpus = context.encodedCorpus()
        val labels = corpus.documents().map { it.label() }.distinct().sorted()
        val scores = labels.mapIndexed { i, label ->
            context.progress().checkCancelled()
            context.progress().update("labels", i.toLong(), labels.size.toLong())
            score(label, config, context)
        }
        context.progress().checkCancelled()
        val shares = scores.filter { it.silent > 0 }.map { it.absorbed.toDouble() / it.silent }.toDoubleArray()
        val interval = Statistics.bootstrapMean(shares, config.resamples, 0.95, "labels", context.random("bootstrap"))
        val metric = Metric.of("absorbed", Statistics.mean(shares), "share of silent tokens", interval, shares.size.toLong())
        val findings = scores.map { "${it.label}: feature ${it.feature} is silent on ${it.silent} tokens, ${it.absorbed} of them absorbed." }
        val table = Figure.Table("absorption", "Absorption", "n = ${corpus.features().rows()} tokens",
            listOf("label", "feature", "silent", "absorbed"), scores.map { listOf<Any>(it.label, it.feature, it.silent, it.absorbed) })
        return ExperimentResult(Data(scores), findings, listOf(metric), listOf(table), listOf())
    }

    private fun score(label: String, config: Config, context: ExperimentContext): Score {
        val corpus = context.encodedCorpus()
        val features = corpus.features()
        val positive = BooleanArray(corpus.documents().size) { corpus.documents()[it].label() == label }
        val max = corpus.maxByDocument()
        val best = (0 until features.columns()).maxBy { feature ->
            val auroc = Statistics.auroc(DoubleArray(positive.size) { max[feature][it].toDouble() }, positive)
            if (auroc.isNaN()) 0.0 else auroc
        }
        val decoder = context.sae().parameters().getValue("W_dec")
        val direction = decoder.row(best.toLong())
        val near = (0 until features.columns()).filter { it != best && cosine(direction, decoder.row(it.toLong())) >= config.cosine }.toSet()
        val silent = (0 until features.rows()).filter { positive[corpus.documentOf(it)] && features.get(it, best) == 0f }
        val absorbed = silent.count { row -> (features.start(row) until features.start(row + 1)).any { features.index(it) in near } }
        return Score(label, best, silent.size, absorbed)
    }

    private fun cosine(a: FloatArray, b: FloatArray): Double {
        var dot = 0.0
        var aa = 0.0
        var bb = 0.0
        for (i in a.indices) {
            dot += a[i].toDouble() * b[i]
            aa += a[i].toDouble() * a[i]
            bb += b[i].toDouble() * b[i]
        }
        return dot / sqrt(aa * bb)
    }
}
