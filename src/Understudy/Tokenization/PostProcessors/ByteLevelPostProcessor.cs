using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary><c>ByteLevel</c>: trims offsets.</summary>
internal sealed class ByteLevelPostProcessor(bool addPrefixSpace, bool trimOffsets, bool useRegex) : IPostProcessor
{
    public int AddedTokens(bool isPair) => 0;

    public List<TokenSequence> Process(List<TokenSequence> sequences, bool addSpecialTokens)
    {
        if (trimOffsets) OffsetTrimming.Apply(sequences, addPrefixSpace);
        return sequences;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", addPrefixSpace);
        json.WriteBoolean("trim_offsets", trimOffsets);
        json.WriteBoolean("use_regex", useRegex);
        json.WriteEndObject();
    }
}
