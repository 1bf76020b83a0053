using System.Globalization;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Patterns;

/// <summary>Parses what matches one character in an Oniguruma expression: escapes and bracketed classes.</summary>
internal static class ClassParser
{
    private const int DeepestNesting = 64;

    /// <summary>Parses an escape behind its backslash, if it stands for one character of a set; null (nothing taken) if it is something else.</summary>
    public static CodePointSet? Escape(PatternCursor cursor)
    {
        switch (cursor.Peek())
        {
            case 's': cursor.TakeCodePoint(); return CodePointProperties.Get("space");
            case 'S': cursor.TakeCodePoint(); return CodePointProperties.Get("space").Complement();
            case 'w': cursor.TakeCodePoint(); return CodePointProperties.Get("word");
            case 'W': cursor.TakeCodePoint(); return CodePointProperties.Get("word").Complement();
            case 'd': cursor.TakeCodePoint(); return CodePointProperties.Get("nd");
            case 'D': cursor.TakeCodePoint(); return CodePointProperties.Get("nd").Complement();
            case 'h': cursor.TakeCodePoint(); return CodePointProperties.Get("xdigit");
            case 'H': cursor.TakeCodePoint(); return CodePointProperties.Get("xdigit").Complement();
            case 'p' or 'P' when cursor.Peek(1) == '{': return Property(cursor);
        }
        return Literal(cursor) is { } codePoint ? CodePointSet.Range(codePoint, codePoint) : null;
    }

    /// <summary>Parses a class behind its opening bracket.</summary>
    public static CodePointSet Class(PatternCursor cursor, bool ignoreCase, int depth = 0)
    {
        if (depth > DeepestNesting) throw cursor.Fault($"nests classes more than {DeepestNesting} deep");
        var negated = cursor.TryTake("^");
        CodePointSet? intersection = null;
        var parts = new List<CodePointSet>();
        for (var first = true; first || cursor.Peek() != ']' || cursor.AtEnd; first = false)
        {
            if (cursor.AtEnd) throw cursor.Fault("has a class without ']'");
            if (cursor.TryTake("&&"))
            {
                intersection = Meet(intersection, parts);
                parts.Clear();
                continue;
            }
            if (cursor.TryTake("[:")) parts.Add(Posix(cursor));
            else if (cursor.TryTake("[")) parts.Add(Class(cursor, ignoreCase, depth + 1));
            else parts.Add(Range(cursor));
        }
        cursor.TryTake("]");
        var set = Meet(intersection, parts);
        if (ignoreCase) set = CaseFolding.Close(set);
        return negated ? set.Complement() : set;
    }

    private static CodePointSet Meet(CodePointSet? intersection, List<CodePointSet> parts)
    {
        var union = CodePointSet.Of(parts.SelectMany(part => part.Ranges));
        return intersection is null ? union : intersection.Intersect(union);
    }

    private static CodePointSet Range(PatternCursor cursor)
    {
        var (set, first) = Member(cursor);
        if (first < 0 || cursor.Peek() != '-' || cursor.Peek(1) is ']' or '\0' || (cursor.Peek(1) == '&' && cursor.Peek(2) == '&')) return set;
        cursor.TryTake("-");
        if (cursor.Peek() == '[') throw cursor.Fault("has a range that ends in a class");
        var (_, last) = Member(cursor);
        if (last < first) throw cursor.Fault("has a range that does not go upwards");
        return CodePointSet.Range(first, last);
    }

    /// <summary>One member of a class, with its code point if it is a single one, else -1.</summary>
    private static (CodePointSet Set, int CodePoint) Member(PatternCursor cursor)
    {
        if (!cursor.TryTake("\\"))
        {
            var codePoint = cursor.TakeCodePoint();
            return (CodePointSet.Range(codePoint, codePoint), codePoint);
        }
        if (cursor.TryTake("b")) return (CodePointSet.Range('\b', '\b'), '\b');
        var set = Escape(cursor) ?? throw cursor.Fault($"has the escape '\\{cursor.Peek()}', which is not supported in a class,");
        return (set, set.Ranges is [var only] && only.First == only.Last ? only.First : -1);
    }

    private static CodePointSet Property(PatternCursor cursor)
    {
        var negated = cursor.TakeCodePoint() == 'P';
        cursor.TryTake("{");
        negated ^= cursor.TryTake("^");
        var name = cursor.TakeUntil('}');
        var set = CodePointProperties.Find(name) ?? throw cursor.Fault($"has the property '{name}', which is not supported,");
        return negated ? set.Complement() : set;
    }

    private static CodePointSet Posix(PatternCursor cursor)
    {
        var negated = cursor.TryTake("^");
        var name = cursor.TakeUntil(':');
        if (!cursor.TryTake("]") || name is not ("digit" or "space" or "word" or "xdigit" or "ascii"))
            throw cursor.Fault($"has the bracket '[:{name}:]', which is not supported,");
        return negated ? CodePointProperties.Get(name).Complement() : CodePointProperties.Get(name);
    }

    private static int? Literal(PatternCursor cursor)
    {
        var escaped = cursor.Peek();
        if (escaped is 'x' or 'u') return Hexadecimal(cursor);
        int? codePoint = escaped switch
        {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\f',
            'v' => '\v',
            'a' => '\a',
            'e' => '\e',
            _ => null,
        };
        if (codePoint is not null)
        {
            cursor.TakeCodePoint();
            return codePoint;
        }
        if (char.IsAsciiLetterOrDigit(escaped) || cursor.AtEnd) return null;
        return cursor.TakeCodePoint();
    }

    private static int Hexadecimal(PatternCursor cursor)
    {
        var unit = cursor.TakeCodePoint() == 'u';
        var digits = !unit && cursor.TryTake("{")
            ? cursor.TakeUntil('}')
            : cursor.TakeWhile(char.IsAsciiHexDigit, unit ? 4 : 2);
        if (!int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var codePoint)
            || (unit && digits.Length != 4) || !System.Text.Rune.IsValid(codePoint))
            throw cursor.Fault($"has the code '{digits}', which is no character,");
        return codePoint;
    }
}
