package org.sae4j.core.internal.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.template.Expression.Arguments;
import org.sae4j.core.internal.template.Statement.Target;
import org.sae4j.core.internal.template.Token.Kind;

/** Makes statements of tokens, with Jinja's grammar and precedence. */
final class Parser {
    private static final int DEEPEST = 100;
    private static final String ELSE = "else";
    private static final String CLOSING = ")";
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> NO_ARGUMENT = Set.of(ELSE, "or", "and", "is", "if", "in", "not");

    private final String where;
    private final List<Token> tokens;
    private int at;
    private int depth;

    private Parser(String where, List<Token> tokens) {
        this.where = where;
        this.tokens = tokens;
    }

    static List<Statement> parse(String where, String source) {
        Parser parser = new Parser(where, Lexer.tokens(where, source));
        return parser.body(Set.of());
    }

    private Token peek() {
        return tokens.get(at);
    }

    private Token next() {
        Token token = tokens.get(at);
        at += token.kind() == Kind.END ? 0 : 1;
        return token;
    }

    private FormatException fault(String what) {
        return new FormatException("the chat template is broken: " + what, where + ", line " + peek().line(), "correct it");
    }

    private FormatException unsupported(String what) {
        return new FormatException("the chat template uses " + what + ", which is not supported", where + ", line " + peek().line(),
                "write the prompt out yourself, or simplify the template");
    }

    private static String shown(Token token) {
        return token.text().isEmpty() ? token.kind().name().toLowerCase(java.util.Locale.ROOT) : "\"" + token.text() + "\"";
    }

    private boolean accept(String operator) {
        boolean found = peek().isOperator(operator);
        at += found ? 1 : 0;
        return found;
    }

    private boolean acceptName(String name) {
        boolean found = peek().isName(name);
        at += found ? 1 : 0;
        return found;
    }

    private void expect(String operator) {
        if (!accept(operator)) {
            throw fault("expected \"" + operator + "\", found " + shown(peek()));
        }
    }

    private void expect(Kind kind) {
        if (peek().kind() != kind) {
            throw fault("expected the tag's end, found " + shown(peek()));
        }
        at++;
    }

    private String name() {
        if (peek().kind() != Kind.NAME) {
            throw fault("expected a name, found " + shown(peek()));
        }
        return next().text();
    }

    private void enter() {
        if (++depth > DEEPEST) {
            throw new FormatException("the chat template nests more than " + DEEPEST + " deep", where + ", line " + peek().line(),
                    "use another template");
        }
    }

    // Statements

