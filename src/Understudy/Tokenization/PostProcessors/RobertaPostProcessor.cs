using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary><c>RobertaProcessing</c>: <c>&lt;s&gt; A &lt;/s&gt;</c> and <c>&lt;s&gt; A &lt;/s&gt; &lt;/s&gt; B &lt;/s&gt;</c>, all type ids 0.</summary>
internal sealed class RobertaPostProcessor(SpecialTokenPair sep, SpecialTokenPair cls, bool trimOffsets, bool addPrefixSpace) : IPostProcessor
{
    public int AddedTokens(bool isPair) => isPair ? 4 : 2;

    public List<TokenSequence> Process(List<TokenSequence> sequences, bool addSpecialTokens)
    {
        if (trimOffsets) OffsetTrimming.Apply(sequences, addPrefixSpace);
        foreach (var sequence in sequences) sequence.SetTypeIds(0);
        if (!addSpecialTokens) return sequences;
        foreach (var part in sequences.SelectMany(sequence => sequence.Overflowing)) part.SetTypeIds(0);
        return [.. sequences.Select((sequence, i) => SpecialTokenPair.Surround(sequence, i == 0 ? cls : sep, sep, 0))];
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "RobertaProcessing");
        sep.Write(json, "sep");
        cls.Write(json, "cls");
        json.WriteBoolean("trim_offsets", trimOffsets);
        json.WriteBoolean("add_prefix_space", addPrefixSpace);
        json.WriteEndObject();
    }
}
