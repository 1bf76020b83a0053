namespace Understudy.Tokenization.Chat;

/// <summary>Reads the statements of a template; expressions are read by <see cref="ExpressionParser"/>.</summary>
internal sealed class TemplateParser
{
    private const string Statements = "if, for, set, macro, break, continue, raw and generation";

    private readonly TokenCursor tokens;
    private readonly ExpressionParser expressions;
    private int loops;

    private TemplateParser(TokenCursor tokens)
    {
        this.tokens = tokens;
        expressions = new ExpressionParser(tokens);
    }

    /// <exception cref="TemplateFault">The template is malformed, or uses something that is not supported.</exception>
    public static TemplateStatement Parse(string source)
    {
        var parser = new TemplateParser(new TokenCursor(TemplateLexer.Read(source)));
        var body = parser.ReadBody([], out _);
        return body;
    }

    /// <summary>Reads statements until a tag that begins with one of <paramref name="ends"/>, which is left with its name taken.</summary>
    private BlockStatement ReadBody(IReadOnlyList<string> ends, out string end)
    {
        tokens.CheckDepth();
        var statements = new List<TemplateStatement>();
        var line = tokens.Current.Line;
        while (true)
        {
            var token = tokens.Current;
            switch (token.Kind)
            {
                case TokenKind.Text:
                    tokens.Next();
                    statements.Add(new TextStatement(token.Value, token.Line));
                    break;
                case TokenKind.PrintBegin:
                    tokens.Next();
                    statements.Add(new PrintStatement(expressions.ReadTuple(), token.Line));
                    tokens.Expect(TokenKind.PrintEnd, "'}}'");
                    break;
                case TokenKind.BlockBegin:
                    tokens.Next();
                    var name = tokens.ReadName();
                    if (ends.Contains(name))
                    {
                        end = name;
                        return new BlockStatement(statements, line);
                    }
                    statements.Add(ReadStatement(name, token.Line));
                    break;
                default:
                    if (ends.Count > 0) throw new TemplateFault($"ends where a '{{% {ends[^1]} %}}' is missing.", line);
                    end = "";
                    return new BlockStatement(statements, line);
            }
        }
    }

    private TemplateStatement ReadStatement(string name, int line) => name switch
    {
        "if" => ReadIf(line),
        "for" => ReadFor(line),
        "set" => ReadSet(line),
        "macro" => ReadMacro(line),
        "break" when loops > 0 => ReadJump(Flow.Break, line),
        "continue" when loops > 0 => ReadJump(Flow.Continue, line),
        "generation" => ReadBodyOf("endgeneration"),
        "break" or "continue" => throw new TemplateFault($"has a '{name}' outside of a loop.", line),
        "else" or "elif" or "endif" or "endfor" or "endset" or "endmacro" or "endgeneration" =>
            throw new TemplateFault($"has a '{name}' where nothing is open for it.", line),
        _ => throw new TemplateFault($"uses the statement '{name}', which is not supported. Supported are {Statements}.", line),
    };

    private JumpStatement ReadJump(Flow flow, int line)
    {
        EndBlock();
        return new JumpStatement(flow, line);
    }

    private BlockStatement ReadBodyOf(string end)
    {
        EndBlock();
        var body = ReadBody([end], out _);
        EndBlock();
        return body;
    }

    private IfStatement ReadIf(int line)
    {
        var branches = new List<(TemplateExpression? Condition, TemplateStatement Body)>();
        var name = "if";
        while (name != "endif")
        {
            var condition = name == "else" ? null : expressions.ReadTuple(withConditional: false);
            EndBlock();
            branches.Add((condition, ReadBody(name == "else" ? ["endif"] : ["elif", "else", "endif"], out name)));
        }
        EndBlock();
        return new IfStatement(branches, line);
    }

    private ForStatement ReadFor(int line)
    {
        var targets = ReadTargets();
        if (!tokens.Skip("in")) throw tokens.Unexpected("'in'");
        var source = expressions.ReadTuple(withConditional: false);
        var condition = tokens.Skip("if") ? expressions.ReadExpression() : null;
        if (tokens.Current.IsName("recursive")) throw new TemplateFault("uses a recursive 'for', which is not supported.", line);
        EndBlock();
        loops++;
        var body = ReadBody(["else", "endfor"], out var end);
        loops--;
        TemplateStatement? otherwise = null;
        if (end == "else") otherwise = ReadBodyOf("endfor");
        else EndBlock();
        return new ForStatement(targets, source, condition, body, otherwise, line);
    }

    private SetStatement ReadSet(int line)
    {
        var targets = ReadTargets();
        var attribute = targets.Count == 1 && tokens.SkipOperator(".") ? tokens.ReadName() : null;
        if (tokens.SkipOperator("="))
        {
            var value = expressions.ReadTuple();
            EndBlock();
            return new SetStatement(targets, attribute, value, line);
        }
        if (targets.Count > 1) throw tokens.Unexpected("'='");
        // The filters stand before the block, so they are put around its text afterwards.
        var filters = expressions.ReadFilterNames();
        var captured = ExpressionParser.Filtered(new CapturedExpression(ReadBodyOf("endset")), filters);
        return new SetStatement(targets, attribute, captured, line);
    }

    private MacroStatement ReadMacro(int line)
    {
        var name = tokens.ReadName();
        tokens.ExpectOperator("(");
        var parameters = new List<(string Name, TemplateExpression? Default)>();
        while (!tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0) tokens.ExpectOperator(",");
            var parameter = tokens.ReadName();
            parameters.Add((parameter, tokens.SkipOperator("=") ? expressions.ReadExpression() : null));
        }
        var outer = loops;
        loops = 0;
        var body = ReadBodyOf("endmacro");
        loops = outer;
        return new MacroStatement(name, parameters, body, line);
    }

    private List<string> ReadTargets()
    {
        var open = tokens.SkipOperator("(");
        var targets = new List<string> { tokens.ReadName() };
        while (tokens.SkipOperator(",")) targets.Add(tokens.ReadName());
        if (open) tokens.ExpectOperator(")");
        return targets;
    }

    private void EndBlock() => tokens.Expect(TokenKind.BlockEnd, "'%}'");
}
