using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary><c>BertProcessing</c>: <c>[CLS] A [SEP]</c> and <c>[CLS] A [SEP] B [SEP]</c>, type ids 0 and 1.</summary>
internal sealed class BertPostProcessor(SpecialTokenPair sep, SpecialTokenPair cls) : IPostProcessor
{
    public int AddedTokens(bool isPair) => isPair ? 3 : 2;

    public List<TokenSequence> Process(List<TokenSequence> sequences, bool addSpecialTokens) => addSpecialTokens
        ? [.. sequences.Select((sequence, i) => SpecialTokenPair.Surround(sequence, i == 0 ? cls : null, sep, i == 0 ? 0 : 1))]
        : sequences;

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BertProcessing");
        sep.Write(json, "sep");
        cls.Write(json, "cls");
        json.WriteEndObject();
    }
}
