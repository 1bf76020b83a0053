using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary><c>Sequence</c>: one post-processor after the other.</summary>
internal sealed class SequencePostProcessor(IReadOnlyList<IPostProcessor> processors) : IPostProcessor
{
    public int AddedTokens(bool isPair) => processors.Sum(processor => processor.AddedTokens(isPair));

    public List<TokenSequence> Process(List<TokenSequence> sequences, bool addSpecialTokens) =>
        processors.Aggregate(sequences, (current, processor) => processor.Process(current, addSpecialTokens));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("processors");
        foreach (var processor in processors) processor.Write(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
