package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.experiment.causaltracing.Site;

/**
 * A place whose clean value is restored at one token.
 *
 * @param site its kind
 * @param label its name within the kind
 * @param from the first layer restored
 * @param to the layer after the last
 * @param head the attention head, or -1
 * @param headWidth d_head
 * @param layers blocks of the model
 */
public record Place(Site site, String label, int from, int to, int head, int headWidth, int layers) {
    /**
     * The places of one kind in a model.
     *
     * @param site the kind
     * @param config the model
     * @param window layers restored together for MLP and attention outputs
     * @return one place for each layer, or for each head of each layer
     */
    public static List<Place> of(Site site, TransformerConfig config, int window) {
        List<Place> places = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            switch (site) {
                case MLP_OUTPUT, ATTENTION_OUTPUT -> places.add(new Place(site, "" + layer, Math.max(0, layer - window / 2),
                        Math.min(config.nLayers(), layer + (window + 1) / 2), -1, 0, config.nLayers()));
                case HEAD_Z -> {
                    for (int head = 0; head < config.nHeads(); head++) {
                        places.add(new Place(site, layer + ".z" + head, layer, layer + 1, head, config.dHead(),
                                config.nLayers()));
                    }
                }
                default -> places.add(new Place(site, "" + layer, layer, layer + 1, -1, 0, config.nLayers()));
            }
        }
        return places;
    }

    private HookPoint hook(int layer) {
        return new HookPoint(switch (site) {
            case BLOCK_OUTPUT, BLOCK_OUTPUT_MLP_SEVERED, BLOCK_OUTPUT_ATTENTION_SEVERED -> HookPoint.Site.RESID_POST;
            case MLP_OUTPUT -> HookPoint.Site.MLP_OUT;
            case ATTENTION_OUTPUT -> HookPoint.Site.ATTN_OUT;
            case RESID_PRE -> HookPoint.Site.RESID_PRE;
            case HEAD_Z -> HookPoint.Site.Z;
            case RESID_MID -> HookPoint.Site.RESID_MID;
            case MLP_POST -> HookPoint.Site.MLP_POST;
        }, layer);
    }

    /** The outputs that keep their corrupted values at the restored token. */
    private List<HookPoint> severed() {
        HookPoint.Site output = site == Site.BLOCK_OUTPUT_MLP_SEVERED ? HookPoint.Site.MLP_OUT : HookPoint.Site.ATTN_OUT;
        return site.isSevered() ? IntStream.range(to, layers).mapToObj(layer -> new HookPoint(output, layer)).toList() : List.of();
    }

    /** {@return the block that a run with a restored value resumes before} */
    public int start() {
        return site.isBlockOutput() ? to : from;
    }

    /**
     * The hook point whose values are the residual stream before a block.
     *
     * @param layer the block, from 0 to n_layers
     * @return the hook point
     */
    public static HookPoint residual(int layer) {
        return layer == 0 ? HookPoint.residPre(0) : HookPoint.residPost(layer - 1);
    }

    /**
     * The hook points that restoring needs.
     *
     * @param places the places
     * @return hook points to capture in clean and corrupted runs
     */
    public static Set<HookPoint> hooks(Collection<Place> places) {
        Set<HookPoint> hooks = new LinkedHashSet<>();
        for (Place place : places) {
            hooks.add(residual(place.start()));
            IntStream.range(place.from, place.to).forEach(layer -> hooks.add(place.hook(layer)));
            hooks.addAll(place.severed());
        }
        return hooks;
    }

    /**
     * The changes that restore this place, unless the corrupted run has the clean values already.
     *
     * @param position the token
     * @param clean values of the clean run [pos, width]
     * @param corrupted values of the corrupted run
     * @return the changes; empty if they would change nothing
     */
    public List<BatchedRuns.Change> restore(int position, Map<HookPoint, Tensor> clean, Map<HookPoint, Tensor> corrupted) {
        List<BatchedRuns.Change> changes = new ArrayList<>();
        boolean same = true;
        for (int layer = from; layer < to; layer++) {
            HookPoint hook = hook(layer);
            float[] restored = Objects.requireNonNull(clean.get(hook)).row(position);
            float[] before = Objects.requireNonNull(corrupted.get(hook)).row(position);
            if (head >= 0) {
                float[] mixed = before.clone();
                System.arraycopy(restored, head * headWidth, mixed, head * headWidth, headWidth);
                restored = mixed;
            }
            same &= java.util.Arrays.equals(restored, before);
            boolean resumed = site.isBlockOutput() || site == Site.RESID_PRE;
            changes.add(BatchedRuns.Change.set(resumed ? null : hook, position, restored));
        }
        severed().forEach(hook -> changes.add(
                BatchedRuns.Change.set(hook, position, Objects.requireNonNull(corrupted.get(hook)).row(position))));
        return same ? List.of() : changes;
    }
}
