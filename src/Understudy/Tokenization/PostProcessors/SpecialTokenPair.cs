using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary>A special token as post-processors name it: <c>["[SEP]", 102]</c>.</summary>
internal readonly record struct SpecialTokenPair(string Token, int Id)
{
    public void Write(Utf8JsonWriter json, string key)
    {
        json.WriteStartArray(key);
        json.WriteStringValue(Token);
        json.WriteNumberValue(Id);
        json.WriteEndArray();
    }

    /// <summary>Puts special tokens around a sequence and around what overflows of it.</summary>
    public static TokenSequence Surround(TokenSequence sequence, SpecialTokenPair? before, SpecialTokenPair after, int typeId)
    {
        var overflowing = sequence.Overflowing.Select(part => Surround(part, before, after, typeId)).ToList();
        var result = new TokenSequence();
        if (before is { } opening) result.AddSpecial(opening.Id, opening.Token, typeId);
        result.Merge(sequence.Slice(0, sequence.Count));
        result.AddSpecial(after.Id, after.Token, typeId);
        result.Overflowing.AddRange(overflowing);
        return result;
    }
}
