using System.Text;

namespace Understudy.Tokenization.Unicode;

/// <summary>
/// The four Unicode normalisation forms (UAX #15) as edits for <see cref="AlignedText.Transform"/>. Which output
/// character counts as a replacement and which as an insertion follows the reference's
/// <c>unicode-normalization-alignments</c>, because that decides the offsets of tokens.
/// </summary>
internal static class UnicodeNormalizer
{
    /// <summary>True when no normalisation form changes the text: every character is below U+0300 (composition), or ASCII (decomposition).</summary>
    public static bool IsTrivial(ReadOnlySpan<char> text, bool compose, bool compatible) =>
        !text.ContainsAnyExceptInRange('\0', compose && !compatible ? '\u02FF' : '\u007F');

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

    /// <summary>The normalised text alone.</summary>
    public static string Apply(string text, bool compose, bool compatible)
    {
        var builder = new StringBuilder(text.Length);
        foreach (var edit in compose ? Compose(text, compatible) : Decompose(text, compatible))
            builder.Append(new Rune(edit.CodePoint));
        return builder.ToString();
    }
}
