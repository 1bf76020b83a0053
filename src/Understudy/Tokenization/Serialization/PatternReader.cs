using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Serialization;

/// <summary>Reads a <c>pattern</c> of a <c>tokenizer.json</c>: <c>{"String": ...}</c> or <c>{"Regex": ...}</c>.</summary>
internal static class PatternReader
{
    public static PatternSetting Read(ConfigElement config)
    {
        if (config.OptionalString("String") is { } literal) return PatternSetting.Literal(literal);
        var regex = config.String("Regex");
        if (regex == Gpt2Splitter.Pattern) return new PatternSetting(true, regex, Gpt2Splitter.Instance);
        if (Cl100kSplitter.For(regex) is { } splitter) return new PatternSetting(true, regex, splitter);
        try
        {
            return new PatternSetting(true, regex, new RegexPattern(regex));
        }
        catch (FormatException fault)
        {
            throw config.Required("Regex").Fault(fault.Message.TrimEnd(',') + ".");
        }
    }
}
