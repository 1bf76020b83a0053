using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class CharacterMapTests
{
    private static readonly byte[] Whole = Map("precompiled-graphemes");

    [Theory]
    [InlineData("", "has 0 bytes, which is too few for the length of its trie")]
    [InlineData("AAA=", "has 2 bytes, which is too few for the length of its trie")]
    [InlineData("AAAAAA==", "says that its trie has 0 bytes, but 0 follow, and it must be a positive multiple of 4")]
    [InlineData("BgAAAAAAAAAAAA==", "says that its trie has 6 bytes, but 6 follow, and it must be a positive multiple of 4")]
    [InlineData("/P///wAAAAA=", "says that its trie has 4294967292 bytes, but 4 follow, and it must be a positive multiple of 4")]
    [InlineData("BAAAAAAAAAD/", "has replacements that are not UTF-8")]
    public void A_damaged_map_is_named(string base64, string message)
    {
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer(base64));
        Assert.EndsWith($"tokenizer.json: 'normalizer.precompiled_charsmap' is not SentencePiece's table in base 64: it {message}. Save the tokenizer again.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_map_that_is_not_base_64_is_named()
    {
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer("%"));
        Assert.Contains("'normalizer.precompiled_charsmap' is not SentencePiece's table in base 64: it ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2u << 10 | 1 << 8 | 'a', 0u, "of which number 97 has its value at number 99")]
    [InlineData(1u << 8 | 1u << 10 | 'a', 9u, "number 97 of its trie stands for those from 9")]
    [InlineData(1u << 8 | 1u << 10 | 'a', 1u, "has a replacement that begins at 1, which is inside a character")]
    public void A_value_outside_the_map_is_named(uint unit, uint value, string message)
    {
        var units = new uint[98];
        units['a'] = unit;
        units['a' ^ 1] = value;
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer(Convert.ToBase64String(Bytes(units, "é\0"u8))));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        (units['a'], units['a' ^ 1]) = (1u << 8 | 1u << 10 | 'a', 0);
        Assert.Equal(["bé"], Tokenizer(Convert.ToBase64String(Bytes(units, "é\0"u8))).Encode("ba").Tokens);
    }

    [Fact]
    public void A_map_whose_root_is_a_child_of_its_own_is_checked_there_as_well()
    {
        uint[] units = [(uint)'a' << 10 | 1u << 8 | 'a'];
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer(Convert.ToBase64String(Bytes(units, "b\0"u8))));
        Assert.Contains("has a trie of 1 units, of which number 0 has its value at number 97", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Maps_with_changed_bytes_are_refused_or_usable()
    {
        var random = new Random(5);
        var texts = RandomText.Many(seed: 22, count: 6).ToArray();
        var refused = 0;
        for (var i = 0; i < 40; i++)
        {
            var damaged = Whole.ToArray();
            if (i % 4 == 0) damaged = damaged[..random.Next(damaged.Length)];
            for (var n = random.Next(1, 400); n > 0 && damaged.Length > 0; n--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                var tokenizer = Tokenizer(Convert.ToBase64String(damaged));
                foreach (var text in texts) tokenizer.Encode(text);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10, 39);
    }

    [Fact]
    public void A_megabyte_takes_linear_time()
    {
        var clock = Stopwatch.StartNew();
        var tokenizer = Tokenizer(Convert.ToBase64String(Whole));
        var text = string.Concat(Enumerable.Repeat("e\u0301ﬁ x", 200_000)) + "a" + new string('\u0301', 200_000);
        Assert.NotEmpty(tokenizer.Encode(text).Ids);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    private static byte[] Bytes(uint[] units, ReadOnlySpan<byte> replacements)
    {
        var bytes = new byte[4 + (units.Length * 4) + replacements.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, units.Length * 4);
        for (var i = 0; i < units.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 + (i * 4)), units[i]);
        replacements.CopyTo(bytes.AsSpan(4 + (units.Length * 4)));
        return bytes;
    }

    private static byte[] Map(string variant) => Convert.FromBase64String(
        (string)JsonNode.Parse(File.ReadAllText($"Fixtures/tokenizers/variants/{variant}/tokenizer.json"))!["normalizer"]!["precompiled_charsmap"]!);

    private static Tokenizer Tokenizer(string charsmap)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], new JsonObject
        {
            ["normalizer"] = new JsonObject { ["type"] = "Precompiled", ["precompiled_charsmap"] = charsmap },
            ["model"] = new JsonObject { ["type"] = "Unigram", ["unk_id"] = 0, ["vocab"] = new JsonArray(new JsonArray("<unk>", 0.0)) },
        }.ToJsonString());
        return Understudy.Tokenization.Tokenizer.FromFile(folder["tokenizer.json"]);
    }
}
