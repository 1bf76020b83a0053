using System.Runtime.CompilerServices;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>What control flow a statement left behind.</summary>
internal enum Flow
{
    /// <summary>The next statement follows.</summary>
    Next,

    /// <summary><c>break</c></summary>
    Break,

    /// <summary><c>continue</c></summary>
    Continue,
}

/// <summary>
/// The state of one rendering: variables by scope, output, and a budget, because a template comes from outside and may
/// loop or grow without end. A unit is about a character copied; other costs are set so that a unit takes about the same time.
/// </summary>
internal sealed class TemplateContext(long budget, TimeProvider clock)
{
    private const int CostOfStep = 64;
    private const int CostOfScope = 256;
    private const int CostOfItem = 8;
    private const int DeepestCall = 100;
    private const int DeepestValue = 100;

    private Dictionary<string, object?>[] scopes = [new(StringComparer.Ordinal)];
    private StringBuilder output = new();
    private long left = budget;
    private int depth;

    public TimeProvider Clock => clock;

    /// <summary>The line of the statement at hand.</summary>
    public int Line { get; set; }

    public string Output => output.ToString();

    public void Print(string text)
    {
        Spend(text.Length);
        output.Append(text);
    }

    /// <exception cref="TemplateFault">The budget is used up, or the stack is.</exception>
    public void Step()
    {
        Spend(CostOfStep);
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateFault("is nested too deeply.");
    }

    public void Spend(long units)
    {
        left -= units;
        if (left < 0) throw new TemplateFault("does not come to an end, or works too long on these messages. Use another template.");
    }

    /// <summary>Pays for a new value and passes it on; for lists and dictionaries of values that are there already, only the outermost counts.</summary>
    public object? Paid(object? value)
    {
        Spend(value switch { string text => text.Length, List<object?> list => list.Count * (long)CostOfItem, TemplateMap map => map.Count * (long)CostOfItem, _ => 0 });
        return value;
    }

    /// <summary>Pays for going through all of a value, lists in lists as often as they come, and passes it on.</summary>
    /// <param name="value">The value.</param>
    /// <param name="indent">Characters that every item is indented by for each level, when it is written.</param>
    /// <exception cref="TemplateFault">The value is nested too deeply, or the budget is used up.</exception>
    public object? Weighed(object? value, int indent = 0)
    {
        Weigh(value, 0, indent);
        return value;
    }

    /// <summary><c>str(value)</c></summary>
    public string Text(object? value) => value as string ?? TemplateValue.Text(Weighed(value));

    public bool AreEqual(object? left, object? right) => TemplateValue.AreEqual(Weighed(left), Weighed(right));

    private void Weigh(object? value, int level, int indent)
    {
        var item = CostOfItem + (indent * (level + 1L));
        if (level > DeepestValue) throw new TemplateFault($"nests more than {DeepestValue} lists or dictionaries in each other.");
        switch (value)
        {
            case string text:
                Spend(text.Length);
                break;
            case List<object?> list:
                Spend(list.Count * item);
                foreach (var entry in list) Weigh(entry, level + 1, indent);
                break;
            case TemplateMap map:
                foreach (var (key, entry) in map)
                {
                    Spend(key.Length + item);
                    Weigh(entry, level + 1, indent);
                }
                break;
        }
    }

    public object? Get(string name)
    {
        for (var i = scopes.Length - 1; i >= 0; i--)
        {
            if (scopes[i].TryGetValue(name, out var value)) return value;
        }
        return TemplateFunctions.Find(name) is { } function ? function : new UndefinedValue($"'{name}'");
    }

    public void Set(string name, object? value) => scopes[^1][name] = value;

    /// <summary>Runs with a new innermost scope, on top of <paramref name="outer"/> or else of the present ones.</summary>
    public T InScope<T>(Func<T> run, Dictionary<string, object?>[]? outer = null)
    {
        var saved = scopes;
        Spend(CostOfScope);
        if (++depth > DeepestCall) throw new TemplateFault($"nests more than {DeepestCall} loops and macro calls.");
        scopes = [.. outer ?? saved, new Dictionary<string, object?>(StringComparer.Ordinal)];
        try
        {
            return run();
        }
        finally
        {
            scopes = saved;
            depth--;
        }
    }

    /// <summary>The scopes of this moment, for a macro that is called later.</summary>
    public Dictionary<string, object?>[] Scopes => scopes;

    /// <summary>What <paramref name="run"/> prints, instead of printing it.</summary>
    public string Capture(Action run)
    {
        var saved = output;
        output = new StringBuilder();
        try
        {
            run();
            return output.ToString();
        }
        finally
        {
            output = saved;
        }
    }
}
