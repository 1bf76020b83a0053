using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Understudy.Generation;

namespace Understudy.Tests.Generation;

/// <summary>A constraint on JSON beside a parser of JSON: both take the same texts.</summary>
public sealed class JsonParserAgreementTests
{
    private static readonly byte[][] Pieces =
    [
        [.. "\\"u8], [.. "\\"u8], [.. "u"u8], [.. "\\u"u8], [.. "\\uD"u8], [.. "\\ud83D"u8], [.. "\\uDE00"u8], [.. "\\uDc"u8], [.. "0"u8], [.. "00"u8], [.. "8"u8], [.. "9F"u8], [.. "D8"u8], [.. "dc"u8],
        [.. "bE"u8], [.. "n"u8], [.. "/"u8], [.. "x"u8], [.. "\""u8], [.. " "u8], [0x7F], [0x1F], [0], [0xC3], [0xC1], [0xE0], [0xE2], [0xED], [0xF0], [0xF4], [0xF5], [0x80], [0x8F], [0x90], [0x9F],
        [0xA0], [0xBF], [.. "é"u8], [.. "日"u8], [.. "😀"u8],
    ];

    [Fact]
    public void On_strings()
    {
        var constraint = new JsonConstraint(ByteVocabulary.WithAllBytes([]), [JsonField.String("a", 6)]);
        var piece = Gen.Frequency((1, Gen.Elements(Pieces)), (2, Gen.Elements<byte[]>([.. "x"u8], [.. "\\n"u8], [.. "\\u00e9"u8], [.. "\\ud83d\\uDE00"u8], [.. "é日"u8], [.. "😀"u8])));
        var texts = from length in Gen.Choose(0, 8) from pieces in Gen.ListOf(piece, length) select pieces.SelectMany(bytes => bytes).ToArray();
        var seen = Agree(constraint, texts, "{\"a\": \"", "\"}", value => value.GetString()!.EnumerateRunes().Count() <= 6);
        Assert.InRange(seen, 1000, 19_000);
    }

    [Fact]
    public void On_pairs_of_surrogates()
    {
        var constraint = new JsonConstraint(ByteVocabulary.WithAllBytes([]), [JsonField.String("a")]);
        var digits = Gen.Elements("0", "7", "8", "9", "a", "B", "c", "C", "D", "d", "e", "F");
        var unit = from one in Gen.Frequency((3, Gen.Elements("D", "d")), (1, digits)) from two in digits from three in digits select $"\\u{one}{two}{three}0";
        var texts = from first in unit from between in Gen.Elements("", "", "", "x", "\\n", "\\") from second in unit select System.Text.Encoding.ASCII.GetBytes(first + between + second);
        Assert.InRange(Agree(constraint, texts, "{\"a\":\"", "\"}", value => value.GetString() is not null), 1000, 19_000);
    }

    [Fact]
    public void On_numbers()
    {
        var constraint = new JsonConstraint(ByteVocabulary.WithAllBytes([]), [JsonField.Number("a")]);
        var texts = Gen.ListOf(Gen.Elements("0123459.eE+--0.e".Select(character => (byte)character).ToArray())).Select(bytes => bytes.Take(7).ToArray());
        Assert.InRange(Agree(constraint, texts, "{\"a\":", "}", value => value.ValueKind == JsonValueKind.Number), 500, 19_000);
    }

    [Fact]
    public void On_every_single_byte()
    {
        var constraint = new JsonConstraint(ByteVocabulary.WithAllBytes([]), [JsonField.String("a")]);
        for (var value = 0; value < 256; value++)
        {
            foreach (var bytes in new byte[][] { [(byte)value], [(byte)'\\', (byte)value] })
            {
                byte[] document = [.. "{\"a\":\""u8, .. bytes, .. "\"}"u8];
                Assert.Equal(Parses(document, element => element.GetString() is not null), Comes(constraint, document));
            }
        }
    }

    /// <summary>How many texts both took.</summary>
    private static int Agree(JsonConstraint constraint, Gen<byte[]> texts, string before, string after, Func<JsonElement, bool> fits)
    {
        var taken = 0;
        Prop.ForAll(texts.ToArbitrary(), text =>
        {
            byte[] document = [.. System.Text.Encoding.ASCII.GetBytes(before), .. text, .. System.Text.Encoding.ASCII.GetBytes(after)];
            var parses = Parses(document, fits);
            if (parses) taken++;
            return Comes(constraint, document) == parses;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000).WithEndSize(12));
        return taken;
    }

    private static bool Comes(JsonConstraint constraint, byte[] document)
    {
        var state = constraint.Begin();
        try
        {
            foreach (var value in document) state.Append(value);
        }
        catch (InvalidOperationException)
        {
            return false;
        }

        return state.IsComplete;
    }

    private static bool Parses(byte[] document, Func<JsonElement, bool> fits)
    {
        try
        {
            using var parsed = JsonDocument.Parse(document);
            return parsed.RootElement.EnumerateObject().Count() == 1 && fits(parsed.RootElement.GetProperty("a"));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Bytes that are no characters, and half pairs of surrogates, are found when the string is read.
            return false;
        }
    }
}
