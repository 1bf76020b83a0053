using System.Globalization;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>Python's string operations, which count code points.</summary>
internal static class PythonText
{
    /// <summary><c>str.isspace</c> for one character; every such character lies in the basic plane.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001C' and <= '\u001F';

    public static string Trim(string text) => TrimStart(TrimEnd(text));

    public static string TrimStart(string text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start])) start++;
        return text[start..];
    }

    public static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1])) end--;
        return text[..end];
    }

    public static int Length(string text)
    {
        if (!SourceText.HasSurrogates(text)) return text.Length;
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }

    /// <summary>The code points as strings of their own.</summary>
    public static List<object?> Characters(string text) => [.. text.EnumerateRunes().Select(rune => (object?)rune.ToString())];

    /// <summary><c>str.split()</c> and <c>str.split(separator, most)</c>; a negative <paramref name="most"/> means all.</summary>
    public static List<object?> Split(string text, string? separator, long most)
    {
        var parts = new List<object?>();
        if (separator is not null)
        {
            if (separator.Length == 0) throw new TemplateFault("splits by an empty text.");
            var start = 0;
            for (int found; most != 0 && (found = text.IndexOf(separator, start, StringComparison.Ordinal)) >= 0; most--)
            {
                parts.Add(text[start..found]);
                start = found + separator.Length;
            }
            parts.Add(text[start..]);
            return parts;
        }
        text = TrimStart(text);
        for (; text.Length > 0; most--)
        {
            var end = 0;
            while (end < text.Length && !IsSpace(text[end])) end++;
            if (most == 0) end = text.Length;
            parts.Add(most == 0 ? TrimEnd(text) : text[..end]);
            text = TrimStart(text[end..]);
        }
        return parts;
    }

    /// <summary><c>str.title</c>: every run of letters begins with a capital.</summary>
    public static string Title(string text)
    {
        var builder = new StringBuilder(text.Length);
        var inWord = false;
        foreach (var character in text)
        {
            builder.Append(inWord ? char.ToLowerInvariant(character) : char.ToUpperInvariant(character));
            inWord = char.IsLetter(character);
        }
        return builder.ToString();
    }

    public static string Capitalize(string text) =>
        text.Length == 0 ? text : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    /// <summary><c>datetime.strftime</c> for the directives that templates use, in English.</summary>
    public static string FormatTime(DateTimeOffset time, string format)
    {
        var builder = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 >= format.Length)
            {
                builder.Append(format[i]);
                continue;
            }
            var directive = format[++i] == '-' && i + 1 < format.Length ? $"-{format[++i]}" : format[i].ToString();
            var pattern = directive switch
            {
                "d" => "dd", "-d" => "%d", "m" => "MM", "-m" => "%M", "y" => "yy", "Y" => "yyyy", "b" => "MMM", "B" => "MMMM", "a" => "ddd", "A" => "dddd",
                "H" => "HH", "-H" => "%H", "I" => "hh", "-I" => "%h", "M" => "mm", "S" => "ss", "p" => "tt",
                "%" => "\\%",
                _ => throw new TemplateFault($"formats a time with '%{directive}', which is not supported."),
            };
            builder.Append(time.ToString(pattern, CultureInfo.InvariantCulture));
        }
        return builder.ToString();
    }
}
