using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Understudy.Generation;
using Encoding = System.Text.Encoding;

namespace Understudy.Tests.Generation;

/// <summary>
/// What may follow, found by trying everything: every document that the bytes of a small vocabulary can make is checked with a JSON parser, and a token may
/// follow a text when the tokens can write what is left of some document.
/// </summary>
public sealed class ConstraintBruteForceTests
{
    [Fact]
    public void Of_an_object_that_is_true_or_one_of_a_set() => Check(
        [JsonField.OneOf("k", ["x", "xy", "\""])],
        [.. from space in Spaces from key in new[] { "k", "\\u006b", "\\u006B" } from between in Spaces
            from value in Values(["x", "xy", "\\\""], ("x", "\\u0078"), ("y", "\\u0079"), ("\\\"", "\\u0022")) select $"{space}{{\"{key}\":{between}\"{value}\"}}"]);

    [Fact]
    public void Of_two_fields() => Check(
        [JsonField.Boolean("k"), JsonField.OneOf("k2", [""])],
        [.. from space in Spaces from key in new[] { "k", "\\u006b" } from one in Spaces from value in new[] { "true", "false" } from comma in Spaces
            from second in new[] { "k2", "\\u006b2" } from two in Spaces select $"{space}{{\"{key}\":{one}{value},{comma}\"{second}\":{two}\"\"}}"]);

    [Fact]
    public void Of_a_short_string_of_any_characters()
    {
        // Every character that these bytes can make, whichever way they are cut.
        byte[] trail = [0xA9, 0x9F, 0x98, 0x80];
        var two = trail.Select(last => Encoding.UTF8.GetString([0xC3, last]));
        var four = from one in trail[..3] from second in trail from third in trail select Encoding.UTF8.GetString([0xF0, one, second, third]);
        string[] characters = ["", .. "{k\":, n}".Where(one => one != '"').Select(one => one.ToString()), "\\\"", "\\\\", "\\n", .. two, .. four];
        Assert.All(characters, one => Assert.DoesNotContain('\uFFFD', one));
        Check([JsonField.String("k", 1)], [.. from space in Spaces from between in Spaces from value in characters select $"{space}{{\"k\":{between}\"{value}\"}}"]);
    }

    private static readonly string[] Spaces = ["", " "];

    private static IEnumerable<string> Values(string[] values, params (string Plain, string Escaped)[] escapes)
    {
        foreach (var value in values)
        {
            IEnumerable<string> forms = [""];
            for (var at = 0; at < value.Length;)
            {
                var (plain, escaped) = escapes.First(escape => value.AsSpan(at).StartsWith(escape.Plain));
                forms = [.. forms.SelectMany(form => new[] { form + plain, form + escaped })];
                at += plain.Length;
            }

            foreach (var form in forms) yield return form;
        }
    }

    private static void Check(JsonField[] fields, IReadOnlyList<string> documents)
    {
        // Each value of a set must be written in some document.
        var values = documents.Select((document, number) => (Values: Values(document, fields), Number: number)).ToLookup(one => one.Values, one => one.Number);
        byte[][] written = [.. documents.Select(Encoding.UTF8.GetBytes)];
        var bytes = written.SelectMany(document => document).Distinct().Order().ToArray();
        var vocabularies = from missing in Gen.SubListOf(bytes)
                           from keepsAll in Gen.Elements(true, false, false)
                           from pieces in Gen.NonEmptyListOf(Piece(written))
                           from odd in Gen.ListOf(Gen.ListOf(Gen.Elements(bytes)))
                           select bytes.Where(value => keepsAll || !missing.Contains(value)).Select(value => new[] { value })
                               .Concat(pieces).Concat(odd.Select(piece => piece.ToArray())).Where(token => token.Length > 0)
                               .DistinctBy(Convert.ToHexString).ToArray();
        var (refused, checkedTexts) = (0, 0);
        Prop.ForAll(vocabularies.ToArbitrary(), tokens =>
        {
            var expected = new Oracle(tokens, written);
            var canWrite = values.All(value => value.Any(expected.CanWrite));
            JsonConstraint constraint;
            try
            {
                constraint = new JsonConstraint(ByteVocabulary.Of(tokens), fields);
            }
            catch (ArgumentException)
            {
                refused++;
                return !canWrite;
            }

            if (!canWrite) return false;

            var open = new Queue<(byte[] Text, TokenConstraintState State)>([([], constraint.Begin())]);
            for (var n = 0; n < 150 && open.TryDequeue(out var next); n++)
            {
                var allowed = ConstraintWalks.Allowed(next.State, tokens.Length + 1);
                if (!expected.Allowed(next.Text).SequenceEqual(allowed)) return false;
                checkedTexts++;
                foreach (var token in allowed)
                {
                    var copy = next.State.Clone();
                    copy.Append(token);
                    open.Enqueue(([.. next.Text, .. tokens[token]], copy));
                }
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(80));
        Assert.True(checkedTexts > 1000, $"Only {checkedTexts} texts were checked; {refused} vocabularies were refused.");
    }

    private static string Values(string document, JsonField[] fields)
    {
        using var parsed = JsonDocument.Parse(document);
        return string.Join("|", fields.Where(field => field.Kind == JsonFieldKind.OneOf).Select(field => parsed.RootElement.GetProperty(field.Name).GetString()));
    }

    private static Gen<byte[]> Piece(byte[][] documents) =>
        from document in Gen.Elements(documents)
        from begin in Gen.Choose(0, document.Length - 1)
        from length in Gen.Choose(1, Math.Min(6, document.Length - begin))
        select document[begin..(begin + length)];

    private sealed class Oracle
    {
        private readonly byte[][] tokens;
        private readonly Dictionary<string, bool> canFollow = [];
        private readonly List<bool> canWrite = [];

        public Oracle(byte[][] tokens, byte[][] documents)
        {
            this.tokens = tokens;
            foreach (var document in documents)
            {
                var writes = new bool[document.Length + 1];
                writes[^1] = true;
                for (var at = document.Length - 1; at >= 0; at--)
                    writes[at] = tokens.Any(token => document.AsSpan(at).StartsWith(token) && writes[at + token.Length]);
                canWrite.Add(writes[0]);
                for (var at = 0; at <= document.Length; at++)
                {
                    var text = Convert.ToHexString(document.AsSpan(0, at));
                    canFollow[text] = canFollow.GetValueOrDefault(text) || writes[at];
                }
            }
        }

        public bool CanWrite(int document) => canWrite[document];

        public int[] Allowed(byte[] text) => [.. Enumerable.Range(0, tokens.Length).Where(id => canFollow.GetValueOrDefault(Convert.ToHexString([.. text, .. tokens[id]])))];
    }
}
