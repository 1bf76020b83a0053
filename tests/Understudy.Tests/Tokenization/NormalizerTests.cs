using System.Text;
using System.Text.Json;
using Understudy.Tokenization;
using Understudy.Tokenization.Serialization;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tests.Tokenization;

public sealed class NormalizerTests
{
    [Theory]
    [InlineData("NFC", "e\u0301 \u212b \u1112\u1161\u11ab ﬁ q\u0307\u0323", "é Å 한 ﬁ q\u0323\u0307")]
    [InlineData("NFD", "é Å 한 ﬁ", "e\u0301 A\u030a \u1112\u1161\u11ab ﬁ")]
    [InlineData("NFKC", "ﬁ ½ ℌ Ｆ e\u0301 \u1e9b\u0323", "fi 1\u20442 H F é \u1e69")]
    [InlineData("NFKD", "ﬁ é ㍿", "fi e\u0301 株式会社")]
    public void Unicode_forms(string form, string text, string expected) =>
        Assert.Equal(expected, Normalize($$"""{"type":"{{form}}"}""", text).Text);

    [Theory]
    [InlineData("""{"type":"Lowercase"}""", "ÄİΣß", "äi\u0307σß")]
    [InlineData("""{"type":"StripAccents"}""", "e\u0301é", "eé")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":false}""", " \u3000a b ", "a b ")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":true}""", " 😀 ", "😀")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "a", "▁a")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "", "")]
    [InlineData("""{"type":"Replace","pattern":{"String":"."},"content":"-"}""", "a.b..", "a-b--")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}""", "a   b c", "a b c")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""", "Ångström", "angstrom")]
    [InlineData("""{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}""",
        "\u0000Á\u00a0日\u200d本\ue001\t", "a  日  本  ")]
    [InlineData("""{"type":"StripAccents"}""", "e\u08cd\u0301", "e\u08cd")]
    [InlineData("""{"type":"Lowercase"}""", "\ua7ce\ua7d2", "\ua7cf\ua7d3")]
    [InlineData("""{"type":"NFKC"}""", "\u32ff\u3300", "\u32ffアパート")]
    [InlineData("""{"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":false,"strip_accents":true,"lowercase":false}""", "Á日", "A日")]
    public void Other_normalizers(string config, string text, string expected) => Assert.Equal(expected, Normalize(config, text).Text);

    [Fact]
    public void Alignments_follow_insertions_removals_and_replacements()
    {
        // İ becomes two characters; e and its accent become one, which stands for the e alone; the pair stays.
        var text = Normalize("""{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"},{"type":"Replace","pattern":{"String":"xx"},"content":"yyy"}]}""", "İe\u0301😀axxb");
        Assert.Equal("i\u0307é😀ayyyb", text.Text);
        Assert.Equal(
            [(0, 1), (0, 1), (1, 2), (3, 5), (3, 5), (5, 6), (7, 8), (7, 8), (7, 8), (8, 9)],
            Enumerable.Range(0, text.Text.Length).Select(i => (text.Original(i, i + 1).Start, text.Original(i, i + 1).End)));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void Forms_are_idempotent_and_skipping_inert_text_changes_nothing(bool compose, bool compatible)
    {
        foreach (var text in RandomText.Many(seed: 9, count: 800))
        {
            var once = Applied(text);
            Assert.Equal(once, Applied(once));
            if (UnicodeNormalizer.IsTrivial(text, compose, compatible)) Assert.Equal(text, once);
            if (compose && !compatible) Assert.Equal(once, UnicodeNormalizer.ToNfc(text));
        }

        string Applied(string text)
        {
            var builder = new StringBuilder();
            foreach (var edit in compose ? UnicodeNormalizer.Compose(text, compatible) : UnicodeNormalizer.Decompose(text, compatible))
                builder.Append(new Rune(edit.CodePoint));
            return builder.ToString();
        }
    }

    private static AlignedText Normalize(string config, string text)
    {
        using var document = JsonDocument.Parse(config);
        return NormalizerReader.Read(new ConfigElement(document.RootElement, "normalizer", "test")).Normalize(new AlignedText(text));
    }
}
