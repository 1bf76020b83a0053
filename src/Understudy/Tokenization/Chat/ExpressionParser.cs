using System.Globalization;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>Reads the expressions of a template with Jinja's precedence.</summary>
internal sealed class ExpressionParser(TokenCursor tokens)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>An expression, or several with commas between them, which are a tuple.</summary>
    public TemplateExpression ReadTuple(bool withConditional = true)
    {
        var first = Item();
        if (!tokens.Current.IsOperator(",")) return first;
        var items = new List<TemplateExpression> { first };
        while (tokens.SkipOperator(",") && tokens.Current.Kind is not (TokenKind.BlockEnd or TokenKind.PrintEnd) && !tokens.Current.IsOperator(")")) items.Add(Item());
        return new ListExpression(items, IsTuple: true);

        TemplateExpression Item() => withConditional ? ReadExpression() : ReadOr();
    }

    public TemplateExpression ReadExpression()
    {
        tokens.CheckDepth();
        var value = ReadOr();
        while (tokens.Skip("if"))
        {
            var condition = ReadOr();
            value = new ConditionalExpression(condition, value, tokens.Skip("else") ? ReadExpression() : null);
        }
        return value;
    }

    /// <summary>Filters without a value before them, with their own bars: <c>| trim | upper</c>.</summary>
    public List<(string Name, TemplateFilter Filter, ArgumentList Arguments)> ReadFilterNames()
    {
        var filters = new List<(string Name, TemplateFilter Filter, ArgumentList Arguments)>();
        while (tokens.SkipOperator("|"))
        {
            var line = tokens.Current.Line;
            var name = tokens.ReadName();
            var filter = TemplateFilters.Find(name) ?? throw new TemplateFault(TemplateFilters.Unknown(name).Message, line);
            filters.Add((name, filter, tokens.Current.IsOperator("(") ? ReadArguments() : ArgumentList.Empty));
        }
        return filters;
    }

    public static TemplateExpression Filtered(TemplateExpression value, IEnumerable<(string Name, TemplateFilter Filter, ArgumentList Arguments)> filters) =>
        filters.Aggregate(value, (inner, filter) => new FilterExpression(inner, filter.Name, filter.Filter, filter.Arguments));

    private TemplateExpression ReadOr()
    {
        var left = ReadAnd();
        while (tokens.Skip("or")) left = new LogicalExpression(false, left, ReadAnd());
        return left;
    }

    private TemplateExpression ReadAnd()
    {
        var left = ReadNot();
        while (tokens.Skip("and")) left = new LogicalExpression(true, left, ReadNot());
        return left;
    }

    private TemplateExpression ReadNot()
    {
        tokens.CheckDepth();
        return tokens.Skip("not") ? new UnaryExpression("not", ReadNot()) : ReadComparison();
    }

    private TemplateExpression ReadComparison()
    {
        var first = ReadSum();
        var rest = new List<(string Operator, TemplateExpression Operand)>();
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Operator && Comparisons.Contains(tokens.Current.Value))
            {
                var comparison = tokens.Current.Value;
                tokens.Next();
                rest.Add((comparison, ReadSum()));
            }
            else if (tokens.Skip("in"))
            {
                rest.Add(("in", ReadSum()));
            }
            else if (tokens.Current.IsName("not") && tokens.Following.IsName("in"))
            {
                tokens.Next();
                tokens.Next();
                rest.Add(("not in", ReadSum()));
            }
            else
            {
                return rest.Count == 0 ? first : new ComparisonExpression(first, rest);
            }
        }
    }

    private TemplateExpression ReadSum() => ReadBinary(["+", "-"], ReadConcatenation);

    private TemplateExpression ReadConcatenation() => ReadBinary(["~"], ReadProduct);

    private TemplateExpression ReadProduct() => ReadBinary(["*", "/", "//", "%"], ReadPower);

    private TemplateExpression ReadPower() => ReadBinary(["**"], () => ReadUnary(withFilters: true));

    private TemplateExpression ReadBinary(string[] operators, Func<TemplateExpression> operand)
    {
        var left = operand();
        while (tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Value))
        {
            var name = tokens.Current.Value;
            tokens.Next();
            left = new BinaryExpression(name, left, operand());
        }
        return left;
    }

    private TemplateExpression ReadUnary(bool withFilters)
    {
        tokens.CheckDepth();
        TemplateExpression value;
        if (tokens.SkipOperator("-")) value = new UnaryExpression("-", ReadUnary(withFilters: false));
        else if (tokens.SkipOperator("+")) value = new UnaryExpression("+", ReadUnary(withFilters: false));
        else value = ReadPostfix(ReadPrimary());
        return withFilters ? ReadFiltersAndTests(value) : value;
    }

    private TemplateExpression ReadFiltersAndTests(TemplateExpression value)
    {
        while (true)
        {
            if (tokens.Current.IsOperator("|")) value = Filtered(value, ReadFilterNames());
            else if (tokens.Skip("is")) value = ReadTest(value);
            else if (tokens.Current.IsOperator("(")) value = new CallExpression(value, ReadArguments());
            else return value;
        }
    }

    private TemplateExpression ReadTest(TemplateExpression value)
    {
        var line = tokens.Current.Line;
        var isNegated = tokens.Skip("not");
        var name = tokens.ReadName();
        var test = TemplateTests.Find(name) ?? throw new TemplateFault(TemplateTests.Unknown(name).Message, line);
        var arguments = ArgumentList.Empty;
        if (tokens.Current.IsOperator("(")) arguments = ReadArguments();
        else if (BeginsArgument()) arguments = new ArgumentList([ReadPostfix(ReadPrimary())], []);
        TemplateExpression result = new TestExpression(value, name, test, arguments);
        return isNegated ? new UnaryExpression("not", result) : result;

        bool BeginsArgument() => tokens.Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float
            || tokens.Current.IsOperator("[") || tokens.Current.IsOperator("{")
            || (tokens.Current.Kind == TokenKind.Name && tokens.Current.Value is not ("else" or "or" or "and" or "is" or "if" or "in" or "not" or "recursive"));
    }

    private TemplateExpression ReadPostfix(TemplateExpression value)
    {
        while (true)
        {
            if (tokens.SkipOperator("."))
            {
                var token = tokens.Current;
                tokens.Next();
                value = token.Kind switch
                {
                    TokenKind.Name => new MemberExpression(value, new ConstantExpression(token.Value), IsAttribute: true),
                    TokenKind.Integer => new MemberExpression(value, new ConstantExpression(Integer(token)), IsAttribute: false),
                    _ => throw new TemplateFault($"has '{token.Value}' where a name is expected.", token.Line),
                };
            }
            else if (tokens.SkipOperator("["))
            {
                value = ReadSubscript(value);
            }
            else if (tokens.Current.IsOperator("("))
            {
                value = new CallExpression(value, ReadArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private TemplateExpression ReadSubscript(TemplateExpression target)
    {
        var parts = new TemplateExpression?[3];
        var count = 0;
        while (!tokens.SkipOperator("]"))
        {
            if (tokens.Current.IsOperator(":"))
            {
                if (++count > 2) throw tokens.Unexpected("']'");
                tokens.Next();
                continue;
            }
            if (parts[count] is not null) throw tokens.Unexpected("']'");
            parts[count] = ReadExpression();
        }
        if (count > 0) return new SliceExpression(target, parts[0], parts[1], parts[2]);
        return new MemberExpression(target, parts[0] ?? throw tokens.Unexpected("an index"), IsAttribute: false);
    }

    private ArgumentList ReadArguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<TemplateExpression>();
        var named = new List<(string Name, TemplateExpression Value)>();
        while (!tokens.SkipOperator(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                tokens.ExpectOperator(",");
                if (tokens.SkipOperator(")")) break;
            }
            if (tokens.Current.Kind == TokenKind.Name && tokens.Following.IsOperator("="))
            {
                var name = tokens.ReadName();
                tokens.Next();
                if (named.Exists(argument => argument.Name == name)) throw new TemplateFault($"gives the argument '{name}' twice.", tokens.Current.Line);
                named.Add((name, ReadExpression()));
            }
            else if (named.Count > 0)
            {
                throw tokens.Unexpected("an argument with a name");
            }
            else
            {
                positional.Add(ReadExpression());
            }
        }
        return new ArgumentList(positional, named);
    }

    private TemplateExpression ReadPrimary()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Next();
                return token.Value switch
                {
                    "true" or "True" => new ConstantExpression(true),
                    "false" or "False" => new ConstantExpression(false),
                    "none" or "None" => new ConstantExpression(null),
                    _ => new NameExpression(token.Value),
                };
            case TokenKind.String:
                var text = new StringBuilder();
                for (; tokens.Current.Kind == TokenKind.String; tokens.Next()) text.Append(tokens.Current.Value);
                return new ConstantExpression(text.ToString());
            case TokenKind.Integer:
                tokens.Next();
                return new ConstantExpression(Integer(token));
            case TokenKind.Float:
                tokens.Next();
                return new ConstantExpression(double.Parse(token.Value, CultureInfo.InvariantCulture));
        }
        if (tokens.SkipOperator("(")) return ReadParenthesis();
        if (tokens.SkipOperator("[")) return new ListExpression(ReadItems("]", ReadExpression));
        if (tokens.SkipOperator("{")) return new MapExpression(ReadItems("}", ReadEntry));
        throw tokens.Unexpected("a value");
    }

    private TemplateExpression ReadParenthesis()
    {
        if (tokens.SkipOperator(")")) return new ListExpression([], IsTuple: true);
        var value = ReadTuple();
        tokens.ExpectOperator(")");
        return value;
    }

    private List<T> ReadItems<T>(string end, Func<T> read)
    {
        var items = new List<T>();
        while (!tokens.SkipOperator(end))
        {
            if (items.Count > 0)
            {
                tokens.ExpectOperator(",");
                if (tokens.SkipOperator(end)) break;
            }
            items.Add(read());
        }
        return items;
    }

    private (TemplateExpression Key, TemplateExpression Value) ReadEntry()
    {
        var key = ReadExpression();
        tokens.ExpectOperator(":");
        return (key, ReadExpression());
    }

    private static long Integer(TemplateToken token) => long.TryParse(token.Value, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new TemplateFault($"has the number {token.Value}, which 64 bits cannot hold.", token.Line);
}
