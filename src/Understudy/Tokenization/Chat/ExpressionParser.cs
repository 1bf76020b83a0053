using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>Reads the expressions of a template with Jinja's precedence.</summary>
internal sealed class ExpressionParser(List<TemplateToken> tokens)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private int position;

    public TemplateToken Current => tokens[position];

    public void Next()
    {
        if (position + 1 < tokens.Count) position++;
    }

    public void CheckDepth()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateFault("is nested too deeply.", Current.Line);
    }

    public TemplateFault Unexpected(string expected) => new(
        Current.Kind == TokenKind.End ? $"ends where {expected} is expected." : $"has '{Current.Value}' where {expected} is expected.", Current.Line);

    public void Expect(TokenKind kind, string shown)
    {
        if (Current.Kind != kind) throw Unexpected(shown);
        Next();
    }

    public void ExpectOperator(string value)
    {
        if (!SkipOperator(value)) throw Unexpected($"'{value}'");
    }

    public bool SkipOperator(string value)
    {
        var found = Current.IsOperator(value);
        if (found) Next();
        return found;
    }

    public bool Skip(string name)
    {
        var found = Current.IsName(name);
        if (found) Next();
        return found;
    }

    public string ReadName()
    {
        var token = Current;
        Expect(TokenKind.Name, "a name");
        return token.Value;
    }

    /// <summary>An expression, or several with commas between them, which are a tuple.</summary>
    public TemplateExpression ReadTuple(bool withConditional = true)
    {
        var first = Item();
        if (!Current.IsOperator(",")) return first;
        var items = new List<TemplateExpression> { first };
        while (SkipOperator(",") && Current.Kind is not (TokenKind.BlockEnd or TokenKind.PrintEnd) && !Current.IsOperator(")")) items.Add(Item());
        return new ListExpression(items, IsTuple: true);

        TemplateExpression Item() => withConditional ? ReadExpression() : ReadOr();
    }

    public TemplateExpression ReadExpression()
    {
        CheckDepth();
        var value = ReadOr();
        while (Skip("if"))
        {
            var condition = ReadOr();
            value = new ConditionalExpression(condition, value, Skip("else") ? ReadExpression() : null);
        }
        return value;
    }

    /// <summary>Filters without a value before them, with their own bars: <c>| trim | upper</c>.</summary>
    public List<(string Name, TemplateFilter Filter, ArgumentList Arguments)> ReadFilterNames()
    {
        var filters = new List<(string Name, TemplateFilter Filter, ArgumentList Arguments)>();
        while (SkipOperator("|"))
        {
            var line = Current.Line;
            var name = ReadName();
            var filter = TemplateFilters.Find(name) ?? throw new TemplateFault(TemplateFilters.Unknown(name).Message, line);
            filters.Add((name, filter, Current.IsOperator("(") ? ReadArguments() : ArgumentList.Empty));
        }
        return filters;
    }

    public static TemplateExpression Filtered(TemplateExpression value, IEnumerable<(string Name, TemplateFilter Filter, ArgumentList Arguments)> filters) =>
        filters.Aggregate(value, (inner, filter) => new FilterExpression(inner, filter.Name, filter.Filter, filter.Arguments));

    private TemplateExpression ReadOr()
    {
        var left = ReadAnd();
        while (Skip("or")) left = new LogicalExpression(false, left, ReadAnd());
        return left;
    }

    private TemplateExpression ReadAnd()
    {
        var left = ReadNot();
        while (Skip("and")) left = new LogicalExpression(true, left, ReadNot());
        return left;
    }

    private TemplateExpression ReadNot()
    {
        CheckDepth();
        return Skip("not") ? new UnaryExpression("not", ReadNot()) : ReadComparison();
    }

    private TemplateExpression ReadComparison()
    {
        var first = ReadSum();
        var rest = new List<(string Operator, TemplateExpression Operand)>();
        while (true)
        {
            if (Current.Kind == TokenKind.Operator && Comparisons.Contains(Current.Value))
            {
                var comparison = Current.Value;
                Next();
                rest.Add((comparison, ReadSum()));
            }
            else if (Skip("in"))
            {
                rest.Add(("in", ReadSum()));
            }
            else if (Current.IsName("not") && tokens[Math.Min(position + 1, tokens.Count - 1)].IsName("in"))
            {
                Next();
                Next();
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
        while (Current.Kind == TokenKind.Operator && operators.Contains(Current.Value))
        {
            var name = Current.Value;
            Next();
            left = new BinaryExpression(name, left, operand());
        }
        return left;
    }

    private TemplateExpression ReadUnary(bool withFilters)
    {
        CheckDepth();
        TemplateExpression value;
        if (SkipOperator("-")) value = new UnaryExpression("-", ReadUnary(withFilters: false));
        else if (SkipOperator("+")) value = new UnaryExpression("+", ReadUnary(withFilters: false));
        else value = ReadPostfix(ReadPrimary());
        return withFilters ? ReadFiltersAndTests(value) : value;
    }

    private TemplateExpression ReadFiltersAndTests(TemplateExpression value)
    {
        while (true)
        {
            if (Current.IsOperator("|")) value = Filtered(value, ReadFilterNames());
            else if (Skip("is")) value = ReadTest(value);
            else if (Current.IsOperator("(")) value = new CallExpression(value, ReadArguments());
            else return value;
        }
    }

    private TemplateExpression ReadTest(TemplateExpression value)
    {
        var line = Current.Line;
        var isNegated = Skip("not");
        var name = ReadName();
        var test = TemplateTests.Find(name) ?? throw new TemplateFault(TemplateTests.Unknown(name).Message, line);
        var arguments = ArgumentList.Empty;
        if (Current.IsOperator("(")) arguments = ReadArguments();
        else if (BeginsArgument()) arguments = new ArgumentList([ReadPostfix(ReadPrimary())], []);
        TemplateExpression result = new TestExpression(value, name, test, arguments);
        return isNegated ? new UnaryExpression("not", result) : result;

        bool BeginsArgument() => Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float
            || Current.IsOperator("[") || Current.IsOperator("{")
            || (Current.Kind == TokenKind.Name && Current.Value is not ("else" or "or" or "and" or "is" or "if" or "in" or "not" or "recursive"));
    }

    private TemplateExpression ReadPostfix(TemplateExpression value)
    {
        while (true)
        {
            if (SkipOperator("."))
            {
                var token = Current;
                Next();
                value = token.Kind switch
                {
                    TokenKind.Name => new MemberExpression(value, new ConstantExpression(token.Value), IsAttribute: true),
                    TokenKind.Integer => new MemberExpression(value, new ConstantExpression(Integer(token)), IsAttribute: false),
                    _ => throw new TemplateFault($"has '{token.Value}' where a name is expected.", token.Line),
                };
            }
            else if (SkipOperator("["))
            {
                value = ReadSubscript(value);
            }
            else if (Current.IsOperator("("))
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
        while (!SkipOperator("]"))
        {
            if (Current.IsOperator(":"))
            {
                if (++count > 2) throw Unexpected("']'");
                Next();
                continue;
            }
            if (parts[count] is not null) throw Unexpected("']'");
            parts[count] = ReadExpression();
        }
        if (count > 0) return new SliceExpression(target, parts[0], parts[1], parts[2]);
        return new MemberExpression(target, parts[0] ?? throw Unexpected("an index"), IsAttribute: false);
    }

    private ArgumentList ReadArguments()
    {
        ExpectOperator("(");
        var positional = new List<TemplateExpression>();
        var named = new List<(string Name, TemplateExpression Value)>();
        while (!SkipOperator(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                ExpectOperator(",");
                if (SkipOperator(")")) break;
            }
            if (Current.Kind == TokenKind.Name && tokens[Math.Min(position + 1, tokens.Count - 1)].IsOperator("="))
            {
                var name = ReadName();
                Next();
                if (named.Exists(argument => argument.Name == name)) throw new TemplateFault($"gives the argument '{name}' twice.", Current.Line);
                named.Add((name, ReadExpression()));
            }
            else if (named.Count > 0)
            {
                throw Unexpected("an argument with a name");
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
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                Next();
                return token.Value switch
                {
                    "true" or "True" => new ConstantExpression(true),
                    "false" or "False" => new ConstantExpression(false),
                    "none" or "None" => new ConstantExpression(null),
                    _ => new NameExpression(token.Value),
                };
            case TokenKind.String:
                var text = new StringBuilder();
                for (; Current.Kind == TokenKind.String; Next()) text.Append(Current.Value);
                return new ConstantExpression(text.ToString());
            case TokenKind.Integer:
                Next();
                return new ConstantExpression(Integer(token));
            case TokenKind.Float:
                Next();
                return new ConstantExpression(double.Parse(token.Value, CultureInfo.InvariantCulture));
        }
        if (SkipOperator("(")) return ReadParenthesis();
        if (SkipOperator("[")) return new ListExpression(ReadItems("]", ReadExpression));
        if (SkipOperator("{")) return new MapExpression(ReadItems("}", ReadEntry));
        throw Unexpected("a value");
    }

    private TemplateExpression ReadParenthesis()
    {
        if (SkipOperator(")")) return new ListExpression([], IsTuple: true);
        var value = ReadTuple();
        ExpectOperator(")");
        return value;
    }

    private List<T> ReadItems<T>(string end, Func<T> read)
    {
        var items = new List<T>();
        while (!SkipOperator(end))
        {
            if (items.Count > 0)
            {
                ExpectOperator(",");
                if (SkipOperator(end)) break;
            }
            items.Add(read());
        }
        return items;
    }

    private (TemplateExpression Key, TemplateExpression Value) ReadEntry()
    {
        var key = ReadExpression();
        ExpectOperator(":");
        return (key, ReadExpression());
    }

    private static long Integer(TemplateToken token) => long.TryParse(token.Value, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new TemplateFault($"has the number {token.Value}, which 64 bits cannot hold.", token.Line);
}
