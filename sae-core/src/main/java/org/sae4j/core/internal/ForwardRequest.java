package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;

/**
 * A forward pass that was checked against its model: the shape of its program, and the numbers to run it with.
 *
 * @param shape decides the program
 * @param tokens token ids, row by row
 * @param edits the numbers of the shape's edits
 * @param prefix keys and values of earlier positions, by hook point; empty without them
 * @param residual the residual stream to start from, or null
 */
record ForwardRequest(ForwardShape shape, int[] tokens, List<EditValues> edits, Map<HookPoint, float[]> prefix,
        float @Nullable [] residual) {
    /**
     * The numbers of one edit.
     *
     * @param rows row numbers, -1 where unused
     * @param values one row of values for each row number
     */
    record EditValues(int[] rows, float[] values) {}

    /**
     * Checks a pass.
     *
     * @throws IllegalArgumentException if tokens or plan do not fit the model or each other
     */
    static ForwardRequest of(TransformerConfig config, int[][] tokens, ForwardPlan plan) {
        return new Checker(config, tokens, plan).check();
    }

    private static final class Checker {
        private final TransformerConfig config;
        private final ForwardPlan plan;
        private final int[][] tokens;
        private final int batch;
        private final int length;

        Checker(TransformerConfig config, int[][] tokens, ForwardPlan plan) {
            this.config = config;
            this.plan = plan;
            this.tokens = tokens;
            batch = tokens.length;
            length = batch == 0 ? 0 : tokens[0].length;
        }

        ForwardRequest check() {
            int[] ids = checkTokens();
            float[] residual = plan.start().map(this::checkStart).orElse(null);
            plan.stop().ifPresent(stop -> checkHook("stop", stop));
            plan.captures().forEach(hook -> checkHook("capture", hook));
            Optional<List<Integer>> positions = plan.logitPositions().map(this::checkPositions);
            int earlier = plan.prefix().map(this::checkPrefix).orElse(0);
            ForwardShape bare = new ForwardShape(batch, length, plan.captures(), List.of(), earlier, earlier == 0 ? 0 : prefixRows(),
                    plan.start().map(ForwardPlan.Start::layer).orElse(-1),
                    plan.captures().contains(HookPoint.LOGITS) ? positions : Optional.empty());
            plan.captures().forEach(hook -> checkSize(hook, bare));
            Map<HookPoint, float[]> prefix = prefix(bare);

            int last = bare.last(config);
            List<ForwardShape.EditShape> shapes = new ArrayList<>();
            List<EditValues> edits = new ArrayList<>();
            for (ForwardPlan.Edit edit : plan.edits()) {
                EditValues values = checkEdit(edit, positions);
                // Edits after the last capture change nothing that is read.
                if (ForwardShape.order(config, edit.hook()) <= last && values.rows().length > 0) {
                    shapes.add(new ForwardShape.EditShape(edit.hook(), edit.mode(), values.rows().length));
                    edits.add(values);
                }
            }
            return new ForwardRequest(new ForwardShape(batch, length, bare.captures(), List.copyOf(shapes), bare.prefix(),
                    bare.prefixRows(), bare.startLayer(), bare.logitPositions()), ids, edits, prefix, residual);
        }

        private int checkPrefix(ForwardPlan.Prefix prefix) {
            if (prefix.length() < 0 || prefix.length() > config.nCtx() - length) {
                throw new IllegalArgumentException("a prefix of " + prefix.length() + " positions before " + length
                        + " tokens: expected from 0 to " + (config.nCtx() - length) + ", as n_ctx is " + config.nCtx());
            }
            plan.captures().forEach(hook -> {
                if (hook.site() == HookPoint.Site.ATTN_SCORES || hook.site() == HookPoint.Site.PATTERN) {
                    throw new IllegalArgumentException("capture of " + hook + ": not in a pass after a prefix; run the whole row");
                }
            });
            return prefix.length();
        }

        /** The rows of the prefix's first tensor of keys; that all have as many is checked with their shapes. */
        private int prefixRows() {
            Activations values = plan.prefix().orElseThrow().values();
            return values.hooks().stream().filter(hook -> hook.site() == HookPoint.Site.K).findFirst()
                    .map(hook -> values.get(hook).dim(0)).filter(rows -> rows == 1 || rows == batch).orElse(batch);
        }

        private Map<HookPoint, float[]> prefix(ForwardShape shape) {
            Map<HookPoint, float[]> prefix = new HashMap<>();
            for (int layer = 0; shape.prefix() > 0 && layer < config.nLayers(); layer++) {
                if (shape.attends(config, layer)) {
                    for (HookPoint.Site site : new HookPoint.Site[] {HookPoint.Site.K, HookPoint.Site.V}) {
                        HookPoint hook = new HookPoint(site, layer);
                        prefix.put(hook, earlier(plan.prefix().orElseThrow(), hook, shape.prefixRows()));
                    }
                }
            }
            return prefix;
        }

        private float[] earlier(ForwardPlan.Prefix prefix, HookPoint hook, int rows) {
            if (!prefix.values().hooks().contains(hook)) {
                throw new IllegalArgumentException("a pass after a prefix needs its " + hook + ", but the prefix holds only "
                        + prefix.values().hooks() + ": capture the keys and values of every block that this pass runs");
            }
            Tensor values = prefix.values().get(hook);
            int width = config.nHeads() * config.dHead();
            int[] expected = {rows, prefix.length(), config.nHeads(), config.dHead()};
            if (values.rank() != 4 || values.dim(0) != rows || values.dim(1) < prefix.length()
                    || values.size() != (long) rows * values.dim(1) * width) {
                throw new IllegalArgumentException(hook + " of the prefix: expected " + Arrays.toString(expected)
                        + ", or more positions, found " + values);
            }
            requireFits((long) rows * prefix.length(), width, hook + " of the prefix");
            int size = prefix.length() * width;
            float[] flat = new float[rows * size];
            for (int row = 0; row < rows; row++) {
                values.copyTo((long) row * values.dim(1) * width, flat, row * size, size);
            }
            return flat;
        }

        private int[] checkTokens() {
            if (batch == 0) {
                throw new IllegalArgumentException("a forward pass needs at least one row of tokens, found none");
            }
            if (length < 1 || length > config.nCtx()) {
                throw new IllegalArgumentException("a row of tokens has from 1 to n_ctx " + config.nCtx() + " tokens, found " + length);
            }
            requireFits((long) batch * length, 1, "the tokens");
            int[] ids = new int[batch * length];
            for (int row = 0; row < batch; row++) {
                if (tokens[row].length != length) {
                    throw new IllegalArgumentException("rows of tokens must have equal length: row 0 has " + length + " tokens, row " + row
                            + " has " + tokens[row].length + "; run them apart or pad them");
                }
                for (int pos = 0; pos < length; pos++) {
                    int id = tokens[row][pos];
                    if (id < 0 || id >= config.dVocab()) {
                        throw new IllegalArgumentException("token ids are from 0 to " + (config.dVocab() - 1) + ", found " + id
                                + " in row " + row + " at position " + pos);
                    }
                    ids[row * length + pos] = id;
                }
            }
            return ids;
        }

        private void checkHook(String use, HookPoint hook) {
            if (hook.layer() >= config.nLayers()) {
                throw new IllegalArgumentException(use + " of " + hook + ": model " + config.name() + " has " + config.nLayers()
                        + " blocks, numbered from 0");
            }
            plan.start().ifPresent(start -> {
                if (ForwardShape.order(config, hook) < ForwardShape.blockOrder(start.layer())) {
                    throw new IllegalArgumentException(use + " of " + hook + ": the pass starts at block " + start.layer()
                            + ", after this hook point");
                }
            });
            plan.stop().ifPresent(stop -> {
                if (ForwardShape.order(config, hook) > ForwardShape.order(config, stop)) {
                    throw new IllegalArgumentException(use + " of " + hook + ": the pass stops at " + stop + ", before this hook point");
                }
            });
        }

        private float[] checkStart(ForwardPlan.Start start) {
            if (start.layer() < 0 || start.layer() > config.nLayers()) {
                throw new IllegalArgumentException("a pass starts at a block from 0 to " + config.nLayers() + ", found " + start.layer());
            }
            int[] expected = {batch, length, config.dModel()};
            if (!Arrays.equals(start.residual().shape(), expected)) {
                throw new IllegalArgumentException("the residual stream to start from: expected shape " + Arrays.toString(expected)
                        + " as the tokens are, found " + start.residual());
            }
            return start.residual().toArray();
        }

        private List<Integer> checkPositions(int[] positions) {
            if (positions.length == 0) {
                throw new IllegalArgumentException("logits at no position: name at least one position, or leave them out for all");
            }
            return Arrays.stream(positions).mapToObj(position -> {
                int resolved = position < 0 ? position + length : position;
                if (resolved < 0 || resolved >= length) {
                    throw new IllegalArgumentException("positions of logits are from " + -length + " to " + (length - 1) + ", found "
                            + position);
                }
                return resolved;
            }).toList();
        }

        private void checkSize(HookPoint hook, ForwardShape shape) {
            long rows = hook.site() == HookPoint.Site.LOGITS ? (long) batch * shape.logitPositions().map(List::size).orElse(length) : batch;
            long width = 1;
            int[] lengths = hook.shape(config, 1, length);
            for (int axis = hook.site() == HookPoint.Site.LOGITS ? 2 : 1; axis < lengths.length; axis++) {
                width *= lengths[axis];
            }
            requireFits(rows, width, hook.toString());
        }

        private static void requireFits(long rows, long width, String what) {
            if (rows > Integer.MAX_VALUE / Math.max(1, width)) {
                throw new IllegalArgumentException(what + " of this pass would have " + rows + " times " + width
                        + " elements, more than the 2^31-1 of one array: pass fewer rows at once");
            }
        }

        private EditValues checkEdit(ForwardPlan.Edit edit, Optional<List<Integer>> positions) {
            HookPoint hook = edit.hook();
            checkHook("edit", hook);
            int[] shape = hook.shape(config, batch, length);
            int width = 1;
            for (int axis = 2; axis < shape.length; axis++) {
                width *= shape[axis];
            }
            if (edit.values().dim(1) != width) {
                throw new IllegalArgumentException("edit of " + hook + ": expected values of width " + width + ", found "
                        + edit.values().dim(1));
            }
            int[] rows = edit.rows().clone();
            BitSet seen = new BitSet();
            for (int row : rows) {
                if (row < 0 || row >= batch * length) {
                    throw new IllegalArgumentException("edit of " + hook + ": rows are from 0 to " + (batch * length - 1)
                            + ", found " + row);
                }
                if (seen.get(row)) {
                    throw new IllegalArgumentException("edit of " + hook + " names row " + row + " twice");
                }
                seen.set(row);
            }
            float[] values = edit.values().toArray();
            return hook.equals(HookPoint.LOGITS) && positions.isPresent() ? atPositions(rows, values, width, positions.get())
                    : pad(rows, values, width, batch * length);
        }

        /** Moves an edit of the logits to the rows that the wanted positions have; a position may have been named more than once. */
        private EditValues atPositions(int[] rows, float[] values, int width, List<Integer> positions) {
            List<Integer> target = new ArrayList<>();
            List<Integer> source = new ArrayList<>();
            for (int i = 0; i < rows.length; i++) {
                int position = rows[i] % length;
                if (!positions.contains(position)) {
                    throw new IllegalArgumentException("edit of " + HookPoint.LOGITS + ": row " + rows[i] + " is at position " + position
                            + ", but only the logits at " + positions + " are computed");
                }
                for (int p = 0; p < positions.size(); p++) {
                    if (positions.get(p) == position) {
                        target.add(rows[i] / length * positions.size() + p);
                        source.add(i);
                    }
                }
            }
            float[] moved = new float[target.size() * width];
            for (int i = 0; i < target.size(); i++) {
                System.arraycopy(values, source.get(i) * width, moved, i * width, width);
            }
            return pad(target.stream().mapToInt(Integer::intValue).toArray(), moved, width, batch * positions.size());
        }

        /** Fills up to a power of two with rows that are skipped, so that edits of similar size share a program. */
        private static EditValues pad(int[] rows, float[] values, int width, int limit) {
            int n = rows.length;
            int capacity = n == 0 ? 0 : (int) Math.min(limit, n == 1 ? 1 : Long.highestOneBit(n - 1L) << 1);
            int[] padded = Arrays.copyOf(rows, capacity);
            Arrays.fill(padded, n, capacity, -1);
            return new EditValues(padded, Arrays.copyOf(values, capacity * width));
        }
    }
}
