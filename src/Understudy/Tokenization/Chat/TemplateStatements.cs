namespace Understudy.Tokenization.Chat;

/// <summary>A statement of a template, or text between statements.</summary>
internal abstract record TemplateStatement(int Line)
{
    public Flow Run(TemplateContext context)
    {
        context.Line = Line;
        context.Step();
        return Execute(context);
    }

    protected abstract Flow Execute(TemplateContext context);
}

/// <summary>Text between tags.</summary>
internal sealed record TextStatement(string Text, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        context.Print(Text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c></summary>
internal sealed record PrintStatement(TemplateExpression Value, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        context.Print(context.Text(Value.Evaluate(context)));
        return Flow.Next;
    }
}

/// <summary>Several statements, one after the other.</summary>
internal sealed record BlockStatement(IReadOnlyList<TemplateStatement> Statements, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        foreach (var statement in Statements)
        {
            if (statement.Run(context) is not Flow.Next and var flow) return flow;
        }
        return Flow.Next;
    }
}

/// <summary><c>if</c>, <c>elif</c>, <c>else</c>; an else has no condition.</summary>
internal sealed record IfStatement(IReadOnlyList<(TemplateExpression? Condition, TemplateStatement Body)> Branches, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        foreach (var (condition, body) in Branches)
        {
            if (condition is null || TemplateValue.IsTrue(condition.Evaluate(context))) return body.Run(context);
        }
        return Flow.Next;
    }
}

/// <summary><c>for</c>; every turn has a scope of its own.</summary>
internal sealed record ForStatement(
    IReadOnlyList<string> Targets, TemplateExpression Source, TemplateExpression? Condition, TemplateStatement Body, TemplateStatement? Else, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        var items = TemplateValue.Items(Source.Evaluate(context));
        if (Condition is not null)
        {
            items = items.FindAll(item => context.InScope(() =>
            {
                Assign(context, Targets, item);
                return TemplateValue.IsTrue(Condition.Evaluate(context));
            }));
        }
        if (items.Count == 0) return Else?.Run(context) ?? Flow.Next;
        for (var i = 0; i < items.Count; i++)
        {
            var flow = context.InScope(() =>
            {
                Assign(context, Targets, items[i]);
                context.Set("loop", Loop(items, i));
                return Body.Run(context);
            });
            if (flow == Flow.Break) break;
        }
        return Flow.Next;
    }

    public static void Assign(TemplateContext context, IReadOnlyList<string> targets, object? value)
    {
        if (targets.Count == 1)
        {
            context.Set(targets[0], value);
            return;
        }
        var parts = TemplateValue.Items(value);
        if (parts.Count != targets.Count) throw new TemplateFault($"takes {TemplateValue.Kind(value)} of {parts.Count} items apart into {targets.Count} names.");
        for (var i = 0; i < targets.Count; i++) context.Set(targets[i], parts[i]);
    }

    private static TemplateMap Loop(List<object?> items, int i) => new()
    {
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)items.Count - i,
        ["revindex0"] = items.Count - i - 1L,
        ["first"] = i == 0,
        ["last"] = i == items.Count - 1,
        ["length"] = (long)items.Count,
        ["previtem"] = i > 0 ? items[i - 1] : new UndefinedValue("the item before the first"),
        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : new UndefinedValue("the item after the last"),
        ["cycle"] = (TemplateFunction)(arguments => arguments.TakeRest() is { Count: > 0 } choices
            ? choices[i % choices.Count]
            : throw new TemplateFault("calls 'loop.cycle' without arguments.")),
    };
}

/// <summary><c>set</c> for names, for an attribute of a namespace, or for what a block prints.</summary>
internal sealed record SetStatement(IReadOnlyList<string> Targets, string? Attribute, TemplateExpression Value, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        var value = Value.Evaluate(context);
        if (Attribute is null) ForStatement.Assign(context, Targets, value);
        else if (context.Get(Targets[0]) is TemplateNamespace space) space.Attributes[Attribute] = value;
        else throw new TemplateFault($"sets '{Targets[0]}.{Attribute}', but '{Targets[0]}' is no namespace.");
        return Flow.Next;
    }
}

/// <summary>What the statements of a block print, as a value.</summary>
internal sealed record CapturedExpression(TemplateStatement Body) : TemplateExpression
{
    protected override object? Compute(TemplateContext context) => context.InScope(() => context.Capture(() => Body.Run(context)));
}

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record JumpStatement(Flow Flow, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context) => Flow;
}

/// <summary><c>macro</c>; it sees the variables of the place where it is defined.</summary>
internal sealed record MacroStatement(
    string Name, IReadOnlyList<(string Name, TemplateExpression? Default)> Parameters, TemplateStatement Body, int Line) : TemplateStatement(Line)
{
    protected override Flow Execute(TemplateContext context)
    {
        var outer = context.Scopes;
        context.Set(Name, (TemplateFunction)(arguments => context.InScope<object?>(
            () =>
            {
                var line = context.Line;
                foreach (var (name, fallback) in Parameters)
                {
                    var given = arguments.TryTake(name, out var value);
                    context.Set(name, given ? value : fallback is null ? new UndefinedValue($"'{name}'") : fallback.Evaluate(context));
                }
                arguments.Done();
                var text = context.Capture(() => Body.Run(context));
                context.Line = line;
                return text;
            },
            outer)));
        return Flow.Next;
    }
}
