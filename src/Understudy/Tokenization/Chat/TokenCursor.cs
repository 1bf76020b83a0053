using System.Runtime.CompilerServices;

namespace Understudy.Tokenization.Chat;

/// <summary>A place in the tokens of a template.</summary>
internal sealed class TokenCursor(List<TemplateToken> tokens)
{
    private int position;

    public TemplateToken Current => tokens[position];

    public TemplateToken Following => tokens[Math.Min(position + 1, tokens.Count - 1)];

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
}
