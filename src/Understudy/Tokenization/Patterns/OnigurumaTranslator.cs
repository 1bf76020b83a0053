using System.Text;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Patterns;

/// <summary>
/// Rewrites a regular expression in Oniguruma's Ruby syntax, which the reference library uses, for .NET. Every character
/// class is spelled out in code points, so that those of .NET play no part.
/// </summary>
internal sealed class OnigurumaTranslator
{
    private const int DeepestNesting = 64;

    private readonly PatternCursor cursor;
    private readonly Func<CodePointSet, string> write;
    private readonly StringBuilder output = new();
    private bool ignoreCase;
    private bool dotMatchesNewline;
    private bool extended;
    private int lastLiteral;

    private OnigurumaTranslator(string pattern, Func<CodePointSet, string> write)
    {
        cursor = new PatternCursor(pattern);
        this.write = write;
    }

    /// <summary>The same expression for .NET, for texts with the stand-ins that come with it.</summary>
    /// <exception cref="FormatException">The expression is malformed or uses something that is not supported; the message says what and where.</exception>
    public static (string Pattern, PairStandIns StandIns) Translate(string pattern)
    {
        var sets = new List<CodePointSet>();
        Translate(pattern, set =>
        {
            sets.Add(set);
            return "";
        });
        var standIns = new PairStandIns(sets);
        return (Translate(pattern, standIns.ToRegex), standIns);
    }

    private static string Translate(string pattern, Func<CodePointSet, string> write)
    {
        var translator = new OnigurumaTranslator(pattern, write);
        translator.Alternatives(0);
        if (!translator.cursor.AtEnd) throw translator.cursor.Fault("has a ')' without '('");
        return translator.output.ToString();
    }

    private void Alternatives(int depth)
    {
        if (depth > DeepestNesting) throw cursor.Fault($"nests groups more than {DeepestNesting} deep");
        var options = (ignoreCase, dotMatchesNewline, extended);
        lastLiteral = -1;
        while (!cursor.AtEnd && cursor.Peek() != ')')
        {
            if (cursor.TryTake("|"))
            {
                output.Append('|');
                lastLiteral = -1;
                continue;
            }
            if (extended && SkipComment()) continue;
            var start = output.Length;
            if (Atom(depth)) Quantifiers(start);
        }
        (ignoreCase, dotMatchesNewline, extended) = options;
        lastLiteral = -1;
    }

    private bool SkipComment()
    {
        if (cursor.TakeWhile(character => character is ' ' or '\t' or '\n' or '\r' or '\f' or '\v').Length > 0) return true;
        return cursor.Peek() == '#' && cursor.TakeWhile(character => character != '\n').Length > 0;
    }

    /// <summary>Translates one atom; false for what cannot be repeated.</summary>
    private bool Atom(int depth)
    {
        if (cursor.TryTake("(")) return Group(depth + 1);
        if (cursor.TryTake("[")) return Set(ClassParser.Class(cursor, ignoreCase));
        if (cursor.TryTake(".")) return Set(dotMatchesNewline ? CodePointSet.All : CodePointSet.Range('\n', '\n').Complement());
        if (cursor.TryTake("^")) return Assertion(@"(?:\A|(?<=\n)(?!\z))");
        if (cursor.TryTake("$")) return Assertion(@"(?=\n|\z)");
        if (cursor.TryTake("\\")) return Escape();
        if (cursor.Peek() is '*' or '+' or '?') throw cursor.Fault("repeats nothing");
        return Literal(cursor.TakeCodePoint());
    }

    private bool Escape()
    {
        switch (cursor.Peek())
        {
            case 'A' or 'z' or 'Z' or 'G': return Assertion("\\" + (char)cursor.TakeCodePoint());
            case 'b' or 'B':
                var word = write(CodePointProperties.Get("word"));
                return Assertion(cursor.TakeCodePoint() == 'b'
                    ? $"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
                    : $"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))");
        }
        var set = ClassParser.Escape(cursor) ?? throw cursor.Fault($"has the escape '\\{cursor.Peek()}', which is not supported,");
        return set.Ranges is [var only] && only.First == only.Last ? Literal(only.First) : Set(set);
    }

    private bool Literal(int codePoint)
    {
        if (!ignoreCase) return Set(CodePointSet.Range(codePoint, codePoint));
        var folded = char.ToLowerInvariant((char)Math.Min(codePoint, char.MaxValue));
        // Ignoring case, Oniguruma also matches one character for several, such as U+00DF for ss.
        if ((codePoint > 0x7F && UnicodeCharacter.IsWord(codePoint)) || (lastLiteral, folded) is ('s', 's') or ('s', 't') or ('f', 'f') or ('f', 'i') or ('f', 'l'))
            throw cursor.Fault("ignores case in a text whose folding is not supported,");
        Set(CaseFolding.Close(CodePointSet.Range(codePoint, codePoint)));
        lastLiteral = folded;
        return true;
    }

