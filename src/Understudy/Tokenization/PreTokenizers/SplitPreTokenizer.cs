using System.Text.Json;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary><c>Split</c>: splits by a pattern of the user's.</summary>
internal sealed class SplitPreTokenizer(PatternSetting pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    private readonly ITextPattern matcher = invert ? new InvertedPattern(pattern.Matcher) : pattern.Matcher;

    /// <summary>The splitter behind this step when all it does is to cut the text into the splitter's matches.</summary>
    public WordSplitter? Splitter => behavior == SplitBehavior.Isolated ? pattern.Matcher as WordSplitter : null;

    public void PreTokenize(PreTokenizedText text) => text.Split(matcher, behavior);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Split");
        pattern.Write(json);
        json.WriteString("behavior", behavior.ToString());
        json.WriteBoolean("invert", invert);
        json.WriteEndObject();
    }
}
