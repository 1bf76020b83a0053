using System.Text.Json;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary><c>FixedLength</c>: cuts the text into runs of <paramref name="length"/> code points; the last may be shorter.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : IPreTokenizer
{
    private readonly Runs pattern = new(length);

    public void PreTokenize(PreTokenizedText text) => text.Split(pattern, SplitBehavior.Isolated);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "FixedLength");
        json.WriteNumber("length", length);
        json.WriteEndObject();
    }

    private sealed class Runs(int length) : ITextPattern
    {
        public List<TextRange> Find(string text)
        {
            var ranges = new List<TextRange>();
            var (start, position, count) = (0, 0, 0);
            foreach (var rune in text.EnumerateRunes())
            {
                position += rune.Utf16SequenceLength;
                if (++count < length) continue;
                ranges.Add(new TextRange(start, position, true));
                (start, count) = (position, 0);
            }
            if (position > start || text.Length == 0) ranges.Add(new TextRange(start, position, text.Length > 0));
            return ranges;
        }
    }
}
