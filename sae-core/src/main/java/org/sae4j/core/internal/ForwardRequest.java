package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.internal.PassForms.PassForm;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Value;

/**
 * A forward pass that was checked against its model: what decides its program, and the numbers to run it with.
 *
 * @param key decides the form
 * @param pass the form
 * @param counts decide, with the form, the program; room for earlier positions comes in few sizes, so that few programs serve all
 * @param earlier how many earlier positions there are
 * @param tokens token ids, row by row
 * @param edits the numbers of the edits
 * @param prefix keys and values of earlier positions that the form reads, by hook point
 * @param residual the residual stream to start from, or null
 * @param logitRows the rows whose logits are wanted, or null for all
 */
record ForwardRequest(PassKey key, PassForm pass, Counts counts, int earlier, int[] tokens, List<EditValues> edits, Map<HookPoint, float[]> prefix,
        float @Nullable [] residual, int @Nullable [] logitRows) {
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
    static ForwardRequest of(PassForms forms, int[][] tokens, ForwardPlan plan) {
        return new Checker(forms, tokens, plan).check(null, forms::form);
    }

    /** Checks a pass, step by step for those that add to it. */
    static final class Checker {
        /** Room for earlier positions that is always made. */
        private static final int LEAST_ROOM = 32;

        private final PassForms forms;
        private final TransformerConfig config;
        private final ForwardPlan plan;
        private final int[][] tokens;
        private final int batch;
        private final int length;

        Checker(PassForms forms, int[][] tokens, ForwardPlan plan) {
            this.forms = forms;
            this.config = forms.description().config();
            this.plan = plan;
            this.tokens = tokens;
            batch = tokens.length;
            length = batch == 0 ? 0 : tokens[0].length;
        }

        /**
         * Checks the pass.
         *
         * @param picks rows whose logits are wanted whatever the plan says, or null
         * @param formOf makes the form
         */
        ForwardRequest check(int @Nullable [] picks, Function<PassKey, PassForm> formOf) {
            int[] ids = checkTokens();
            float[] residual = plan.start().map(this::checkStart).orElse(null);
            plan.stop().ifPresent(stop -> checkHook("stop", stop));
            plan.captures().forEach(hook -> checkHook("capture", hook));
            Optional<List<Integer>> positions = plan.logitPositions().map(this::checkPositions);
            int earlier = plan.prefix().map(this::checkPrefix).orElse(0);
            int[] logitRows = picks != null ? picks
                    : plan.captures().contains(HookPoint.LOGITS) ? positions.map(this::rows).orElse(null) : null;
            Counts counts = new Counts(batch, length, room(earlier), earlier == 0 ? batch : prefixRows(),
                    logitRows == null ? batch * length : logitRows.length);
            plan.captures().forEach(hook -> requireFits(forms.value(hook), counts, hook.toString()));

            List<PassKey.Edit> shapes = new ArrayList<>();
            List<EditValues> edits = new ArrayList<>();
            for (ForwardPlan.Edit edit : plan.edits()) {
                EditValues values = checkEdit(edit, counts, logitRows == null ? Optional.empty() : positions);
                if (values.rows().length > 0) {
                    shapes.add(new PassKey.Edit(edit.hook(), edit.mode(), values.rows().length));
                    edits.add(values);
                }
            }
            PassKey key = new PassKey(plan.captures(), List.copyOf(shapes), plan.start().map(ForwardPlan.Start::layer).orElse(-1),
                    earlier > 0, logitRows != null);
            PassForm pass = formOf.apply(key);
            return new ForwardRequest(key, pass, counts, earlier, ids, edits, prefix(pass, counts), residual, logitRows);
        }

        /** The least of the sizes of rooms that holds some positions: powers of two, but not more than the context needs. */
        private int room(int earlier) {
            return earlier == 0 ? 0 : Math.min(Math.max(LEAST_ROOM, powerOfTwo(earlier)), config.nCtx() - length);
        }

        private static int powerOfTwo(int n) {
            return n == 1 ? 1 : (int) Math.min(Integer.MAX_VALUE, Long.highestOneBit(n - 1L) << 1);
        }

        private int[] rows(List<Integer> positions) {
            int[] rows = new int[batch * positions.size()];
            Arrays.setAll(rows, i -> i / positions.size() * length + positions.get(i % positions.size()));
            return rows;
        }

        private int checkPrefix(ForwardPlan.Prefix prefix) {
            if (prefix.length() < 0 || prefix.length() > config.nCtx() - length) {
                throw new IllegalArgumentException("a prefix of " + prefix.length() + " positions before " + length
                        + " tokens: expected from 0 to " + (config.nCtx() - length) + ", as n_ctx is " + config.nCtx());
            }
            plan.captures().forEach(hook -> refuseAfterPrefix("capture", hook));
            plan.edits().forEach(edit -> refuseAfterPrefix("edit", edit.hook()));
            return prefix.length();
        }

        /** Scores and patterns have the positions of the pass only. */
        void refuseAfterPrefix(String use, HookPoint hook) {
            if (forms.has(hook) && isByPosition(forms.value(hook))) {
                throw new IllegalArgumentException(use + " of " + hook + ": not in a pass after a prefix; run the whole row");
            }
        }

        private static boolean isByPosition(Value value) {
            return value.cols().count() == Dim.Count.LENGTH;
        }

        /** The rows of the prefix's first tensor of keys; that all have as many is checked with their shapes. */
        private int prefixRows() {
            Activations values = plan.prefix().orElseThrow().values();
            return values.hooks().stream().filter(forms.description().cacheHooks()::contains).findFirst()
                    .map(hook -> values.get(hook).dim(0)).filter(rows -> rows == 1 || rows == batch).orElse(batch);
        }

        private Map<HookPoint, float[]> prefix(PassForm pass, Counts counts) {
            Map<HookPoint, float[]> prefix = new LinkedHashMap<>();
            if (counts.past() > 0) {
                for (HookPoint hook : forms.description().cacheHooks()) {
                    if (pass.form().values().containsKey(PassForms.earlier(hook.toString()))) {
                        prefix.put(hook, earlier(plan.prefix().orElseThrow(), hook, counts.pastRows(), counts.past()));
                    }
                }
            }
            return prefix;
        }

        private float[] earlier(ForwardPlan.Prefix prefix, HookPoint hook, int rows, int room) {
            if (!prefix.values().hooks().contains(hook)) {
                throw new IllegalArgumentException("a pass after a prefix needs its " + hook + ", but the prefix holds only "
                        + prefix.values().hooks() + ": capture the keys and values of every block that this pass runs");
            }
            Tensor values = prefix.values().get(hook);
            Value value = forms.value(hook);
            int width = value.cols().times();
            int[] expected = {rows, prefix.length(), value.heads(), width / value.heads()};
            if (values.rank() != 4 || values.dim(0) != rows || values.dim(1) < prefix.length()
                    || values.size() != (long) rows * values.dim(1) * width) {
                throw new IllegalArgumentException(hook + " of the prefix: expected " + Arrays.toString(expected)
                        + ", or more positions, found " + values);
            }
            requireFits((long) rows * room, width, hook + " of the prefix");
            int size = prefix.length() * width;
            float[] flat = new float[rows * room * width];
            for (int row = 0; row < rows; row++) {
                values.copyTo((long) row * values.dim(1) * width, flat, row * room * width, size);
            }
            return flat;
        }

        int[] checkTokens() {
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

        void checkHook(String use, HookPoint hook) {
            if (!forms.has(hook)) {
                throw new IllegalArgumentException(use + " of " + hook + ": " + missing(hook));
            }
            int place = forms.order(hook.toString());
            plan.start().ifPresent(start -> {
                if (place < forms.order(forms.description().entries().get(start.layer()))) {
                    throw new IllegalArgumentException(use + " of " + hook + ": the pass starts at block " + start.layer()
                            + ", after this hook point");
                }
            });
            plan.stop().ifPresent(stop -> {
                if (forms.has(stop) && place > forms.order(stop.toString())) {
                    throw new IllegalArgumentException(use + " of " + hook + ": the pass stops at " + stop + ", before this hook point");
                }
            });
        }

        private String missing(HookPoint hook) {
            if (hook.layer() >= config.nLayers()) {
                return "model " + config.name() + " has " + config.nLayers() + " blocks, numbered from 0";
            }
            List<String> there = forms.hookPoints().stream().filter(other -> other.layer() == hook.layer())
                    .map(other -> other.site().suffix()).toList();
            return "model " + config.name() + " has no such hook point, only " + there
                    + (hook.layer() < 0 ? " outside its blocks" : " in block " + hook.layer());
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

        private static void requireFits(long rows, long width, String what) {
            if (rows > Integer.MAX_VALUE / Math.max(1, width)) {
                throw new IllegalArgumentException(what + " of this pass would have " + rows + " times " + width
                        + " elements, more than the 2^31-1 of one array: pass fewer rows at once");
            }
        }

        static void requireFits(Value value, Counts counts, String what) {
            // Heads of scores count as rows; one sequence's own product cannot overflow as its factors are small.
            long rows = (long) counts.of(new Dim(value.rows().count(), 1)) * value.rows().times();
            requireFits(rows, counts.of(value.cols()), what);
        }

        private EditValues checkEdit(ForwardPlan.Edit edit, Counts counts, Optional<List<Integer>> positions) {
            HookPoint hook = edit.hook();
            checkHook("edit", hook);
            Value value = forms.value(hook);
            requireFits(value, counts, hook.toString());
            int width = counts.of(value.cols());
            if (edit.values().dim(1) != width) {
                throw new IllegalArgumentException("edit of " + hook + ": expected values of width " + width + ", found "
                        + edit.values().dim(1));
            }
            int limit = batch * length * value.rows().times();
            int[] rows = edit.rows().clone();
            BitSet seen = new BitSet();
            for (int row : rows) {
                if (row < 0 || row >= limit) {
                    throw new IllegalArgumentException("edit of " + hook + ": rows are from 0 to " + (limit - 1) + ", found " + row);
                }
                if (seen.get(row)) {
                    throw new IllegalArgumentException("edit of " + hook + " names row " + row + " twice");
                }
                seen.set(row);
            }
            float[] values = edit.values().toArray();
            return value.rows().count() == Dim.Count.PICKED && positions.isPresent() ? atPositions(hook, rows, values, width, positions.get())
                    : pad(rows, values, width, limit);
        }

        /** Moves an edit of the logits to the rows that the wanted positions have; a position may have been named more than once. */
        private EditValues atPositions(HookPoint hook, int[] rows, float[] values, int width, List<Integer> positions) {
            List<Integer> target = new ArrayList<>();
            List<Integer> source = new ArrayList<>();
            for (int i = 0; i < rows.length; i++) {
                int position = rows[i] % length;
                if (!positions.contains(position)) {
                    throw new IllegalArgumentException("edit of " + hook + ": row " + rows[i] + " is at position " + position
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
            int capacity = n == 0 ? 0 : Math.min(limit, powerOfTwo(n));
            int[] padded = Arrays.copyOf(rows, capacity);
            Arrays.fill(padded, n, capacity, -1);
            return new EditValues(padded, Arrays.copyOf(values, capacity * width));
        }
    }
}
