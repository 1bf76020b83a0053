namespace Understudy.Tokenization.Chat;

/// <summary>An expression of a template.</summary>
internal abstract record TemplateExpression
{
    public object? Evaluate(TemplateContext context)
    {
        context.Step();
        return Compute(context);
    }

    protected abstract object? Compute(TemplateContext context);
}

/// <summary>A fixed value.</summary>
internal sealed record ConstantExpression(object? Value) : TemplateExpression
{
    protected override object? Compute(TemplateContext context) => Value;
}

/// <summary>A variable or function.</summary>
internal sealed record NameExpression(string Name) : TemplateExpression
{
    protected override object? Compute(TemplateContext context) => context.Get(Name);
}

/// <summary>A list or tuple.</summary>
internal sealed record ListExpression(IReadOnlyList<TemplateExpression> Items, bool IsTuple = false) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var items = Items.Select(item => item.Evaluate(context));
        return context.Weighed(IsTuple ? new TemplateTuple(items) : items.ToList());
    }
}

/// <summary>A dictionary.</summary>
internal sealed record MapExpression(IReadOnlyList<(TemplateExpression Key, TemplateExpression Value)> Entries) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var map = new TemplateMap();
        foreach (var (key, value) in Entries) map[TemplateValue.String(key.Evaluate(context))] = value.Evaluate(context);
        return context.Weighed(map);
    }
}

/// <summary><c>not</c>, <c>-</c> or <c>+</c> before an operand.</summary>
internal sealed record UnaryExpression(string Operator, TemplateExpression Operand) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var value = Operand.Evaluate(context);
        return (Operator, value) switch
        {
            ("not", _) => !TemplateValue.IsTrue(value),
            ("-", double number) => (object)-number,
            ("-", _) => unchecked(-TemplateValue.Integer(value)),
            (_, double) => value,
            _ => TemplateValue.Integer(value),
        };
    }
}

/// <summary><c>and</c> or <c>or</c>; like Python's, it gives one of its operands.</summary>
internal sealed record LogicalExpression(bool IsAnd, TemplateExpression Left, TemplateExpression Right) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var left = Left.Evaluate(context);
        return TemplateValue.IsTrue(left) == IsAnd ? Right.Evaluate(context) : left;
    }
}

/// <summary><c>A if condition else B</c>.</summary>
internal sealed record ConditionalExpression(TemplateExpression Condition, TemplateExpression Then, TemplateExpression? Else) : TemplateExpression
{
    protected override object? Compute(TemplateContext context) =>
        TemplateValue.IsTrue(Condition.Evaluate(context)) ? Then.Evaluate(context)
        : Else is null ? new UndefinedValue("the missing 'else' of an inline 'if'")
        : Else.Evaluate(context);
}

/// <summary>A chain of comparisons, each of which must hold.</summary>
internal sealed record ComparisonExpression(TemplateExpression First, IReadOnlyList<(string Operator, TemplateExpression Operand)> Rest) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var left = First.Evaluate(context);
        foreach (var (comparison, operand) in Rest)
        {
            var right = operand.Evaluate(context);
            if (!Holds(comparison, context.Weighed(left), context.Weighed(right))) return false;
            left = right;
        }
        return true;
    }

    private static bool Holds(string comparison, object? left, object? right) => comparison switch
    {
        "==" => TemplateValue.AreEqual(left, right),
        "!=" => !TemplateValue.AreEqual(left, right),
        "in" => TemplateValue.Contains(right, left),
        "not in" => !TemplateValue.Contains(right, left),
        "<" => TemplateValue.Compare(left, right) < 0,
        "<=" => TemplateValue.Compare(left, right) <= 0,
        ">" => TemplateValue.Compare(left, right) > 0,
        _ => TemplateValue.Compare(left, right) >= 0,
    };
}

/// <summary>Arithmetic, and <c>+</c> and <c>~</c> on texts.</summary>
internal sealed record BinaryExpression(string Operator, TemplateExpression Left, TemplateExpression Right) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var left = Left.Evaluate(context);
        var right = Right.Evaluate(context);
        return context.Weighed(TemplateArithmetic.Apply(Operator, left, right, context));
    }
}

/// <summary><c>value.name</c> or <c>value[key]</c>.</summary>
internal sealed record MemberExpression(TemplateExpression Target, TemplateExpression Key, bool IsAttribute) : TemplateExpression
{
    protected override object? Compute(TemplateContext context) =>
        context.Paid(TemplateMembers.Get(Target.Evaluate(context), Key.Evaluate(context), IsAttribute));
}

/// <summary><c>value[start:stop:step]</c>.</summary>
internal sealed record SliceExpression(TemplateExpression Target, TemplateExpression? Start, TemplateExpression? Stop, TemplateExpression? Step) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var target = Target.Evaluate(context);
        return context.Paid(TemplateMembers.Slice(target, Bound(Start, context), Bound(Stop, context), Bound(Step, context)));
    }

    private static long? Bound(TemplateExpression? bound, TemplateContext context) =>
        bound?.Evaluate(context) is { } value ? TemplateValue.Integer(value) : null;
}

/// <summary>Arguments as they stand in a template.</summary>
internal sealed record ArgumentList(IReadOnlyList<TemplateExpression> Positional, IReadOnlyList<(string Name, TemplateExpression Value)> Named)
{
    public static ArgumentList Empty { get; } = new([], []);

    public TemplateArguments Evaluate(string callee, TemplateContext context) => new(
        callee,
        [.. Positional.Select(argument => argument.Evaluate(context))],
        Named.ToDictionary(argument => argument.Name, argument => argument.Value.Evaluate(context)),
        context);
}

/// <summary>A call of a function, method or macro.</summary>
internal sealed record CallExpression(TemplateExpression Target, ArgumentList Arguments) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var name = Target switch
        {
            NameExpression named => named.Name,
            MemberExpression { Key: ConstantExpression { Value: string member } } => member,
            _ => "a value",
        };
        var target = Target.Evaluate(context);
        if (target is UndefinedValue) throw new TemplateFault($"calls '{name}', which is not supported. Supported functions are {TemplateFunctions.Names}; supported methods are {TemplateMembers.MethodNames}.");
        if (target is not TemplateFunction function) throw new TemplateFault($"calls '{name}', which is {TemplateValue.Kind(target)}.");
        return context.Weighed(function(Arguments.Evaluate(name, context)));
    }
}

/// <summary><c>value | filter(arguments)</c>; without a value, what a block printed.</summary>
internal sealed record FilterExpression(TemplateExpression Value, string Name, TemplateFilter Filter, ArgumentList Arguments) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var value = context.Paid(Value.Evaluate(context));
        var arguments = Arguments.Evaluate(Name, context);
        var result = Filter(value, arguments);
        arguments.Done();
        return context.Weighed(result);
    }
}

/// <summary><c>value is test(arguments)</c>.</summary>
internal sealed record TestExpression(TemplateExpression Value, string Name, TemplateTest Test, ArgumentList Arguments) : TemplateExpression
{
    protected override object? Compute(TemplateContext context)
    {
        var value = Value.Evaluate(context);
        var arguments = Arguments.Evaluate(Name, context);
        var result = Test(value, arguments);
        arguments.Done();
        return result;
    }
}
