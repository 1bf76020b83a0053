using System.Text;

namespace Understudy.Tokenization;

/// <summary>A range of the original text, in UTF-16 units.</summary>
internal readonly record struct Alignment(int Start, int End);

/// <summary>
/// One character of a rewritten text. <paramref name="Change"/> is 1 for an inserted character, 0 for one that
/// replaces the next old character, -N for one that replaces the next old character and drops the N after it.
/// </summary>
internal readonly record struct TextEdit(int CodePoint, int Change);

/// <summary>
/// A piece of the input in its present, rewritten form, with the range of the original text behind every UTF-16
/// unit. Immutable; must hold well-formed UTF-16. The rules are those of the reference's <c>NormalizedString</c>,
/// which counts bytes where this counts UTF-16 units: alignments never fall inside a character, so both agree.
/// </summary>
internal sealed class AlignedText
{
    private readonly Alignment[] map;

    private AlignedText(string text, Alignment[] map, int originalStart)
    {
        Text = text;
        this.map = map;
        OriginalStart = originalStart;
    }

    public AlignedText(string original)
    {
        Text = original;
        map = new Alignment[original.Length];
        for (var i = 0; i < map.Length; i++)
        {
            var pair = char.IsHighSurrogate(original[i]);
            map[i] = new Alignment(i, pair ? i + 2 : i + 1);
            if (pair) map[i + 1] = map[i++];
        }
    }

    public string Text { get; }

    /// <summary>Where this piece begins in the original text.</summary>
    public int OriginalStart { get; }

    /// <summary>The part of the original text behind [start, end) of <see cref="Text"/>.</summary>
    public Alignment Original(int start, int end) => start == end
        ? new Alignment(OriginalStart + start, OriginalStart + end)
        : new Alignment(map[start].Start, map[end - 1].End);

    public AlignedText Slice(int start, int end) => start == 0 && end == Text.Length && Text.Length > 0 && map[0].Start == OriginalStart
        ? this
        : new AlignedText(Text[start..end], map[start..end], Original(start, end).Start);

    /// <summary>Rewrites the whole text; <paramref name="removedAtStart"/> old characters precede the first edit.</summary>
    public AlignedText Transform(IReadOnlyList<TextEdit> edits, int removedAtStart = 0)
    {
        var builder = new StringBuilder(edits.Count);
        var alignments = new List<Alignment>(edits.Count);
        var position = 0;
        for (var i = 0; i < removedAtStart; i++) Advance();
        foreach (var edit in edits)
        {
            Alignment alignment;
            if (edit.Change > 0)
            {
                alignment = Before(position);
            }
            else
            {
                alignment = position < map.Length ? map[position] : Before(position);
                for (var i = edit.Change; i <= 0; i++) Advance();
            }
            var rune = new Rune(edit.CodePoint);
            builder.Append(rune);
            for (var i = 0; i < rune.Utf16SequenceLength; i++) alignments.Add(alignment);
        }
        return new AlignedText(builder.ToString(), [.. alignments], OriginalStart);

        void Advance()
        {
            if (position < Text.Length) position += char.IsHighSurrogate(Text[position]) ? 2 : 1;
        }
    }

    /// <summary>Puts <paramref name="prefix"/> before a text that is not empty; it stands for the first character of the original.</summary>
    public AlignedText Prepend(string prefix)
    {
        if (Text.Length == 0 || prefix.Length == 0) return this;
        var alignments = new Alignment[prefix.Length + map.Length];
        Array.Fill(alignments, map[0], 0, prefix.Length);
        map.CopyTo(alignments, prefix.Length);
        return new AlignedText(prefix + Text, alignments, OriginalStart);
    }

    /// <summary>Exchanges the text for another of the same length, unit for unit.</summary>
    public AlignedText WithText(string text) => new(text, map, OriginalStart);

    /// <summary>Replaces every match; the replacement stands for the last character of its match.</summary>
    public AlignedText Replace(IEnumerable<TextRange> ranges, string replacement)
    {
        var builder = new StringBuilder(Text.Length);
        var alignments = new List<Alignment>(map.Length);
        foreach (var range in ranges)
        {
            if (!range.IsMatch)
            {
                builder.Append(Text, range.Start, range.Length);
                alignments.AddRange(map.AsSpan(range.Start, range.Length));
                continue;
            }
            builder.Append(replacement);
            for (var i = 0; i < replacement.Length; i++) alignments.Add(Before(range.End));
        }
        return new AlignedText(builder.ToString(), [.. alignments], OriginalStart);
    }

    /// <summary>The same number of UTF-16 units per old unit as <paramref name="counts"/> says; used where one character becomes several single units.</summary>
    public AlignedText Expand(string text, ReadOnlySpan<byte> counts)
    {
        var alignments = new Alignment[text.Length];
        var target = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            for (var n = 0; n < counts[i]; n++) alignments[target++] = map[i];
        }
        return new AlignedText(text, alignments, OriginalStart);
    }

    private Alignment Before(int position) =>
        position == 0 ? new Alignment(OriginalStart, OriginalStart) : map[position - 1];
}
