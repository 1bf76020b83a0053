using System.Text.RegularExpressions;
using Understudy.Tokenization.Patterns;

namespace Understudy.Tokenization.PreTokenizers;

/// <summary>Matches a regular expression in Oniguruma's syntax, which is what the reference library uses.</summary>
internal sealed class RegexPattern : ITextPattern
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string source;
    private readonly Regex regex;
    private readonly PairStandIns standIns;

    /// <exception cref="FormatException">The expression is malformed or uses something that is not supported; the message says what and where.</exception>
    public RegexPattern(string source)
    {
        this.source = source;
        (var pattern, standIns) = OnigurumaTranslator.Translate(source);
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant, Patience);
        }
        catch (ArgumentException fault)
        {
            throw new FormatException($"is not a valid regular expression: {fault.Message}", fault);
        }
    }

    public List<TextRange> Find(string text)
    {
        if (!SourceText.HasSurrogates(text)) return FindPlain(text);
        var (plain, starts) = standIns.Replace(text);
        return [.. FindPlain(plain).Select(range => range with { Start = starts[range.Start], End = starts[range.End] })];
    }

    private List<TextRange> FindPlain(string text)
    {
        var ranges = new List<TextRange>();
        var covered = 0;
        var lastEnd = -1;
        try
        {
            for (var from = 0; from <= text.Length && regex.Match(text, from) is { Success: true } match;)
            {
                var (start, end) = (match.Index, match.Index + match.Length);
                // An empty match right behind the match before it does not count.
                if (start == end && start == lastEnd)
                {
                    from++;
                    continue;
                }
                if (start > covered) ranges.Add(new TextRange(covered, start, false));
                ranges.Add(new TextRange(start, end, true));
                covered = from = lastEnd = end;
            }
        }
        catch (RegexMatchTimeoutException fault)
        {
            throw new InvalidDataException(
                $"The tokenizer's regular expression '{source}' took more than {Patience.TotalSeconds} seconds for a text of {text.Length} characters. "
                + "Split the text, or use a pattern that does not backtrack so much.", fault);
        }
        if (covered < text.Length || text.Length == 0) ranges.Add(new TextRange(covered, text.Length, false));
        return ranges;
    }
}
