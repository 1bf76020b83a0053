using System.Globalization;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>
/// Cuts a Jinja template into tokens, as Jinja does with the settings of transformers: <c>trim_blocks</c> drops the line end
/// after a block, <c>lstrip_blocks</c> the blanks before one at the beginning of a line, and one line end at the very end of
/// the template goes.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ","];

    private readonly string source;
    private readonly List<TemplateToken> tokens = [];
    private int position;
    private int line = 1;
    private bool lineStarting = true;

    private TemplateLexer(string source) => this.source = source;

    /// <exception cref="TemplateFault">A tag, comment or string has no end, or holds a character that is none of Jinja's.</exception>
    public static List<TemplateToken> Read(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (source.EndsWith('\n')) source = source[..^1];
        var lexer = new TemplateLexer(source);
        while (lexer.position < source.Length) lexer.ReadPart();
        lexer.Add(TokenKind.End, "");
        return lexer.tokens;
    }

    private void ReadPart()
    {
        var open = position;
        do
        {
            open = source.IndexOf('{', open);
            if (open < 0 || open + 1 >= source.Length) open = source.Length;
        }
        while (open < source.Length && source[open + 1] is not ('{' or '%' or '#') && ++open > 0);
        var text = source[position..open];
        if (open == source.Length)
        {
            AddText(text);
            position = open;
            return;
        }
        var kind = source[open + 1];
        var sign = open + 2 < source.Length ? source[open + 2] : ' ';
        if (sign == '-') AddText(text, PythonText.TrimEnd(text));
        else if (kind != '{' && sign != '+') AddText(text, WithoutIndentation(text));
        else AddText(text);
        position = open + (sign is '-' or '+' ? 3 : 2);
        switch (kind)
        {
            case '#':
                SkipComment();
                break;
            case '{':
                Add(TokenKind.PrintBegin, "{{");
                ReadTag("}}", TokenKind.PrintEnd);
                break;
            default:
                if (TryReadRaw()) break;
                Add(TokenKind.BlockBegin, "{%");
                ReadTag("%}", TokenKind.BlockEnd);
                break;
        }
    }

    private string WithoutIndentation(string text)
    {
        var start = text.LastIndexOf('\n') + 1;
        return (start > 0 || lineStarting) && PythonText.TrimEnd(text[start..]).Length == 0 ? text[..start] : text;
    }

    private void AddText(string whole, string? kept = null)
    {
        kept ??= whole;
        if (kept.Length > 0) Add(TokenKind.Text, kept);
        line += whole.Count(character => character == '\n');
        if (whole.Length > 0) lineStarting = whole[^1] == '\n';
    }

    private void SkipComment()
    {
        var end = source.IndexOf("#}", position, StringComparison.Ordinal);
        if (end < 0) throw new TemplateFault("has a comment without '#}'.", line);
        Advance(end);
        FinishTag(end > 0 ? source[end - 1] : ' ', trims: true);
    }

    /// <summary>Takes the two characters of a tag's end and what white space they take along.</summary>
    private void FinishTag(char sign, bool trims)
    {
        position += 2;
        var start = position;
        lineStarting = false;
        if (sign == '-') while (position < source.Length && PythonText.IsSpace(source[position])) position++;
        else if (trims && sign != '+' && position < source.Length && source[position] == '\n') position++;
        for (; start < position; start++)
        {
            lineStarting = source[start] == '\n';
            if (lineStarting) line++;
        }
    }

    private bool TryReadRaw()
    {
        var begin = RawTag("raw", position);
        if (begin < 0) return false;
        position = begin;
        FinishTag(source[position - 1], trims: false);
        for (var open = position; (open = source.IndexOf("{%", open, StringComparison.Ordinal)) >= 0; open += 2)
        {
            var after = open + 2 < source.Length && source[open + 2] is '-' or '+' ? open + 3 : open + 2;
            var end = RawTag("endraw", after);
            if (end < 0) continue;
            var text = source[position..open];
            AddText(text, source[open + 2] == '-' ? PythonText.TrimEnd(text) : source[open + 2] == '+' ? text : WithoutIndentation(text));
            Advance(end, from: open);
            FinishTag(source[position - 1], trims: true);
            return true;
        }
        throw new TemplateFault("has a 'raw' without 'endraw'.", line);
    }

    /// <summary>Where the end of a tag with nothing but this word is, or -1.</summary>
    private int RawTag(string word, int from)
    {
        while (from < source.Length && PythonText.IsSpace(source[from])) from++;
        if (string.CompareOrdinal(source, from, word, 0, word.Length) != 0) return -1;
        from += word.Length;
        while (from < source.Length && PythonText.IsSpace(source[from])) from++;
        if (from < source.Length && source[from] is '-' or '+') from++;
        return string.CompareOrdinal(source, from, "%}", 0, 2) == 0 ? from : -1;
    }

    private void ReadTag(string end, TokenKind endKind)
    {
        var start = line;
        var open = new Stack<char>();
        while (position < source.Length)
        {
            var character = source[position];
            if (PythonText.IsSpace(character))
            {
                Advance(position + 1);
                continue;
            }
            if (open.Count == 0)
            {
                var signed = character == '-' || (character == '+' && end == "%}");
                if (string.CompareOrdinal(source, position + (signed ? 1 : 0), end, 0, 2) == 0)
                {
                    if (signed) position++;
                    Add(endKind, end);
                    FinishTag(signed ? character : ' ', trims: end == "%}");
                    return;
                }
            }
            if (character is '\'' or '"') ReadString(character);
            else if (char.IsAsciiDigit(character)) ReadNumber();
            else if (char.IsLetter(character) || character == '_') ReadWhile(TokenKind.Name, c => char.IsLetterOrDigit(c) || c == '_');
            else ReadOperator(open);
        }
        throw new TemplateFault($"has a tag without '{end}'.", start);
    }

    private void ReadOperator(Stack<char> open)
    {
        var value = Array.Find(Operators, candidate => string.CompareOrdinal(source, position, candidate, 0, candidate.Length) == 0)
            ?? throw new TemplateFault($"has the character '{source[position]}' in a tag, which means nothing there.", line);
        if (value is "(" or "[" or "{") open.Push(value switch { "(" => ')', "[" => ']', _ => '}' });
        else if (value is ")" or "]" or "}" && (!open.TryPop(out var expected) || expected != value[0]))
            throw new TemplateFault($"has a '{value}' that nothing opens.", line);
        Add(TokenKind.Operator, value);
        position += value.Length;
    }

    private void ReadNumber()
    {
        var start = position;
        var kind = TokenKind.Integer;
        Digits();
        if (position + 1 < source.Length && source[position] == '.' && char.IsAsciiDigit(source[position + 1]))
        {
            kind = TokenKind.Float;
            position++;
            Digits();
        }
        if (position < source.Length && source[position] is 'e' or 'E')
        {
            var exponent = position + 1 < source.Length && source[position + 1] is '+' or '-' ? position + 2 : position + 1;
            if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
            {
                kind = TokenKind.Float;
                position = exponent;
                Digits();
            }
        }
        Add(kind, source[start..position].Replace("_", "", StringComparison.Ordinal));

        void Digits()
        {
            while (position < source.Length && (char.IsAsciiDigit(source[position]) || source[position] == '_')) position++;
        }
    }

    private void ReadWhile(TokenKind kind, Func<char, bool> belongs)
    {
        var start = position;
        while (position < source.Length && belongs(source[position])) position++;
        Add(kind, source[start..position]);
    }

    private void ReadString(char quote)
    {
        var builder = new StringBuilder();
        var start = line;
        for (var i = position + 1; i < source.Length; i++)
        {
            if (source[i] == quote)
            {
                tokens.Add(new TemplateToken(TokenKind.String, builder.ToString(), start));
                Advance(i + 1);
                return;
            }
            if (source[i] == '\\' && i + 1 < source.Length) i = Unescape(i + 1, builder);
            else builder.Append(source[i]);
        }
        throw new TemplateFault($"has a string without the closing {quote}.", start);
    }

    /// <summary>Appends what the escape at <paramref name="at"/> stands for and gives its last character; Python leaves unknown escapes as they are.</summary>
    private int Unescape(int at, StringBuilder builder)
    {
        var digits = source[at] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (at + digits < source.Length
                && int.TryParse(source.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var codePoint)
                && Rune.TryCreate(codePoint, out var rune))
            {
                builder.Append(rune);
                return at + digits;
            }
            throw new TemplateFault($"has a string with a malformed '\\{source[at]}'.", line);
        }
        switch (source[at])
        {
            case 'n': builder.Append('\n'); break;
            case 't': builder.Append('\t'); break;
            case 'r': builder.Append('\r'); break;
            case '0': builder.Append('\0'); break;
            case 'a': builder.Append('\a'); break;
            case 'b': builder.Append('\b'); break;
            case 'f': builder.Append('\f'); break;
            case 'v': builder.Append('\v'); break;
            case '\n': break;
            case '\\' or '\'' or '"': builder.Append(source[at]); break;
            default: builder.Append('\\').Append(source[at]); break;
        }
        return at;
    }

    private void Add(TokenKind kind, string value) => tokens.Add(new TemplateToken(kind, value, line));

    private void Advance(int to, int? from = null)
    {
        line += source.AsSpan((from ?? position)..to).Count('\n');
        position = to;
    }
}
