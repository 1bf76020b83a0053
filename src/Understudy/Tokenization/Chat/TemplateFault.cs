namespace Understudy.Tokenization.Chat;

/// <summary>A template that is malformed, needs something that is not supported, or cannot be rendered; the message is a sentence without file and line.</summary>
internal sealed class TemplateFault(string message, int line = 0) : Exception(message)
{
    public int Line => line;
}

/// <summary>What a template says itself by <c>raise_exception</c>.</summary>
internal sealed class TemplateRefusal(string message) : Exception(message);