    /** Statements up to a tag that begins with one of these words, which is not consumed but for its opening; or to the template's end. */
    private List<Statement> body(Set<String> ends) {
        enter();
        List<Statement> statements = new ArrayList<>();
        while (true) {
            Token token = next();
            switch (token.kind()) {
                case TEXT -> statements.add(new Statement.Text(token.text()));
                case OPEN_OUTPUT -> {
                    statements.add(new Statement.Output(tuple()));
                    expect(Kind.CLOSE_OUTPUT);
                }
                case OPEN -> {
                    if (peek().kind() == Kind.NAME && ends.contains(peek().text())) {
                        depth--;
                        return statements;
                    }
                    statements.add(statement(name()));
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw fault("expected " + String.join(" or ", ends) + ", found the end of the template");
                    }
                    depth--;
                    return statements;
                }
            }
        }
    }

    private List<Statement> bodyAfterTag(String... ends) {
        expect(Kind.CLOSE);
        return body(Set.of(ends));
    }

    private void end(String word) {
        if (!acceptName(word)) {
            throw fault("expected " + word + ", found " + shown(peek()));
        }
        expect(Kind.CLOSE);
    }

    private Statement statement(String word) {
        return switch (word) {
            case "if" -> conditional();
            case "for" -> loop();
            case "set" -> assignment();
            case "macro" -> macro();
            case "break", "continue" -> {
                expect(Kind.CLOSE);
                yield new Statement.Jump(word.equals("break"));
            }
            // Marks what the assistant said, for masks of losses.
            case "generation" -> {
                List<Statement> body = bodyAfterTag("endgeneration");
                end("endgeneration");
                yield new Statement.Block(body);
            }
            default -> throw unsupported("the statement \"" + word + "\"");
        };
    }

    private Statement conditional() {
        List<Statement.Branch> branches = new ArrayList<>();
        Expression condition = tuple();
        while (true) {
            List<Statement> body = bodyAfterTag("elif", ELSE, "endif");
            branches.add(new Statement.Branch(condition, body));
            if (acceptName("elif")) {
                condition = tuple();
            } else if (acceptName(ELSE)) {
                branches.add(new Statement.Branch(null, bodyAfterTag("endif")));
                end("endif");
                return new Statement.If(branches);
            } else {
                end("endif");
                return new Statement.If(branches);
            }
        }
    }

    private Statement loop() {
        Target target = target(false);
        if (!acceptName("in")) {
            throw fault("expected \"in\", found " + shown(peek()));
        }
        Expression elements = sequence(or());
        Expression condition = acceptName("if") ? expression() : null;
        if (peek().isName("recursive")) {
            throw unsupported("a recursive loop");
        }
        List<Statement> body = bodyAfterTag(ELSE, "endfor");
        List<Statement> otherwise = acceptName(ELSE) ? bodyAfterTag("endfor") : List.of();
        end("endfor");
        return new Statement.For(target, elements, condition, body, otherwise);
    }

    private Target target(boolean members) {
        boolean bracket = accept("(");
        List<String> names = new ArrayList<>(List.of(name()));
        if (members && accept(".")) {
            return new Target(names, name());
        }
        while (accept(",")) {
            names.add(name());
        }
        if (bracket) {
            expect(CLOSING);
        }
        return new Target(names, null);
    }

    private Statement assignment() {
        Target target = target(true);
        if (accept("=")) {
            Expression value = tuple();
            expect(Kind.CLOSE);
            return new Statement.Set(target, value);
        }
        if (peek().isOperator("|")) {
            throw unsupported("a filter on a block of \"set\"");
        }
        List<Statement> body = bodyAfterTag("endset");
        end("endset");
        return new Statement.SetBlock(target, body);
    }

    private Statement macro() {
        String name = name();
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        expect("(");
        while (!accept(CLOSING)) {
            if (!parameters.isEmpty()) {
                expect(",");
            }
            parameters.add(name());
            if (accept("=")) {
                defaults.add(expression());
            } else if (!defaults.isEmpty()) {
                throw fault("a parameter without a default follows one with a default");
            }
        }
        List<Statement> body = bodyAfterTag("endmacro");
        end("endmacro");
        return new Statement.Macro(name, parameters, defaults, body);
    }

    // Expressions

    private Expression tuple() {
        return sequence(expression());
    }

    /** More elements make a tuple. */
    private Expression sequence(Expression first) {
        if (!peek().isOperator(",")) {
            return first;
        }
        List<Expression> elements = new ArrayList<>(List.of(first));
        while (accept(",") && peek().kind() != Kind.CLOSE && peek().kind() != Kind.CLOSE_OUTPUT) {
            elements.add(expression());
        }
        return new Expression.Sequence(true, elements);
    }

    private Expression expression() {
        enter();
        Expression value = or();
        while (acceptName("if")) {
            Expression condition = or();
            value = new Expression.Conditional(condition, value, acceptName(ELSE) ? expression() : null);
        }
        depth--;
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (acceptName("or")) {
            left = new Expression.Binary("or", left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (acceptName("and")) {
            left = new Expression.Binary("and", left, not());
        }
        return left;
    }

    private Expression not() {
        if (!acceptName("not")) {
            return comparison();
        }
        enter();
        Expression negated = new Expression.Unary("not", not());
        depth--;
        return negated;
    }

    private Expression comparison() {
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            boolean negatedIn = peek().isName("not") && tokens.get(at + 1).isName("in");
            if (peek().kind() == Kind.OPERATOR && COMPARISONS.contains(peek().text()) || peek().isName("in")) {
                operators.add(next().text());
            } else if (negatedIn) {
                at += 2;
                operators.add("not in");
            } else {
                return others.isEmpty() ? first : new Expression.Comparison(first, operators, others);
            }
            others.add(sum());
        }
    }

    private Expression sum() {
        Expression left = concatenation();
        while (peek().isOperator("+") || peek().isOperator("-")) {
            left = new Expression.Binary(next().text(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        Expression left = product();
        while (accept("~")) {
            left = new Expression.Binary("~", left, product());
        }
        return left;
    }

    private Expression product() {
        Expression left = unary(true);
        while (peek().isOperator("*") || peek().isOperator("/") || peek().isOperator("//") || peek().isOperator("%")) {
            left = new Expression.Binary(next().text(), left, unary(true));
        }
        if (peek().isOperator("**")) {
            throw unsupported("the operator \"**\"");
        }
        return left;
    }

    private Expression unary(boolean filters) {
        Expression value;
        if (peek().isOperator("-") || peek().isOperator("+")) {
            enter();
            value = new Expression.Unary(next().text(), unary(false));
            depth--;
        } else {
            value = primary();
        }
        value = postfix(value);
        return filters ? filtered(value) : value;
    }

    private Expression primary() {
        Token token = next();
        return switch (token.kind()) {
            case NAME -> switch (token.text()) {
                case "true", "True" -> new Expression.Literal(true);
                case "false", "False" -> new Expression.Literal(false);
                case "none", "None" -> new Expression.Literal(null);
                default -> new Expression.Name(token.text());
            };
            case STRING -> {
                StringBuilder joined = new StringBuilder(token.text());
                while (peek().kind() == Kind.STRING) {
                    joined.append(next().text());
                }
                yield new Expression.Literal(joined.toString());
            }
            case INTEGER -> {
                if (token.text().length() > 18) {
                    throw unsupported("an integer beyond 64 bits");
                }
                yield new Expression.Literal(Long.parseLong(token.text()));
            }
            case DECIMAL -> new Expression.Literal(Double.parseDouble(token.text()));
            case OPERATOR -> bracketed(token);
            default -> throw fault("expected an expression, found " + shown(token));
        };
    }

    private Expression bracketed(Token token) {
        return switch (token.text()) {
            case "(" -> {
                if (accept(CLOSING)) {
                    yield new Expression.Sequence(true, List.of());
                }
                Expression first = expression();
                yield peek().isOperator(",") ? new Expression.Sequence(true, elements(first, CLOSING)) : closed(first);
            }
            case "[" -> new Expression.Sequence(false, peek().isOperator("]") ? elements(null, "]") : elements(expression(), "]"));
            case "{" -> dictionary();
            default -> throw fault("expected an expression, found " + shown(token));
        };
    }

    private Expression closed(Expression inner) {
        expect(CLOSING);
        return inner;
    }

    private List<Expression> elements(@Nullable Expression first, String close) {
        List<Expression> elements = new ArrayList<>();
        if (first != null) {
            elements.add(first);
        }
        while (!accept(close)) {
            expect(",");
            if (!peek().isOperator(close)) {
                elements.add(expression());
            }
        }
        return elements;
    }

    private Expression dictionary() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!accept("}")) {
            if (!keys.isEmpty()) {
                expect(",");
                if (accept("}")) {
                    break;
                }
            }
            keys.add(expression());
            expect(":");
            values.add(expression());
        }
        return new Expression.Dictionary(keys, values);
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            if (accept(".")) {
                value = peek().kind() == Kind.INTEGER ? new Expression.Item(value, new Expression.Literal(Long.parseLong(next().text())))
                        : new Expression.Attribute(value, name());
            } else if (accept("[")) {
                value = subscript(value);
            } else if (accept("(")) {
                value = new Expression.Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression value) {
        Expression from = peek().isOperator(":") ? null : expression();
        if (from != null && accept("]")) {
            return new Expression.Item(value, from);
        }
        expect(":");
        Expression to = peek().isOperator(":") || peek().isOperator("]") ? null : expression();
        Expression step = accept(":") && !peek().isOperator("]") ? expression() : null;
        expect("]");
        return new Expression.Slice(value, from, to, step);
    }

    /** After the opening bracket. */
    private Arguments arguments() {
        List<Expression> places = new ArrayList<>();
        Map<String, Expression> names = new LinkedHashMap<>();
        while (!accept(CLOSING)) {
            if (!places.isEmpty() || !names.isEmpty()) {
                expect(",");
                if (accept(CLOSING)) {
                    break;
                }
            }
            if (peek().isOperator("*") || peek().isOperator("**")) {
                throw unsupported("arguments from a list or dictionary");
            }
            if (peek().kind() == Kind.NAME && tokens.get(at + 1).isOperator("=")) {
                String name = name();
                expect("=");
                names.put(name, expression());
            } else {
                places.add(expression());
            }
        }
        return new Arguments(places, names);
    }

    private Expression filtered(Expression start) {
        Expression value = start;
        while (true) {
            if (accept("|")) {
                String name = name();
                if (!Filters.known(name)) {
                    throw unsupported("the filter \"" + name + "\"");
                }
                value = new Expression.Filter(value, name, accept("(") ? arguments() : Arguments.NONE);
            } else if (acceptName("is")) {
                value = test(value);
            } else if (accept("(")) {
                value = new Expression.Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression test(Expression value) {
        boolean negated = acceptName("not");
        String name = name();
        if (!Tests.known(name)) {
            throw unsupported("the test \"" + name + "\"");
        }
        Arguments arguments = Arguments.NONE;
        Token token = peek();
        if (accept("(")) {
            arguments = arguments();
        } else if (token.kind() == Kind.STRING || token.kind() == Kind.INTEGER || token.kind() == Kind.DECIMAL
                || token.isOperator("[") || token.isOperator("{") || token.kind() == Kind.NAME && !NO_ARGUMENT.contains(token.text())) {
            arguments = new Arguments(List.of(postfix(primary())), Map.of());
        }
        Expression test = new Expression.Test(value, name, arguments);
        return negated ? new Expression.Unary("not", test) : test;
    }
}
