using System.Text;

namespace Understudy.Tokenization.Unicode;

/// <summary>
/// The four Unicode normalisation forms (UAX #15) as edits for <see cref="AlignedText.Transform"/>. Which output
/// character counts as a replacement and which as an insertion follows the reference's
/// <c>unicode-normalization-alignments</c>, because that decides the offsets of tokens.
/// </summary>
internal static class UnicodeNormalizer
{
    /// <summary>True when it is plain, character by character, that the form leaves the text as it is. Most normalised text is of this kind.</summary>
    public static bool IsTrivial(ReadOnlySpan<char> text, bool compose, bool compatible)
    {
        var start = text.IndexOfAnyExceptInRange('\0', '\u007F');
        if (start < 0) return true;
        var data = NormalizationData.Instance;
        foreach (var rune in text[start..].EnumerateRunes())
        {
            if (!data.IsInert(rune.Value, compose, compatible)) return false;
        }
        return true;
    }

    public static List<TextEdit> Decompose(string text, bool compatible)
    {
        var data = NormalizationData.Instance;
        var output = new List<TextEdit>(text.Length + 8);
        var classes = new List<byte>(text.Length + 8);
        var pending = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (data.Decompose(rune.Value, compatible) is not { } parts)
            {
                Push(rune.Value, 0);
                continue;
            }
            for (var i = 0; i < parts.Length; i++) Push(parts[i], i == 0 ? 0 : 1);
        }
        SortPending();
        return output;

        void Push(int codePoint, int change)
        {
            var combiningClass = data.CombiningClass(codePoint);
            if (combiningClass == 0) SortPending();
            output.Add(new TextEdit(codePoint, change));
            classes.Add(combiningClass);
            if (combiningClass == 0) pending = output.Count;
        }

        void SortPending()
        {
            var count = output.Count - pending;
            if (count > 1)
            {
                var order = Enumerable.Range(pending, count).OrderBy(i => classes[i]).Select(i => output[i]).ToArray();
                classes.Sort(pending, count, null);
                for (var i = 0; i < count; i++) output[pending + i] = order[i];
            }
            pending = output.Count;
        }
    }

    public static List<TextEdit> Compose(string text, bool compatible)
    {
        var data = NormalizationData.Instance;
        var output = new List<TextEdit>(text.Length);
        var blocked = new List<TextEdit>();
        TextEdit? composee = null;
        var lastClass = -1;
        foreach (var edit in Decompose(text, compatible))
        {
            var combiningClass = data.CombiningClass(edit.CodePoint);
            if (composee is not { } starter)
            {
                if (combiningClass == 0) composee = edit;
                else output.Add(edit);
                continue;
            }
            if (lastClass < combiningClass)
            {
                var composite = data.Compose(starter.CodePoint, edit.CodePoint);
                if (composite >= 0)
                {
                    composee = new TextEdit(composite, starter.Change + edit.Change - 1);
                    continue;
                }
            }
            if (combiningClass == 0)
            {
                output.Add(starter);
                output.AddRange(blocked);
                blocked.Clear();
                composee = edit;
                lastClass = -1;
                continue;
            }
            blocked.Add(edit);
            lastClass = combiningClass;
        }
        if (composee is { } last) output.Add(last);
        output.AddRange(blocked);
        return output;
    }

    /// <summary>
    /// The text in NFC, without alignments. Only stretches of characters that are not inert are worked on, each with
    /// the inert character before it, with which it may compose; no other neighbour can interact.
    /// </summary>
    public static string ToNfc(ReadOnlySpan<char> text)
    {
        var data = NormalizationData.Instance;
        var builder = new StringBuilder(text.Length);
        var copied = 0;
        var lastInert = 0;
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var units);
            if (data.IsInert(rune.Value, compose: true, compatible: false))
            {
                lastInert = i;
                i += units;
                continue;
            }
            var end = i + units;
            while (end < text.Length)
            {
                Rune.DecodeFromUtf16(text[end..], out rune, out units);
                if (data.IsInert(rune.Value, compose: true, compatible: false)) break;
                end += units;
            }
            builder.Append(text[copied..lastInert]);
            foreach (var edit in Compose(text[lastInert..end].ToString(), compatible: false)) builder.Append(new Rune(edit.CodePoint));
            copied = lastInert = i = end;
        }
        return builder.Append(text[copied..]).ToString();
    }
}
