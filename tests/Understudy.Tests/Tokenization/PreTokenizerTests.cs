using System.Text.Json;
using Understudy.Tokenization;
using Understudy.Tokenization.Serialization;

namespace Understudy.Tests.Tokenization;

/// <summary>The expectations are those of the reference library's own tests, where it has them.</summary>
public sealed class PreTokenizerTests
{
    [Theory]
    [InlineData("""{"type":"BertPreTokenizer"}""", "Hey friend!     How are you?!?", "Hey(0,3) friend(4,10) !(10,11) How(16,19) are(20,23) you(24,27) ?(27,28) !(28,29) ?(29,30)")]
    [InlineData("""{"type":"Whitespace"}""", "Hey man, a_1·ⓐ😀!", "Hey(0,3) man(4,7) ,(7,8) a_1(9,12) ·(12,13) ⓐ(13,14) 😀!(14,17)")]
    [InlineData("""{"type":"WhitespaceSplit"}""", "Hey,\u3000man! ", "Hey,(0,4) man!(5,9)")]
    [InlineData("""{"type":"Digits","individual_digits":false}""", "Hey 123 friend!", "Hey_(0,4) 123(4,7) _friend!(7,15)")]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "a1½Ⅷ", "a(0,1) 1(1,2) ½(2,3) Ⅷ(3,4)")]
    [InlineData("""{"type":"Punctuation"}""", "Hey friend!  How?!?", "Hey_friend(0,10) !(10,11) __How(11,16) ?(16,17) !(17,18) ?(18,19)")]
    [InlineData("""{"type":"Punctuation"}""", "a\u2e5d$\u166d", "a\u2e5d(0,2) $(2,3) \u166d(3,4)")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "a?!b", "a(0,1) ?!(1,3) b(3,4)")]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":"-"}""", "the--end", "the(0,3) end(5,8)")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", "Hey   friend!", "▁Hey(0,3) ▁(3,4) ▁(4,5) ▁friend!(5,13)")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":true}""", "Hey friend", "Hey(0,3) ▁friend(3,10)")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""", "Hey friend", "▁Hey▁friend(0,10)")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":false}""", "Hey friend", "Hey(0,3) ▁friend(3,10)")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""", "i⭢j é", "Ġi(0,1) âŃ¢(1,2) j(2,3) ĠÃ©(3,5)")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""", "a b", "aĠb(0,3)")]
    [InlineData("""{"type":"Split","pattern":{"String":"b"},"behavior":"MergedWithPrevious","invert":false}""", "abcb", "ab(0,2) cb(2,4)")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"Removed","invert":true}""", "a12b3", "12(1,3) 3(4,5)")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Punctuation"}]}""", "a! b", "a(0,1) !(1,2) b(3,4)")]
    public void Pieces_and_their_places(string config, string text, string expected)
    {
        using var document = JsonDocument.Parse(config);
        var work = new PreTokenizedText(text);
        PreTokenizerReader.Read(new ConfigElement(document.RootElement, "pre_tokenizer", "test")).PreTokenize(work);
        Assert.Equal(expected, string.Join(' ', work.Pieces.Select(piece => Shown(piece.Text))));
    }

    private static string Shown(AlignedText piece)
    {
        var range = piece.Original(0, piece.Text.Length);
        return $"{piece.Text.Replace(' ', '_')}({range.Start},{range.End})";
    }
}
