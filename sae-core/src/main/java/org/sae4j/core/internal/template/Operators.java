package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's arithmetic. */
final class Operators {
    private Operators() {}

    static @Nullable Object apply(String operator, @Nullable Object a, @Nullable Object b, Work work) {
        if (operator.equals("+") && a instanceof String left && b instanceof String right) {
            work.spend((long) left.length() + right.length());
            return left + right;
        }
        if (operator.equals("+") && a instanceof List<?> left && b instanceof List<?> right) {
            work.spend((long) left.size() + right.size());
            List<@Nullable Object> joined = new ArrayList<>(left);
            joined.addAll(right);
            return joined;
        }
        if (operator.equals("*") && (a instanceof String || b instanceof String)) {
            String text = Values.string(a instanceof String ? a : b);
            long times = Math.max(0, Values.whole(a instanceof String ? b : a));
            work.spend(Math.multiplyHigh(times, text.length()) != 0 ? Long.MAX_VALUE : times * text.length());
            return text.repeat(text.isEmpty() ? 0 : (int) times);
        }
        if (operator.equals("%") && a instanceof String) {
            throw new IllegalArgumentException("the operator \"%\" on strings is not supported");
        }
        if (!Values.isNumber(a) || !Values.isNumber(b)) {
            throw new IllegalArgumentException(Values.kind(a) + " " + operator + " " + Values.kind(b) + " has no meaning");
        }
        if (Values.isWhole(a) && Values.isWhole(b) && !operator.equals("/")) {
            return whole(operator, Values.whole(a), Values.whole(b));
        }
        return decimal(operator, Values.decimal(a), Values.decimal(b));
    }

    private static Object whole(String operator, long a, long b) {
        try {
            return switch (operator) {
                case "+" -> Math.addExact(a, b);
                case "-" -> Math.subtractExact(a, b);
                case "*" -> Math.multiplyExact(a, b);
                case "//" -> Math.floorDiv(a, nonZero(b));
                default -> modulo(a, b);
            };
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("an integer beyond 64 bits is not supported", e);
        }
    }

    static long modulo(long a, long b) {
        return Math.floorMod(a, nonZero(b));
    }

    private static long nonZero(long divisor) {
        if (divisor == 0) {
            throw new IllegalArgumentException("division by zero");
        }
        return divisor;
    }

    private static Object decimal(String operator, double a, double b) {
        if (b == 0 && !operator.equals("+") && !operator.equals("-") && !operator.equals("*")) {
            throw new IllegalArgumentException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            default -> a - b * Math.floor(a / b);
        };
    }
}
