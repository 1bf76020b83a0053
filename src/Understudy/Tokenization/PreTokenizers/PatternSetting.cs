using System.Text.Json;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>A <c>pattern</c> of a <c>tokenizer.json</c>, as written there and as matcher;
/// <c>IsRegex</c> tells <c>{"Regex": ...}</c> from <c>{"String": ...}</c>.</summary>
internal sealed record PatternSetting(bool IsRegex, string Source, ITextPattern Matcher)
{
    public static PatternSetting Literal(string literal) => new(false, literal, new LiteralPattern(literal));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("pattern");
        json.WriteString(IsRegex ? "Regex" : "String", Source);
        json.WriteEndObject();
    }
}