    private bool Set(CodePointSet set)
    {
        output.Append(write(set));
        lastLiteral = -1;
        return true;
    }

    private bool Assertion(string assertion)
    {
        output.Append(assertion);
        lastLiteral = -1;
        return true;
    }

    private bool Group(int depth)
    {
        if (cursor.TryTake("?#"))
        {
            cursor.TakeUntil(')');
            return false;
        }
        var opening = cursor.TryTake("?:") ? "(?:" : cursor.TryTake("?=") ? "(?=" : cursor.TryTake("?!") ? "(?!"
            : cursor.TryTake("?<=") ? "(?<=" : cursor.TryTake("?<!") ? "(?<!" : cursor.TryTake("?>") ? "(?>" : null;
        if (opening is null && cursor.TryTake("?<")) cursor.TakeUntil('>');
        else if (opening is null && cursor.TryTake("?")) return OptionGroup(depth);
        // Captures are not used, so every capturing group becomes a plain one.
        output.Append(opening ?? "(?:");
        Alternatives(depth);
        return Close();
    }

    private bool OptionGroup(int depth)
    {
        var outer = (ignoreCase, dotMatchesNewline, extended);
        for (var on = true; cursor.Peek() is not (':' or ')');)
        {
            switch (cursor.AtEnd ? -1 : cursor.TakeCodePoint())
            {
                case '-': on = false; break;
                case 'i': ignoreCase = on; break;
                case 'm': dotMatchesNewline = on; break;
                case 'x': extended = on; break;
                default: throw cursor.Fault("has a group that is not supported");
            }
        }
        if (cursor.TryTake(")"))
        {
            // Options without a group of their own hold for the rest of the group around them, alternatives included.
            output.Append("(?:");
            Alternatives(depth);
            output.Append(')');
            return false;
        }
        cursor.TryTake(":");
        output.Append("(?:");
        Alternatives(depth);
        (ignoreCase, dotMatchesNewline, extended) = outer;
        return Close();
    }

    private bool Close()
    {
        if (!cursor.TryTake(")")) throw cursor.Fault("has a '(' without ')'");
        output.Append(')');
        return true;
    }

    private void Quantifiers(int start)
    {
        while (true)
        {
            if (extended && SkipComment()) continue;
            var simple = cursor.Peek();
            if (simple is '*' or '+' or '?')
            {
                cursor.TakeCodePoint();
                if (cursor.TryTake("+")) Wrap(start, "(?>", $"{simple})");
                else Wrap(start, "(?:", cursor.TryTake("?") ? $"{simple}?" : $"{simple}");
            }
            else if (simple == '{' && TryInterval(out var least, out var most))
            {
                // In Ruby's syntax {n}? makes the whole optional, and a plus repeats once more.
                var lazy = most != least && cursor.TryTake("?");
                Wrap(start, "(?:", $"{{{least},{(most == int.MaxValue ? "" : most)}}}{(lazy ? "?" : "")}");
            }
            else
            {
                return;
            }
            lastLiteral = -1;
        }
    }

    private bool TryInterval(out int least, out int most)
    {
        (least, most) = (0, int.MaxValue);
        var ahead = 1;
        var first = Digits(ref ahead);
        var comma = cursor.Peek(ahead) == ',';
        if (comma) ahead++;
        var second = comma ? Digits(ref ahead) : first;
        if (cursor.Peek(ahead) != '}' || (first.Length == 0 && second.Length == 0)) return false;
        if (first.Length > 0 && (!int.TryParse(first, out least) || least > 100_000)) throw cursor.Fault("repeats too often");
        if (second.Length > 0 && (!int.TryParse(second, out most) || most > 100_000)) throw cursor.Fault("repeats too often");
        if (most < least) throw cursor.Fault("has an interval that does not go upwards");
        for (var i = 0; i <= ahead; i++) cursor.TakeCodePoint();
        return true;
    }

    private string Digits(ref int ahead)
    {
        var digits = new StringBuilder();
        while (char.IsAsciiDigit(cursor.Peek(ahead))) digits.Append(cursor.Peek(ahead++));
        return digits.ToString();
    }

    private void Wrap(int start, string opening, string quantifier)
    {
        if (opening == "(?>")
        {
            // X*+ is (?>X*): the atom needs a group of its own below the atomic one.
            output.Insert(start, "(?>(?:").Append(')').Append(quantifier);
            return;
        }
        output.Insert(start, opening).Append(')').Append(quantifier);
    }
}
