using System.Text.Json;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary><c>BertPreTokenizer</c>: splits at white space and sets every punctuation character apart.</summary>
internal sealed class BertPreTokenizer : IPreTokenizer
{
    private static readonly CharacterPattern Space = new(UnicodeCharacter.IsWhiteSpace);
    private static readonly CharacterPattern Punctuation = new(ReferenceCategories.Punctuation.Contains);

    public void PreTokenize(PreTokenizedText text)
    {
        text.Split(Space, SplitBehavior.Removed);
        text.Split(Punctuation, SplitBehavior.Isolated);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BertPreTokenizer");
        json.WriteEndObject();
    }
}

/// <summary><c>Whitespace</c>: keeps the matches of <c>\w+|[^\w\s]+</c>.</summary>
internal sealed class WhitespacePreTokenizer : IPreTokenizer
{
    private static readonly InvertedPattern Gaps = new(new RunPattern());

    public void PreTokenize(PreTokenizedText text) => text.Split(Gaps, SplitBehavior.Removed);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Whitespace");
        json.WriteEndObject();
    }

    private sealed class RunPattern : ITextPattern
    {
        public List<TextRange> Find(string text)
        {
            var ranges = new List<TextRange>();
            var start = 0;
            var position = 0;
            var kind = -1;
            foreach (var rune in text.EnumerateRunes())
            {
                var next = UnicodeCharacter.IsWord(rune.Value) ? 0 : UnicodeCharacter.IsWhiteSpace(rune.Value) ? 1 : 2;
                if (next != kind && position > start)
                {
                    ranges.Add(new TextRange(start, position, kind != 1));
                    start = position;
                }
                kind = next;
                position += rune.Utf16SequenceLength;
            }
            ranges.Add(new TextRange(start, position, position > start && kind != 1));
            return ranges;
        }
    }
}

/// <summary><c>WhitespaceSplit</c>: splits at white space.</summary>
internal sealed class WhitespaceSplitPreTokenizer : IPreTokenizer
{
    private static readonly CharacterPattern Space = new(UnicodeCharacter.IsWhiteSpace);

    public void PreTokenize(PreTokenizedText text) => text.Split(Space, SplitBehavior.Removed);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WhitespaceSplit");
        json.WriteEndObject();
    }
}

/// <summary><c>Digits</c>: sets numbers apart, each digit alone or each run as one.</summary>
internal sealed class DigitsPreTokenizer(bool individualDigits) : IPreTokenizer
{
    private static readonly CharacterPattern Numbers = new(ReferenceCategories.Number.Contains);

    public void PreTokenize(PreTokenizedText text) =>
        text.Split(Numbers, individualDigits ? SplitBehavior.Isolated : SplitBehavior.Contiguous);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Digits");
        json.WriteBoolean("individual_digits", individualDigits);
        json.WriteEndObject();
    }
}

/// <summary><c>Punctuation</c>: splits at every punctuation character.</summary>
internal sealed class PunctuationPreTokenizer(SplitBehavior behavior) : IPreTokenizer
{
    private static readonly CharacterPattern Punctuation = new(ReferenceCategories.Punctuation.Contains);

    public void PreTokenize(PreTokenizedText text) => text.Split(Punctuation, behavior);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Punctuation");
        json.WriteString("behavior", behavior.ToString());
        json.WriteEndObject();
    }
}

/// <summary><c>CharDelimiterSplit</c>: splits at one character and drops it.</summary>
internal sealed class CharDelimiterPreTokenizer(string delimiter) : IPreTokenizer
{
    private readonly LiteralPattern pattern = new(delimiter);

    public void PreTokenize(PreTokenizedText text) => text.Split(pattern, SplitBehavior.Removed);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "CharDelimiterSplit");
        json.WriteString("delimiter", delimiter);
        json.WriteEndObject();
    }
}

/// <summary><c>Sequence</c>: one pre-tokenizer after the other.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<IPreTokenizer> preTokenizers) : IPreTokenizer
{
    public IReadOnlyList<IPreTokenizer> Steps => preTokenizers;

    public void PreTokenize(PreTokenizedText text)
    {
        foreach (var step in preTokenizers) step.PreTokenize(text);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        foreach (var step in preTokenizers) step.Write(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
