namespace Understudy.Tokenization.Chat;

/// <summary>The arguments of a call, filter or test, taken one by one; <see cref="Done"/> refuses what nobody took.</summary>
internal sealed class TemplateArguments(string callee, List<object?> positional, Dictionary<string, object?> named, TemplateContext context)
{
    private int next;

    public TemplateContext Context => context;

    public IReadOnlyDictionary<string, object?> Named => named;

    /// <summary>The next argument, by place or name; a fault if it is missing.</summary>
    public object? Take(string name) => TryTake(name, out var value) ? value : throw new TemplateFault($"calls '{callee}' without its argument '{name}'.");

    /// <summary>The next argument, or <paramref name="fallback"/>.</summary>
    public object? Take(string name, object? fallback) => TryTake(name, out var value) ? value : fallback;

    public string TakeString(string name) => TemplateValue.String(Take(name));

    public List<object?> TakeRest()
    {
        var rest = positional[next..];
        next = positional.Count;
        return rest;
    }

    public bool TryTake(string name, out object? value)
    {
        if (next < positional.Count)
        {
            value = positional[next++];
            return true;
        }
        return named.Remove(name, out value);
    }

    public void Done()
    {
        if (next < positional.Count) throw new TemplateFault($"calls '{callee}' with {positional.Count} arguments, which is too many.");
        if (named.Count > 0) throw new TemplateFault($"calls '{callee}' with the argument '{named.Keys.First()}', which it does not have or which is not supported.");
    }
}
